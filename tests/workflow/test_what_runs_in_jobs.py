"""What a job calls is in the digest of its rule, or only watches: noted while the tiny project was made."""

import ast
import re
import shutil
from dataclasses import fields

import pytest
from project import LIVELY, MODEL, NAME, REPOSITORY, Project

from kinema.models.model_name import model_modules
from kinema.provenance import NEUTRAL, READING, SETTINGS, closure, imports, module_path
from kinema.records.reference import RECORDS

RULES = "\n".join(path.read_text() for path in (REPOSITORY / "workflow/rules").glob("*.smk"))
COMPUTING = dict(re.findall(r'code=(?:model_)?code\("(\w+)", "([\w.]+)"\)', RULES))
# What is called beside the code that computes: the log, progress, locks, errors, estimates, copies, and notes of a job.
WATCHING = (
    *(
        "kinema.clips.local_copy",
        "kinema.disk",
        "kinema.gpus",
        "kinema.job",
        "kinema.launch",
        "kinema.locks",
        "kinema.made",
        "kinema.media.large",
        "kinema.processes",
        "kinema.slurm",
    ),
    *("kinema.records.json_file", *READING, "kinema.snakemake_folder", "kinema.watching", "kinema.words"),
)


@pytest.fixture(scope="module")
def traced(lively, tmp_path_factory) -> Project:
    """The finished project and its INT8 models, with what other tests do without: looks of videos, other exports."""
    project = Project(tmp_path_factory.mktemp("traced") / "project")
    shutil.copytree(lively.root, project.root, copy_function=shutil.copy2)
    limit = ("--config", "datasets={tiny: {look_alikes_limit: 100}}")
    targets = ("results/tiny/look_alikes.json", "results/tiny/leaderboard.md")
    pages = ("results/tiny/report/index.html", f"{MODEL}/report/index.html")
    exports = [f"{MODEL}/{name}" for name in ("streaming/encoder.xml", "modelapi/model.xml", "serving/config.json")]
    project.snakemake(*targets, *pages, *exports, *limit, is_traced=True)
    folds = ("--config", "crossval={num_folds: 2}")
    project.snakemake(f"{LIVELY}/crossval/summary.json", *folds, is_traced=True)
    project.snakemake("results/tiny/crossval/summary.md", *folds, is_traced=True)
    sweep = ("--config", "sweeps={size: {evaluation.batch_size: [4]}}")
    project.snakemake(f"{LIVELY}/sweep-size/summary.md", *sweep, is_traced=True)
    return project


def called_by(project: Project, rule: str) -> set[tuple[str, str]]:
    """Modules and functions of this project that the jobs of a rule called."""
    traces = list(project.trace.glob(f"{rule}-*"))
    assert traces, f"no job of {rule} was traced"
    return {tuple(line.split(" ", 1)) for trace in traces for line in trace.read_text().splitlines()}


def validators(module: str) -> set[str]:
    """Functions of a module of settings that refuse wrong ones, or read one spelling as another."""
    text = (REPOSITORY / f"{module.replace('.', '/')}.py").read_text()
    found = set(re.findall(r"(?:After|Before)Validator\((\w+)\)", text))
    for section in ast.parse(text).body:
        for part in ast.walk(section) if isinstance(section, ast.ClassDef) else ():
            if isinstance(part, ast.FunctionDef) and "validator" in ast.dump(ast.Module(part.decorator_list, [])):
                found.add(f"{section.name}.{part.name}")
    return found


@pytest.mark.workflow
@pytest.mark.parametrize("rule", sorted(set(COMPUTING) - {"render_demo", "weights"}))
def test_what_a_job_calls_counts_or_only_watches(traced, rule):
    counted = closure(COMPUTING[rule], *model_modules(NAME))
    others = {(module, function) for module, function in called_by(traced, rule) if module not in counted}
    refusing = {(module, function) for module in SETTINGS for function in validators(module) | {"Annotations.paths"}}
    for module, function in others:
        is_watching = any(module == name or module.startswith(f"{name}.") for name in WATCHING)
        in_training = not module.startswith("kinema.watching") or rule == "train"
        is_refusing = (module, function.partition(".<locals>")[0]) in refusing
        assert (is_watching and in_training) or is_refusing, f"{module}.{function} runs in {rule} and is in no digest"


def test_neutral_modules_hold_nothing_that_computes():
    """Tables and declarations; what of the rest runs in jobs is watched above."""
    for name in sorted(set(NEUTRAL) - set(WATCHING) - {"kinema", *SETTINGS}):
        tree = ast.parse(module_path(name).read_text())
        functions = [node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)]
        texts = ["unknown_model"] if name == "kinema.models.names" else []
        assert functions == texts, f"{name}: only tables, and the text about a name that is in none"


def test_what_writes_and_reads_records_names_no_key_of_one():
    """Which keys there are is declared in modules that count; what is in no digest treats all alike."""
    declared = {field.name for record in RECORDS.values() for field in fields(record)}
    for name in READING:
        nodes = list(ast.walk(ast.parse(module_path(name).read_text())))
        named = {node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)}
        assert not declared & (named | {node.attr for node in nodes if isinstance(node, ast.Attribute)})
        others = {other for other in imports(name, module_path(name)) if module_path(other)}
        assert others <= {*NEUTRAL, "kinema.files", "kinema.input_error"}


def test_words_are_texts_made_of_texts():
    """What is in no digest decides nothing: each function gives a text, and knows nothing else of kinema."""
    text = (REPOSITORY / "kinema/words.py").read_text()
    functions = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.FunctionDef | ast.ClassDef)]
    assert functions
    assert all(isinstance(node, ast.FunctionDef) and ast.unparse(node.returns) == "str" for node in functions)
    assert not imports("kinema.words", REPOSITORY / "kinema/words.py")
    assert not re.search(r"\bopen\(|global |\.(write|unlink|replace)\w*\(", text)


@pytest.mark.workflow
def test_the_digest_of_a_stage_has_no_later_stage_and_no_record(finished):
    training = closure(COMPUTING["train"])
    assert not [
        name for name in training if re.search(r"watching|deployment|evaluation|report|kinema[.]made|records", name)
    ]
    assert not [name for name in closure(COMPUTING["index"]) if "report" in name]

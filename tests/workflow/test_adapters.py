"""Adapters: thin, one per rule, and runnable with a plain namespace."""

import ast
import json
import re
import runpy
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml

from kinema.experiment.data_sections import Annotations
from kinema.models.made_of import MADE_OF_MODEL

REPOSITORY = Path(__file__).resolve().parents[2]
SCRIPTS = sorted((REPOSITORY / "workflow/scripts").glob("*.py"))
RULES = "\n".join(path.read_text() for path in (REPOSITORY / "workflow/rules").glob("*.smk"))


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
def test_an_adapter_only_translates(path):
    lines = path.read_text().splitlines()
    assert len(lines) <= 40
    tree = ast.parse(path.read_text())
    decisions = (ast.If, ast.For, ast.While, ast.BinOp, ast.Compare, ast.Lambda)
    run = next(node for node in tree.body if isinstance(node, ast.FunctionDef))
    assert run.name == "run"
    assert not [node for node in ast.walk(run) if isinstance(node, decisions)]
    assert not [n for n in ast.walk(run) if isinstance(n, ast.Constant) and isinstance(n.value, int | float)]
    assert [number for number, line in enumerate(lines, 1) if '"snakemake"' in line] == [len(lines)]
    assert re.search(rf"^ *(rule|checkpoint) {path.stem}:", RULES, re.MULTILINE), "a rule of the same name"


def test_every_rule_has_its_adapter_log_environment_and_digest():
    rules = re.split(r"^ *(?:rule|checkpoint) ", RULES, flags=re.MULTILINE)[1:]
    assert len(rules) == len(SCRIPTS)
    for text in rules:
        name = text.split(":")[0]
        assert f'"../scripts/{name}.py"' in text
        digest = rf'code=(model_)?code\("{name}", "{computing_module(name)}"\)'
        assert re.search(digest, text), f"{name} re-runs when its code changes"
        first = re.search(r"output:\s+(?:#.*\s+)?\w+=(?:(?:update|report)\(\s*)?(.+?)\)?,?\n", text)[1]
        assert f"failures=failures({first})" in text, f"{name} is tried again when it has failed"
        assert "log:" in text
        assert "conda:" in text
        assert '"""' in text, f"{name} says what it does"


def computing_module(rule: str) -> str:
    """The module whose function an adapter says that it translates to."""
    text = (REPOSITORY / f"workflow/scripts/{rule}.py").read_text()
    return re.match(rf'"""Adapter of rule {rule} for `([\w.]+)\.\w+`\.\n', text)[1]


def test_the_folder_of_a_new_model_loses_what_was_made_of_the_old_one():
    outputs = re.findall(r'"results/\{dataset\}/\{model\}/([\w./{}]+)"', RULES)
    of_training = {"model.pth", "training.csv", "training.json"}
    of_folds = {name for name in outputs if name.startswith("crossval/")}  # of other models, in folders of their own
    assert of_folds
    assert set(outputs) - of_training - of_folds == set(MADE_OF_MODEL)


def test_an_adapter_runs_with_a_plain_namespace(tmp_path):
    (tmp_path / "list.csv").write_text("video,label,subset\na,x,train\nb,y,train\n")
    run = runpy.run_path(str(REPOSITORY / "workflow/scripts/annotations.py"))["run"]
    out = tmp_path / "annotation.json"
    params = {"settings": Annotations(path="list.csv").model_dump_json()}
    lists = [tmp_path / "list.csv"]
    run(SimpleNamespace(input={"lists": lists}, output={"annotation": out}, params=params, resources={}, log=[]))
    made = json.loads((tmp_path / ".records/annotation.json.made.json").read_text())
    assert made["versions"].keys() >= {"python", "kinema", "torch", "openvino", "av"}
    assert json.loads(out.read_text())["labels"] == ["x", "y"]


def test_an_adapter_runs_by_hand(tmp_path):
    (tmp_path / "list.csv").write_text("video,label,subset\na,x,train\nb,y,train\n")
    job = {
        "input": {"lists": ["list.csv"]},
        "output": {"annotation": "annotation.json"},
        "params": {"settings": '{"path": "list.csv"}'},
        "log": ["a.log"],
    }
    (tmp_path / "job.yaml").write_text(yaml.safe_dump(job))
    script = REPOSITORY / "workflow/scripts/annotations.py"
    subprocess.run([sys.executable, script, "job.yaml"], cwd=tmp_path, check=True)
    assert json.loads((tmp_path / "annotation.json").read_text())["labels"] == ["x", "y"]
    assert "2 videos" in (tmp_path / "a.log").read_text()

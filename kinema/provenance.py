"""Digests of code that tell Snakemake when a result would come out otherwise.

Snakemake compares a script by its time stamp and does not look at what the script imports. A rule therefore names the
module that computes its result, and puts a digest of the adapter, of that module and of every `kinema` module that it
imports, however deep, into its params. What an adapter imports beside it (the job's log, the curves and the record of
a training) only watches. Comments, docstrings, messages and formatting do not count (`kinema.syntax`), nor do time
stamps.
"""

import functools
from pathlib import Path

from kinema.digests import digest
from kinema.known_code import remember
from kinema.models.model_name import model_facts, model_modules
from kinema.module_facts import Import, facts_of, keep_facts

PACKAGE = Path(__file__).resolve().parent
# Imported by what computes, and yet not counted. A test sees to it that nothing else of them runs in a job.
SETTINGS = [f"kinema.experiment.{name}" for name in ("section", "data_sections", "model_sections", "config")]
READING = ("kinema.records.record", "kinema.records.values")  # which keys a record has, and its version, counts
NEUTRAL = {
    "kinema": "the version, for records",
    "kinema.disk": "names full file systems in errors",
    **dict.fromkeys(SETTINGS, "declares settings and refuses wrong ones; their values reach a rule through its params"),
    "kinema.job": "logs and progress",
    "kinema.locks": "keeps a second process away; no result depends on it",
    "kinema.models.names": "tables of names; what they say of a model is in its digest",
    "kinema.records": "holds no code",
    "kinema.records.json_file": "the layout of JSON files",
    **dict.fromkeys(READING, "writes and reads what others declare, refuses wrong files, and changes no value"),
    "kinema.words": "texts of errors",
}
ADAPTER = ""  # in the place of a module's name
MODEL_FACTS = "kinema.models.names"


def source_digest(script: str | Path, *modules: str) -> str:
    """Hash of the code behind a rule: its adapter, the modules that compute, and the `kinema` modules they import."""
    code = _code(script, *modules)
    found = digest(code)
    remember(found, code)
    return found


def model_digest(script: str | Path, module: str, model_name: str) -> str:
    """The same for a rule that uses a model: with the modules of that one, and what the tables of names say of it."""
    code, facts = _code(script, module, *model_modules(model_name)), model_facts(model_name)
    found = digest([digest(code), facts])
    remember(found, {**code, MODEL_FACTS: digest(facts)})
    return found


def _code(script: str | Path, *modules: str) -> dict[str, str]:
    """Digests of the modules by name; of the adapter under the empty one."""
    code = {name: facts_of(path).code for name, path in closure(*modules).items()}
    code[ADAPTER] = facts_of(Path(script)).code
    keep_facts()
    return code


def closure(*modules: str) -> dict[str, Path]:
    """Modules that count for what these compute, with their files."""
    found: dict[str, Path] = {}
    examined: set[str] = set()
    for name in modules:
        assert module_path(name), f"no module {name}"
        _collect(name, found, examined)
    return found


def module_path(name: str) -> Path | None:
    """File of a `kinema` module; None for a name inside a module."""
    base = PACKAGE.parent.joinpath(*name.split("."))
    for path in (base.with_suffix(".py"), base / "__init__.py"):
        if path.is_file():
            return path
    return None


def _collect(name: str, found: dict[str, Path], examined: set[str]) -> None:
    if name in examined:
        return
    examined.add(name)
    path = module_path(name)
    if path is None or name in NEUTRAL:
        return
    found[name] = path
    for imported in imports(name, path):
        _collect(imported, found, examined)


def imports(name: str, path: Path) -> tuple[str, ...]:
    """Names of `kinema` modules that a module imports anywhere, with the packages that they are in.

    `from kinema.a import b` gives both a and a.b: the one or the other is a module.
    """
    return _resolved(name, path.name == "__init__.py", facts_of(path).imports)


@functools.lru_cache(maxsize=1024)
def _resolved(name: str, is_package: bool, found: tuple[Import, ...]) -> tuple[str, ...]:
    package = (name if is_package else name.rpartition(".")[0]).split(".")
    names: set[str] = set()
    for level, module, imported in found:
        above = package[: len(package) - level + 1] if level else []
        base = ".".join([*above, *([module] if module else [])])
        names.update([base, *(f"{base}.{one}" for one in imported)])
    ours = {name for name in names if name.split(".")[0] == PACKAGE.name}
    parents = {name.rpartition(".")[0] for name in ours}
    return tuple(sorted((ours | parents) - {""}))

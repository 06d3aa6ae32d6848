"""Arguments of `snakemake` -> its dry run, or one line that says what is wrong with them."""

import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import yaml

from kinema.command_line import snakemake_arguments
from kinema.dry_run.jobs import DryRun
from kinema.experiment.files import read_yaml
from kinema.input_error import InputError

PLACES = ("WorkflowError in", "InputFunctionException in", "MissingInputException in", "MissingRuleException")
# Options that make Snakemake do something else than run jobs, a dry run or not.
OTHER_MODES = (
    *("archive", "cleanup_metadata", "cleanup_shadow", "conda_cleanup_envs", "conda_create_envs_only", "containerize"),
    *("container_cleanup_images", "d3dag", "dag", "delete_all_output", "delete_temp_output", "deploy_sources"),
    *("detailed_summary", "edit_notebook", "filegraph", "generate_unit_tests", "lint", "list_changes"),
    *("list_conda_envs", "list_input_changes", "list_params_changes", "list_rules", "list_target_rules"),
    *("list_untracked", "print_compilation", "report", "rulegraph", "summary", "touch", "unlock"),
)
PROFILE = "Using workflow specific profile"


def dry_run(arguments: Sequence[str]) -> DryRun:
    """What `snakemake ARGUMENTS` would do, here; InputError where it would refuse them."""
    check_arguments(arguments)
    with tempfile.TemporaryDirectory(prefix="kinema-plan-") as folder:
        out = Path(folder) / "jobs.json"
        # with -m the library of this folder comes first, as in the Snakefile
        command = [sys.executable, "-m", "kinema.dry_run.seen", str(out), *arguments]
        done = subprocess.run(command, capture_output=True, text=True)
        if not out.exists():
            raise InputError(_last_line(done.stderr) or f"Snakemake ended with status {done.returncode}")
        found = DryRun.read(out)
    if done.returncode:
        raise InputError("; ".join(map(_in_one_line, found.errors)) or _last_line(done.stderr))
    return found


def check_arguments(arguments: Sequence[str]) -> None:
    """InputError for what Snakemake refuses in its own words, before it reads the Snakefile."""
    given, defaults = snakemake_arguments(arguments), snakemake_arguments([])
    for name in OTHER_MODES:
        if getattr(given, name) != getattr(defaults, name):
            option = f"--{name.replace('_', '-')}"
            raise InputError(f"{option}: kinema plan runs nothing but a dry run; for this run snakemake {option}")
    for path in given.configfile or ():
        _check_file(Path(path), is_target=str(path).startswith(("results/", "prepared/", "./results/")))
    for setting in given.config or ():
        key, sign, value = setting.partition("=")
        if not sign:
            raise InputError(
                f"--config takes every word behind it, {setting} too: expected KEY=VALUE; targets come first"
            )
        if "." in key:
            raise InputError(f"--config {setting}: a key of the top level is expected; write {_nested(key, value)}")


def _check_file(path: Path, *, is_target: bool) -> None:
    if path.is_file():
        read_yaml(path)
    elif is_target:
        raise InputError(f"--configfile takes every word behind it for a file, {path} too: write the target before it")
    else:
        what = "is no file" if path.exists() else "there is no such file"
        raise InputError(f"--configfile {path}: {what}; give a YAML file laid over config/config.yaml")


def _nested(key: str, value: str) -> str:
    """`training.lr`, `0.001` -> `--config 'training={lr: 0.001}'`."""
    top, *below = key.split(".")
    for name in reversed(below):
        value = f"{{{name}: {value}}}"
    return f"--config '{top}={value}'" if _is_yaml(value) else f"--config '{top}={{{'.'.join(below)}: ...}}'"


def _is_yaml(text: str) -> bool:
    try:
        yaml.safe_load(text)
    except yaml.YAMLError:
        return False
    return True


def _in_one_line(error: str) -> str:
    """Without the places in the Snakefile, where the text beside them says all."""
    lines = [line.strip() for line in error.splitlines() if not line.strip().startswith("File ")]
    if len(lines) > 1 and lines[0].startswith(PLACES):
        del lines[0]
    return " ".join(" ".join(lines).split())


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.startswith(PROFILE)]
    return lines[-1] if lines else ""

"""profiles/: each says what it must of every rule, and both run Snakemake in the same way."""

import re
from pathlib import Path

import pytest
import yaml

REPOSITORY = Path(__file__).resolve().parents[2]
RULES = "\n".join(path.read_text() for path in (REPOSITORY / "workflow/rules").glob("*.smk"))
# how the workflow is run anywhere
SHARED = ("scheduler", "rerun-incomplete", "max-checksum-file-size", "rerun-triggers")


def profile(name: str) -> dict:
    return yaml.safe_load((REPOSITORY / f"profiles/{name}/config.yaml").read_text())


def rules(*, local: bool) -> set[str]:
    """Names of the rules that run where Snakemake does, or of those that a cluster runs."""
    texts = re.split(r"^ *(?:rule|checkpoint) ", RULES, flags=re.MULTILINE)[1:]
    return {text.split(":")[0] for text in texts if ("localrule: True" in text) == local}


def test_slurm_is_told_memory_and_time_of_every_rule_that_it_runs():
    asked = profile("slurm")["set-resources"]
    assert set(asked) == rules(local=False)
    assert rules(local=True) == {"annotations", "leaderboard", "serving", "sweep", "weights"}
    for rule, resources in asked.items():
        assert {"mem_mb", "runtime"} <= set(resources), rule
        assert rule == "render_demo" or "attempt" in resources["mem_mb"], f"{rule}: more after a failure"


@pytest.mark.parametrize("attempt", [1, 2, 4])
def test_expressions_of_resources_give_whole_numbers(attempt):
    found = profile("slurm")
    for resources in [found["default-resources"], *found["set-resources"].values()]:
        for name in ("mem_mb", "runtime"):
            value = eval(str(resources[name]), {"attempt": attempt, "min": min})
            assert isinstance(value, int)
            assert value > 0


def test_profiles_run_the_workflow_in_the_same_way():
    default, slurm = profile("default"), profile("slurm")
    assert {key: default[key] for key in SHARED} == {key: slurm[key] for key in SHARED}
    assert "resources" not in default, "a limit of gpu would make fewer of those that are asked for, without a word"

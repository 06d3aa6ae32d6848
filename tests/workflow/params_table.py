"""Params of every rule, as Snakemake would compare them, without running Snakemake: for tables of many edits."""

import sys
from pathlib import Path
from typing import Any
from unittest import mock

from project import NAME
from snakemake.api import SnakemakeApi
from snakemake.iocontainers import Wildcards
from snakemake.settings.types import OutputSettings, ResourceSettings

WILDCARDS = {"dataset": "tiny", "model": NAME, "corpus": "tiny", "shard": "0003", "fold": "0", "sweep": "lr"}
WILDCARDS |= {"library": "timm", "file": "mobilenetv2_100.safetensors"}


def params_of_rules(root: Path, **wildcards: str) -> dict[str, dict[str, Any]]:
    """Params by rule and name of the project in `root`, which must be the working directory."""
    (recipe,) = (path.name for path in (root / "prepared/tiny").iterdir())
    given = Wildcards(fromdict=WILDCARDS | {"recipe": recipe} | wildcards)
    with mock.patch.object(sys, "argv", ["snakemake"]), SnakemakeApi(OutputSettings()) as api:
        workflow = api.workflow(resource_settings=ResourceSettings(), snakefile=root / "Snakefile", workdir=root)
        return {
            rule.name: {name: value(given) if callable(value) else value for name, value in rule.params.items()}
            for rule in workflow._workflow.rules
        }


def changed_rules(before: dict[str, dict[str, Any]], now: dict[str, dict[str, Any]]) -> set[str]:
    """Rules that have other params."""
    return {name for name in before | now if before.get(name) != now.get(name)}

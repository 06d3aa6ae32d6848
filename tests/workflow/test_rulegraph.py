"""docs/images/rulegraph.svg shows the rules as they are."""

import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree

import pytest
from project import REPOSITORY

pytestmark = pytest.mark.workflow

PICTURE = REPOSITORY / "docs/images/rulegraph.svg"
SVG = "{http://www.w3.org/2000/svg}"


def edges(nodes: dict[str, str], arrows: list[str]) -> set[tuple[str, str]]:
    """Names at both ends of arrows such as `3->1`."""
    return {tuple(nodes[end] for end in arrow.split("->")) for arrow in arrows}


def drawn() -> set[tuple[str, str]]:
    """Edges of the committed picture."""
    groups = ElementTree.parse(PICTURE).getroot().iter(f"{SVG}g")
    titles = {"node": {}, "edge": {}}
    for group in groups:
        if (kind := group.get("class")) in titles:
            titles[kind][group.findtext(f"{SVG}title")] = group.findtext(f"{SVG}text")
    return edges(titles["node"], list(titles["edge"]))


def test_the_picture_shows_the_rules(tmp_path):
    command = [sys.executable, "-m", "snakemake", "-s", str(REPOSITORY / "Snakefile")]
    command += ["--directory", str(tmp_path), "--rulegraph"]
    dot = subprocess.run(command, capture_output=True, text=True, check=True, timeout=900).stdout
    nodes = dict(re.findall(r'(\d+)\[label = "(\w+)"', dot))
    found = edges(nodes, re.findall(r"\d+->\d+", dot.replace(" -> ", "->")))
    assert ("train", "export") in found
    assert drawn() == found, "the rules have changed: run `make rulegraph`"

"""docs/adding-a-model.md, followed word by word, gives a trained decoder."""

import json
import re
import shutil
import subprocess
import sys

import pytest
from project import NAME, REPOSITORY, executed

PAGE = REPOSITORY / "docs/adding-a-model.md"
MODEL = "results/tiny/efficientnet_lite0_temporal_conv"


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", PAGE.read_text(encoding="utf-8"), flags=re.DOTALL)


def test_it_takes_less_than_60_lines_of_code():
    assert sum(len(block.splitlines()) for block in blocks("python")) < 60


@pytest.mark.slow
@pytest.mark.workflow
def test_the_page_gives_a_trained_decoder(project):
    module, line = blocks("python")
    checks, train = blocks("sh")
    (project.root / "kinema/models/temporal_conv.py").write_text(module)
    table = "DECODERS: dict[str, str] = {\n"
    project.edit("kinema/models/names.py", table, table + line)
    shutil.copytree(REPOSITORY / "tests/unit", project.root / "tests/unit")
    models, tests = checks.splitlines()
    assert "yes        yes" in run(project, ["kinema.cli", *models.split()[1:]])
    assert re.search(r"\d passed", run(project, [*tests.split()[:1], "-p", "no:cacheprovider", *tests.split()[1:]]))
    target = train.split()[-1]
    assert f"{MODEL}/model.xml" == target.replace("/demo/", "/tiny/")
    output = project.snakemake(f"{MODEL}/model.xml")
    assert executed(output) == {"train", "evaluate", "export", "convert", "verify"}
    assert json.loads((project.root / MODEL / "parity.json").read_text())["openvino"]["of_largest"] < 1e-4
    project.edit("kinema/models/temporal_conv.py", "kernel_size=3, padding=1", "kernel_size=5, padding=2")
    assert "train" in project.planned(f"{MODEL}/model.xml")
    assert not project.planned(f"results/tiny/{NAME}/model.xml")


def run(project, command):
    done = subprocess.run(
        [sys.executable, "-m", *command], cwd=project.root, capture_output=True, text=True, timeout=1800
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout

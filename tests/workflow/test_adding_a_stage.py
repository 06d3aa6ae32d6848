"""docs/adding-a-stage.md, followed word by word, gives a stage."""

import re
import shutil
import subprocess
import sys

import pytest
from project import REPOSITORY, executed

PAGE = REPOSITORY / "docs/adding-a-stage.md"


def blocks() -> dict[str, str]:
    """Files that the page says to write."""
    text = PAGE.read_text(encoding="utf-8")
    return dict(re.findall(r"^Write `([\w./]+)`:\n\n```python\n(.*?)```", text, re.DOTALL | re.MULTILINE))


def shell(number: int) -> list[str]:
    """Words of one of the page's commands."""
    return re.findall(r"```sh\n(.*?)\n```", PAGE.read_text(encoding="utf-8"), re.DOTALL)[number].split()


def run(project, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", *arguments], cwd=project.root, capture_output=True, text=True, timeout=1800
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture
def staged(project):
    """A finished project with the stage of the page."""
    shutil.copytree(REPOSITORY / "tests", project.root / "tests", dirs_exist_ok=True)
    for name, text in blocks().items():
        (project.root / name).parent.mkdir(exist_ok=True)
        (project.root / name).write_text(text)
    (line,) = re.findall(r"^include: .*durations.*\n", PAGE.read_text(), re.MULTILINE)
    behind = 'include: "workflow/rules/index.smk"\n'
    project.edit("Snakefile", behind, behind + line)
    return project


@pytest.mark.slow
@pytest.mark.workflow
def test_the_page_gives_a_stage(staged):
    assert len(blocks()) == 5
    target = shell(1)[-1].replace("/demo/", "/tiny/")
    assert executed(staged.snakemake(target)) == {"durations"}
    assert (staged.root / target).read_text().startswith("subset,label,videos,frames\ntraining,grow,2,")
    staged.edit("kinema/durations/table.py", "    table = ", "    # by class\n    table = ")
    assert not staged.planned(target), "a comment"
    staged.edit("kinema/durations/table.py", 'videos="count"', 'number="count"')
    assert staged.planned(target) == {"durations"}


@pytest.mark.slow
@pytest.mark.workflow
def test_the_stage_of_the_page_passes_the_checks(staged):
    new = [name for name in blocks() if name.endswith(".py")]
    run(staged, "ruff", "check", "--config", str(REPOSITORY / "pyproject.toml"), *new)
    run(staged, "ruff", "format", "--check", "--config", str(REPOSITORY / "pyproject.toml"), *new)
    run(staged, "snakefmt", "--check", "--config", str(REPOSITORY / "pyproject.toml"), "workflow", "Snakefile")
    run(staged, "snakemake", "--lint")
    program, *files = shell(0)
    assert re.search(r"\d+ passed", run(staged, program, "-p", "no:cacheprovider", *files))

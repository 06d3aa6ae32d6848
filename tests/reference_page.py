"""docs/from-the-reference.md, read: rows of its tables, code in them, files of settings and commands."""

import re
from collections.abc import Iterator
from pathlib import Path

PAGE = Path(__file__).resolve().parents[1] / "docs/from-the-reference.md"


def section(title: str) -> str:
    """The text under a heading of the second level."""
    return re.split(r"^## ", PAGE.read_text(encoding="utf-8").split(f"## {title}\n")[1], flags=re.MULTILINE)[0]


def rows(title: str) -> list[tuple[str, str]]:
    """Both cells of each row of the table in a section."""
    lines = [line for line in section(title).splitlines() if line.startswith("| ")]
    return [(left.strip(), right.strip()) for left, right in (line.strip("| ").split(" | ") for line in lines[1:])]


def code(cell: str) -> list[str]:
    """What stands in backticks."""
    return re.findall(r"`([^`]+)`", cell)


def blocks() -> Iterator[str]:
    """Blocks of code, in their order."""
    for block in re.findall(r"(?:^    .*\n|^\n(?=    ))+", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE):
        yield "\n".join(line.removeprefix("    ") for line in block.strip("\n").splitlines()) + "\n"


def settings_files() -> dict[str, str]:
    """Files of settings by name: their first line is a comment with it."""
    files = {}
    for part in re.split(r"\n(?=# |snakemake )", "\n".join(blocks())):
        if name := re.match(r"# (\w+\.yaml)\n", part):
            files[name[1]] = part
    return files


def commands() -> list[list[str]]:
    """Every command of Snakemake, as its words."""
    spans = [span for _, cell in [*rows("Commands"), *rows("Options of the other scripts")] for span in code(cell)]
    lines = [line for block in blocks() for line in block.splitlines()]
    return [text.split() for text in [*spans, *lines] if text.startswith("snakemake ")]

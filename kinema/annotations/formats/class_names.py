"""Files that give classes their numbers -> names in the order of the numbers.

One name a line, the first being class 0; or a number and a name a line, in either order, from 0 or 1; or JSON, a list
of names or an object of numbers by name.
"""

import re
from pathlib import Path

from kinema.annotations.formats.json_files import a_text, a_whole, read_json_file
from kinema.annotations.rows import read_lines

NUMBER_FIRST = re.compile(r"(?P<number>\d+)[\s,;:]+(?P<name>.+)")
NUMBER_LAST = re.compile(r"(?P<name>.+?)[\s,;:]+(?P<number>\d+)")
HEADER = ("id,name", "name,id", "label,id", "id,label")


def read_class_names(file: Path) -> list[str]:
    """Names, each of one class; ValueError where numbers leave one out or a name stands twice."""
    numbers = _of_json(file) if file.suffix.lower() == ".json" else _of_text(file)
    first = min(numbers.values(), default=0)
    names = sorted(numbers, key=numbers.__getitem__)
    if [numbers[name] for name in names] != list(range(first, first + len(names))) or first > 1:
        raise ValueError(f"{file}: the numbers of the classes are not 0, 1, 2, ... or 1, 2, 3, ..., each once")
    return names


def _of_json(file: Path) -> dict[str, int]:
    content = read_json_file(file)
    if isinstance(content, list):
        return _numbered([a_text(name, f"{file} [{n}]") for n, name in enumerate(content)], file)
    if not isinstance(content, dict):
        raise ValueError(f"{file}: expected a list of names, or an object of numbers by name")
    numbers = {name: int(n) if isinstance(n, str) and n.isdecimal() else n for name, n in content.items()}
    return {name: a_whole(number, f"{file} {name}") for name, number in numbers.items()}


def _of_text(file: Path) -> dict[str, int]:
    lines = read_lines([file]).tolist()
    if lines and lines[0].replace(" ", "").lower() in HEADER:
        lines = lines[1:]
    for pattern in (NUMBER_FIRST, NUMBER_LAST):
        found = [pattern.fullmatch(line) for line in lines]
        numbers = {int(match["number"]) for match in found if match}
        # else the numbers are parts of names
        if lines and all(found) and len(numbers) == len(lines) and max(numbers) <= len(lines):
            return {match["name"].strip().strip('"'): int(match["number"]) for match in found if match}
    return _numbered(lines, file)


def _numbered(names: list[str], file: Path) -> dict[str, int]:
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice:
        raise ValueError(f"{file}: class '{twice}' stands twice")
    return {name: number for number, name in enumerate(names)}

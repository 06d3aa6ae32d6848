"""Files that give classes their numbers -> the classes that numbers and names of a list mean.

One name a line, the first being class 0; or a number and a name a line, in either order, from 0 or 1; or JSON, a list
of names, an object of numbers by name or of names by number.
"""

import re
from collections.abc import Iterable
from pathlib import Path

from kinema.annotations.formats.json_files import a_text, a_whole, read_json_file
from kinema.annotations.formats.whole_numbers import UNKNOWN, as_whole
from kinema.annotations.rows import read_lines

NUMBER_FIRST = re.compile(r"(?P<number>\d{1,9})[\s,;:]+(?P<name>.+)")
NUMBER_LAST = re.compile(r"(?P<name>.+?)[\s,;:]+(?P<number>\d{1,9})")
HEADER = re.compile(r"\D*[,;\t:]\D*")
NOT_IN_ORDER = "the numbers of the classes are not 0, 1, 2, ... or 1, 2, 3, ..., each once"


class ClassNames:
    """Names in the order of their numbers, the first of which is `first`; none where no file gives them."""

    def __init__(self, file: str | None) -> None:
        """Read a file; ValueError where numbers leave one out, or a name stands twice."""
        self.file = file
        numbers = _read(Path(file)) if file else {}
        self.first = min(numbers.values(), default=0)
        self.names = sorted(numbers, key=numbers.__getitem__)
        if [numbers[name] for name in self.names] != [*range(self.first, self.first + len(numbers))] or self.first > 1:
            raise ValueError(f"{file}: {NOT_IN_ORDER}")
        self._known = set(self.names)

    def named(self, label: str | None, place: str) -> str | None:
        """The name of the class that a list calls by number or name; None where it gives none, of which -1 is one.

        ValueError where it is none of the classes of the file. Without a file a number is its own name.
        """
        number = as_whole(label)
        if label is None or number == UNKNOWN:
            return None
        if not self.file:
            return label if number is None else str(number)
        if number is not None and 0 <= number - self.first < len(self.names):
            return self.names[number - self.first]
        if label in self._known:
            return label
        if number is None:
            raise ValueError(f"{place}: label '{label}' is not in {self.file}")
        raise ValueError(f"{place}: class {number}; {self.file} has {len(self.names)}, the first being {self.first}")


def _read(file: Path) -> dict[str, int]:
    return _of_json(file) if file.suffix.lower() == ".json" else _of_text(file)


def _of_json(file: Path) -> dict[str, int]:
    content = read_json_file(file)
    if isinstance(content, list):
        return _numbered([a_text(name, f"{file} [{n}]") for n, name in enumerate(content)], file)
    if not isinstance(content, dict):
        raise ValueError(f"{file}: expected a list of names, or an object of numbers by name")
    if content and all(key.isdecimal() and isinstance(name, str) for key, name in content.items()):
        return _by_name([(int(key), name) for key, name in content.items()], file)
    numbers = {name: int(n) if isinstance(n, str) and n.isdecimal() else n for name, n in content.items()}
    return {name: a_whole(number, f"{file} {name}") for name, number in numbers.items()}


def _of_text(file: Path) -> dict[str, int]:
    lines = read_lines([file]).tolist()
    for pattern in (NUMBER_FIRST, NUMBER_LAST):
        found = [pattern.fullmatch(line) for line in lines]
        if len(found) > 1 and found[0] is None and HEADER.fullmatch(lines[0]):
            found = found[1:]
        pairs = [(int(match["number"]), match["name"].strip().strip('"')) for match in found if match]
        are_numbers = len(pairs) == len(found) and _are_in_order(pairs)
        if pairs and (are_numbers or (pattern is NUMBER_FIRST and _look_like_numbers(pairs, len(found)))):
            if len(pairs) < len(found):
                odd = lines[len(lines) - len(found) + found.index(None)]
                raise ValueError(f"{file}: {odd!r} has no number in front, as the other lines have")
            return _by_name(pairs, file)
    return _numbered(lines, file)


def _are_in_order(pairs: list[tuple[int, str]]) -> bool:
    """Whether numbers are those of classes; else they may be parts of the names, as in `step 1`, `step 2`."""
    if len({name for _, name in pairs}) < 2 <= len(pairs):
        return False
    numbers = sorted(number for number, _ in pairs)
    return numbers in ([*range(len(numbers))], [*range(1, len(numbers) + 1)])


def _look_like_numbers(pairs: list[tuple[int, str]], num_lines: int) -> bool:
    """Whether numbers in front were meant to be those of classes, though one is wrong: not `100 m`, `200 m`, `jump`."""
    numbers = {number for number, _ in pairs}
    has_most = len(pairs) * 2 > num_lines and len(numbers) * 2 > max(numbers)
    return has_most and min(numbers) == 0 and len({name for _, name in pairs}) > 1


def _by_name(pairs: list[tuple[int, str]], file: Path) -> dict[str, int]:
    _check_once((name for _, name in pairs), file)
    numbers = {name: number for number, name in pairs}
    if len(set(numbers.values())) < len(numbers):
        raise ValueError(f"{file}: {NOT_IN_ORDER}")
    return numbers


def _numbered(names: list[str], file: Path) -> dict[str, int]:
    _check_once(names, file)
    return {name: number for number, name in enumerate(names)}


def _check_once(names: Iterable[str], file: Path) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise ValueError(f"{file}: class '{name}' stands twice")
        seen.add(name)

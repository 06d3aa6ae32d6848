"""JSON files -> their values, and what stands at a place in them; an error names the place."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

from kinema.annotations.text_files import read_utf8
from kinema.words import shown

MOST_DIGITS = 300  # of which a float has 308


def read_json_file(file: Path) -> Any:
    """The value in a file; ValueError with the line where it is no JSON, and where a key stands twice in one object."""
    return parsed(read_utf8(file).decode("utf-8-sig"), str(file))


def parsed(text: str, source: str) -> Any:
    """The same of a text; `source` is told in front of an error."""
    try:
        return json.loads(text, object_pairs_hook=unique, parse_int=whole)
    except json.JSONDecodeError as error:
        raise ValueError(f"{source} line {error.lineno}: no JSON ({error.msg})") from None
    except RecursionError:
        raise ValueError(f"{source}: no JSON that can be read: it is nested too deep") from None
    except ValueError as error:
        raise ValueError(f"{source}: {error}") from None


def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object; ValueError where a key stands twice, of which JSON would keep the last alone."""
    values = dict(pairs)
    if len(values) < len(pairs):
        twice = next(name for name, times in Counter(name for name, _ in pairs).items() if times > 1)
        raise ValueError(f"'{twice}' stands twice in one object")
    return values


def whole(digits: str) -> int | float:
    """A whole number of a JSON file; an infinite one where it has more digits than anything counted has."""
    return int(digits) if len(digits) <= MOST_DIGITS else float(f"{digits[0]}inf" if digits[0] == "-" else "inf")


def an_object(value: Any, place: str) -> dict[str, Any]:
    """The value, if it is an object."""
    return _checked(value, dict, place, "an object")


def a_list(value: Any, place: str) -> list[Any]:
    """The value, if it is a list."""
    return _checked(value, list, place, "a list")


def a_text(value: Any, place: str) -> str:
    """The value, if it is a text that is not blank."""
    text = _checked(value, str, place, "a text")
    if not text.strip():
        raise ValueError(f"{place}: an empty text")
    return text


def a_number(value: Any, place: str) -> float:
    """The value, if it is a finite number."""
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value or abs(value) == float("inf"):
        raise ValueError(f"{place}: {shown(value)}; expected a number")
    return value


def a_whole(value: Any, place: str) -> int:
    """The value, if it is a whole number."""
    number = a_number(value, place)
    if number % 1:
        raise ValueError(f"{place}: {number:g}; expected a whole number")
    return int(number)


def _checked(value: Any, kind: type, place: str, expected: str) -> Any:
    if not isinstance(value, kind):
        raise ValueError(f"{place}: {shown(value)}; expected {expected}")
    return value

"""JSON values -> dataclasses, by the types of their fields; a wrong key or value is told with its place.

Types are str, int, float, bool, Any, `... | None`, list[...], dict[str, ...], and dataclasses of these. Nothing is
converted: a number stays the number that it is.
"""

import functools
import math
from collections.abc import Callable, Iterable
from dataclasses import fields, is_dataclass
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from kinema.words import shown

SCALARS: dict[Any, tuple[type, ...]] = {str: (str,), int: (int,), float: (int, float), bool: (bool,)}
WORDS = {str: "text", int: "an integer", float: "a number", bool: "true or false", list: "a list", dict: "an object"}
Reader = Callable[[Any], Any]
NAMED = 8  # keys in one line


class WrongValueError(ValueError):
    """What a value is and should be; `places` are the keys that lead to it."""

    def __init__(self, text: str, *places: str):
        super().__init__(f"{'.'.join(places)} {text}".strip())
        self.text, self.places = text, places


@functools.cache
def reader(hint: Any, *, or_null: bool = False) -> Reader:
    """A function that gives what this type makes of a JSON value, or raises WrongValueError."""
    if get_origin(hint) in (UnionType, Union):
        (inner,) = (part for part in get_args(hint) if part is not NoneType)
        return reader(inner, or_null=True)
    if hint is Any:
        return lambda value: value
    kind = dict if is_dataclass(hint) else get_origin(hint) or hint
    expected = WORDS[kind] + (" or null" if or_null else "")
    allowed = (*SCALARS.get(kind, (kind,)), *([NoneType] if or_null else []))
    inside = _inside(hint)

    def read(value: Any) -> Any:
        # the type itself: true is no number
        if type(value) not in allowed or (type(value) is float and not math.isfinite(value)):
            raise WrongValueError(f"is {shown(value)}, expected {expected}")
        return value if value is None else inside(value)

    return read


def _inside(hint: Any) -> Reader:
    """A function for what is in a list or an object of this type."""
    if is_dataclass(hint):
        return _object_reader(hint)
    if get_origin(hint) is list:
        read = reader(get_args(hint)[0])
        return lambda values: [_at(str(number), read, value) for number, value in enumerate(values)]
    if get_origin(hint) is dict:
        read = reader(get_args(hint)[1])
        return lambda values: {key: _at(key, read, value) for key, value in values.items()}
    return lambda value: value


def _object_reader(kind: Any) -> Reader:
    hints = get_type_hints(kind)
    readers = {field.name: reader(hints[field.name]) for field in fields(kind)}

    def read(values: dict[str, Any]) -> Any:
        if values.keys() != readers.keys():
            for verb, keys in (("lacks", readers.keys() - values.keys()), ("does not know", values.keys() - readers)):
                if keys:
                    raise WrongValueError(f"{verb} {_named(keys)}")
        return kind(**{name: _at(name, read_field, values[name]) for name, read_field in readers.items()})

    return read


def _at(place: str, read: Reader, value: Any) -> Any:
    try:
        return read(value)
    except WrongValueError as error:
        raise WrongValueError(error.text, place, *error.places) from None


def _named(keys: Iterable[str]) -> str:
    names = sorted(keys)
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return f"{'keys' if len(names) > 1 else 'key'} {', '.join(names[:NAMED])}{more}"

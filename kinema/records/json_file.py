"""Files of JSON. How they are laid out is no part of a result."""

import json
from dataclasses import is_dataclass
from pathlib import Path
from typing import Any

from kinema.files import write_text


def write_json(path: Path, value: Any) -> None:
    """Write indented UTF-8 JSON, whole or not at all; NaN is refused, because most readers do."""
    write_text(path, as_json(value))


def as_json(value: Any) -> str:
    """The text of such a file; a dataclass becomes an object of its fields."""
    return json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False, default=_fields) + "\n"


def _fields(value: Any) -> dict[str, Any]:
    if not is_dataclass(value):
        raise TypeError(f"{type(value).__name__} has no place in JSON")
    return vars(value)

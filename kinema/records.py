"""Records: JSON files that people and other programs read. How they are laid out is no part of a result."""

import json
from pathlib import Path
from typing import Any

from kinema.files import write_text


def write_json(path: Path, value: Any) -> None:
    """Write indented UTF-8 JSON, whole or not at all; NaN is refused, because most readers do."""
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n")

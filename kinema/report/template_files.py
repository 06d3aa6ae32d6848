"""The files that a page is drawn with, whose contents make it stale. Standard library only: the Snakefile reads it."""

import re
from pathlib import Path

TEMPLATES = Path(__file__).parent / "templates"
NAMED = re.compile(r'{%-?\s*(?:extends|include|import|from)\s+"([^"]+)"')


def template_files(template: str) -> list[Path]:
    """Files of a template and of all that it extends, includes and imports, sorted; each is named there, in quotes."""
    found: set[str] = set()
    waiting = [template]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += NAMED.findall((TEMPLATES / name).read_text(encoding="utf-8"))
    return sorted(TEMPLATES / name for name in found)

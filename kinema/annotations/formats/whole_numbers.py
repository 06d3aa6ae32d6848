"""Whole numbers that stand in lists as text, as `7`, or `7.0` where pandas has written them beside empty cells."""

import re

WHOLE = re.compile(r"-?\d{1,15}(?:\.0+)?")
UNKNOWN = -1  # the class of a video of a test list whose class is not told


def as_whole(text: str | None) -> int | None:
    """The number; None where the text is none, or one of more digits than anything counted has."""
    return int(text.partition(".")[0]) if text is not None and WHOLE.fullmatch(text) else None

"""Text into pictures by OpenCV: from version 5 on in most scripts, before that in ASCII."""

import functools
import unicodedata
from typing import Any

import cv2
import numpy as np

BOLD, REGULAR = 700, 400
HERSHEY = cv2.FONT_HERSHEY_SIMPLEX
HERSHEY_HEIGHT = 30  # pixels, of a line at scale 1
ELLIPSIS = "..."


@functools.cache
def _font() -> Any:
    """OpenCV's own font; None where it has none."""
    return cv2.FontFace("sans") if hasattr(cv2, "FontFace") else None


def drawable(text: str) -> str:
    """In one line; where OpenCV has ASCII alone, letters without their accents, and `?` for others."""
    line = " ".join(text.split())
    if _font() is not None:
        return line
    plain = unicodedata.normalize("NFKD", line)
    return "".join(sign for sign in plain if not unicodedata.combining(sign)).encode("ascii", "replace").decode()


@functools.lru_cache(maxsize=4096)
def width(text: str, *, size: int, bold: bool = False) -> int:
    """In pixels, of text of this height."""
    if _font() is None:
        return cv2.getTextSize(text, HERSHEY, size / HERSHEY_HEIGHT, _thickness(size, bold))[0][0]
    return cv2.getTextSize((0, 0), text, (0, 0), _font(), size, BOLD if bold else REGULAR)[2] if text else 0


@functools.lru_cache(maxsize=4096)
def fitted(text: str, *, size: int, bold: bool = False, most: int) -> str:
    """As much of the text as `most` pixels hold, with dots where that is not all."""
    if width(text, size=size, bold=bold) <= most:
        return text
    lengths = range(len(text), 0, -1)
    shortened = (text[:length].rstrip() + ELLIPSIS for length in lengths)
    return next((one for one in shortened if width(one, size=size, bold=bold) <= most), "")


def put(
    image: np.ndarray, text: str, at: tuple[int, int], *, size: int, colour: tuple[int, ...], bold: bool = False
) -> None:
    """Draw text whose base line begins at x, y; colours are B, G, R."""
    if not text:
        return
    if _font() is None:
        scale, thickness = size / HERSHEY_HEIGHT, _thickness(size, bold)
        cv2.putText(image, text, at, HERSHEY, scale, colour, thickness, cv2.LINE_AA)
    else:
        cv2.putText(image, text, at, colour, _font(), size, BOLD if bold else REGULAR)


def _thickness(size: int, bold: bool) -> int:
    return max(1, round(size / (14 if bold else 20)))

"""Texts that look the same: names of files and labels that people take for one, and programs do not.

The Snakefile imports this module: it needs the standard library only.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping

_BLANKS = re.compile(r"[\s_\-\u200b-\u200f\u2010-\u2015\u2060\ufeff]+")


def composed(text: str) -> str:
    """The one way of writing the same characters that Unicode calls NFC; files unpacked on a Mac have NFD."""
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def loose(text: str) -> str:
    """What is left of a text without case, kinds of blanks, `_` and `-`, and forms of one letter."""
    if text.isascii():  # nearly all are, and there may be hundreds of thousands
        return " ".join(text.lower().replace("_", " ").replace("-", " ").split())
    return _BLANKS.sub(" ", unicodedata.normalize("NFKC", text).casefold()).strip()


def alike(texts: Iterable[str]) -> list[list[str]]:
    """Groups of two texts or more that are loosely the same, in the order of their first; each sorted."""
    groups: dict[str, set[str]] = {}
    for text in texts:
        groups.setdefault(loose(text), set()).add(text)
    return sorted(sorted(group) for group in groups.values() if len(group) > 1)


def told_apart(texts: Iterable[str]) -> list[str]:
    """Quoted texts, with their codes where these are not what one sees: `'café' [cafe\\u0301]`."""
    texts = list(texts)
    looks = [" ".join(composed(text).split()) for text in texts]
    return [_shown(text, looks.count(look) > 1) for text, look in zip(texts, looks, strict=True)]


def _shown(text: str, is_doubtful: bool) -> str:
    if not text.isprintable():
        return ascii(text)
    if (is_doubtful and not text.isascii()) or composed(text) != text:
        return f"'{text}' [{ascii(text)[1:-1]}]"
    return f"'{text}'"


def counted(texts: Iterable[str], counts: Mapping[str, int]) -> str:
    """Texts with how many there are of each, `'Wave' (3), 'wave' (40)`."""
    texts = list(texts)
    return ", ".join(f"{shown} ({counts.get(text, 0)})" for text, shown in zip(texts, told_apart(texts), strict=True))

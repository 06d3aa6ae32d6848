"""What of a module's text counts for its digest: what can change a result, and nothing else."""

import ast

import pytest

from kinema.digests import digest
from kinema.syntax import essence

MODULE = '''"""Doc."""

import logging
import warnings
from collections.abc import Sequence
from dataclasses import dataclass

from kinema.media.probe import MediaError

log = logging.getLogger(__name__)
LIMIT = 3


@dataclass
class Part:
    """A part."""

    name: str
    size: int = 0


def work(values: Sequence[int], *, limit: int = LIMIT) -> list[int]:
    """Say what it does."""
    kept: list[int] = [value for value in values if value < limit]
    dropped = len(values) - len(kept)
    if dropped:
        log.info("%d dropped", dropped)
    if not kept:
        hint = "Give more."
        raise ValueError(f"nothing is left of {len(values)}. {hint}")
    if limit > 9:
        raise MediaError("too large", detail="more than 9")
    assert kept, "some are left"
    if limit > 8:
        raise KeyError(limit)
    if limit > 7:
        raise ValueError(_nothing(limit))
    return kept


def _nothing(limit: int) -> str:
    return f"nothing below {limit}"
'''

SAME = {
    "a comment": ("LIMIT = 3", "LIMIT = 3  # of what"),
    "a docstring": ("Say what it does.", "Say it."),
    "a docstring less": ('    """Say what it does."""\n', ""),
    "formatting": ("limit: int = LIMIT", "limit: int=LIMIT"),
    "the text of a log line": ("%d dropped", "%d were dropped"),
    "a log line more": ("    return kept", '    log.debug("kept %s", kept)\n    return kept'),
    "a log line less, and what only it needs": ('    if dropped:\n        log.info("%d dropped", dropped)\n', ""),
    "a value that only a message has": ("    return", '    share = len(kept) / 2\n    log.info(share)\n    return'),
    "a loop that only logs": ("    return kept", '    for value in kept:\n        log.info(value)\n    return kept'),
    "a warning": ("    return kept", '    warnings.warn("few", stacklevel=2)\n    return kept'),
    "the text of an error": ("nothing is left of", "nothing remains of"),
    "a part of an error's text": ("Give more.", "Give more of them."),
    "an error's text from a function": ("nothing below", "none below"),
    "the text of an assertion": ("some are left", "some"),
    "the type of an argument": ("Sequence[int]", "list[int]"),
    "the type of a result": ("-> list[int]:\n    \"\"\"Say", "-> Sequence[int]:\n    \"\"\"Say"),
    "the type of a variable": ("kept: list[int] =", "kept ="),
    "the type of a field": ("size: int = 0", "size: float = 0"),
    "an import for types": ("import Sequence", "import Mapping, Sequence"),
    "the logger's name": ("getLogger(__name__)", 'getLogger("a")'),
}  # fmt: skip
OTHER = {
    "a number": ("LIMIT = 3", "LIMIT = 4"),
    "a default": ("size: int = 0", "size: int = 1"),
    "the name of a field": ("    size: int", "    length: int"),
    "a field more": ("    size: int = 0", "    size: int = 0\n    shape: int = 0"),
    "a condition": ("value < limit", "value <= limit"),
    "when an error is raised": ("if not kept:", "if len(kept) < 2:"),
    "the kind of an error": ("raise ValueError(f", "raise TypeError(f"),
    "what an error carries": ("KeyError(limit)", "KeyError(LIMIT)"),
    "the reason of a failed video": ('"too large"', '"too long"'),
    "what is asserted": ("assert kept", "assert values"),
    "a call in a message's condition": ("if dropped:", "if values.pop():"),
    "a value that is used": ("dropped = len(values)", "kept = kept[1:]; dropped = len(values)"),
    "a decorator": ("@dataclass", "@dataclass(frozen=True)"),
    "where a name is from": ("from kinema.media.probe", "from kinema.media.ffmpeg"),
}


def digest_of(text: str) -> str:
    return digest(essence(ast.parse(text)))


def changed(old: str, new: str) -> str:
    assert old in MODULE
    return MODULE.replace(old, new)


@pytest.mark.parametrize("edit", SAME.values(), ids=SAME)
def test_what_changes_no_result_does_not_count(edit):
    assert digest_of(changed(*edit)) == digest_of(MODULE)


@pytest.mark.parametrize("edit", OTHER.values(), ids=OTHER)
def test_what_may_change_a_result_counts(edit):
    assert digest_of(changed(*edit)) != digest_of(MODULE)


def test_a_logger_more_does_not_count():
    plain = "import os\n\n\ndef f():\n    return os.sep\n"
    logging = (
        "import logging\nimport os\n\nlog = logging.getLogger()\n\n\ndef f():\n    log.info('f')\n    return os.sep\n"
    )
    assert digest_of(plain) == digest_of(logging)


def test_a_tree_is_the_same_in_every_version_of_python():
    text = "def f(x, *, y: int = 0) -> str:\n    z: int = y\n    return f'{x!r} {z}'\n\nclass A:\n    b: int = 1\n"
    assert digest_of(text) == "d10a937877ced791"

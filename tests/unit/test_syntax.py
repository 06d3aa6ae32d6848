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
from functools import lru_cache

from torch import nn

from kinema.media.probe import MediaError
from kinema.somewhere import Base, registered

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


def _shown(limit: int) -> str:
    return f"up to {limit}"


@registered
def made(size: int) -> int:
    """Read by what registers it."""
    print(_shown(size))
    return size


@lru_cache(maxsize=8)
def kept_in_mind(size: int) -> int:
    return size


class Settings(Base):
    width: int = 0

    def wider(self, by: int) -> int:
        return self.width + by


@registered
class Entry:
    height: int = 0


class Layer(nn.Module):
    depth: int = 0

    def forward(self, batch: list[int]) -> list[int]:
        return batch
'''


def more(lines: str) -> tuple[str, str]:
    """Lines at the end of `work`."""
    return "    return kept\n", f"    {lines}\n    return kept\n"


SAME = {
    "a comment": ("LIMIT = 3", "LIMIT = 3  # of what"),
    "a docstring": ("Say what it does.", "Say it."),
    "a text behind a field": ("    name: str\n", '    name: str\n    """Its name."""\n'),
    "a docstring less": ('    """Say what it does."""\n', ""),
    "formatting": ("limit: int = LIMIT", "limit: int=LIMIT"),
    "the text of a log line": ("%d dropped", "%d were dropped"),
    "a log line more": ("    return kept", '    log.debug("kept %s", kept)\n    return kept'),
    "a log line less, and what only it needs": ('    if dropped:\n        log.info("%d dropped", dropped)\n', ""),
    "a value that only a message has": (
        "    return kept",
        "    share = len(kept) / 2\n    log.info(share)\n    return kept",
    ),
    "a loop that only logs": (
        "    return kept",
        "    for one in (limit, kept):\n        log.info(one)\n    return kept",
    ),
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
    "the type of an argument of what is cached": ("kept_in_mind(size: int)", "kept_in_mind(size: str)"),
    "the type of a network's field": ("depth: int", "depth: float"),
    "the type of a network's argument": ("batch: list[int]", "batch: Sequence[int]"),
    "a loop over a table that only logs": (
        "    return kept",
        "    for key, one in table.items():\n        log.info('%s %s', key, one)\n    return kept",
    ),
    "a message with what gives a text": (
        "    return kept",
        """    log.info("%s", ", ".join(sorted(map(str, kept), key=len)))\n    return kept""",
    ),
    "a message with a function of the module": ("    return kept", "    log.info(_shown(limit))\n    return kept"),
    "an import for types alone": (
        "\nLIMIT",
        "\nfrom typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from torch import Tensor\nLIMIT",
    ),
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
    # what may do something beside its message
    "a message that takes something": more('log.info("%s", values.pop())'),
    "a warning that takes something": more('warnings.warn(f"{next(rows)}", stacklevel=2)'),
    "a message that moves a file": more('log.info("%s", path.replace(aside))'),
    "a message that calls what it is given": more('log.info("%s", list(map(take, kept)))'),
    "a message that sorts by what it calls": more('log.info("%s", sorted(kept, key=take))'),
    "a message that makes a variable": more('log.info("%s", limit := 3)'),
    "a message that waits for a thread": more('log.info("%s", thread.join())'),
    "an unread value that takes something": more("first = values.pop()"),
    "an unread value that reads to the end": more("every = sorted(values)"),
    "an unread value from a comprehension": more("every = [value for value in values]"),
    "an unread value from a search": more("has_one = 1 in values"),
    "unread values of several": more("first, second = values"),
    "an unread attribute": more("kept.size = 1"),
    "a branch without a line whose condition calls": more("if any(values):\n        log.info(1)"),
    "a loop without a line over what it reads": more("for one in values:\n        log.info(one)"),
    "a method that is named as a function that gives a text": more("raise ValueError(kept._nothing())"),
    # what may read or do something
    "the type of an argument that a decorator may read": ("made(size: int)", "made(size: float)"),
    "the type of a result that a decorator may read": ("def made(size: int) -> int", "def made(size: int) -> str"),
    "the type of a field that the base may read": ("width: int", "width: float"),
    "the type of an argument that the base may read": ("by: int", "by: float"),
    "the type of a field that a decorator may read": ("height: int", "height: float"),
    "a mark of a dataclass": ("    size: int = 0", "    size: ClassVar[int] = 0"),
    "a quoted mark of a dataclass": ("    size: int = 0", '    size: "ClassVar[int]" = 0'),
    "a type that is made by a call": ("values: Sequence[int]", "values: register()"),
    "a name that is declared": more("limit: int"),
    "an import that may do something": ("\nLIMIT", "\nimport readline\nLIMIT"),
    "a name of a package": ("\nLIMIT", "\nfrom openvino import opset\nLIMIT"),
    "all names of a module": ("\nLIMIT", "\nfrom math import *\nLIMIT"),
    "how types are read": ("import logging\n", "from __future__ import annotations\nimport logging\n"),
    "what is not for types": ("LIMIT = 3", "if not TYPE_CHECKING:\n    print()\nLIMIT = 3"),
    "a text that is more than one of an error": ("up to", "to"),
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


# Two modules that differ in one place, and do something else, where a third is needed to tell.
PAIRS = {
    "an attribute of a class in a function": ("def f():\n    class A:\n        size = {}\n    return A\n", "1", "2"),
    "messages of another logger": (
        "import logging\nlog = logging.getLogger()\ndef f(log):\n    log.info({})\n",
        "1",
        "2",
    ),
    "messages of one that a function has": (
        "import logging\nlog = logging.getLogger()\ndef f():\n    log = take()\n    log.info({})\n",
        "1",
        "2",
    ),
    "a message of a function named as one of Python's": (
        "import logging\ndef len(a):\n    return a.pop()\ndef f(a):\n    logging.info(len(a), {})\n",
        "1",
        "2",
    ),
    "an error named as one of Python's": (
        'from a import ValueError\ndef f():\n    raise ValueError("{}")\n',
        "1",
        "2",
    ),
    "a value that is read by its name": ("def f():\n    first = {}\n    print(locals())\n", "1", "2"),
    "a value that is counted up": ("def f():\n    first = {}\n    first += g()\n", "1", "'a'"),
    "a loop whose last value is read": (
        "import logging\ndef f():\n    for one in (1, {}):\n        logging.info(one)\n    return one\n",
        "2",
        "3",
    ),
    "a text that gets somewhere else": ('def _a():\n    return "{}"\ndef f():\n    return _a()\n', "1", "2"),
    "a text in an error and a message": (
        'import logging\ndef _a():\n    return "{}"\ndef f():\n    print(_a())\n    raise ValueError(_a())\n',
        "1",
        "2",
    ),
    "what is read by others alone": ('def _a():\n    return "{}"\n', "1", "2"),
    "a type in a branch of a class": ("class A(Base):\n    if B:\n        a: {} = 1\n", "int", "str"),
    "an attribute of a module that reads types": (
        "import pydantic\nclass A(pydantic.BaseModel):\n    a: {}\n",
        "int",
        "str",
    ),
    "another dataclass": (
        "from pydantic.dataclasses import dataclass\n@dataclass\nclass A:\n    a: {}\n",
        "int",
        "str",
    ),
    "a class of a class that reads types": (
        "from a import Base\nclass A(Base):\n    pass\nclass B(A):\n    a: {}\n",
        "int",
        "str",
    ),
    "a class that is made by another": ("class A(metaclass=Meta):\n    a: {}\n", "int", "str"),
    "what is not for type checkers": (
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    pass\nelse:\n    a = {}\n",
        "1",
        "2",
    ),
}


@pytest.mark.parametrize(("module", "one", "other"), PAIRS.values(), ids=PAIRS)
def test_modules_that_do_something_else_differ(module, one, other):
    assert digest_of(module.format(one)) != digest_of(module.format(other))


def test_a_logger_more_does_not_count():
    plain = "import os\n\n\ndef f():\n    return os.sep\n"
    logging = (
        "import logging\nimport os\n\nlog = logging.getLogger()\n\n\ndef f():\n    log.info('f')\n    return os.sep\n"
    )
    assert digest_of(plain) == digest_of(logging)


def test_a_tree_is_the_same_in_every_version_of_python():
    text = "def f(x, *, y: int = 0) -> str:\n    z: int = y\n    return f'{x!r} {z}'\n\nclass A:\n    b: int = 1\n"
    assert digest_of(text) == "d10a937877ced791"

"""The name that a list gives a video -> the file that it means, among hundreds of thousands.

A name is taken as it is written; then as the path that it comes to, `./a//b` and `sub\\x` for example; then with the
same characters in another form (NFC, NFD). What only looks like it is not taken, but told. The standard library only.
"""

import os
import posixpath
from collections.abc import Callable, Collection, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from kinema.media.extensions import COMMON, VIDEO_EXTENSIONS, split_extension
from kinema.spelling import composed, loose, told_apart

SHOWN = 3  # files in a hint


class Name(NamedTuple):
    """How a list calls a file: a name or a path, as a rule without extension, and the extension that it had there."""

    text: str
    extension: str = ""


class Found(NamedTuple):
    """Files that a name means, the best first; none, and then a hint at what may be meant, or none.

    `is_as_written` is false where the file has another name or path than the list says.
    """

    files: list[str]
    hint: str | None = None
    is_as_written: bool = True


class FileNames:
    """Relative paths by file name without extension: plain strings, since there may be hundreds of thousands.

    `listed` names the files that a list tells apart by their extension: such a file stands for no other name.
    """

    def __init__(self, files: Iterable[str], listed: Collection[str] = ()):
        self._videos: dict[str, str | list[str]] = {}
        self._others: dict[str, str | list[str]] = {}  # with no extension of a video
        self._listed = listed
        for file in files:
            bare, extension = split_extension(file)
            table = self._videos if extension.lower() in VIDEO_EXTENSIONS else self._others
            base = bare.rpartition("/")[2]
            known = table.get(base)
            if known is None:
                table[base] = file
            elif isinstance(known, list):
                known.append(file)
            else:
                table[base] = [known, file]

    def claiming(self, name: Name) -> list[str]:
        """Files that may be this video, the best first: for a name with folders, those whose path ends with it."""
        folder, _, base = name.text.rpartition("/")
        only = self._videos.get(base)
        if isinstance(only, str) and not (folder or name.extension or "." in base or base in self._others):
            return [only]  # as nearly all are
        for found, is_other in self._steps(base, name.extension):
            within = _within(found, folder)
            if is_other and self._listed:
                within = [file for file in within if not self.is_listed(file)]
            if within:
                return within if len(within) == 1 else sorted(within, key=_preference)
        return []

    def _steps(self, base: str, extension: str) -> Iterator[tuple[list[str], bool]]:
        """Files to look at, in turn, and whether they have another extension than the list says."""
        bare, own = split_extension(base)
        is_video = own.lower() in VIDEO_EXTENSIONS
        if is_video and not extension:
            yield _called(_of(self._videos, bare), base), False
        same = _of(self._videos, base)
        if not extension:  # a folder of pictures beside the file that they were made of
            same = same + [file for file in _of(self._others, base) if file.rpartition("/")[2] == base]
        yield _with_extension(same, extension), False
        if extension:
            yield _of(self._videos, base + extension), False
            yield same, True
        elif is_video:
            yield _of(self._videos, bare), True
        if self._others:
            yield _called(_of(self._others, bare), base), False
            yield _of(self._others, base), True
            if is_video:
                yield _of(self._others, bare), True

    def is_listed(self, file: str) -> bool:
        """Whether a list means this very file."""
        parts = file.split("/")
        return any("/".join(parts[number:]) in self._listed for number in range(len(parts)))


class Finder:
    """Files below `root` by the names of a list; `names` gives all of them, and is called twice."""

    def __init__(self, files: Collection[str], names: Callable[[], Iterable[Name]], *, root: Path | str):
        listed = {name.text for name in names() if "." in name.text and not name.extension}
        self._exact = FileNames(files, listed)
        self._roots = [f"{path}/" for path in dict.fromkeys((os.path.abspath(root), os.path.realpath(root)))]  # noqa: PTH100
        # most names are found; only what looks like one of the others is looked at more closely
        lost = {key for name in names() if not self._exact.claiming(name) for key in _keys(name.text)}
        self._alike = _by_key(files, lost) if lost else {}
        forms: dict[str, list[str]] = {}
        for file in sorted({file for alike in self._alike.values() for file in alike}):
            forms.setdefault(composed(file), []).append(file)
        self._forms, self._composed = forms, FileNames(forms, set(map(composed, listed)))

    def find(self, name: Name) -> Found:
        """The files that a name means."""
        files = self._exact.claiming(name)
        if files:
            return Found(files)
        alike = sorted({file for key in _keys(name.text) for file in self._alike.get(key, ())})
        if not alike:
            return Found([])
        for path in dict.fromkeys(self._paths(name.text)):
            files = self._exact.claiming(Name(path, name.extension))
            if files:
                return Found(files, is_as_written=False)
            forms = self._composed.claiming(Name(composed(path), name.extension))
            unclear = next((self._forms[form] for form in forms if len(self._forms[form]) > 1), None)
            if unclear:
                return Found([], f"several files look the same: {_some(unclear)}; rename all but one")
            if forms:
                return Found([self._forms[form][0] for form in forms], is_as_written=False)
        return Found([], self._hint(alike))

    def _paths(self, text: str) -> Iterator[str]:
        """The paths below the folder of videos that a name may come to."""
        yield text
        for spelled in (text, text.replace("\\", "/")):
            yield posixpath.normpath(spelled).lstrip("/")
            path = os.path.abspath(spelled)  # noqa: PTH100  links stay as they are
            yield from (path.removeprefix(root) for root in self._roots if path.startswith(root))

    def _hint(self, alike: list[str]) -> str:
        free = [file for file in alike if not self._exact.is_listed(file)]
        if not free:
            return f"{_some(alike)} is there, and is another video of the list"
        return f"this looks like it: {_some(free)}; write the name as the file has it"


def _keys(path: str) -> set[str]:
    """What the last part of a path is loosely called, with and without an extension."""
    base = path.replace("\\", "/").rstrip("/").rpartition("/")[2]
    return {loose(base), loose(split_extension(base)[0])} - {""}


def _by_key(files: Iterable[str], keys: set[str]) -> dict[str, list[str]]:
    """Files that are loosely called like one of the keys."""
    found: dict[str, list[str]] = {}
    for file in files:
        bare, extension = split_extension(file.rpartition("/")[2])
        for key in {bare} if extension.lower() in VIDEO_EXTENSIONS else {bare, bare + extension}:
            if (called := loose(key)) in keys:
                found.setdefault(called, []).append(file)
    return found


def _of(table: dict[str, str | list[str]], base: str) -> list[str]:
    found = table.get(base, [])
    return [found] if isinstance(found, str) else found


def _called(files: list[str], base: str) -> list[str]:
    """Those of exactly this file name, else of one that differs in the case of the extension."""
    exact = [file for file in files if file.rpartition("/")[2] == base]
    return exact or [file for file in files if file.lower().endswith(base.lower())]


def _with_extension(files: list[str], extension: str) -> list[str]:
    if not extension:
        return files
    exact = [file for file in files if file.endswith(extension)]
    return exact or [file for file in files if file.lower().endswith(extension.lower())]


def _within(files: list[str], folder: str) -> list[str]:
    """Those in a folder below the root, else those in one at any depth whose path ends with it."""
    if not folder:
        return files
    above = [(file, file.rpartition("/")[0]) for file in files]
    exact = [file for file, parent in above if parent == folder]
    return exact or [file for file, parent in above if parent.endswith(f"/{folder}")]


def _preference(file: str) -> tuple[bool, str]:
    return split_extension(file)[1].lower() not in COMMON, file


def _some(files: list[str]) -> str:
    return ", ".join(told_apart(files[:SHOWN])) + (f" and {len(files) - SHOWN} more" if len(files) > SHOWN else "")

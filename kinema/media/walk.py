"""A folder -> the videos below it, each with its state: inode, size and times of a file, or of a folder of pictures.

The Snakefile imports this module: it needs the standard library only.
"""

import contextlib
import errno
import functools
import logging
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from kinema.media.extensions import VIDEO_EXTENSIONS, may_be_video, split_extension
from kinema.media.pictures import folder_state, is_picture, numbered, sampled
from kinema.media.tokens import NOTHING_KNOWN, Memory

log = logging.getLogger(__name__)
SHOWN = 5  # names in a warning


def walk(root: Path, memory: Memory = NOTHING_KNOWN, *, others: list[str] | None = None) -> Iterator[tuple[str, str]]:
    """Each video below `root` by its path relative to it, with its state; a linked folder only once.

    What is none, though it looks like one, or cannot be read is told and left out. A folder of pictures that is as it
    was is not read: a corpus of them has as many files as frames. `others` is given the files that are none by their
    names.
    """
    return _Walk(root, memory, others).videos()


def tell(root: Path, skipped: dict[str, list[str]]) -> None:
    """Warn once of the names that were left out, by the reason."""
    for reason, names in skipped.items():
        if names:
            shown = ", ".join(f"'{as_text(name) or '.'}'" for name in sorted(names)[:SHOWN])
            more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
            _warn_once(f"{root}: left out, {reason}: {shown}{more}")


def as_text(path: str) -> str:
    """A path for reading: bytes in it that are no UTF-8 are replaced."""
    return path.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


@dataclass(frozen=True, slots=True)
class _Folder:
    """One that is being read. `prefix` is its path below the root, with a `/` behind it, or empty.

    `videos` are the names of its videos without extension, `folders` the paths of what is below it.
    """

    prefix: str
    path: str
    status: os.stat_result
    pictures: list[str] = field(default_factory=list)
    videos: set[str] = field(default_factory=set)
    folders: list[tuple[str, str]] = field(default_factory=list)

    @property
    def identity(self) -> tuple[int, int]:
        """Device and inode."""
        return self.status.st_dev, self.status.st_ino


class _Walk:
    """Folders that are to be read, and what was seen and left out so far."""

    def __init__(self, root: Path, memory: Memory, others: list[str] | None):
        self._root, self._memory, self._others = root, memory, others
        self._folders = [("", str(root))]
        self._seen: set[tuple[int, int]] = set()
        self._above = _folders_above(root)
        self._skipped: dict[str, list[str]] = {}

    def videos(self) -> Iterator[tuple[str, str]]:
        """Path and state of each; the names of what is left out are told at the end."""
        while self._folders:
            prefix, path = self._folders.pop()
            try:
                yield from self._videos_of(_Folder(prefix, path, Path(path).stat()))
            except OSError as error:
                self._skip(_trouble(error), prefix)
        tell(self._root, self._skipped)

    def _videos_of(self, folder: _Folder) -> Iterator[tuple[str, str]]:
        """Those of a folder; it is one itself where it holds numbered pictures. OSError where it cannot be read."""
        if not self._is_new(folder):
            return
        if known := self._memory.of_folder(folder.prefix[:-1], folder.path, folder.status):
            yield folder.prefix[:-1], known
            return
        with os.scandir(folder.path) as listed:
            entries = sorted(listed, key=lambda entry: entry.name)
        for entry in entries:
            if state := self._state_of(entry, folder):
                yield folder.prefix + entry.name, state
        self._folders += folder.folders
        if state := self._state_of_pictures(folder):
            yield folder.prefix[:-1], state

    def _is_new(self, folder: _Folder) -> bool:
        if folder.identity in self._above:
            self._skip("links to a folder above this one", folder.prefix)
        elif folder.identity in self._seen:
            self._skip("links to a folder that is listed already", folder.prefix)
        else:
            self._seen.add(folder.identity)
            return True
        return False

    def _state_of(self, entry: os.DirEntry[str], folder: _Folder) -> str:
        """The state of a video; empty for what is none, which is noted where it belongs."""
        name, relative = entry.name, folder.prefix + entry.name
        try:
            if entry.is_dir():
                folder.folders.append((relative + "/", entry.path))
            elif is_picture(name) and entry.is_file():
                folder.pictures.append(name)
            elif not may_be_video(name):
                self._note_others([relative])
            elif entry.is_file():
                state = _state(entry.stat())
                bare, extension = split_extension(name)
                folder.videos.update({bare} if extension.lower() in VIDEO_EXTENSIONS else ())
                return state
            else:
                is_link = entry.is_symlink()
                self._skip("links that lead nowhere" if is_link else "neither files nor folders", relative)
        except OSError as error:
            self._skip(_trouble(error), relative)
        return ""

    def _state_of_pictures(self, folder: _Folder) -> str:
        """The state of a folder whose pictures are a video, else empty; a picture named as a video is its preview."""
        if not folder.pictures:
            return ""
        is_leaf = not folder.folders
        found = numbered(name for name in folder.pictures if name.rpartition(".")[0] not in folder.videos)
        reason = ""
        if not found.names:
            reason = found.reason if is_leaf and not folder.videos else ""
        elif not folder.prefix:
            reason = "numbered pictures without a folder of their own"
        elif folder.videos:
            reason = "numbered pictures that lie beside videos"
        else:
            try:
                names = sampled(found.names)
                return folder_state(folder.path, folder.status, names, number=len(found.names), is_leaf=is_leaf)
            except OSError as error:
                reason = _trouble(error)
        self._note_others(folder.prefix + name for name in folder.pictures)
        if reason:
            self._skip(reason, folder.prefix)
        return ""

    def _note_others(self, names: Iterable[str]) -> None:
        if self._others is not None:  # else none are kept: there may be as many as videos
            self._others.extend(names)

    def _skip(self, reason: str, relative: str) -> None:
        self._skipped.setdefault(reason, []).append(relative)


def _folders_above(root: Path) -> set[tuple[int, int]]:
    """Device and inode of the folders that hold the root: a link to one of them leads to all that lies beside it."""
    found = set()
    for folder in root.resolve().parents:
        with contextlib.suppress(OSError):
            found.add(((status := folder.stat()).st_dev, status.st_ino))
    return found


def _state(status: os.stat_result) -> str:
    return f"{status.st_ino}\t{status.st_size}\t{status.st_mtime_ns}\t{status.st_ctime_ns}"


def _trouble(error: OSError) -> str:
    known = {errno.ELOOP: "links to themselves", errno.ENOENT: "gone while they were listed"}
    return known.get(error.errno or 0, f"unreadable ({error.strerror})")


@functools.lru_cache
def _warn_once(text: str) -> None:
    """The Snakefile lists a folder several times in one run."""
    log.warning("%s", text)

"""A folder of raw videos, or an address -> its files, each with its size and a token of its content.

A token says whether a file is still the one it was, by a sample of its bytes and not by its time stamps: a copy with
new ones has the same tokens, another video under old ones has not. Tokens are remembered by the file's state (inode,
size, times), so that a file is looked into once. A folder of numbered pictures is a video, too: its token is of the
names of all pictures and of the bytes of three. What lies behind an address is listed by `kinema.media.remote.listing`,
and the token is what its store says. The Snakefile imports this module: it needs the standard library only.
"""

import contextlib
import errno
import functools
import hashlib
import logging
import os
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from kinema.digests import ABSENT
from kinema.files import atomic_path
from kinema.media.extensions import VIDEO_EXTENSIONS, may_be_video, split_extension
from kinema.media.pictures import folder_state, is_picture, is_unchanged, numbered, pictures_in, sampled
from kinema.media.remote.address import is_remote

log = logging.getLogger(__name__)
UNREADABLE = "unreadable"  # token of a file that cannot be opened; never remembered
WHOLE_BYTES = 256 << 10  # files up to this size are read whole
NUM_BLOCKS, BLOCK_BYTES = 16, 4 << 10  # of a larger one
READERS = 8  # files looked into at a time: waiting for a disk or a network, not for the processor
UNSETTLED_NS = 2 * 10**9  # a file that was younger than this when it was listed may have changed unseen since
SHOWN = 5  # names in a warning
QUIET_SECONDS = 10.0  # looking into files for longer than this is told


class VideoFile(NamedTuple):
    """What a listing says of a file."""

    size: int  # in bytes; of a folder of pictures, how many there are
    token: str


def scan_videos(root: Path | str) -> tuple[list[str], list[str]]:
    """Videos below `root` by their names, and the other files; relative and sorted. Links are followed."""
    if is_remote(root):
        from kinema.media.remote.listing import scan_objects

        return scan_objects(str(root))
    others: list[str] = []
    found = sorted(relative for relative, _ in _walk(Path(root), others=others))
    return found, sorted(others)


def list_videos(root: Path | str, *, known: Path | None = None, anew: bool = False) -> dict[str, VideoFile]:
    """Videos below `root` by relative path, `/` between folders, sorted; none without the folder.

    Files of no known extension are among them, since a list may name them (`kinema.media.extensions.may_be_video`).
    `known` is where tokens are remembered (`known_tokens`). A file whose state is the same is not opened. One that was
    touched gets another token though its sample is the same: it may have been edited between the blocks. Of an address
    `known` is what was listed the last time, which counts unless `anew` says otherwise.
    """
    if is_remote(root):
        from kinema.media.remote.listing import list_objects

        return list_objects(str(root), kept=known, anew=anew)
    root = Path(root)
    if not root.is_dir():
        return {}
    memory, started_ns = _Memory.read(known), time.time_ns()
    states = dict(sorted(_walk(root, memory)))
    tokens = memory.of_unchanged(states)
    unknown = [relative for relative in states if relative not in tokens]
    samples = dict(zip(unknown, _samples(root, unknown), strict=True))
    tokens |= {relative: memory.token(relative, states[relative], samples[relative]) for relative in unknown}
    vanished = [relative for relative in unknown if samples[relative] == ABSENT]
    _tell(root, {"gone while they were listed": vanished})
    listed = {relative: tokens[relative] for relative in states if tokens[relative] != ABSENT}
    if known and (unknown or len(listed) != len(memory.lines)):
        memory.renew(known, {name: f"{states[name]}\t{token}" for name, token in listed.items()}, started_ns)
    return {relative: VideoFile(_size(states[relative]), token) for relative, token in listed.items()}


def listing_digest(root: Path | str, *, known: Path | None = None, anew: bool = False) -> str:
    """A digest that changes when a video below `root` is added, removed or replaced; `absent` without the folder."""
    if not (is_remote(root) or Path(root).is_dir()):
        return ABSENT
    digest = hashlib.blake2b(digest_size=8)
    for relative, file in list_videos(root, known=known, anew=anew).items():
        digest.update(f"{relative}\0{file.size}\0{file.token}\n".encode("utf-8", "surrogateescape"))
    return digest.hexdigest()


def known_tokens(root: Path | str) -> Path:
    """Where the tokens of the files below `root` are remembered: in the project, so that they travel with a copy."""
    name = hashlib.blake2b(os.fsencode(root), digest_size=8).hexdigest()
    return Path("work") / "files" / f"{name}.tsv"


def as_text(path: str) -> str:
    """A path for reading: bytes in it that are no UTF-8 are replaced."""
    return path.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


@dataclass(frozen=True, slots=True)
class _Memory:
    """Remembered tokens: a line `inode, size, mtime_ns, ctime_ns, token` by relative path.

    Plain strings, because a Kinetics-size corpus has hundreds of thousands.
    """

    lines: dict[str, str] = field(default_factory=dict)
    listed_ns: int = 0  # when they were looked into

    @classmethod
    def read(cls, path: Path | None) -> "_Memory":
        """What a file remembers, but for damaged lines; nothing of a missing or unreadable one."""
        if path is None:
            return cls()
        lines = {}
        try:
            with path.open(encoding="utf-8", errors="surrogateescape", newline="\n") as file:
                for line in file:
                    state, _, relative = line.rpartition("\t")
                    # a line that was cut off would give a wrong path
                    if state.count("\t") == 4 and relative.endswith("\n"):
                        lines[relative[:-1]] = state
            return cls(lines, path.stat().st_mtime_ns)
        except OSError:
            return cls()

    def of_unchanged(self, states: dict[str, str]) -> dict[str, str]:
        """Tokens of the files that are as they were."""
        tokens = {}
        for relative, state in states.items():
            known, _, token = self.lines.get(relative, "").rpartition("\t")
            if known == state and self._is_settled(state):
                tokens[relative] = token
        return tokens

    def of_folder(self, relative: str, folder: str, status: os.stat_result) -> str | None:
        """The state of a folder of pictures that is as it was, without reading it."""
        known = self.lines.get(relative, "").rpartition("\t")[0]
        return known if known and is_unchanged(folder, status, known) and self._is_settled(known) else None

    def token(self, relative: str, state: str, sample: str) -> str:
        """The token of a file by its sample and what is remembered of it."""
        if relative not in self.lines or sample in (ABSENT, UNREADABLE):
            return sample
        inode, size, mtime, _, token = self.lines[relative].split("\t")
        now = state.split("\t")
        if [inode, size] == now[:2] and mtime != now[2]:
            return f"{sample}-{int(now[2]):x}"
        # a copy, or another owner: the sample decides
        return token if token.partition("-")[0] == sample else sample

    def renew(self, path: Path, lines: dict[str, str], listed_ns: int) -> None:
        """Write what there is to remember now, if it differs; a project that cannot be written to goes on without."""
        # a name that would break a line is not remembered, and neither is what may be readable the next time
        lines = {
            relative: line
            for relative, line in lines.items()
            if "\n" not in relative and "\t" not in relative and not line.endswith(UNREADABLE)
        }
        if lines == self.lines and all(map(self._is_settled, lines.values())):
            return
        try:
            with atomic_path(path) as temporary:
                with temporary.open("w", encoding="utf-8", errors="surrogateescape", newline="\n") as file:
                    file.writelines(f"{line}\t{relative}\n" for relative, line in lines.items())
                os.utime(temporary, ns=(listed_ns, listed_ns))
        except OSError as error:
            log.info("%s: cannot be written (%s); every file is looked into again the next time", path, error)

    def _is_settled(self, line: str) -> bool:
        return int(line.split("\t")[3]) < self.listed_ns - UNSETTLED_NS


def _size(state: str) -> int:
    return int(state.split("\t", 2)[1])


def _samples(root: Path, files: list[str]) -> Iterator[str]:
    """The sample of each file, in order; tells how far it is where that takes long."""
    if not files:
        return
    from multiprocessing.pool import ThreadPool

    started_at = spoke_at = time.monotonic()
    with ThreadPool(min(READERS, len(files))) as pool:
        for number, sample in enumerate(pool.imap(functools.partial(_sample, root), files, chunksize=64)):
            yield sample
            if (now := time.monotonic()) - spoke_at > QUIET_SECONDS:
                rate = number / (now - started_at)
                log.warning("%s: looked into %d of %d new files, %.0f/s; once a file", root, number, len(files), rate)
                spoke_at = now


def _sample(root: Path, relative: str) -> str:
    """Hash of a file's size and of a sample of its bytes."""
    try:
        with Path(root, relative).open("rb", buffering=0) as file:
            size = os.fstat(file.fileno()).st_size
            digest = hashlib.blake2b(str(size).encode(), digest_size=8)
            for offset, length in _blocks(size):
                digest.update(os.pread(file.fileno(), length, offset))
    except FileNotFoundError:
        return ABSENT
    except IsADirectoryError:
        return _folder_sample(root, relative)
    except OSError:
        return UNREADABLE
    return digest.hexdigest()


def _folder_sample(root: Path, relative: str) -> str:
    """Hash of the names of the pictures of a folder, and of samples of three of them."""
    try:
        names = pictures_in(root / relative).names
    except FileNotFoundError:
        return ABSENT
    except OSError:
        return UNREADABLE
    if not names:
        return ABSENT
    samples = [_sample(root, f"{relative}/{name}") for name in sampled(names)]
    if UNREADABLE in samples:
        return UNREADABLE
    text = "\0".join([*names, *samples])
    return hashlib.blake2b(text.encode("utf-8", "surrogateescape"), digest_size=8).hexdigest()


def _blocks(size: int) -> Iterable[tuple[int, int]]:
    """Offset and length of what is read of a file: all of a small one, else blocks from its first to its last byte."""
    if size <= WHOLE_BYTES:
        return [(0, size)]
    return [(number * (size - BLOCK_BYTES) // (NUM_BLOCKS - 1), BLOCK_BYTES) for number in range(NUM_BLOCKS)]


def _walk(root: Path, memory: _Memory = _Memory(), *, others: list[str] | None = None) -> Iterator[tuple[str, str]]:
    """Each video below `root` by its path relative to it, with its state; a linked folder only once.

    What is none, though it looks like one, or cannot be read is told and left out. A folder of pictures that is as it
    was is not read: a corpus of them has as many files as frames. `others` is given the files that are none by their
    names.
    """
    folders, seen, above = [("", str(root))], set(), _folders_above(root)
    skipped: dict[str, list[str]] = {}
    while folders:
        prefix, folder = folders.pop()
        try:
            identity = Path(folder).stat()
            is_above = (identity.st_dev, identity.st_ino) in above
            is_new = not is_above and (identity.st_dev, identity.st_ino) not in seen
            seen.add((identity.st_dev, identity.st_ino))
            if is_new and (known := memory.of_folder(prefix[:-1], folder, identity)):
                yield prefix[:-1], known
                continue
            with os.scandir(folder) as listed:
                entries = sorted(listed, key=lambda entry: entry.name) if is_new else []
        except OSError as error:
            skipped.setdefault(_trouble(error), []).append(prefix)
            continue
        if not is_new:
            reason = "links to a folder above this one" if is_above else "links to a folder that is listed already"
            skipped.setdefault(reason, []).append(prefix)
        pictures: list[str] = []
        videos: set[str] = set()
        num_before = len(folders)
        for entry in entries:
            relative = prefix + entry.name
            try:
                if entry.is_dir():
                    folders.append((relative + "/", entry.path))
                elif is_picture(entry.name) and entry.is_file():
                    pictures.append(entry.name)
                elif not may_be_video(entry.name):
                    if others is not None:
                        others.append(relative)
                elif entry.is_file():
                    yield relative, _state(entry.stat())
                    bare, extension = split_extension(entry.name)
                    videos.update({bare} if extension.lower() in VIDEO_EXTENSIONS else ())
                elif entry.is_symlink():
                    skipped.setdefault("links that lead nowhere", []).append(relative)
                else:
                    skipped.setdefault("neither files nor folders", []).append(relative)
            except OSError as error:
                skipped.setdefault(_trouble(error), []).append(relative)
        if pictures:
            is_leaf = len(folders) == num_before
            state, reason = _folder_of_pictures(prefix, folder, identity, pictures, videos, is_leaf)
            if state:
                yield prefix[:-1], state
            elif others is not None:
                others.extend(prefix + name for name in pictures)
            if reason:
                skipped.setdefault(reason, []).append(prefix)
    _tell(root, skipped)


def _folder_of_pictures(
    prefix: str, folder: str, status: os.stat_result, names: list[str], videos: set[str], is_leaf: bool
) -> tuple[str, str]:
    """The state of a folder that is a video; or the reason why it is none, empty where nothing is to be said.

    `videos` are the names of files beside the pictures; a picture of such a name is a preview.
    """
    found = numbered(name for name in names if name.rpartition(".")[0] not in videos)
    if found.names and not prefix:
        return "", "numbered pictures without a folder of their own"
    if found.names and videos:
        return "", "numbered pictures that lie beside videos"
    if not found.names:
        return "", found.reason if is_leaf and not videos else ""
    try:
        return folder_state(folder, status, sampled(found.names), number=len(found.names), is_leaf=is_leaf), ""
    except OSError as error:
        return "", _trouble(error)


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


def _tell(root: Path, skipped: dict[str, list[str]]) -> None:
    for reason, names in skipped.items():
        if names:
            shown = ", ".join(f"'{as_text(name) or '.'}'" for name in sorted(names)[:SHOWN])
            more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
            _warn_once(f"{root}: left out, {reason}: {shown}{more}")


@functools.lru_cache
def _warn_once(text: str) -> None:
    """The Snakefile lists a folder several times in one run."""
    log.warning("%s", text)

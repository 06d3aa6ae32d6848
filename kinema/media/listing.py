"""A folder of raw videos, or an address -> its files, each with its size and a token of its content.

A token says whether a file is still the one it was, by a sample of its bytes and not by its time stamps: a copy with
new ones has the same tokens, another video under old ones has not. Tokens are remembered by the file's state (inode,
size, times), so that a file is looked into once. A folder of numbered pictures is a video, too: its token is of the
names of all pictures and of the bytes of three. What lies behind an address is listed by `kinema.media.remote.listing`,
and the token is what its store says. The Snakefile imports this module: it needs the standard library only.
"""

import hashlib
import os
import time
from pathlib import Path
from typing import NamedTuple

from kinema.digests import ABSENT
from kinema.media.remote.address import is_remote
from kinema.media.samples import samples_of
from kinema.media.tokens import Memory
from kinema.media.walk import tell, walk


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
    found = sorted(relative for relative, _ in walk(Path(root), others=others))
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
    memory, started_ns = Memory.read(known), time.time_ns()
    states = dict(sorted(walk(root, memory)))
    tokens = memory.of_unchanged(states)
    unknown = [relative for relative in states if relative not in tokens]
    samples = dict(zip(unknown, samples_of(root, unknown), strict=True))
    tokens |= {relative: memory.token(relative, states[relative], samples[relative]) for relative in unknown}
    vanished = [relative for relative in unknown if samples[relative] == ABSENT]
    tell(root, {"gone while they were listed": vanished})
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


def _size(state: str) -> int:
    return int(state.split("\t", 2)[1])

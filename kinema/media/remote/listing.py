"""What lies below an address, listed once a run of Snakemake and kept for the jobs of this run and for the next one.

An object's identity is its size with its ETag, or with its time where a store has none: nothing is read of it.
"""

import functools
import logging
import time
from pathlib import Path

from kinema.files import atomic_path
from kinema.input_error import InputError
from kinema.media.extensions import may_be_video
from kinema.media.listing import VideoFile
from kinema.media.pictures import is_picture
from kinema.media.remote.address import folder_of, split_address
from kinema.media.remote.errors import StoreError
from kinema.media.remote.stores import store_of

log = logging.getLogger(__name__)
Listing = dict[str, VideoFile]
TELL_EVERY = 100_000  # objects


def list_objects(root: str, *, kept: Path | None, anew: bool) -> Listing:
    """Videos below an address by relative path, sorted.

    `kept` is the file of the last listing, which counts unless the videos are to be listed `anew`; that is done once a
    process. Where it fails, the last one counts, with a warning; InputError where there is none.
    """
    if anew:
        return _listed_once(root, kept)
    found = _read(kept)
    return _new_listing(root, kept) if found is None else found


def scan_objects(root: str) -> tuple[list[str], list[str]]:
    """Names of the videos below an address, and of the other objects; sorted."""
    videos, others = _listed(root)
    return sorted(videos), sorted(others)


@functools.lru_cache
def _listed_once(root: str, kept: Path | None) -> Listing:
    return _new_listing(root, kept)


def _new_listing(root: str, kept: Path | None) -> Listing:
    try:
        videos, others = _listed(root)
    except InputError as error:
        before = _read(kept)
        if before is None or kept is None:
            raise
        when = time.strftime("%Y-%m-%d %H:%M", time.localtime(kept.stat().st_mtime))
        log.warning("%s What was listed on %s counts.", error, when)
        return before
    pictures = sum(is_picture(name.rpartition("/")[2]) for name in others)
    if pictures:
        log.warning(
            "%s: left out, %d pictures: folders of pictures are read from folders of this machine", root, pictures
        )
    if kept:
        _keep(kept, videos)
    return videos


def _listed(root: str) -> tuple[Listing, list[str]]:
    origin, folder = split_address(folder_of(root))
    videos: Listing = {}
    others: list[str] = []
    try:
        objects = store_of(origin).objects(folder.rstrip("/"), _may_be_video)
        for number, (name, file) in enumerate(objects, start=1):
            if not name or not name.isprintable():
                others.append(ascii(name))
            elif _may_be_video(name):
                videos[name] = file
            else:
                others.append(name)
            if number % TELL_EVERY == 0:
                log.warning("%s: %d objects are listed so far", root, number)
    except StoreError as error:
        raise InputError(_unlisted(root, error)) from None
    return dict(sorted(videos.items())), others


def _may_be_video(path: str) -> bool:
    return may_be_video(path.rpartition("/")[2])


def _unlisted(root: str, error: StoreError) -> str:
    advice = {
        "missing": "Correct `videos` of the data set.",
        "denied": "Credentials come from the environment or the usual files: docs/remote-data.md.",
        "passing": "Run the same command again.",
        "refused": "Correct `videos` of the data set; docs/remote-data.md says what can be listed.",
    }
    return f"{root}: cannot be listed ({error}). {advice[error.kind]}"


def _read(kept: Path | None) -> Listing | None:
    """A listing that was kept; None where there is none, or a damaged one."""
    if kept is None:
        return None
    found: Listing = {}
    try:
        with kept.open(encoding="utf-8", errors="surrogateescape", newline="\n") as lines:
            for line in lines:
                size, token, name = line.removesuffix("\n").split("\t")
                found[name] = VideoFile(int(size), token)
    except (OSError, ValueError):
        return None
    return found


def _keep(kept: Path, videos: Listing) -> None:
    with atomic_path(kept) as part, part.open("w", encoding="utf-8", errors="surrogateescape", newline="\n") as file:
        file.writelines(f"{one.size}\t{one.token}\t{name}\n" for name, one in videos.items())

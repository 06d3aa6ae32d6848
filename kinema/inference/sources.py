"""What a user names on the command line -> the videos that are meant, one by one.

It needs the standard library only.
"""

import glob
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from kinema.media.extensions import VIDEO_EXTENSIONS, extension_of, in_words
from kinema.media.pictures import pictures_in

SCHEMES = ("http", "https", "rtmp", "rtsp", "rtsps")
WILD = "*?["


def is_live(source: str) -> bool:
    """Whether it is read for a limited time: an address, or the number of a webcam."""
    return "://" in source or (source.isdecimal() and not Path(source).exists())


def find_sources(named: Sequence[str]) -> list[str]:
    """Videos in the order in which they are named, each once: files, folders of numbered pictures, live sources.

    Of a folder all videos below it, in the order of their names. Patterns are those of a shell, with `**` for any
    folders. A file that is not there is a source, too, since only that video fails. ValueError where a folder or a
    pattern gives none, or an address is of a kind that cannot be read.
    """
    found: dict[str, None] = {}
    for text in named:
        found |= dict.fromkeys(_found(text))
    return list(found)


def _found(text: str) -> Sequence[str]:
    if is_live(text):
        if "://" in text and text.split("://")[0].lower() not in SCHEMES:
            raise ValueError(f"{text}: expected an address that begins with {', '.join(SCHEMES)}")
        return [text]
    if Path(text).is_dir():
        return _in_folder(text)
    if not any(sign in text for sign in WILD) or Path(text).exists():
        return [text]
    matches = sorted(glob.glob(text, recursive=True))  # noqa: PTH207  a Path's cannot take absolute patterns
    videos = [video for match in matches for video in _of_match(match)]
    if not videos:
        there = f"{len(matches)} names that match, none of a video" if matches else "nothing that matches"
        raise ValueError(f"{text}: {there}; expected videos ({in_words()})")
    return videos


def _of_match(path: str) -> Sequence[str]:
    """A pattern like `*` matches what is no video, too."""
    if Path(path).is_dir():
        return list(_videos_below(path))
    return [path] if extension_of(path) in VIDEO_EXTENSIONS else []


def _in_folder(folder: str) -> Sequence[str]:
    videos = list(_videos_below(folder))
    if not videos:
        raise ValueError(f"{folder}: no video in it; expected files ({in_words()}) or folders of numbered pictures")
    return videos


def _videos_below(folder: str) -> Iterator[str]:
    for here, folders, files in os.walk(folder, onerror=_refuse):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        videos = sorted(name for name in files if not name.startswith(".") and extension_of(name) in VIDEO_EXTENSIONS)
        yield from (str(Path(here) / name) for name in videos)
        if not videos and pictures_in(here).names:
            yield here


def _refuse(error: OSError) -> None:
    raise error

"""A raw video -> a few small square pictures of it, spread over its length."""

import contextlib
from collections.abc import Iterable, Iterator
from pathlib import Path

import av
import cv2
import numpy as np

from kinema.inference.filters import Pictures, filtered, turns
from kinema.looks.squares import NUM_PICTURES, SIDE, spread, squares
from kinema.media.frame_folders import listed, read
from kinema.media.probe import MediaError, open_container, probe

MOST_KEPT = 200  # pictures of a file whose times are unknown
FAR_SECONDS = 20.0  # beyond this, going to a key frame is faster than decoding on


def pictures_of(path: Path) -> np.ndarray:
    """`NUM_PICTURES` squares of a video file or of a folder of numbered pictures.

    Times are those of the header: what it says wrongly costs pictures, not the video. MediaError where there is no
    picture at all.
    """
    frames: list[np.ndarray] = []
    try:
        _gather(frames, _of_folder(path) if path.is_dir() else _of_file(path))
    except MediaError:
        if not frames:
            raise
    if not frames:
        raise MediaError("too few frames", detail="none can be decoded")
    return squares([frames[number] for number in spread(len(frames))])


def _gather(kept: list[np.ndarray], frames: Iterable[np.ndarray]) -> None:
    """Keep every frame, of many every second, every fourth and so on, so that memory is bounded."""
    step = 1
    for number, frame in enumerate(frames):
        if number % step == 0:
            kept.append(frame)
        if len(kept) == MOST_KEPT:
            del kept[1::2]
            step *= 2


def _of_folder(folder: Path) -> Iterator[np.ndarray]:
    names = listed(folder).names
    for number in np.unique(spread(len(names))) if names else ():
        frame = cv2.imdecode(np.frombuffer(read(folder / names[number]), np.uint8), cv2.IMREAD_COLOR)
        if frame is not None:
            yield cv2.resize(frame, (SIDE, SIDE), interpolation=cv2.INTER_AREA)


def _of_file(path: Path) -> Iterator[np.ndarray]:
    with contextlib.closing(_near(path)) as pictures:
        for picture in filtered(pictures, lambda first: [*turns(first), ("scale", f"{SIDE}:{SIDE}:flags=area")]):
            yield picture.to_ndarray(format="bgr24")


def _near(path: Path) -> Pictures:
    """The first picture at or behind the middle of each fifth of a file, or all of them where times are unknown."""
    about = probe(path)
    length = about.duration_seconds if about.has_times else None
    wanted = [(part + 0.5) / NUM_PICTURES * length for part in range(NUM_PICTURES)] if length else []
    with open_container(path) as container:
        stream = container.streams[about.stream]
        stream.thread_type = "AUTO"
        if not wanted:
            yield from container.decode(stream)
            return
        start = float((stream.start_time or 0) * stream.time_base)
        now = 0.0
        for seconds in wanted:
            if about.is_indexed and seconds - now > FAR_SECONDS:
                container.seek(int((start + seconds) / stream.time_base), stream=stream)
            found = _behind(container, stream, start + seconds)
            if found is None:
                return
            now = seconds
            yield found


def _behind(container: av.container.InputContainer, stream: av.VideoStream, seconds: float) -> av.VideoFrame | None:
    """The next picture that is shown at this time or later; the last one where the file ends before."""
    last = None
    with contextlib.suppress(av.error.EOFError):
        for last in container.decode(stream):
            if last.time is None or last.time >= seconds:
                break
    return last

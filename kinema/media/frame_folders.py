"""A folder of numbered pictures -> what ffmpeg reads of it: a stream with one packet a picture, through a named pipe.

ffmpeg is given no name of the folder, so that neither a pattern nor a list of files is ever interpreted: the pictures
are read here, in the order of their numbers. One file is one frame, and a broken one spoils no other.
"""

import contextlib
import dataclasses
import errno
import os
import tempfile
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import av

from kinema.experiment.data_sections import Media
from kinema.media import jpeg_header
from kinema.media.pictures import Numbered, pictures_in
from kinema.media.probe import MediaError, Probe, opened, reading
from kinema.media.sizes import probe_within_limits

Row = dict[str, Any]
WAIT_SECONDS = 0.002  # between two looks whether ffmpeg has opened the pipe
LARGEST_GAP = 1_000_000  # pictures that may be missing in one place; a number that is further away is no frame's


# What a picture is, in ffmpeg's name for its decoder, by how the file begins; its extension may be another.
KINDS = {
    b"\xff\xd8\xff": "mjpeg",
    b"\x89PNG\r\n\x1a\n": "png",
    b"RIFF": "webp",
    b"BM": "bmp",
    b"II*\0": "tiff",
    b"MM\0*": "tiff",
    b"P6": "ppm",
}
LONGEST_START = max(map(len, KINDS))


class Picture(NamedTuple):
    """One file of a folder; `position` is its place in the video from 0, where missing numbers count, too."""

    path: Path
    number: int
    position: int


@dataclass(slots=True)
class FrameFolder:
    """The pictures that a manifest row asks for, and what became of them while they were read.

    `about` describes the whole folder by its first picture that can be read; `media.frames_fps` is its rate.
    """

    pictures: list[Picture]
    kind: str  # of KINDS; pictures of another one are broken
    about: Probe
    fps: Fraction
    broken: list[tuple[str, str]] = field(default_factory=list)  # name and reason

    @contextlib.contextmanager
    def fed(self) -> Iterator[Path]:
        """A named pipe from which ffmpeg, while the block runs, may read the pictures once.

        Raises MediaError at the end where a picture may not be read.
        """
        with tempfile.TemporaryDirectory(prefix="kinema-") as folder:
            pipe = Path(folder) / f"pictures.{self.kind}"
            os.mkfifo(pipe)
            feeder = _Feeder(self, pipe)
            try:
                yield pipe
            except MediaError:  # of ffmpeg, which may have missed what could not be read
                feeder.stop()
                if not feeder.error:
                    raise
            finally:
                feeder.stop()
        if feeder.error:
            raise feeder.error

    def read(self) -> Iterator[tuple[Picture, bytes]]:
        """Each picture that is whole, with its bytes; notes the others anew."""
        self.broken.clear()
        for picture in self.pictures:
            data = read(picture.path)
            if trouble := _trouble(data, self.kind):
                self.broken.append((picture.path.name, trouble))
            else:
                yield picture, data

    def trouble(self, num_frames: int | None, *, media: Media) -> str:
        """What is wrong with the pictures, in words, where they gave so many frames; None: ffmpeg told of damage."""
        found = []
        expected = len(self.pictures) - len(self.broken) - (media.modality == "flow")
        num_missed = 0 if num_frames is None or media.fps else max(0, expected - num_frames)
        if self.broken:
            (name, reason), number = self.broken[0], len(self.broken)
            found.append(f"{number} of {len(self.pictures)} pictures cannot be read, such as '{name}' ({reason})")
        if num_missed > 0:
            found.append(f"{num_missed} of {len(self.pictures)} pictures cannot be decoded")
        gaps = [(one, next_one) for one, next_one in pairwise(self.pictures) if next_one.position > one.position + 1]
        if gaps:
            number = sum(next_one.position - one.position - 1 for one, next_one in gaps)
            places = f"between the numbers {gaps[0][0].number} and {gaps[0][1].number}"
            found.append(f"{number} of {number + len(self.pictures)} pictures are missing, the first {places}")
        return "; ".join(found)


def open_folder(row: Row, *, media: Media, ffmpeg: str) -> FrameFolder:
    """The pictures of a manifest row whose path is a folder.

    Raises MediaError where there are none, none is in the wanted part, none can be read, or they are too large.
    """
    folder, fps = Path(row["path"]), Fraction(media.frames_fps).limit_denominator(100_000)
    found = listed(folder)
    every = [
        Picture(folder / name, number, position)
        for name, number, position in zip(found.names, found.numbers, _positions(found.numbers), strict=True)
    ]
    wanted = [picture for picture in every if _is_within(picture.position, row, fps)]
    seconds = float((every[-1].position + 1) / fps)
    if not wanted:
        raise MediaError("too few frames", detail=f"its {len(every)} pictures end at {seconds:g} s, before the part")
    kind, about = _describe(wanted, media, ffmpeg)
    about = dataclasses.replace(about, fps=float(fps), duration_seconds=seconds, claimed_fps=None)
    about = dataclasses.replace(about, stream=0, is_indexed=False, has_times=True)  # of what is fed
    return FrameFolder(wanted, kind, about, fps)


def listed(folder: Path) -> Numbered:
    """The numbered pictures of a folder. Raises MediaError where there are none, or it cannot be read."""
    with reading():
        found = pictures_in(folder)
    if not found.names:
        raise MediaError("no numbered pictures", detail=found.reason)
    return found


def read(picture_path: Path, number: int = -1) -> bytes:
    """The first bytes of a picture that was just listed, or all. Raises MediaError where they cannot be read."""
    try:
        with opened(picture_path) as file:
            return file.read(number)
    except OSError as error:  # while it is read
        raise MediaError("unreadable", detail=str(error.strerror), passing=True) from error
    except MediaError as error:
        if error.passing:
            raise
        # the rest of the video is there, so it is not missing
        raise MediaError("unreadable", detail=f"{picture_path.name} is gone", passing=True) from error


def _positions(numbers: Sequence[int]) -> list[int]:
    """Places in the video; numbers may go up by any step, the most frequent one being that of neighbours."""
    steps = Counter(after - before for before, after in pairwise(numbers))
    step = min(steps, key=lambda step: (-steps[step], step), default=1)
    positions = [0]
    for number in numbers[1:]:
        place = round((number - numbers[0]) / step)
        positions.append(min(max(place, positions[-1] + 1), positions[-1] + LARGEST_GAP))
    return positions


def _is_within(position: int, row: Row, fps: Fraction) -> bool:
    place = position if row.get("unit") == "frames" else position / float(fps)
    return (row.get("start") or 0) <= place and (row.get("end") is None or place < row["end"])


def _describe(pictures: list[Picture], media: Media, ffmpeg: str) -> tuple[str, Probe]:
    """What most pictures are, and the header of the first such one that can be read."""
    kinds = Counter(kind for picture in pictures if (kind := _kind_of(read(picture.path, LONGEST_START))))
    if not kinds:
        raise MediaError("no picture can be read", detail=f"'{pictures[0].path.name}' is empty or of no known kind")
    ((kind, _),) = kinds.most_common(1)
    failure: MediaError | None = None
    for picture in pictures:
        try:
            data = read(picture.path)
            if trouble := _trouble(data, kind):
                raise MediaError("no picture can be read", detail=f"'{picture.path.name}' is {trouble}")
            return kind, _header(data, kind, media, ffmpeg)
        except MediaError as error:
            if error.passing or error.limit:
                raise
            failure = error
    assert failure
    raise failure


def _header(data: bytes, kind: str, media: Media, ffmpeg: str) -> Probe:
    with tempfile.TemporaryDirectory(prefix="kinema-") as folder:
        # under a name that does not tell its kind libavformat looks into it, and finds no pattern of names
        alone = Path(folder) / "picture"
        alone.write_bytes(jpeg_header.picture_of(data) if kind == "mjpeg" else data)
        # `stream` counts those of files
        return probe_within_limits(alone, media=media.model_copy(update={"stream": None}), ffmpeg=ffmpeg)


def _trouble(data: bytes, kind: str) -> str:
    """What is wrong with the bytes of a picture, as far as that can be told without decoding them."""
    found = _kind_of(data)
    if found == kind:
        return "" if _is_whole(data, kind) else "cut off"
    return f"{found if found else 'nothing known'} among {kind}" if data else "empty"


def _kind_of(data: bytes) -> str | None:
    return next((kind for start, kind in KINDS.items() if data.startswith(start)), None)


def _is_whole(data: bytes, kind: str) -> bool:
    """Whether a picture has its end, where that is cheap to tell: a decoder fills up what a cut-off one lacks."""
    if kind == "mjpeg":
        return bool(jpeg_header.picture_of(data))
    return kind != "png" or b"IEND\xaeB`\x82" in data[-1024:]


class _Feeder:
    """A thread that writes the pictures of a folder to a named pipe, once ffmpeg has opened it."""

    def __init__(self, folder: FrameFolder, pipe: Path):
        self.error: MediaError | None = None
        self._folder, self._pipe = folder, pipe
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True, name="feed")
        self._thread.start()

    def stop(self) -> None:
        """End it; ffmpeg has ended before, so that nothing waits for a reader."""
        self._stopped.set()
        self._thread.join()

    def _run(self) -> None:
        try:
            if (file := self._opened()) is not None:
                with contextlib.suppress(BrokenPipeError), file:  # ffmpeg has ended, and says why
                    self._write(file)
        except MediaError as error:
            self.error = error
        except Exception as error:  # else the video would seem to end here
            self.error = MediaError("unreadable", detail=f"{type(error).__name__}: {error}")

    def _opened(self) -> BinaryIO | None:
        while not self._stopped.is_set():
            try:
                pipe = os.open(self._pipe, os.O_WRONLY | os.O_NONBLOCK)
            except OSError as error:
                if error.errno != errno.ENXIO:  # nobody reads yet
                    raise
                self._stopped.wait(WAIT_SECONDS)
            else:
                os.set_blocking(pipe, True)
                return os.fdopen(pipe, "wb")
        return None

    def _write(self, file: BinaryIO) -> None:
        folder, tick = self._folder, 1 / self._folder.fps
        with av.open(file, "w", format="nut") as container:
            # every kind of picture passes as this one; ffmpeg is told which decoder to take
            stream = container.add_stream("mjpeg", rate=folder.fps)
            stream.width, stream.height, stream.pix_fmt = folder.about.width, folder.about.height, "yuvj420p"
            stream.time_base = tick
            for picture, data in folder.read():
                if self._stopped.is_set():
                    return
                packet = av.Packet(data)
                packet.stream, packet.time_base, packet.is_keyframe = stream, tick, True
                packet.pts = packet.dts = picture.position - folder.pictures[0].position
                container.mux(packet)

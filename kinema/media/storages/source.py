"""A video and the settings of `media` -> the pictures that are stored of it, one after the other."""

import contextlib
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from kinema.experiment.data_sections import Media
from kinema.media.ffmpeg import grey_stream, jpeg_stream
from kinema.media.flow import encode_jpeg, flow_pictures
from kinema.media.inputs import Segment
from kinema.media.probe import DEFAULT_FPS, Probe
from kinema.media.shown import scaled_size


def stored_fps(about: Probe, media: Media) -> float:
    """Frames per second of what is stored of a video."""
    return media.fps or about.fps or DEFAULT_FPS


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """What ffmpeg reads: a part of a file, or a pipe of pictures. `about` is what the whole says of itself.

    When each frame is shown is noted in the file `times`.
    """

    path: Path
    segment: Segment
    about: Probe
    media: Media
    ffmpeg: str
    times: Path | None = None

    @property
    def fps(self) -> float:
        """Frames per second of what is stored."""
        return stored_fps(self.about, self.media)

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the frames."""
        return scaled_size(self.about, self.media)

    def jpegs(self, *, transposed: bool = False) -> Generator[list[bytes], None, None]:
        """The JPEG files of each frame: one picture, or horizontal and vertical flow. Raises as `running` does."""
        if self.media.modality == "rgb":
            for jpeg in jpeg_stream(
                self.path,
                media=self.media,
                ffmpeg=self.ffmpeg,
                segment=self.segment,
                times=self.times,
                transposed=transposed,
            ):
                yield [jpeg]
        else:
            for flow in self.flow():
                yield [encode_jpeg(part, quality=self.media.jpeg_quality, transposed=transposed) for part in flow]

    def flow(self) -> Generator[np.ndarray, None, None]:
        """Horizontal and vertical flow, uint8 (2, H, W). Raises as `running` does."""
        grey = grey_stream(self.path, media=self.media, ffmpeg=self.ffmpeg, segment=self.segment, times=self.times)
        with contextlib.closing(grey):
            yield from flow_pictures(grey, bound=self.media.flow_bound)

"""What has reached the disk of one video, and whether it may go on."""

import threading
from dataclasses import dataclass, field

from kinema.media.digests import FramesDigest
from kinema.media.failures import StoppedError
from kinema.media.ffmpeg import jpeg_size
from kinema.media.probe import MediaError


@dataclass(slots=True, kw_only=True)
class Written:
    """Counts the frames of a video; ends it with an error once `stop` is set or there are too many bytes."""

    max_gigabytes: float
    stop: threading.Event
    num_frames: int = 0
    num_bytes: int = 0
    height: int = 0
    width: int = 0
    frame_bytes: list[int] = field(default_factory=list)  # of JPEG frames
    digest: FramesDigest = field(default_factory=FramesDigest)

    def add(self, jpegs: list[bytes]) -> None:
        """Count a frame of one JPEG file, or two of the same size. Raises as `go_on`."""
        if not self.num_frames:
            self.height, self.width = jpeg_size(jpegs[0])
        self.num_frames += 1
        self.frame_bytes.append(sum(len(jpeg) for jpeg in jpegs))
        self.num_bytes += self.frame_bytes[-1]
        for jpeg in jpegs:
            self.digest.add(jpeg)
        self.go_on()

    def go_on(self) -> None:
        """StoppedError where the run is ending, MediaError where more is written than `media.max_gigabytes` allows."""
        if self.stop.is_set():
            raise StoppedError
        if self.num_bytes > self.max_gigabytes * 1e9:
            detail = f"more than media.max_gigabytes = {self.max_gigabytes:g} of frames"
            raise MediaError("too large", detail=detail, limit="max_gigabytes")

"""The optical flow of a video, as the extraction makes it for a training: from a picture to one that follows it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from kinema.inference.sampling import Sampling, taken
from kinema.inference.spec import InputSpec
from kinema.inference.video import Video, too_few
from kinema.media.layout import Box


@dataclass(frozen=True, slots=True)
class Flow:
    """From pictures of a video to others, by their numbers, as `kinema.inference.preprocessing.Frames`: channels x, y.

    A displacement of -bound..bound pixels of the frame is 0..255 (`media.flow_bound`).
    """

    video: Video
    numbers: np.ndarray
    following: np.ndarray
    bound: float

    def take(self, places: Sequence[int]) -> "Flow":
        """The flow from these, by their places in `numbers`."""
        return replace(self, numbers=self.numbers[places], following=self.following[places])

    @property
    def size(self) -> tuple[int, int]:
        """Height and width."""
        return self.video.size

    def cut(self, box: Box) -> Iterator[np.ndarray]:
        """The box of the flow from each picture."""
        from kinema.media.flow import flow_pictures  # it takes OpenCV's threads from this process

        rows, columns = (slice(box[a], box[a] + box[b]) for a, b in (("top", "height"), ("left", "width")))
        wanted = np.union1d(self.numbers, self.following).tolist()
        read = map(np.ascontiguousarray, self.video.read(wanted, grey=True))  # OpenCV takes no others
        grey = dict(zip(wanted, read, strict=True))
        for number, after in zip(self.numbers.tolist(), self.following.tolist(), strict=True):
            (flow,) = flow_pictures([grey[number], grey[after]], bound=self.bound)
            yield flow.transpose(1, 2, 0)[rows, columns]


def flow_at_pace(video: Video, sampling: Sampling, spec: InputSpec, *, bound: float) -> Flow:
    """The flow from the pictures that clips count; `bound` is that of the training.

    It goes to the next picture of the video. At the pace of a training of another frame rate it is as long as a motion
    from frame to frame was there: of a faster video it goes to the next picture at that pace. Of a slower one, whose
    pictures are taken several times, it goes to the next picture still, and is shortened by way of a larger bound.
    The last picture, which none follows, is not among them. MediaError of a video that has one at that pace.
    """
    numbers, pace, slower_by = np.arange(video.num_frames), sampling.taken_at, 1.0
    in_time = pace is not None and spec.fps is not None  # trained so, on flow between stored neighbours
    if pace is not None and sampling.fps is not None and not in_time:
        slower_by = max(1.0, pace / sampling.fps)
    if pace is not None and (in_time or slower_by > 1):
        numbers = taken(video.times[:-1], pace) if len(numbers) > 2 else numbers[:-1]
        return Flow(video, numbers, numbers + 1, bound=bound * slower_by)
    if pace is not None:
        numbers = taken(video.times, pace)
    if len(numbers) < 2:
        raise too_few(1)
    return Flow(video, numbers[:-1], numbers[1:], bound=bound)

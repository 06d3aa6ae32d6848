"""Times of pictures, as they come -> which of them are looked at.

`kinema.inference.sampling` chooses among all frames of a video the one that is nearest to each time. Who watches live
does not know the next one yet: a picture is taken for every time that is not nearer to the next one, if that comes as
soon as this one did.
"""


class Pace:
    """Every `stride`-th picture; where `fps` is given, those at the times of every `stride`-th frame of that rate."""

    def __init__(self, *, stride: int, fps: float | None = None, most: int = 1):
        self._stride, self._most = stride, most
        self._step = None if fps is None else stride / fps
        self._number = 0  # of pictures, or of the time that is wanted next
        self._last: float | None = None

    def times(self, seconds: float) -> int:
        """How many frames of a clip the next picture is: 0 or 1; up to `most` where pictures are missing before it."""
        if self._step is None:
            self._number += 1
            return int((self._number - 1) % self._stride == 0)
        gap = 0.0 if self._last is None else seconds - self._last
        self._last = seconds
        until = seconds + min(gap, self._step) / 2
        first, self._number = self._number, max(self._number, int(until / self._step + 1e-9) + 1)
        return min(self._number - first, self._most)

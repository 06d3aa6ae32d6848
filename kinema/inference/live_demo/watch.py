"""The way of a picture: decoded in one thread, encoded and labelled in another, drawn and written in this one."""

import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from kinema.inference.live_demo.arrivals import Arrival, Arrivals
from kinema.inference.live_demo.meter import Meter
from kinema.inference.live_demo.output import Write
from kinema.inference.live_demo.overlay import Panel
from kinema.inference.live_demo.pace import Pace
from kinema.inference.live_demo.reader import read_into
from kinema.inference.live_demo.recognizer import Look, Recognizer
from kinema.inference.live_demo.source import Source
from kinema.inference.live_demo.stream_model import StreamModel
from kinema.inference.model import scores_of
from kinema.inference.prediction import Scored
from kinema.inference.sampling import sampling_of
from kinema.media.probe import DEFAULT_FPS

MOST_QUEUED = 3  # decoded pictures, at which a live source begins to drop
MOST_WAITING = 32  # pictures whose label is not there yet
IDLE_SECONDS = 0.1
CLOSING_SECONDS = 1.0


@dataclass(frozen=True)
class _Waiting:
    """A picture that is drawn when so many passes are done; `filled` frames of the first clip are there then."""

    arrival: Arrival
    passes: int
    filled: int


class Smoothed:
    """The mean of the looks of the last seconds, as the evaluation averages clips of a video."""

    def __init__(self, model: StreamModel, *, seconds: float, threshold: float | None):
        self._about, self._seconds, self._threshold = model.description, seconds, threshold
        self._looks: deque[Look] = deque()

    def add(self, look: Look) -> Scored:
        """What is seen with the next look."""
        self._looks.append(look)
        while self._looks[0].seconds < look.seconds - self._seconds:
            self._looks.popleft()
        scores = scores_of(self._about, np.stack([one.logits for one in self._looks]))
        return Scored(**scores._asdict(), labels=self._about.labels, threshold=self._threshold)


class Watch:
    """Goes through a source until it ends or `stop` is set.

    Each frame, when its label is there, is drawn and given to all of `sinks`; `tell` is called then, and `answered`
    with the seconds when the answer is another one. Late pictures of a live source are dropped.
    """

    def __init__(
        self,
        source: Source,
        model: StreamModel,
        *,
        top: int,
        threshold: float | None,
        smooth: float,
        sinks: Sequence[Write] = (),
        tell: Callable[["Watch"], None] = lambda _: None,
        answered: Callable[[float, Scored], None] = lambda *_: None,
    ):
        spec = model.description.spec
        self._source, self._sinks, self._tell, self._answered = source, sinks, tell, answered
        self._arrivals = Arrivals(MOST_QUEUED, drops=source.is_live)
        self._recognizer = Recognizer(model, waits=not source.is_live, when_done=self._arrivals.wake)
        self._smoothed = Smoothed(model, seconds=smooth, threshold=threshold)
        self._panel = Panel(model.description.labels, top=top, threshold=threshold)
        self._to_input, self._to_shown = source.to_input(spec.size), source.to_shown()
        self._pace = pace_of(source, model)
        self._length, self._filled = spec.num_frames, 0
        self._waiting: deque[_Waiting] = deque()
        self._looks: deque[Look] = deque()
        self.seen: Scored | None = None
        self.seconds = 0.0
        self.meter = Meter()

    @property
    def num_passes(self) -> int:
        """Of the encoder."""
        return self._recognizer.num_passes

    @property
    def num_dropped(self) -> int:
        """Pictures that came too fast."""
        return self._arrivals.num_dropped

    def run(self, stop: threading.Event, *, most_seconds: float | None = None, is_paced: bool = False) -> None:
        """Until the end; `is_paced` holds a source back to its own speed."""
        options = {"most_seconds": most_seconds, "is_paced": is_paced, "stop": stop}
        reader = threading.Thread(
            target=read_into, args=(self._source, self._arrivals), kwargs=options, name="reader", daemon=True
        )
        reader.start()
        try:
            while not stop.is_set() and not self._arrivals.is_over:
                arrival = self._arrivals.get(IDLE_SECONDS)
                if arrival:
                    self._take(arrival)
                self._finish_ready()
                if len(self._waiting) > MOST_WAITING:
                    self._recognizer.wait(self._waiting[0].passes)
            self._recognizer.wait(self.num_passes)
            self._finish_ready()
        finally:
            self._arrivals.close()
            self._recognizer.close()
            # one that waits for a silent camera ends by its time limit, and is not waited for
            reader.join(CLOSING_SECONDS)

    def _take(self, arrival: Arrival) -> None:
        times = self._pace.times(arrival.seconds)
        if times:
            self._filled = min(self._length, self._filled + times)
            self._recognizer.push(self._to_input(arrival.picture), arrival.seconds, times=times)
        self._waiting.append(_Waiting(arrival, self.num_passes, self._filled))

    def _finish_ready(self) -> None:
        num_done = self._recognizer.num_done
        self._looks.extend(self._recognizer.looks())
        while self._waiting and self._waiting[0].passes <= num_done:
            one = self._waiting.popleft()
            while self._looks and self._looks[0].passes <= one.passes:
                self._look(self._looks.popleft())
            self._finish(one)

    def _look(self, look: Look) -> None:
        before, self.seen = self.seen, self._smoothed.add(look)
        if before is None or before.answer != self.seen.answer:
            self._answered(look.seconds, self.seen)

    def _finish(self, one: _Waiting) -> None:
        self.seconds = one.arrival.seconds
        if self._sinks:
            frame = self._to_shown(one.arrival.picture)
            self._panel.draw(frame, self.seen, waiting=f"{one.filled} of {self._length} frames")
            for sink in self._sinks:
                sink(self.seconds, frame)
        self.meter.add(one.arrival.arrived)
        self._tell(self)


def pace_of(source: Source, model: StreamModel) -> Pace:
    """At the stride and the frame rate of the training: by number, as `kinema predict` takes a video, or in time.

    Of a live source, some of whose pictures are dropped, always in time.
    """
    spec, rates = model.description.spec, model.description.frame_rates
    sampling = sampling_of(source.video.fps, rates, clip_fps=spec.fps)
    fps = sampling.taken_at
    if fps is None and source.is_live:
        fps = spec.fps or sampling.fps or (rates.median if rates else DEFAULT_FPS)
    return Pace(stride=spec.stride, fps=fps, most=spec.num_frames)

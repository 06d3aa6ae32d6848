"""Frames -> logits of the clip that ends with each, in their order, while other work goes on.

The encoder works on the next frame while the decoder looks at the last ones, and meanwhile pictures are decoded, drawn
and written by other threads.
"""

import queue
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import openvino as ov

from kinema.inference.live_demo.stream_model import StreamModel
from kinema.inference.predictors.streaming import encoder_frames, first_state

NUM_REQUESTS = 2  # passes of the encoder that are under way at most; 1 where each takes what the one before gave


class Look(NamedTuple):
    """Logits (K,) of the clip that ends at `seconds`; `passes`: after how many passes of the encoder."""

    passes: int
    seconds: float
    logits: np.ndarray


@dataclass(frozen=True)
class _Pass:
    request: ov.InferRequest
    seconds: float
    repeats: int
    is_last: bool


class Recognizer:
    """Runs the encoder once a frame and the decoder on the last embeddings, in a thread of its own.

    `when_done` is called in that thread after each pass. `waits`: the source of the frames waits for it and drops none.
    """

    def __init__(self, model: StreamModel, *, waits: bool = True, when_done: Callable[[], None] = lambda: None):
        self._when_done = when_done
        self._seen: deque[np.ndarray] = deque(maxlen=model.frames_seen)
        self._embeddings: deque[np.ndarray] = deque(maxlen=model.num_embeddings)
        self._decoder = model.decoder.create_infer_request()
        self._free: queue.SimpleQueue[ov.InferRequest] = queue.SimpleQueue()
        self._state = first_state(model.encoder)
        # each pass for a frame that was dropped would make a slow machine drop more
        self._fills = model.carries and waits
        for _ in range(1 if model.carries else NUM_REQUESTS):
            self._free.put(model.encoder.create_infer_request())
        self._begun: queue.SimpleQueue[_Pass | None] = queue.SimpleQueue()
        self._looks: deque[Look] = deque()
        self._changed = threading.Condition()
        self._error: Exception | None = None
        self.num_passes = 0
        self._num_done = 0
        self._thread = threading.Thread(target=self._work, name="decoder", daemon=True)
        self._thread.start()

    @property
    def num_embeddings(self) -> int:
        """How many of those that a clip needs are there."""
        return len(self._embeddings)

    @property
    def num_done(self) -> int:
        """Passes of the encoder whose look, where they have one, is there; raises what went wrong in one."""
        with self._changed:
            if self._error:
                raise self._error
            return self._num_done

    def push(self, frame: np.ndarray, seconds: float, *, times: int = 1) -> int:
        """The next frame, uint8 (C, S, S), R, G, B, as so many frames of the clips: of them no pass is made twice.

        Where the encoder carries something on, each of them is another one for it, and a pass is made of each if the
        source `waits`. This waits where enough passes are under way. Returns their number so far.
        """
        seen = self._seen.maxlen or 1
        distinct = times if self._fills else min(times, seen)
        for number in range(distinct):
            self._seen.append(frame)
            if len(self._seen) == seen:
                is_last = number == distinct - 1
                self._begin(seconds, repeats=times - number if is_last else 1, is_last=is_last)
        return self.num_passes

    def looks(self) -> list[Look]:
        """Those since the last call, in the order of time."""
        with self._changed:
            found = list(self._looks)
            self._looks.clear()
        return found

    def wait(self, passes: int) -> None:
        """Until so many passes are done."""
        with self._changed:
            while self._num_done < passes and not self._error:
                self._changed.wait()

    def close(self) -> None:
        """Let what is under way end."""
        self._begun.put(None)
        self._thread.join()

    def _begin(self, seconds: float, *, repeats: int, is_last: bool) -> None:
        (frames,) = encoder_frames(np.stack(self._seen), seen=len(self._seen))
        request = self._free.get()
        request.start_async([frames, *self._state])  # it has a copy
        self.num_passes += 1
        self._begun.put(_Pass(request, seconds, repeats, is_last))

    def _work(self) -> None:
        while one := self._begun.get():
            look = None
            try:
                one.request.wait()
                embedding, *self._state = (np.array(tensor.data) for tensor in one.request.output_tensors)
                self._free.put(one.request)
                self._embeddings.extend([embedding] * one.repeats)
                if one.is_last and len(self._embeddings) == self._embeddings.maxlen:
                    look = self._decode()
            except Exception as error:
                self._error = self._error or error
                self._free.put(one.request)
            with self._changed:
                self._num_done += 1
                if look is not None:
                    self._looks.append(Look(self._num_done, one.seconds, look))
                self._changed.notify_all()
            self._when_done()

    def _decode(self) -> np.ndarray:
        self._decoder.start_async([np.stack(self._embeddings, axis=1)])
        self._decoder.wait()
        return np.array(self._decoder.get_output_tensor(0).data)[0]

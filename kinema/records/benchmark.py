"""benchmark.json."""

from dataclasses import dataclass
from typing import ClassVar

from kinema.records.record import Record


@dataclass(frozen=True, kw_only=True)
class Quantiles:
    """Of a number that was measured again and again."""

    median: float
    """Half of the measurements are at most this."""
    low: float
    """10th percentile: one in ten is at most this."""
    high: float
    """90th percentile: nine in ten are at most this."""


@dataclass(frozen=True, kw_only=True)
class Machine:
    """Where times were measured."""

    cpu: str
    """Name of the processor."""
    num_cores: int
    """Logical cores that the process may use."""
    flags: list[str]
    """What the processor has for networks: vectors, bfloat16, INT8, matrices. Empty where the system does not tell."""
    precision: str
    """What OpenVINO computes in here by default: `bf16`, `f32` or `f16`."""
    threads: int | None
    """`--threads`; null: each library chooses."""
    load: float | None
    """Programs that computed when the measuring began, as the system has it for the last minute; null where it does not
    tell. More than a few tenths of a core falsify times."""


@dataclass(frozen=True, kw_only=True)
class Measurement:
    """How fast a file answers. All measurements of a benchmark take turns, round by round."""

    file: str
    """Within the model's folder: `model.xml`, `int8/model.xml`, `streaming/`."""
    runtime: str
    """`OpenVINO`, `ONNX Runtime` or `PyTorch`."""
    precision: str
    """What it is computed in: `f32`, `bf16`, `f16`, `int8`."""
    is_default: bool
    """Whether a client that asks for nothing gets this precision."""
    is_stream: bool
    """Whether a pass takes one more frame of a stream: the encoder once, and the decoder. Else it takes whole clips."""
    batch: int
    """[answers] Clips in a pass."""
    seconds: Quantiles
    """[seconds] Of a pass, over all passes."""
    answers_per_second: float
    """`batch` by the median of `seconds`."""
    speed: Quantiles
    """Answers in the time of one of the first measurement, over the rounds: medians of the same round are compared."""


@dataclass(frozen=True, kw_only=True)
class WholeWay:
    """From a video file to its answer, as `kinema predict` has it, step by step."""

    file: str
    """As in Measurement."""
    precision: str
    """As in Measurement."""
    num_clips: int
    """[clips] Looked at."""
    decode: Quantiles
    """[seconds] Opening the file and decoding its pictures."""
    preprocess: Quantiles
    """[seconds] Scaling, colours, cutting the clips."""
    network: Quantiles
    """[seconds] All clips, one after the other."""
    total: Quantiles
    """[seconds] Of a video."""


@dataclass(frozen=True, kw_only=True)
class Advice:
    """Which file to use on this machine."""

    file: str
    """As in Measurement."""
    text: str
    """Why, in a sentence."""


@dataclass(frozen=True, kw_only=True)
class MeasuredModel:
    """What one argument of the command named."""

    path: str
    """As it was named."""
    model: str
    """Name of the model."""
    input: str
    """E.g. `16 frames, stride 2, 224 px`."""
    measurements: list[Measurement]
    """Of the files that are there; the first, which `speed` compares with, is of single clips."""
    videos: list[WholeWay]
    """With `--video`."""
    advice: list[Advice]
    """For clips and, where there is `streaming/`, for live pictures."""
    sha256: dict[str, str]
    """Of the files, without their weights, in hexadecimal digits."""


@dataclass(frozen=True, kw_only=True)
class Benchmark(Record):
    """Times of exported models on one machine; `kinema benchmark` writes it, which a user runs on a quiet machine.

    Times of different machines do not compare, nor those of one machine that was busy and then was not; within a run
    all took turns.
    """

    VERSION: ClassVar[int] = 1
    AGAIN: ClassVar[str] = "run `kinema benchmark` again"

    measured_at: str
    """Date and time with its zone."""
    machine: Machine
    """Where."""
    versions: dict[str, str]
    """Of Python, kinema, and the libraries that took part."""
    num_rounds: int
    """Rounds in which each measurement had its turn."""
    video: str | None
    """`--video`."""
    models: list[MeasuredModel]
    """In the order in which they were named."""
    left_out: list[str]
    """What could not be measured, and why, a sentence each."""

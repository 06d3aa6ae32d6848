"""What a network expects as input; it travels inside the checkpoint, the ONNX metadata and the IR.

Nobody downstream types a mean or a stride by hand: they are read from here.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

# Modality -> its channels in order. X and Y are optical flow in 8 bits: 128 is no motion, 0 and 255 are the bounds.
CHANNELS: dict[str, str] = {"rgb": "RGB", "flow": "XY", "rgb+flow": "RGBXY"}
LAYOUT = "BTCHW"
MOST_FPS = 1000


@dataclass(frozen=True)
class InputSpec:
    """Input of one model.

    `num_frames` frames, each `stride` video frames after the one before, `size` pixels high and wide. With `fps` videos
    are looked at at this rate, and `stride` counts what is seen so. `mean` and `std` are per channel, in `color_order`,
    of pixels divided by 255. Layout: B clips, T frames, C channels, H rows, W columns.
    """

    num_frames: int
    stride: int
    size: int
    mean: tuple[float, ...]
    std: tuple[float, ...]
    modality: str = "rgb"
    color_order: str = "RGB"
    layout: str = LAYOUT
    fps: float | None = None

    def __post_init__(self) -> None:
        for name in ("num_frames", "stride", "size"):
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or value < 1:
                raise ValueError(f"input spec: {name} is {value!r}, expected a positive integer")
        is_number = isinstance(self.fps, int | float) and not isinstance(self.fps, bool)
        if self.fps is not None and not (is_number and 0 < self.fps <= MOST_FPS):
            raise ValueError(f"input spec: fps is {self.fps!r}, expected a number in (0, {MOST_FPS}] or null")
        if not isinstance(self.modality, str) or self.modality not in CHANNELS:
            raise ValueError(f"input spec: modality is {self.modality!r}, allowed: {', '.join(CHANNELS)}")
        for name, allowed in (("color_order", CHANNELS[self.modality]), ("layout", LAYOUT)):
            if getattr(self, name) != allowed:
                raise ValueError(f"input spec: {name} is {getattr(self, name)!r}, allowed: {allowed}")
        for name in ("mean", "std"):
            try:
                value = tuple(float(number) for number in getattr(self, name))
            except (TypeError, ValueError, OverflowError):
                raise ValueError(f"input spec: {name} is {getattr(self, name)!r:.60}, expected numbers") from None
            if len(value) != self.channels or not all(0 <= number <= 1 for number in value):
                raise ValueError(
                    f"input spec: {name} is {value}, expected {self.channels} numbers between 0 and 1 (pixel / 255)"
                )
            object.__setattr__(self, name, value)  # lists from JSON become tuples, so that specs compare equal
        if min(self.std) == 0:
            raise ValueError(f"input spec: std is {self.std}, expected numbers above 0")

    @property
    def channels(self) -> int:
        """Channels of a frame."""
        return len(self.color_order)

    @property
    def clip_in_words(self) -> str:
        """E.g. `16 frames, stride 2, 224 px`."""
        rate = "" if self.fps is None else f" at {self.fps:g} frames a second"
        return f"{self.num_frames} frames, stride {self.stride}{rate}, {self.size} px"

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types; `fps` is left out where it is none, as models have it that know of none."""
        values = {key: list(value) if isinstance(value, tuple) else value for key, value in asdict(self).items()}
        return {key: value for key, value in values.items() if (key, value) != ("fps", None)}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "InputSpec":
        """The inverse of `to_dict`; an unknown or missing key is a ValueError."""
        known = {"fps": None, **values} if isinstance(values, Mapping) else values
        return cls(**checked_keys(known, cls, what="input spec"))


def checked_keys(values: Any, kind: Any, *, what: str) -> Mapping[str, Any]:
    """The values, which must have the names of the fields of a dataclass as keys; else a ValueError."""
    known = {field.name for field in fields(kind)}
    if not isinstance(values, Mapping):
        raise ValueError(f"{what}: expected the keys {', '.join(sorted(known))}, found {type(values).__name__}")
    if wrong := sorted(map(str, set(values) ^ known)):
        raise ValueError(f"{what}: unknown or missing keys {', '.join(wrong)}; keys: {', '.join(sorted(known))}")
    return values

"""How the frames were made that a network was trained on: it travels inside the IR, and clients make theirs alike."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal

from kinema.inference.spec import checked_keys


@dataclass(frozen=True, kw_only=True)
class FrameSpec:
    """The settings of `media` that a client needs, with their defaults; config/README.md says what each does."""

    short_side: int | None = 256
    square_pixels: bool = True
    tone_map: Literal["auto", "off"] = "auto"
    deinterlace: Literal["auto", "off"] = "auto"
    fps: float | None = None

    def __post_init__(self) -> None:
        for name in ("short_side", "fps"):
            value = getattr(self, name)
            is_number = isinstance(value, int | float) and not isinstance(value, bool)
            if value is not None and not (is_number and value > 0):
                raise ValueError(f"frames: {name} is {value!r}, expected a positive number or null")
        if not isinstance(self.square_pixels, bool):
            raise ValueError(f"frames: square_pixels is {self.square_pixels!r}, expected true or false")
        for name in ("tone_map", "deinterlace"):
            if getattr(self, name) not in ("auto", "off"):
                raise ValueError(f"frames: {name} is {getattr(self, name)!r}, expected auto or off")

    @classmethod
    def of(cls, settings: Any) -> "FrameSpec":
        """Of the settings that frames were extracted with, `kinema.experiment.data_sections.Media`."""
        return cls(**{field.name: getattr(settings, field.name) for field in fields(cls)})

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "FrameSpec":
        """The inverse of `to_dict`; an unknown or missing key is a ValueError."""
        return cls(**checked_keys(values, cls, what="frames"))

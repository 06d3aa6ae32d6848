"""What a container says of a video -> how its pictures are to be shown: their size, range and fields.

Extraction and clients make the same choices by it. It needs the standard library and PyAV only.
"""

import math
from fractions import Fraction
from typing import Literal, Protocol

from kinema.media.probe import Probe

MOST_ASPECT = 8  # no format has pixels that are wider, or slimmer than one by it: what claims so is wrong
PQ, HLG = 16, 18
HDR = {PQ: "smpte2084", HLG: "arib-std-b67"}  # transfer, as zscale names it
SMALLEST_SIDE = 4  # that bwdif takes

# Time stamps that go on where those of a file start again, as in recordings that were joined: a frame that is more than
# a quarter of a second before the last one follows it by a step of the rate. `fps` would drop all that is not later.
STEP = "if(gt(FR,0),1/(FR*TB),1)"
LATER = f"PREV_OUTPTS+if(lt(PTS,PREV_INPTS-0.25/TB),{STEP},PTS-PREV_INPTS)"
GOING_ON = f"if(isnan(PREV_INPTS),PTS,{LATER})"


class Shown(Protocol):
    """The settings that say how pictures become frames: `Media`, or what a model says of its own."""

    @property
    def short_side(self) -> int | None:
        """In pixels; None keeps the size."""

    @property
    def square_pixels(self) -> bool:
        """Whether frames have the shape in which the video is shown."""

    @property
    def tone_map(self) -> Literal["auto", "off"]:
        """Whether HDR becomes standard range."""

    @property
    def deinterlace(self) -> Literal["auto", "off"]:
        """Whether an interlaced picture becomes one moment."""


def scaled_size(about: Probe, settings: Shown) -> tuple[int, int]:
    """Width and height of the frames of a video, exactly as ffmpeg computes them; turned upright or not."""
    width, height = about.width, about.height
    is_squared = settings.square_pixels and is_plausible(about.pixel_aspect)
    aspect = float(about.pixel_aspect or 1) if is_squared else 1.0
    if settings.short_side is None:
        even_width, even_height = (side // 2 * 2 for side in (width, height))
        return (
            _even(width * aspect / 2) if aspect > 1 else even_width,
            _even(height / aspect / 2) if aspect < 1 else even_height,
        )
    even = settings.short_side // 2 * 2
    if width * aspect >= height:
        return _even(width * aspect * even / height / 2), even
    return even, _even(height * even / (width * aspect) / 2)


def is_tone_mapped(about: Probe, settings: Shown) -> bool:
    """Whether a video becomes one of standard range."""
    return settings.tone_map == "auto" and about.transfer in HDR


def is_deinterlaced(about: Probe, settings: Shown) -> bool:
    """Whether pictures that are marked as interlaced become those of one moment."""
    is_asked = settings.deinterlace == "auto" and about.may_be_interlaced
    return is_asked and min(about.width, about.height) >= SMALLEST_SIDE


def is_plausible(pixel_aspect: Fraction | None) -> bool:
    """Whether pixels may have that width over height."""
    return pixel_aspect is None or Fraction(1, MOST_ASPECT) <= pixel_aspect <= MOST_ASPECT


def _even(half: float) -> int:
    """Twice the nearest whole number; a half is rounded up, as C does."""
    return (math.floor(half) + int(half - math.floor(half) >= 0.5)) * 2

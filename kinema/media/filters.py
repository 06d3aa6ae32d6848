"""From decoded pictures to frames, as ffmpeg filters: the wanted part, rate and size, and as the video is to be seen.

In this order: cut, deinterlace, resample in time, scale to square pixels, map HDR to standard range. The last is done
on small frames, because it computes with floating-point numbers.
"""

import functools
import math
import re
import subprocess
from collections.abc import Iterable
from fractions import Fraction
from typing import Any

from kinema.config import Media
from kinema.media.inputs import Segment
from kinema.media.probe import UNSPECIFIED, MediaError, Probe

MOST_ASPECT = 8  # no format has pixels that are wider, or slimmer than one by it: what claims so is wrong
PQ, HLG = 16, 18
HDR = {PQ: "smpte2084", HLG: "arib-std-b67"}  # transfer, as zscale names it
BT2020, BT2020_NCL = 9, 9  # primaries and matrix of HDR video that does not say
WHITE_NITS = 203  # of HDR video: ITU-R BT.2408
PEAK_NITS = 1000  # of most HDR video, and of what HLG is made for; brighter light becomes white
SMALLEST_SIDE = 4  # that bwdif takes

# Time stamps that go on where those of a file start again, as in recordings that were joined: a frame that is more than
# a quarter of a second before the last one follows it by a step of the rate. `fps` would drop all that is not later.
STEP = "if(gt(FR,0),1/(FR*TB),1)"
LATER = f"PREV_OUTPTS+if(lt(PTS,PREV_INPTS-0.25/TB),{STEP},PTS-PREV_INPTS)"
GOING_ON = f"if(isnan(PREV_INPTS),PTS,{LATER})"


def frames_of(pictures: Any, *, media: Media, segment: Segment, **colours: str) -> Any:
    """The wanted frames of a stream of upright pictures, as they are shown; `colours` are options of `scale`."""
    about = segment.about
    if segment.start or segment.end is not None:
        keys = ("start", "end") if segment.unit == "seconds" else ("start_frame", "end_frame")
        pictures = pictures.filter("trim", **_given(zip(keys, (segment.start or 0, segment.end), strict=True)))
    if about and _is_deinterlaced(about, media):
        # a picture for a picture; those that are marked as progressive pass as they are
        pictures = pictures.filter("bwdif", mode="send_frame", deint="interlaced")
    if media.fps:
        pictures = pictures.filter("setpts", GOING_ON).filter("fps", fps=media.fps)
    if about and media.square_pixels and not _is_plausible(about.pixel_aspect):
        pictures = pictures.filter("setsar", 1)
    if about and is_tone_mapped(about, media):
        return _tone_mapped(pictures.filter("scale", **_size(media)), about).filter("scale", **colours)
    return pictures.filter("scale", **_size(media), **colours)


def scaled_size(about: Probe, media: Media) -> tuple[int, int]:
    """Width and height of the frames of a video, exactly as ffmpeg computes them by `_size`; turned upright or not."""
    width, height = about.width, about.height
    is_squared = media.square_pixels and _is_plausible(about.pixel_aspect)
    aspect = float(about.pixel_aspect or 1) if is_squared else 1.0
    if media.short_side is None:
        even_width, even_height = (side // 2 * 2 for side in (width, height))
        return (
            _even(width * aspect / 2) if aspect > 1 else even_width,
            _even(height / aspect / 2) if aspect < 1 else even_height,
        )
    even = media.short_side // 2 * 2
    if width * aspect >= height:
        return _even(width * aspect * even / height / 2), even
    return even, _even(height * even / (width * aspect) / 2)


def remark_on_pixels(about: Probe, media: Media) -> str | None:
    """What is to be said of a pixel shape that is left aside."""
    if not media.square_pixels or _is_plausible(about.pixel_aspect):
        return None
    return f"pixels of the shape {about.pixel_aspect} are implausible and taken as square"


def check_filters(about: Probe, *, media: Media, ffmpeg: str) -> None:
    """MediaError where ffmpeg was built without a filter that the video needs."""
    missing = {"zscale", "tonemap"} - _filters(ffmpeg) if is_tone_mapped(about, media) else set()
    if missing:
        detail = (
            f"the video is HDR ({HDR[about.transfer]}) and {ffmpeg} lacks the filter {' and '.join(sorted(missing))}. "
            "Set `ffmpeg` to one that has it, as that of the package imageio-ffmpeg, or `media.tone_map` to `off`"
        )
        raise MediaError("no tone mapping", detail=detail)


def is_tone_mapped(about: Probe, media: Media) -> bool:
    """Whether a video becomes one of standard range."""
    return media.tone_map == "auto" and about.transfer in HDR


def _is_deinterlaced(about: Probe, media: Media) -> bool:
    is_asked = media.deinterlace == "auto" and about.may_be_interlaced
    return is_asked and min(about.width, about.height) >= SMALLEST_SIDE


def _is_plausible(pixel_aspect: Fraction | None) -> bool:
    return pixel_aspect is None or Fraction(1, MOST_ASPECT) <= pixel_aspect <= MOST_ASPECT


def _tone_mapped(pictures: Any, about: Probe) -> Any:
    """HDR frames as R, G, B of BT.709: what is darker than a third of white keeps its look, the rest is compressed."""
    known = {"tin": HDR[about.transfer], "pin": about.primaries, "min": about.matrix}
    unsaid = {"pin": BT2020, "min": BT2020_NCL}
    said = {key: unsaid[key] if value == UNSPECIFIED else value for key, value in known.items()}
    # In HLG the colours of a pixel depend on each other. zscale heeds that only in its slow, exact way.
    exact = {"agamma": "false"} if about.transfer == HLG else {}
    light = pictures.filter("zscale", t="linear", p="bt709", npl=WHITE_NITS, **exact, **said)
    light = light.filter("format", "gbrpf32le").filter("tonemap", "mobius", peak=PEAK_NITS / WHITE_NITS, desat=0)
    return light.filter("zscale", t="bt709").filter("format", "gbrp10le")


def _size(media: Media) -> dict[str, str]:
    """Arguments of ffmpeg's scale filter, in terms of the picture that reaches it and its own pixel shape, `sar`."""
    aspect = f"if(between(sar,1/{MOST_ASPECT},{MOST_ASPECT}),sar,1)" if media.square_pixels else "1"
    if media.short_side is None:  # no stored pixel is given up: the side that is squeezed becomes longer
        return {
            "w": f"if(gt({aspect},1),round(iw*{aspect}/2)*2,trunc(iw/2)*2)",
            "h": f"if(lt({aspect},1),round(ih/{aspect}/2)*2,trunc(ih/2)*2)",
        }
    even = media.short_side // 2 * 2
    is_wide = f"gte(iw*{aspect},ih)"
    return {
        "w": f"if({is_wide},round(iw*{aspect}*{even}/ih/2)*2,{even})",
        "h": f"if({is_wide},{even},round(ih*{even}/(iw*{aspect})/2)*2)",
    }


def _even(half: float) -> int:
    """Twice the nearest whole number; a half is rounded up, as C does."""
    return (math.floor(half) + int(half - math.floor(half) >= 0.5)) * 2


def _given(options: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    return {name: value for name, value in options if value is not None}


@functools.lru_cache
def _filters(ffmpeg: str) -> frozenset[str]:
    """Names of the filters that a binary has."""
    listed = subprocess.run([ffmpeg, "-hide_banner", "-filters"], capture_output=True, text=True, check=True).stdout
    return frozenset(re.findall(r"^ \S+ +(\w+) ", listed, re.M))

"""From decoded pictures to frames, as ffmpeg filters: the wanted part, rate and size, and as the video is to be seen.

In this order: cut, deinterlace, resample in time, scale to square pixels, map HDR to standard range. The last is done
on small frames, because it computes with floating-point numbers.
"""

import functools
import re
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from kinema.experiment.data_sections import Media
from kinema.media.frame_times import noted
from kinema.media.inputs import Segment
from kinema.media.probe import UNSPECIFIED, MediaError, Probe
from kinema.media.shown import GOING_ON, HDR, HLG, MOST_ASPECT, is_deinterlaced, is_plausible, is_tone_mapped

BT2020, BT2020_NCL = 9, 9  # primaries and matrix of HDR video that does not say
WHITE_NITS = 203  # of HDR video: ITU-R BT.2408
PEAK_NITS = 1000  # of most HDR video, and of what HLG is made for; brighter light becomes white


def frames_of(pictures: Any, *, media: Media, segment: Segment, times: Path | None = None, **colours: str) -> Any:
    """The wanted frames of a stream of upright pictures, as they are shown; `colours` are options of `scale`.

    When each is shown is noted in the file `times` (`kinema.media.frame_times`).
    """
    about = segment.about
    if segment.start or segment.end is not None:
        keys = ("start", "end") if segment.unit == "seconds" else ("start_frame", "end_frame")
        pictures = pictures.filter("trim", **_given(zip(keys, (segment.start or 0, segment.end), strict=True)))
    if about and is_deinterlaced(about, media):
        # a picture for a picture; those that are marked as progressive pass as they are
        pictures = pictures.filter("bwdif", mode="send_frame", deint="interlaced")
    if media.fps:
        pictures = pictures.filter("setpts", GOING_ON).filter("fps", fps=media.fps)
    if times:
        pictures = noted(pictures, times)
    if about and media.square_pixels and not is_plausible(about.pixel_aspect):
        pictures = pictures.filter("setsar", 1)
    if about and is_tone_mapped(about, media):
        return _tone_mapped(pictures.filter("scale", **_size(media)), about).filter("scale", **colours)
    return pictures.filter("scale", **_size(media), **colours)


def remark_on_pixels(about: Probe, media: Media) -> str | None:
    """What is to be said of a pixel shape that is left aside."""
    if not media.square_pixels or is_plausible(about.pixel_aspect):
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


def can_note(ffmpeg: str) -> bool:
    """Whether ffmpeg has the filters by which `times` are noted; a slim build may lack them."""
    return {"settb", "metadata"} <= _filters(ffmpeg)


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
    """Arguments of ffmpeg's scale filter, in terms of the picture that reaches it and its own pixel shape, `sar`.

    They give what `kinema.media.shown.scaled_size` gives.
    """
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


def _given(options: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    return {name: value for name, value in options if value is not None}


@functools.lru_cache
def _filters(ffmpeg: str) -> frozenset[str]:
    """Names of the filters that a binary has; none where it cannot list them."""
    listed = subprocess.run([ffmpeg, "-hide_banner", "-filters"], capture_output=True, text=True, check=False).stdout
    return frozenset(re.findall(r"^ \S+ +(\w+) ", listed, re.M))

"""From decoded pictures to frames: the wanted part, the wanted rate, the wanted size; as ffmpeg filters."""

from collections.abc import Iterable
from typing import Any

from kinema.config import Media
from kinema.media.inputs import Segment

# Time stamps that go on where those of a file start again, as in recordings that were joined: a frame that is more than
# a quarter of a second before the last one follows it by a step of the rate. `fps` would drop all that is not later.
STEP = "if(gt(FR,0),1/(FR*TB),1)"
LATER = f"PREV_OUTPTS+if(lt(PTS,PREV_INPTS-0.25/TB),{STEP},PTS-PREV_INPTS)"
GOING_ON = f"if(isnan(PREV_INPTS),PTS,{LATER})"


def frames_of(pictures: Any, *, media: Media, segment: Segment, **colours: str) -> Any:
    """The wanted frames of a stream of pictures, at the wanted rate and size; `colours` are options of `scale`."""
    if segment.start or segment.end is not None:
        keys = ("start", "end") if segment.unit == "seconds" else ("start_frame", "end_frame")
        pictures = pictures.filter("trim", **_given(zip(keys, (segment.start or 0, segment.end), strict=True)))
    if media.fps:
        pictures = pictures.filter("setpts", GOING_ON).filter("fps", fps=media.fps)
    return pictures.filter("scale", **_size(media.short_side), **colours)


def scaled_size(width: int, height: int, short_side: int | None) -> tuple[int, int]:
    """Width and height of the frames of a video, as `_size` asks for them; turned upright or not."""
    if short_side is None:
        return width // 2 * 2, height // 2 * 2
    even = short_side // 2 * 2
    long = round(max(width, height) * even / min(width, height) / 2) * 2
    return (long, even) if width >= height else (even, long)


def _size(short_side: int | None) -> dict[str, str]:
    """Arguments of ffmpeg's scale filter; `-2` keeps the aspect ratio and rounds to an even number."""
    if short_side is None:
        return {"w": "trunc(iw/2)*2", "h": "trunc(ih/2)*2"}
    even = short_side // 2 * 2
    return {"w": f"if(gte(iw,ih),-2,{even})", "h": f"if(gte(iw,ih),{even},-2)"}


def _given(options: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    return {name: value for name, value in options if value is not None}

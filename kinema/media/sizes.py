"""How large the pictures of a video, and the frames that they become, may be: told before anything is decoded."""

import logging
from pathlib import Path

from kinema.experiment.data_sections import Media
from kinema.media.ffmpeg import refusal
from kinema.media.flow import SMALLEST_SIDE
from kinema.media.inputs import max_pixels
from kinema.media.probe import NO_SIZE, NOT_SELF_CONTAINED, UNKNOWN_CODEC, MediaError, Probe, probe
from kinema.media.shown import scaled_size
from kinema.media.storages.facts import STORAGE_FACTS

log = logging.getLogger(__name__)


def probe_within_limits(path: Path, *, media: Media, ffmpeg: str) -> Probe:
    """What the container says of a video. Raises MediaError as `probe` does, and where it is too large or too small."""
    pixels, seconds = max_pixels(media), media.timeout_seconds
    try:
        about = probe(path, stream=media.stream, timeout_seconds=seconds, max_pixels=pixels)
    except MediaError as error:
        if error.reason not in (NO_SIZE, NOT_SELF_CONTAINED, UNKNOWN_CODEC):
            raise
        told = refusal(path, ffmpeg=ffmpeg, max_pixels=pixels, timeout_seconds=seconds)
        if error.reason == UNKNOWN_CODEC:
            raise MediaError(UNKNOWN_CODEC, detail=told.codec) from error
        if told.format:
            raise MediaError(NOT_SELF_CONTAINED, detail=f"ffmpeg calls its format {told.format}") from error
        if told.size:
            raise _too_many_pixels(f"pictures of {told.size} pixels", media) from error
        raise error if error.reason == NO_SIZE else MediaError("unreadable", detail="Invalid argument") from error
    check_size(about, media)
    if about.claimed_fps:
        said = "%s: its header claims %g frames a second, which is not believed; taken as %g"
        log.warning(said, path, about.claimed_fps, about.fps)
    return about


def check_size(about: Probe, media: Media) -> None:
    """MediaError if the pictures, or the frames that they become, are more than can be stored, or nothing.

    Height and width may be exchanged: what a container says is not turned upright yet.
    """
    width, height = about.width, about.height
    frame = scaled_size(about, media)
    frames = f"{width} x {height} pixels become frames of {frame[0]} x {frame[1]}"
    if width * height > media.max_megapixels * 1e6:
        raise _too_many_pixels(f"pictures of {width} x {height} pixels", media)
    if frame[0] * frame[1] > media.max_megapixels * 1e6:
        raise _too_many_pixels(frames, media)
    longest = STORAGE_FACTS[media.storage].longest_side
    if max(frame) > longest:
        raise MediaError("too large", detail=f"{frames}, no side of which may have more than {longest}")
    if min(frame) < 2:
        raise MediaError("too small", detail=f"{frames}, which have even sides; media.short_side makes them larger")
    if media.modality == "flow" and min(frame) < SMALLEST_SIDE:
        raise MediaError("too small for flow", detail=f"{frames}, a side of which has less than {SMALLEST_SIDE}")


def _too_many_pixels(what: str, media: Media) -> MediaError:
    detail = f"{what}, more than media.max_megapixels = {media.max_megapixels:g}"
    return MediaError("too large", detail=detail, limit="max_megapixels")

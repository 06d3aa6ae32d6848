"""How large the pictures of a video, and the frames that they become, may be: told before anything is decoded."""

from pathlib import Path

from kinema.config import Media
from kinema.media.ffmpeg import named_codec, refused_size
from kinema.media.filters import scaled_size
from kinema.media.inputs import max_pixels
from kinema.media.probe import NO_SIZE, UNKNOWN_CODEC, MediaError, Probe, probe

LONGEST_SIDE = {"packed": 65500, "frames": 65500, "video": 16384}  # in pixels, of ffmpeg's JPEG and H.264 encoders


def probe_within_limits(path: Path, *, media: Media, ffmpeg: str) -> Probe:
    """What the container says of a video. Raises MediaError as `probe` does, and where it is too large."""
    pixels, seconds = max_pixels(media), media.timeout_seconds
    try:
        about = probe(path, timeout_seconds=seconds, max_pixels=pixels)
    except MediaError as error:
        if error.reason == UNKNOWN_CODEC:
            name = named_codec(path, ffmpeg=ffmpeg, timeout_seconds=seconds)
            raise MediaError(UNKNOWN_CODEC, detail=name) from error
        if error.reason != NO_SIZE:
            raise
        size = refused_size(path, ffmpeg=ffmpeg, max_pixels=pixels, timeout_seconds=seconds)
        if size is None:
            raise
        raise _too_many_pixels(f"pictures of {size} pixels", media) from error
    _check_size(about, media)
    return about


def _check_size(about: Probe, media: Media) -> None:
    width, height = scaled_size(about.width, about.height, media.short_side)
    frames = f"{about.width} x {about.height} pixels become frames of {width} x {height}"
    if about.width * about.height > media.max_megapixels * 1e6:
        raise _too_many_pixels(f"pictures of {about.width} x {about.height} pixels", media)
    if width * height > media.max_megapixels * 1e6:
        raise _too_many_pixels(frames, media)
    longest = LONGEST_SIDE[media.storage]
    if max(width, height) > longest:
        raise MediaError("too large", detail=f"{frames}, no side of which may have more than {longest}")


def _too_many_pixels(what: str, media: Media) -> MediaError:
    detail = f"{what}, more than media.max_megapixels = {media.max_megapixels:g}"
    return MediaError("too large", detail=detail, limit="max_megapixels")

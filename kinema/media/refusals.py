"""A file that is not opened -> why, as ffmpeg tells it: PyAV only knows that something was wrong."""

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

from kinema.media.containers import SELF_CONTAINED
from kinema.media.probe import timeout_error


@dataclass(frozen=True, slots=True)
class Refusal:
    """What ffmpeg did not accept of a file: its pictures of `size` pixels, or its format; None where it did."""

    size: str | None
    format: str | None


def refusal(path: Path, *, ffmpeg: str, max_pixels: int, timeout_seconds: float) -> Refusal:
    """Have ffmpeg read the header. `max_pixels` is the largest picture that it may decode."""
    options = {"max_pixels": str(max_pixels), **SELF_CONTAINED}
    limits = [text for name, value in options.items() for text in (f"-{name}", value)]
    command = [ffmpeg, "-nostdin", "-hide_banner", "-loglevel", "debug", *limits, "-i", f"file:{path}"]
    try:
        done = subprocess.run(command, capture_output=True, timeout=timeout_seconds, check=False)
    except subprocess.TimeoutExpired:
        raise timeout_error(timeout_seconds) from None
    size = re.search(rb"Picture size (\d+)x(\d+) exceeds", done.stderr)
    return Refusal(
        size=f"{int(size[1])} x {int(size[2])}" if size else None,
        format=_name(done.stderr) if b"Format not on whitelist" in done.stderr else None,
    )


def _name(log: bytes) -> str:
    """What ffmpeg calls a format. It looks into the file for all but one, which it knows by a pattern in the name."""
    found = re.search(rb"Format (\S+) (?:probed|detected)", log)
    return found[1].decode() if found else "image2"

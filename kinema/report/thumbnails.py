"""Clips as a network takes them -> small pictures that a page holds in itself: WebP, moving or still.

What the channels are says how they are shown:

- `rgb`: as they are.
- `rgbdiff`: a network that looks at differences of neighbouring frames. Grey is no change; a pixel is as much brighter
  or darker than grey (128) as it became since the frame before, cut off at 127. T frames give T - 1 pictures.
- `flow`: the direction of a motion is its hue (right is red, down is yellow-green, left is cyan, up is violet), its
  length the saturation, full from half of `media.flow_bound` on; white is no motion. S. Baker et al., "A Database and
  Evaluation Methodology for Optical Flow", 2011, shows flow in the same way.
"""

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from PIL import Image

SIDE = 112  # pixels; smaller clips keep their size
MOST_FRAMES = 32  # of longer clips every second frame is shown, or every third, ...
MOST_BYTES = 25_000  # of a moving picture
QUALITIES = (75, 60, 45, 30, 15)  # of WebP, tried in this order until a picture is small enough
UNKNOWN_RATE = 25.0  # frames a second, of videos whose own is unknown
FULL_MOTION = 64  # grey values from 128 at which a motion has its full colour
SHORTEST_MS = 20  # browsers show what is shorter much longer


@dataclass(frozen=True, kw_only=True)
class Thumbnail:
    """A clip as data URIs: `moving` repeats itself, `still` is its middle frame; both are `side` pixels high and wide.

    `num_shown` of its `num_frames` are shown. `seconds` is what the clip spans in its video, None where the frame rate
    is unknown.
    """

    moving: str
    still: str
    side: int
    num_frames: int
    num_shown: int
    seconds: float | None


def pictures(clip: np.ndarray, shown: str = "rgb") -> np.ndarray:
    """A clip, uint8 (T, C, H, W), as pictures: uint8 (T, H, W, 3), R, G, B; of differences T - 1."""
    images = np.ascontiguousarray(clip.transpose(0, 2, 3, 1))
    if shown == "rgbdiff":
        change = images[1:].astype(np.int16) - images[:-1]
        return (128 + change.clip(-127, 127)).astype(np.uint8)
    if images.shape[-1] == 2:
        return np.stack([_flow_colours(image) for image in images])
    return images[..., :3]


def thumbnail(clip: np.ndarray, *, stride: int, fps: float | None, shown: str = "rgb") -> Thumbnail:
    """A clip, uint8 (T, C, S, S), as it was sampled: each frame is shown for `stride / fps` seconds."""
    images, step = pictures(clip, shown), -(-len(clip) // MOST_FRAMES)
    side = min(SIDE, images.shape[1])
    small = [_resized(image, side) for image in images[::step]]
    seconds = stride / (fps or UNKNOWN_RATE)
    encoded, stride_shown = _small_enough(small, 1000 * step * seconds, MOST_BYTES)
    step *= stride_shown
    return Thumbnail(
        moving=data_uri(encoded),
        still=data_uri(still_webp(small[len(small) // 2])),
        side=side,
        num_frames=len(clip),
        num_shown=len(clip) if step == 1 else len(small[::stride_shown]),
        seconds=len(clip) * seconds if fps else None,
    )


def moving_webp(images: Sequence[np.ndarray], *, milliseconds: float, most_bytes: int = MOST_BYTES) -> bytes:
    """Images (H, W, 3) as an animation without end, each shown so long; of lower quality where it would be large.

    Where the lowest is not enough, every second image is left out, and again, down to one; the others are shown longer.
    """
    return _small_enough(images, milliseconds, most_bytes)[0]


def _small_enough(images: Sequence[np.ndarray], milliseconds: float, most_bytes: int) -> tuple[bytes, int]:
    """The animation, and of how many images it shows one."""
    for quality in QUALITIES:
        encoded = _encoded(images, milliseconds, quality)
        if len(encoded) <= most_bytes:
            return encoded, 1
    step = 1
    while len(encoded) > most_bytes and step < len(images):
        step *= 2
        encoded = _encoded(images[::step], step * milliseconds, QUALITIES[-1])
    return encoded, step


def _encoded(images: Sequence[np.ndarray], milliseconds: float, quality: int) -> bytes:
    first, *others = [Image.fromarray(image) for image in images]
    buffer = io.BytesIO()
    duration = max(SHORTEST_MS, round(milliseconds))
    first.save(
        buffer, "WEBP", save_all=True, append_images=others, duration=duration, loop=0, quality=quality, method=4
    )
    return buffer.getvalue()


def still_webp(image: np.ndarray, *, quality: int = 60) -> bytes:
    """An image (H, W, 3) as WebP."""
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "WEBP", quality=quality, method=4)
    return buffer.getvalue()


def data_uri(encoded: bytes) -> str:
    """A WebP picture as a page holds it."""
    return f"data:image/webp;base64,{base64.b64encode(encoded).decode('ascii')}"


def _resized(image: np.ndarray, side: int) -> np.ndarray:
    return cv2.resize(image, (side, side), interpolation=cv2.INTER_AREA)


def _flow_colours(flow: np.ndarray) -> np.ndarray:
    """Flow (H, W, 2), 128 being no motion, as colours (H, W, 3)."""
    x, y = (flow[..., axis].astype(np.float32) - 128 for axis in (0, 1))
    length, degrees = cv2.cartToPolar(x, y, angleInDegrees=True)
    saturation = np.minimum(length / FULL_MOTION, 1) * 255
    hsv = np.stack([degrees / 2, saturation, np.full_like(length, 255)], axis=-1)
    return cv2.cvtColor(hsv.round().astype(np.uint8), cv2.COLOR_HSV2RGB)

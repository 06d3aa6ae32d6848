"""WebP pictures of a page, as data URIs, read again."""

import base64
import io

import numpy as np
from PIL import Image, ImageSequence


def decoded(uri: str) -> Image.Image:
    head, _, data = uri.partition(",")
    assert head == "data:image/webp;base64"
    return Image.open(io.BytesIO(base64.b64decode(data)))


def frames_of(uri: str) -> list[np.ndarray]:
    return [np.asarray(frame.convert("RGB")) for frame in ImageSequence.Iterator(decoded(uri))]

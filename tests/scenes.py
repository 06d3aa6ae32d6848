"""Videos of rooms that look different from each other, for what goes by looks."""

import av
import cv2
import numpy as np


def scene(path, seed, *, start=0, frames=30, size=(160, 120), codec="libx264", gop=12):
    """A cut of scene `seed`: a room of its own, in which a disc of its own goes its way from `start` on."""
    rng = np.random.default_rng(seed)
    room = cv2.resize(rng.integers(0, 255, (5, 7, 3), dtype=np.uint8), (160, 120), interpolation=cv2.INTER_CUBIC)
    for _ in range(6):
        corner, colour = rng.integers(0, 120, 2).tolist(), rng.integers(0, 255, 3).tolist()
        cv2.rectangle(room, corner, [side + 25 for side in corner], colour, -1)
    colour = rng.integers(0, 255, 3).tolist()
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as file:
        stream = file.add_stream(codec, rate=25, options={"preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
        stream.gop_size = gop
        for number in range(start, start + frames):
            picture = cv2.circle(room.copy(), (20 + 2 * number % 120, 60), 12, colour, -1)
            picture = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
            file.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        file.mux(stream.encode(None))
    return path

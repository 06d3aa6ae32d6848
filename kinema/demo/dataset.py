"""The settings of the demo -> rendered videos in a folder a class, and the table that lists them.

Both twins of a scene are rendered and get into the same subset. Each picture is compressed by itself at a fixed
quantiser: predicted from its neighbours, it would carry traces of the direction of time.
"""

import io
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np

from kinema.demo.scenes import CLASSES, FPS, TWINS, draw_scene
from kinema.experiment.config import Demo
from kinema.files import write_text
from kinema.job import progress

RENDER_THREADS = 2  # the encoder lets go of the interpreter, drawing hardly does
ENCODER_OPTIONS = {"preset": "veryfast", "qp": "24", "g": "1", "threads": "1"}


@dataclass(frozen=True, kw_only=True)
class Scene:
    """One drawing that gives two videos. `subset` and `number` choose its random numbers."""

    pair: tuple[str, str]
    subset: str  # "training" or "validation"
    number: int

    def video_id(self, label: str) -> str:
        """File name and id of one of the two videos, e.g. `grow_train_003`."""
        return f"{label}_{'train' if self.subset == 'training' else 'val'}_{self.number:03d}"


def render_demo(*, table_path: Path, video_folder: Path, settings: Demo) -> None:
    """Render `videos/<class>/<id>.mp4` and then write the table: a CSV file with the columns video, label, subset.

    The same settings give the same bytes.
    """
    scenes = list(demo_scenes(settings))
    for label in CLASSES:
        (Path(video_folder) / label).mkdir(parents=True, exist_ok=True)
    with ThreadPoolExecutor(RENDER_THREADS) as pool:
        done = pool.map(lambda scene: _render(scene, Path(video_folder), settings.seed), scenes)
        lines = [line for rendered in progress(done, description="demo scenes", total=len(scenes)) for line in rendered]
    write_text(Path(table_path), "\n".join(["video,label,subset", *sorted(lines), ""]))


def demo_scenes(settings: Demo) -> Iterator[Scene]:
    """All scenes of the demo; no scene is in both subsets."""
    sizes = {"training": settings.train_videos_per_class, "validation": settings.val_videos_per_class}
    for subset, size in sizes.items():
        for pair in TWINS:
            for number in range(size):
                yield Scene(pair=pair, subset=subset, number=number)


def draw_twins(scene: Scene, *, seed: int) -> dict[str, np.ndarray]:
    """Frames (T, H, W, 3), uint8 RGB, of both classes; one is the other read backwards."""
    key = (seed, TWINS.index(scene.pair), scene.subset == "validation", scene.number)
    frames = draw_scene(scene.pair, np.random.default_rng([int(part) for part in key]))
    return {scene.pair[0]: frames, scene.pair[1]: frames[::-1]}


def encode(frames: np.ndarray) -> bytes:
    """An MP4 file of H.264 pictures that do not depend on each other, from frames (T, H, W, 3), uint8 RGB."""
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=FPS, options=ENCODER_OPTIONS)
        stream.height, stream.width = frames.shape[1:3]
        stream.pix_fmt = "yuv420p"
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), format="rgb24")))
        container.mux(stream.encode(None))
    return file.getvalue()


def _render(scene: Scene, video_folder: Path, seed: int) -> list[str]:
    """Write both videos of a scene; returns their lines of the table."""
    lines = []
    for label, frames in draw_twins(scene, seed=seed).items():
        video_id = scene.video_id(label)
        (video_folder / label / f"{video_id}.mp4").write_bytes(encode(frames))
        lines.append(f"{video_id},{label},{scene.subset}")
    return lines

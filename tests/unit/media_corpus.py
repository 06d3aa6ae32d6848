"""A folder of small generated videos, its one manifest and its one shard."""

import json
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pyarrow.parquet as pq
import torch

from kinema.experiment.data_sections import Media
from kinema.media.ffmpeg import find_ffmpeg
from kinema.media.plan import manifest_path, plan_shards
from kinema.media.reader import FrameReader
from kinema.media.shard import SHARD_SCHEMA, write_shard
from kinema.media.storages.facts import STORAGE_FACTS

MEDIA = Media(short_side=32, jpeg_quality=3)


def make_video(
    path: Path, *, frames: int = 6, size=(64, 48), times=None, seed: int = 0, codec="libx264", container=None, **options
) -> Path:
    """A small file; `size` is width and height, `times` the time stamps in fiftieths of a second.

    `container` is ffmpeg's name of one, for files whose name does not tell.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    chosen = container or ("matroska" if path.suffix == ".mkv" else "mp4")
    encoder = options or ({"preset": "ultrafast"} if codec == "libx264" else {"qscale": "2"})
    with av.open(f"file:{path}", "w", format=chosen) as container:
        stream = container.add_stream(codec, rate=25, options=encoder)
        stream.width, stream.height = size
        stream.pix_fmt = "yuv420p"
        stream.codec_context.time_base = stream.time_base = Fraction(1, 50)
        for index in range(frames):
            picture = np.full((size[1], size[0], 3), rng.integers(30, 220, 3), np.uint8)
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts, frame.time_base = (times[index] if times else 2 * index), Fraction(1, 50)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def encode_noise(
    path: Path,
    codec: str,
    *,
    frames: int = 50,
    size=(128, 64),
    container: str | None = None,
    pix_fmt: str = "yuv420p",
    sound: bool = False,
    muxer: dict[str, str] | None = None,
    **options,
) -> Path:
    """A video of noise in 25 fps, so that every picture has bytes to be damaged; `sound`: with PCM between them."""
    rng = np.random.default_rng(0)
    still = np.kron(rng.integers(0, 200, (size[1] // 8, size[0] // 8, 3)), np.ones((8, 8, 1)))
    with av.open(str(path), "w", format=container, container_options=muxer or {}) as file:
        stream = file.add_stream(codec, rate=25, options={key: str(value) for key, value in options.items()})
        stream.width, stream.height, stream.pix_fmt = *size, pix_fmt
        audio = file.add_stream("pcm_s16le", rate=8000, layout="mono") if sound else None
        for number in range(frames):
            picture = np.roll(still, 2 * number, 1) + rng.integers(0, 30, (size[1], size[0], 1))
            file.mux(stream.encode(av.VideoFrame.from_ndarray(picture.astype(np.uint8), format="rgb24")))
            if audio:
                samples = rng.integers(-9999, 9999, (1, 320)).astype(np.int16)
                heard = av.AudioFrame.from_ndarray(samples, format="s16", layout="mono")
                heard.sample_rate, heard.pts = 8000, 320 * number
                file.mux(audio.encode(heard))
        file.mux(stream.encode(None))
    return path


def copy_packets(source: Path, target: Path, keep, *, container: str | None = None) -> Path:
    """A copy with those pictures of which `keep(number, number of key frames up to it, packet)` is true."""
    with av.open(str(source)) as old, av.open(str(target), "w", format=container) as new:
        stream, number, keys = old.streams.video[0], 0, 0
        copy = new.add_stream_from_template(stream)
        for packet in old.demux(stream):
            if packet.size:
                keys += packet.is_keyframe
                packet.stream = copy
                if keep(number, keys, packet):
                    new.mux(packet)
                number += 1
    return target


def failing_ffmpeg(path: Path, video: str, *, times: int, how: str = "kill -9 $$") -> Path:
    """A program that does what ffmpeg does, but for the first `times` times that it is given a video."""
    path.write_text(
        f"""#!/bin/bash
if [[ "$*" == *"/{video}"* ]]; then
    echo >> "{path}.count"
    [[ $(wc -l < "{path}.count") -le {times} ]] && {how}
fi
exec "{find_ffmpeg()}" "$@"
"""
    )
    path.chmod(0o755)
    return path


class Corpus:
    """A folder of videos, its one manifest and its one shard."""

    def __init__(self, root: Path):
        self.root, self.videos = root, root / "raw"
        self.tar, self.table = root / "shards" / "0000.tar", root / "shards" / "0000.parquet"
        self.part = self.tar.with_name("0000.tar.part")
        self.videos.mkdir()

    def plan(self, entries, storage: str = "packed", label: str = "wave", known: Path | None = None) -> Path:
        """Manifest of ids, or of a mapping of ids to further keys of their annotation entries."""
        further = entries if isinstance(entries, dict) else {video_id: {} for video_id in entries}
        plain = {"subset": "training", "annotations": {"label": label}}
        database = {video_id: plain | keys for video_id, keys in further.items()}
        (self.root / "a.json").write_text(json.dumps({"labels": [label], "database": database}))
        plan_shards(
            [self.root / "a.json"],
            video_folder=self.videos,
            num_shards=1,
            with_labels=STORAGE_FACTS[storage].has_label_folders,
            out=self.root / "plan.json",
            known_path=known,
        )
        return self.root / "manifests" / "0000.jsonl"

    def write(
        self,
        entries,
        media: Media = MEDIA,
        *,
        label: str = "wave",
        workers: int = 1,
        known: Path | None = None,
        ffmpeg: Path | None = None,
        attempt: int = 0,
    ) -> dict[str, int]:
        manifest = self.plan(entries, media.storage, label, known)
        binary = str(ffmpeg) if ffmpeg else None
        return write_shard(
            manifest, table_path=self.table, media=media, ffmpeg=binary, workers=workers, attempt=attempt
        )

    def write_shards(self, ids, media: Media, num_shards: int) -> list[Path]:
        """The tables of so many shards."""
        self.plan(ids)
        plan = self.root / "plan.json"
        plan_shards(
            [self.root / "a.json"],
            video_folder=self.videos,
            num_shards=num_shards,
            with_labels=STORAGE_FACTS[media.storage].has_label_folders,
            out=plan,
        )
        tables = [self.table.with_name(f"{shard:04d}.parquet") for shard in range(num_shards)]
        for table in tables:
            write_shard(manifest_path(plan, table.stem), table_path=table, media=media, ffmpeg=None, workers=2)
        return tables

    def rows(self) -> dict[str, dict]:
        table = pq.read_table(self.table)
        assert table.schema.remove_metadata().equals(SHARD_SCHEMA)
        return {row["id"]: row for row in table.to_pylist()}

    def frames(self, row: dict) -> list[torch.Tensor]:
        """All frames of a video, each (C, H, W), R, G, B."""
        return [as_tensor(frame) for frame in FrameReader().read(self.table, row["id"], range(row["num_frames"]))]


def as_tensor(frame: np.ndarray) -> torch.Tensor:
    """What a reader gives, (H, W, C) and B, G, R, as (C, H, W) and R, G, B."""
    order = frame[..., ::-1] if frame.shape[-1] == 3 else frame
    return torch.from_numpy(np.ascontiguousarray(order.transpose(2, 0, 1)))

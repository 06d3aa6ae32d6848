"""Training clips -> the files of inputs by which NNCF sets the ranges of activations. No other clips are looked at."""

from itertools import chain
from pathlib import Path

import numpy as np
import openvino as ov

from kinema.clips.dataset import ClipDataset, clips_for
from kinema.clips.table import ClipIndex, subsets_of
from kinema.inference.predictors.streaming import Encoded, encoder_frames
from kinema.input_error import InputError
from kinema.models.recognizer import Recognizer


def calibration_clips(clips_path: Path, model: Recognizer, *, count: int, out: Path) -> int:
    """Write `count` training clips, or as many as there are, uint8 (N, T, C, S, S); how many that is.

    They are spread over the training videos and cut as validation clips are. InputError where there is no training
    video.
    """
    if "training" not in subsets_of(clips_path):
        raise InputError(
            f"{clips_path}: no training video, and an INT8 model is calibrated on training clips; give some videos the "
            "subset training, or use model.xml"
        )
    index = ClipIndex.load(clips_path, subset="training", clip=model.clip, is_spaced=True)
    dataset = clips_for(index, model.spec.modality, clip=model.clip)
    rows = np.unique(np.linspace(0, len(dataset) - 1, min(count, len(dataset))).astype(int))
    _write(dataset, rows, out)
    return len(rows)


def _write(dataset: ClipDataset, rows: np.ndarray, out: Path) -> None:
    clips = np.lib.format.open_memmap(out, mode="w+", dtype=np.uint8, shape=(len(rows), *dataset.clip_shape))
    for clip, row in zip(clips, rows, strict=True):
        clip[:] = dataset[int(row)]["clip"].numpy()
    clips.flush()


def encoder_inputs(clips_path: Path, encoder: ov.CompiledModel, *, seen: int, out: Path) -> None:
    """What the encoder of a stream takes, (N, seen * C, H, W): of each clip one frame, each time another one.

    Where it takes a state as well, the file has records: `frames`, and `state` (N, S), that of the frame before.
    """
    clips = np.load(clips_path, mmap_mode="r")
    chosen = (_one_of(encoder_frames(clip, seen=seen), number, encoder) for number, clip in enumerate(clips))
    if len(encoder.inputs) == 1:
        np.save(out, np.concatenate([frame for (frame,) in chosen]))
        return
    # one by one: a state may have megabytes
    first = next(chosen)
    kinds = [(name, part.dtype, part.shape[1:]) for name, part in zip(("frames", "state"), first, strict=True)]
    records = np.lib.format.open_memmap(out, mode="w+", dtype=np.dtype(kinds), shape=(len(clips),))
    for number, parts in enumerate(chain([first], chosen)):
        records[number] = tuple(part[0] for part in parts)
    records.flush()


def decoder_inputs(clips_path: Path, encoder: ov.CompiledModel, *, seen: int, out: Path) -> None:
    """What the decoder takes, (N, T, E): the embeddings of the clips."""
    clips = np.load(clips_path, mmap_mode="r")
    rows = [map(Encoded(encoder), encoder_frames(clip, seen=seen)) for clip in clips]
    np.save(out, np.concatenate([np.stack(list(embeddings), axis=1) for embeddings in rows]))


def _one_of(frames: np.ndarray, number: int, encoder: ov.CompiledModel) -> list[np.ndarray]:
    """A frame of a clip, and what is carried on to it."""
    at, encoded = number % len(frames), Encoded(encoder)
    if encoded.state:
        for frame in frames[:at]:
            encoded(frame)
    return [frames[at].copy(), *encoded.state]  # the others are not kept

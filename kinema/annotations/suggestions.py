"""What a folder of videos and this machine are like -> settings that fit, each with its reason as a comment."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from kinema.annotations.mirrored import settings_for, sided, unpaired
from kinema.media.probe import MediaError, probe
from kinema.media.remote.address import is_remote
from kinema.media.sources import brought
from kinema.models.proposed import FEW

SAMPLE, REMOTE_SAMPLE = 50, 10  # videos that are probed; those of an address are brought for it
FRAMES = 16  # of a clip
LONGEST_SECONDS = 2.5  # that a clip spans: most actions are shorter, or go on alike
LARGEST_STRIDE = 16
SOME = 20_000  # training videos
MANY_STEPS = 6000  # that a set of few videos gets, in batches of BATCH
BATCH = 8
FEWEST_EPOCHS, MOST_EPOCHS = 15, 40
TO_CHOOSE = 200  # validation videos from which the best epoch is more than chance
MOST_WORKERS = 8
BF16_CAPABILITY = 8.0  # of CUDA: Ampere and later


@dataclass(frozen=True)
class Machine:
    """Where the training is expected to run: here."""

    cores: int
    has_gpu: bool = False
    has_bf16: bool = False

    @classmethod
    def this(cls) -> "Machine":
        """Asks NVIDIA's driver; PyTorch would take seconds to say the same."""
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        command = ["nvidia-smi", "--query-gpu=compute_cap", "--format=csv,noheader"]
        if not shutil.which(command[0]):
            return cls(cores)
        try:
            said = subprocess.run(command, capture_output=True, text=True, timeout=20, check=True).stdout
            capabilities = [float(line) for line in said.split() if re.fullmatch(r"[0-9.]+", line)]
        except (OSError, ValueError, subprocess.SubprocessError):
            return cls(cores)
        return cls(cores, bool(capabilities), bool(capabilities) and min(capabilities) >= BF16_CAPABILITY)


@dataclass(frozen=True)
class Sample:
    """Medians of some videos of a folder, as their headers say; `num_probed` could be read.

    `short_side` is the largest one among them, in pixels.
    """

    num_probed: int
    seconds: float = 0.0
    fps: float = 25.0
    short_side: int = 0

    @classmethod
    def of(cls, folder: Path | str, paths: Sequence[str], seed: int) -> "Sample":
        """Probes some of the files; folders of pictures and what cannot be read are left out."""
        size = REMOTE_SAMPLE if is_remote(folder) else SAMPLE
        chosen = np.random.default_rng(seed).permutation(len(paths))[:size]
        found = [about for number in chosen if (about := _probed(folder, paths[number]))]
        if not found:
            return cls(0)
        seconds, fps, _ = np.median(np.array(found), axis=0)
        return cls(len(found), float(seconds), float(fps), max(side for _, _, side in found))


def _probed(folder: Path | str, name: str) -> tuple[float, float, int] | None:
    try:
        with brought(folder, name) as path:
            if not path.is_file():
                return None
            about = probe(path)
    except MediaError:
        return None
    if not about.duration_seconds or not about.fps:
        return None
    return about.duration_seconds, about.fps, min(about.height, about.width)


def suggestions(
    sample: Sample, machine: Machine, *, labels: Iterable[str], num_training: int, num_validation: int
) -> str:
    """YAML of the sections media, clip, training and, where it matters, augmentation."""
    lines = [
        *_frames(sample, machine),
        *_clip(sample, machine),
        *_training(machine, num_training, num_validation),
        *_augmentation(labels),
    ]
    return "".join(f"{line}\n" for line in lines)


def network_size(machine: Machine) -> int:
    """Pixels of the network's input: on a GPU what encoders were trained with, else half of it."""
    return 224 if machine.has_gpu else 112


def stride_for(sample: Sample) -> int:
    """Video frames between frames of a clip, so that it spans most of a video, and `LONGEST_SECONDS` at most."""
    span = min(sample.seconds, LONGEST_SECONDS) * sample.fps
    return int(np.clip(round(span / FRAMES), 1, LARGEST_STRIDE))


def epochs_for(num_training: int) -> int:
    """Passes, so that few videos are seen often enough: `MANY_STEPS` steps, within bounds."""
    return int(np.clip(round(MANY_STEPS * BATCH / max(1, num_training)), FEWEST_EPOCHS, MOST_EPOCHS))


def _frames(sample: Sample, machine: Machine) -> list[str]:
    size = network_size(machine)
    side = 256 if size == 224 else 128
    if machine.has_gpu:
        reason = "A GPU was found: frames for a network input of 224 pixels, with room to crop."
    else:
        reason = "No GPU was found: a network input of 112 pixels takes a quarter of the time of 224."
    if sample.num_probed and sample.short_side < side:
        return [
            f"# {reason} The videos are smaller ({sample.short_side} pixels at most), and keep their size.",
            "media: {short_side: null}",
        ]
    return [f"# {reason}", f"media: {{short_side: {side}}}"]


def _clip(sample: Sample, machine: Machine) -> list[str]:
    size = network_size(machine)
    if not sample.num_probed:
        return [
            "# No video could be probed, so these are the usual ones.",
            f"clip: {{length: {FRAMES}, stride: 2, size: {size}}}",
        ]
    stride = stride_for(sample)
    spans = FRAMES * stride / sample.fps
    length = f"{sample.seconds:.1f} s at {sample.fps:.4g} frames a second"
    return [
        f"# The median of {sample.num_probed} videos is {length}; a clip spans {spans:.1f} s.",
        f"clip: {{length: {FRAMES}, stride: {stride}, size: {size}}}",
    ]


def _training(machine: Machine, num_training: int, num_validation: int) -> list[str]:
    epochs = epochs_for(num_training)
    batch = BATCH if num_training < FEW else 16 if num_training < SOME else 32
    lines = [
        "training:",
        f"  # {num_training} training videos, each seen {epochs} times.",
        f"  epochs: {epochs}",
        f"  batch_size: {batch}",
    ]
    if num_training < FEW:
        lines += [
            "  # Few videos: batch-norm statistics stay as ImageNet left them. Cross-validated on 93 real clips this",
            "  # gave 0.89; with an encoder that learns slower, too, 0.85; with statistics that move 0.73.",
            "  freeze_batch_norm: true",
        ]
    if num_validation < TO_CHOOSE:
        lines += [
            f"  # {num_validation} validation videos: the best epoch on so few is best by chance, its score too good.",
            "  keep: last",
        ]
    if machine.has_bf16:
        lines += ["  # This GPU computes in bfloat16, twice as fast.", "  precision: bf16-mixed"]
    workers = min(MOST_WORKERS, max(1, machine.cores - 1))
    return [*lines, f"  # {machine.cores} cores, one of which is for the training itself.", f"  num_workers: {workers}"]


def _augmentation(labels: Iterable[str]) -> list[str]:
    labels = sorted(labels)
    found = sided(labels)
    if not found:
        return []
    names = ", ".join(repr(label) for label in found[:3]) + (", ..." if len(found) > 3 else "")
    then = "would be of none" if unpaired(labels) else "is of the other one of its pair"
    return [f"# Labels tell left from right ({names}): a mirrored clip {then}.", settings_for(labels)]

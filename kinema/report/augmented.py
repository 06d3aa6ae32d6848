"""Training clips as a network is fed them, each beside the frame it is cut from: a wrong flip or crop is seen at once.

They are the very clips of the first epoch: what is drawn for a clip depends on seed, epoch and row of the index alone
(`kinema.clips.dataset`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from kinema.clips.dataset import ClipDataset, clips_for
from kinema.clips.table import ClipIndex
from kinema.clips.transforms import modalities, parts_of
from kinema.experiment.config import Settings
from kinema.report.choosing import SHOWN, spread
from kinema.report.thumbnails import data_uri, pictures, still_webp

FIRST_EPOCH = 0
SHOWN_FRAMES = 4  # of each clip, the first and the last among them
SIDE = 96  # pixels of a frame in a strip
GAP = 2  # pixels between them, white


@dataclass(frozen=True, kw_only=True)
class FedClip:
    """A training clip: `stored` is a whole frame as it lies in the shards, that of the first one of `fed`.

    Both are data URIs; `fed` has frames of the clip from left to right, optical flow below its pictures where the
    network takes both. Sizes are width and height in pixels.
    """

    video: str
    label: str
    frames: list[int]
    stored: str
    stored_size: tuple[int, int]
    fed: str
    fed_size: tuple[int, int]


@dataclass(frozen=True, kw_only=True)
class ContactSheet:
    """Training clips, what was changed in them, and what else a batch goes through that is not in the pictures."""

    clips: list[FedClip]
    changes: list[str]
    mixed: str | None
    note: str | None = None
    """What the pictures do not show of what the network does with a clip."""


def contact_sheet(clips_path: Path, settings: Settings, *, modality: str, number: int = SHOWN) -> ContactSheet:
    """Clips of `number` training videos, spread over the classes, with the augmentation of these settings.

    Of the settings, `clip`, `augmentation` and `training` count. ValueError where no training video has a label, or
    where the frames are not of this modality.
    """
    index = ClipIndex.load(clips_path, subset="training", clip=settings.clip, labelled=True)
    dataset = clips_for(
        index, modality, clip=settings.clip, augmentation=settings.augmentation, seed=settings.training.seed
    )
    rows = spread(index.label_index, number)
    return ContactSheet(
        clips=[_fed(dataset, row) for row in rows], changes=list(_changes(settings, modality)), mixed=_mixed(settings)
    )


def _fed(dataset: ClipDataset, row: int) -> FedClip:
    index = dataset.index
    entropy = np.random.SeedSequence([dataset.seed, FIRST_EPOCH, row])
    numbers = dataset.frame_numbers(row, np.random.default_rng(entropy))
    clip = dataset.read((FIRST_EPOCH, row))["clip"].numpy()
    places = np.unique(np.linspace(0, len(clip) - 1, SHOWN_FRAMES).round().astype(int))
    stored = _whole_frame(dataset, row, numbers[:1])
    fed = _rows([_strip(pictures(part[places])) for part in parts_of(clip, len(modalities(dataset.modality)))])
    return FedClip(
        video=index.video(row),
        label=index.labels[int(index.label_index[row])],
        frames=numbers[places].tolist(),
        stored=data_uri(still_webp(stored)),
        stored_size=(stored.shape[1], stored.shape[0]),
        fed=data_uri(still_webp(fed)),
        fed_size=(fed.shape[1], fed.shape[0]),
    )


def _whole_frame(dataset: ClipDataset, row: int, numbers: np.ndarray) -> np.ndarray:
    """A stored frame, uncut, as a small picture (H, W, 3); of several modalities that of the first."""
    frames = dataset._read_frames(row, numbers)[0]
    height, width = frames.size
    image = next(iter(frames.cut({"top": 0, "left": 0, "height": height, "width": width})))
    planes = image[..., ::-1] if image.shape[-1] == 3 else image  # B, G, R
    picture = pictures(np.ascontiguousarray(planes.transpose(2, 0, 1))[None])[0]
    return cv2.resize(picture, (max(1, round(width * SIDE / height)), SIDE), interpolation=cv2.INTER_AREA)


def _strip(images: np.ndarray) -> np.ndarray:
    """Square pictures side by side."""
    small = [cv2.resize(image, (SIDE, SIDE), interpolation=cv2.INTER_AREA) for image in images]
    gap = np.full((SIDE, GAP, 3), 255, np.uint8)
    return np.hstack([part for image in small for part in (image, gap)][:-1])


def _rows(strips: list[np.ndarray]) -> np.ndarray:
    """One above the other."""
    gap = np.full((GAP, *strips[0].shape[1:]), 255, np.uint8)
    return np.vstack([part for strip in strips for part in (strip, gap)][:-1])


def _changes(settings: Settings, modality: str) -> list[str]:
    """What augmentation may do to a clip, in words."""
    augmentation = settings.augmentation
    said = {
        "area": f"cut to {_percents(augmentation.crop_area)} of the area, aspect {_range(augmentation.crop_aspect)}",
        "corner": f"cut to a square in a corner or the centre, {_range(augmentation.crop_scales)} of the short side",
        "random": f"cut to a square of {settings.clip.size} pixels anywhere",
    }
    found = [said[augmentation.crop]]
    if augmentation.horizontal_flip:
        found.append(f"mirrored left to right with probability {augmentation.horizontal_flip:g}")
    if "rgb" in modalities(modality):
        amounts: Mapping[str, float] = {
            name: getattr(augmentation, name) for name in ("brightness", "contrast", "saturation", "hue", "sharpness")
        }
        found += [f"{name} changed by up to {amount:g}" for name, amount in amounts.items() if amount]
        if augmentation.rand_augment_ops:
            found.append(f"{augmentation.rand_augment_ops} operations of RandAugment")
    return found


def _mixed(settings: Settings) -> str | None:
    """What is done to whole batches after that."""
    kinds = {"mixup": settings.training.mixup_alpha, "cutmix": settings.training.cutmix_alpha}
    found = [name for name, alpha in kinds.items() if alpha > 0]
    return (
        f"Clips of a batch are then mixed with each other ({' or '.join(found)}), which is not shown."
        if found
        else None
    )


def _percents(limits: tuple[float, float]) -> str:
    return f"{limits[0]:.0%} to {limits[1]:.0%}"


def _range(values: tuple[float, ...]) -> str:
    return f"{min(values):g} to {max(values):g}"

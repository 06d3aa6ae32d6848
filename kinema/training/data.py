"""Clip index -> the loaders of a training run, and what is done to a batch behind them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torchvision.transforms import v2
from torchvision.tv_tensors import Video

from kinema.clips.dataset import clips_for
from kinema.clips.loader import ClipLoader
from kinema.clips.sampling import EpochSampler, RankSampler, sampling_weights
from kinema.clips.table import ClipIndex, labelled_subsets
from kinema.experiment.config import Settings
from kinema.experiment.model_sections import Training
from kinema.models.device import device_of
from kinema.training.features.keeping import KeptFeatures
from kinema.training.world import ALONE, World


class ResumableLoader(ClipLoader):
    """Knows how many batches of an epoch it handed out, and goes on behind them in a run that is resumed."""

    sampler: EpochSampler

    def __init__(self, *args: Any, **options: Any):
        super().__init__(*args, **options)
        self._handed_out = {"epoch": 0, "batches": 0}
        self._resumed: dict[str, int] = {}

    def state_dict(self) -> dict[str, int]:
        """Epoch, and batches of it that were handed out."""
        return dict(self._handed_out)

    def load_state_dict(self, state: dict[str, int]) -> None:
        """Before the first batch; an epoch other than that of the state starts at its beginning."""
        self._resumed = dict(state)

    def __iter__(self) -> Iterator[dict[str, Any]]:  # type: ignore[override]
        epoch, resumed, self._resumed = self.sampler.epoch, self._resumed, {}
        done = resumed["batches"] if resumed.get("epoch") == epoch else 0
        self.sampler.start = done * (self.batch_size or 1)
        for number, batch in enumerate(super().__iter__(), start=done + 1):
            self._handed_out = {"epoch": epoch, "batches": number}
            yield batch


def training_loader(
    clips_path: Path,
    settings: Settings,
    *,
    modality: str,
    copies: Path | None = None,
    world: World = ALONE,
    features: KeptFeatures | None = None,
) -> ResumableLoader:
    """Shuffled, augmented training clips of a process; the last, incomplete batch of an epoch is kept.

    `copies` holds copies of the frames: `kinema.media.reader.FrameReader`. With `features` these are in the place of
    the clips.
    """
    training = settings.training
    index = ClipIndex.load(clips_path, subset="training", clip=settings.clip, labelled=True)
    options: dict[str, Any] = {"augmentation": settings.augmentation, "copies": copies}
    dataset = (
        features.clips(index, num_views=training.feature_views, **options)
        if features
        else clips_for(index, modality, clip=settings.clip, seed=training.seed, **options)
    )
    weights = sampling_weights(index.label_index, training.sampling)
    return ResumableLoader(
        dataset,
        batch_size=min(world.share(training).batch_size, len(dataset)),
        sampler=EpochSampler(len(dataset), seed=training.seed, weights=weights),
        # of features a process would send more than it reads
        num_workers=0 if features else training.num_workers,
        for_gpu=device_of(training.accelerator).type == "cuda",
    )


def validation_loader(
    clips_path: Path,
    settings: Settings,
    *,
    modality: str,
    copies: Path | None = None,
    world: World = ALONE,
    features: KeptFeatures | None = None,
) -> ClipLoader | None:
    """Evaluation clips of the validation videos, or their features; None where no such video has a label."""
    if "validation" not in labelled_subsets(clips_path):
        return None
    index = ClipIndex.load(clips_path, subset="validation", clip=settings.clip, labelled=True)
    return ClipLoader(
        features.clips(index, copies=copies)
        if features
        else clips_for(index, modality, clip=settings.clip, copies=copies),
        sampler=RankSampler(len(index)),
        batch_size=world.share(settings.training).batch_size,
        num_workers=0 if features else settings.training.num_workers,
        for_gpu=device_of(settings.training.accelerator).type == "cuda",
    )


class ClipMixer:
    """Blends clips and labels of a batch with each other (mixup), or gives a clip a box of another (cutmix).

    It runs after loading, on the device. Numbers are drawn from torch's generator of the CPU, which is seeded every
    step. Where the recipe has neither, a batch stays as it is.
    """

    def __init__(self, settings: Training, *, num_classes: int):
        kinds = ((v2.MixUp, settings.mixup_alpha), (v2.CutMix, settings.cutmix_alpha))
        self.mixers = [kind(alpha=alpha, num_classes=num_classes) for kind, alpha in kinds if alpha > 0]

    def __call__(self, clips: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """uint8 clips (B, T, C, H, W), labels (B,) -> the same, mixed, and the share of each class (B, K)."""
        if not self.mixers:
            return clips, labels
        mixer = self.mixers[int(torch.randint(len(self.mixers), ()))]
        # float, as shares are fractions; pixels again, since that is what every network takes
        mixed, shares = mixer(Video(clips.float()), labels)
        return mixed.as_subclass(Tensor).round().to(torch.uint8), shares

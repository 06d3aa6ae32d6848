"""Clip index -> the loaders of a training run."""

from pathlib import Path

from torch.utils.data import DataLoader

from kinema.clips.dataset import ClipDataset, EpochSampler
from kinema.clips.table import ClipIndex, labelled_subsets
from kinema.config import Settings


def training_loader(clips: Path, settings: Settings) -> DataLoader:
    """Shuffled, augmented training clips; the last, incomplete batch of an epoch is kept."""
    training = settings.training
    index = ClipIndex.load(clips, subset="training", clip=settings.clip, labelled=True)
    dataset = ClipDataset(index, clip=settings.clip, augmentation=settings.augmentation, seed=training.seed)
    return DataLoader(
        dataset,
        batch_size=min(training.batch_size, len(dataset)),
        sampler=EpochSampler(len(dataset), seed=training.seed),
        num_workers=training.num_workers,
        persistent_workers=training.num_workers > 0,
    )


def validation_loader(clips: Path, settings: Settings) -> DataLoader | None:
    """Evaluation clips of the validation videos; None where the data set has none with a label."""
    if "validation" not in labelled_subsets(clips):
        return None
    index = ClipIndex.load(clips, subset="validation", clip=settings.clip, labelled=True)
    return DataLoader(
        ClipDataset(index, clip=settings.clip),
        batch_size=settings.training.batch_size,
        num_workers=settings.training.num_workers,
        persistent_workers=settings.training.num_workers > 0,
    )

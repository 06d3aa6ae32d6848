"""Clip index -> the loaders of a training run."""

from pathlib import Path

from kinema.clips.dataset import ClipDataset
from kinema.clips.loader import ClipLoader
from kinema.clips.sampling import EpochSampler, sampling_weights
from kinema.clips.table import ClipIndex, labelled_subsets
from kinema.config import Settings


def training_loader(clips: Path, settings: Settings) -> ClipLoader:
    """Shuffled, augmented training clips; the last, incomplete batch of an epoch is kept."""
    training = settings.training
    index = ClipIndex.load(clips, subset="training", clip=settings.clip, labelled=True)
    dataset = ClipDataset(index, clip=settings.clip, augmentation=settings.augmentation, seed=training.seed)
    weights = sampling_weights(index.label_index, training.sampling)
    return ClipLoader(
        dataset,
        batch_size=min(training.batch_size, len(dataset)),
        sampler=EpochSampler(len(dataset), seed=training.seed, weights=weights),
        num_workers=training.num_workers,
    )


def validation_loader(clips: Path, settings: Settings) -> ClipLoader | None:
    """Evaluation clips of the validation videos; None where the data set has none with a label."""
    if "validation" not in labelled_subsets(clips):
        return None
    index = ClipIndex.load(clips, subset="validation", clip=settings.clip, labelled=True)
    return ClipLoader(
        ClipDataset(index, clip=settings.clip),
        batch_size=settings.training.batch_size,
        num_workers=settings.training.num_workers,
    )

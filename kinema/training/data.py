"""Clip index -> the loaders of a training run."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from kinema.clips.dataset import clips_for
from kinema.clips.loader import ClipLoader
from kinema.clips.sampling import EpochSampler, RankSampler, sampling_weights
from kinema.clips.table import ClipIndex, labelled_subsets
from kinema.config import Settings


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


def training_loader(clips: Path, settings: Settings, *, modality: str) -> ResumableLoader:
    """Shuffled, augmented training clips; the last, incomplete batch of an epoch is kept."""
    training = settings.training
    index = ClipIndex.load(clips, subset="training", clip=settings.clip, labelled=True)
    dataset = clips_for(index, modality, clip=settings.clip, augmentation=settings.augmentation, seed=training.seed)
    weights = sampling_weights(index.label_index, training.sampling)
    return ResumableLoader(
        dataset,
        batch_size=min(training.batch_size, len(dataset)),
        sampler=EpochSampler(len(dataset), seed=training.seed, weights=weights),
        num_workers=training.num_workers,
    )


def validation_loader(clips: Path, settings: Settings, *, modality: str) -> ClipLoader | None:
    """Evaluation clips of the validation videos; None where the data set has none with a label."""
    if "validation" not in labelled_subsets(clips):
        return None
    index = ClipIndex.load(clips, subset="validation", clip=settings.clip, labelled=True)
    return ClipLoader(
        clips_for(index, modality, clip=settings.clip),
        sampler=RankSampler(len(index)),
        batch_size=settings.training.batch_size,
        num_workers=settings.training.num_workers,
    )

"""Kept features -> items of a loader, in the place of clips."""

from typing import Any

import pyarrow as pa
import torch
from torch.utils.data import Dataset

from kinema.training.features.store import FeatureStore
from kinema.training.features.views import ClipViews


class FeatureClips(Dataset):
    """Items of a row or of (epoch, row): {"features": float32 (...), "label": int, "video": int, "row": int}.

    From epoch to epoch a clip shows its views in turn, and the clips of an epoch different ones.
    """

    def __init__(self, views: ClipViews, store: FeatureStore):
        self.views, self.store, self.index = views, store, views.index
        places = [store.place(views.key(item)) for item in views.items()]
        self._places = [places[start : start + len(self)] for start in range(0, len(places), len(self))]

    @property
    def videos(self) -> pa.StringArray:
        """Names of the videos by number."""
        return self.index.videos

    def __len__(self) -> int:
        return len(self.index)

    def __getitem__(self, item: int | tuple[int, int]) -> dict[str, Any]:
        epoch, row = item if isinstance(item, tuple) else (0, item)
        place = self._places[(epoch + row) % self.views.num_views][row]
        label = self.views.label(row, mirrored=self.store.is_mirrored(place))
        features = torch.from_numpy(self.store.features(place))
        return {"features": features, "label": label, "video": int(self.index.video_number[row]), "row": row}

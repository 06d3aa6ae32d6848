"""A frozen encoder, and views of clips -> their features, of which those are computed that are not kept yet.

Two trainings that need the same ones wait for each other, so that each is computed once. What a training has computed
when it is ended, or fails, stays.
"""

import hashlib
import logging
import shutil
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from kinema.clips.copies import BatchCopies
from kinema.clips.loader import ClipLoader
from kinema.clips.table import ClipIndex
from kinema.digests import digest
from kinema.experiment.config import Settings
from kinema.experiment.data_sections import Augmentation
from kinema.input_error import InputError
from kinema.job import Interrupted, progress
from kinema.locks import not_twice
from kinema.models.decoder import Decoder
from kinema.models.device import device_of
from kinema.models.model_name import parse_model_name, timm_name
from kinema.models.recognizer import Recognizer
from kinema.training.features.clips import FeatureClips
from kinema.training.features.store import FeatureStore
from kinema.training.features.views import ClipViews, View
from kinema.training.resume.ending import crashes_named
from kinema.training.resume.termination import Termination
from kinema.words import FEATURES_STAY, features_kept

log = logging.getLogger(__name__)
# what features are computed in, and kept as: what Lightning's arithmetics compute in has no more digits than float16
ARITHMETICS = {"bf16-mixed": torch.bfloat16, "16-mixed": torch.float16}


class KeptFeatures:
    """Features that the encoder of a network gives, below `folder`: one folder for each encoder and shape of clips.

    `code` is a digest of the code that computes them.
    """

    def __init__(self, model: Recognizer, settings: Settings, *, folder: Path, code: str):
        with _evaluated(model, torch.device("cpu")), torch.no_grad():
            _check_decoders(model)
        self.model, self.settings = model, settings
        self.device = device_of(settings.training.accelerator)
        self.arithmetic = ARITHMETICS.get(settings.training.precision)
        self.folder = folder / digest([code, str(self.arithmetic), _identity(model)])

    def clips(
        self,
        index: ClipIndex,
        *,
        num_views: int = 1,
        augmentation: Augmentation | None = None,
        copies: Path | None = None,
    ) -> FeatureClips:
        """Features of the clips of an index, in `num_views` views (`ClipViews`).

        InputError where the disk has no room for them, Interrupted where a signal asks to end; what cannot be read ends
        it as it ends a training.
        """
        views = ClipViews(
            index,
            self.model.spec.modality,
            clip=self.settings.clip,
            num_views=num_views,
            augmentation=augmentation,
            copies=copies,
        )
        self.folder.mkdir(parents=True, exist_ok=True)
        with not_twice(self.folder / ".lock"):
            store = FeatureStore(self.folder)
            lacking = {key: item for item in views.items() if (key := views.key(item)) not in store}
            log.info("%s: features of %d of %d views are there", self.folder, len(views) - len(lacking), len(views))
            if lacking:
                self._compute(store, views, lacking)
        return FeatureClips(views, store)

    def _compute(self, store: FeatureStore, views: ClipViews, lacking: dict[str, View]) -> None:
        keys, items = list(lacking), list(lacking.values())
        num_batches = -(-len(items) // self.settings.training.batch_size)
        termination, done = Termination(), 0
        named = crashes_named(self.folder, FEATURES_STAY)
        with named, _evaluated(self.model, self.device), termination.listening(), store.adding() as chunk:
            batches = self._batches(views, items)
            for features, mirrored in progress(batches, description="batches to features", total=num_batches):
                if not done:
                    self._check_room(features[0], len(items))
                chunk.add(keys[done : done + len(features)], features, mirrored)
                done += len(features)
                if termination.noted:
                    break
        # told once what is computed is written, as a signal may come while it is
        if termination.noted:
            raise Interrupted(features_kept(termination.noted.name, done, len(items)), is_further=True)

    def _batches(self, views: ClipViews, items: Sequence[View]) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Features (B, ...) of the items in their order, and whether their clips are mirrored (B,)."""
        training, copies = self.settings.training, BatchCopies()
        options: dict[str, Any] = {"num_workers": training.num_workers, "for_gpu": self.device.type == "cuda"}
        loader = ClipLoader(views, sampler=items, batch_size=training.batch_size, **options)
        for batch in loader:
            with torch.no_grad(), self._autocast():
                features = self.model.features(copies(batch, self.device)["clip"])
            kept = features.to("cpu", torch.float16 if self.arithmetic else torch.float32)
            if not torch.isfinite(kept).all():
                names = [views.index.video(row) for row in batch["row"].tolist()]
                raise InputError(
                    f"features of the encoder of '{self.model.name}' are no numbers of float16, or none at all; videos "
                    f"of the batch: {', '.join(names)}. Set training.precision to 32-true, or feature_views to 0."
                )
            yield kept.numpy(), batch["mirrored"].numpy()

    def _check_room(self, one: np.ndarray, number: int) -> None:
        """InputError where the disk cannot hold so many as this one."""
        free = shutil.disk_usage(self.folder).free
        size = f"{number * one.nbytes / 1e9:.3g} GB, {one.nbytes / 1e3:.3g} kB each"
        text = f"{self.folder}: the features of {number} views take {size}"
        if number * one.nbytes > free:
            raise InputError(
                f"{text}, and {free / 1e9:.3g} GB are free there. Free some, remove the other folders in "
                f"{self.folder.parent}, or set training.feature_views lower, or to 0, which keeps none"
            )
        log.info("%s", text)

    def _autocast(self) -> AbstractContextManager:
        return torch.autocast(self.device.type, self.arithmetic) if self.arithmetic else nullcontext()


@contextmanager
def _evaluated(model: Recognizer, device: torch.device) -> Iterator[None]:
    """The network in evaluation mode on the device, and back on the processor behind it."""
    was_training = model.training
    model.to(memory_format=model.memory_format).to(device).eval()
    try:
        yield
    finally:
        model.train(was_training).cpu()


def _check_decoders(model: Recognizer) -> None:
    """ValueError where a decoder would be kept from the maps that it looks at."""
    for decoder, encoder in _parts(model):
        if isinstance(decoder, Decoder) and not decoder.takes_maps:
            maps = torch.linspace(0, 1, 6 * encoder.num_features).view(1, -1, 2, 3)
            of_maps, of_means = decoder.embed(maps), decoder.embed(maps.mean((2, 3), keepdim=True))
            if of_maps.shape != of_means.shape or not torch.allclose(of_maps, of_means, rtol=1e-3, atol=1e-5):
                raise ValueError(
                    f"model '{model.name}': its decoder looks at places of a map, of which the mean alone would be "
                    "kept; a decoder that does says so by `takes_maps = True`"
                )


def _parts(model: Recognizer) -> list[tuple[Any, Any]]:
    """Decoders with their encoders."""
    if isinstance(model.decoder, nn.ModuleDict):
        return list(zip(model.decoder.values(), model.encoder.values(), strict=True))
    return [(model.decoder, model.encoder)]


def _identity(model: Recognizer) -> list[Any]:
    """What decides the features of a clip, beside its pixels and the code."""
    name = parse_model_name(model.name)
    takes_maps = [isinstance(decoder, Decoder) and decoder.takes_maps for decoder, _ in _parts(model)]
    kind = [timm_name(name.encoder), name.stream, takes_maps, model.architecture]
    return [*kind, model.spec.to_dict(), _digest_of(model.encoder)]


def _digest_of(encoder: nn.Module) -> str:
    found = hashlib.blake2b(digest_size=16)
    for key, tensor in sorted(encoder.state_dict().items()):
        found.update(f"{key} {tensor.dtype} {tuple(tensor.shape)}".encode())
        found.update(tensor.detach().cpu().contiguous().view(-1).view(torch.uint8).numpy())
    return found.hexdigest()

"""The storages by the names that `media.storage` takes."""

from typing import Any

from kinema.experiment.data_sections import Media
from kinema.media.storages.frames import FramesStorage
from kinema.media.storages.interface import Storage
from kinema.media.storages.packed import PackedStorage
from kinema.media.storages.video import VideoStorage

STORAGES: dict[str, type[Storage[Any]]] = {
    "packed": PackedStorage,
    "frames": FramesStorage,
    "video": VideoStorage,
}


def storage_of(media: Media) -> Storage[Any]:
    """The storage that the settings name."""
    return STORAGES[media.storage](media)

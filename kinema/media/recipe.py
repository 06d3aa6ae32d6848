"""Settings of `media` -> what makes the frames what they are, and what only limits the work.

The first is the name of their folder and a param of their rule. The second reaches a job as a resource: a changed limit
re-runs nothing but what failed by it (`kinema.media.retry`).
"""

import json
import shutil
from pathlib import Path

from kinema.digests import ABSENT, file_digest
from kinema.experiment.data_sections import Media
from kinema.media.storages.facts import STORAGE_FACTS

FRAMES_FPS = Media.model_fields["frames_fps"].default
# Keys of `media` that change no frame: what is stored stays as it is, what failed by one that is raised is tried again.
MEDIA_LIMITS = ("timeout_seconds", "max_gigabytes", "max_megapixels")


def recipe_of(media: Media) -> str:
    """Folder name of the frames, e.g. `packed-256px-q4`; what changes the frames changes the name."""
    parts = [media.storage, f"{media.short_side}px" if media.short_side else "fullsize"]
    parts += [f"{letter}{getattr(media, key)}" for letter, key in STORAGE_FACTS[media.storage].quality_keys.items()]
    parts += [f"{media.fps:g}fps"] if media.fps else []
    parts += [f"flow{media.flow_bound:g}"] if media.modality == "flow" else []
    parts += [] if media.square_pixels else ["storedpixels"]
    parts += [f"{key.replace('_', '')}off" for key in ("tone_map", "deinterlace") if getattr(media, key) == "off"]
    # of folders of pictures; left out where it is the default, as the names are older than these settings
    parts += [f"from{media.frames_fps:g}fps"] if media.frames_fps != FRAMES_FPS else []
    parts += ["linked"] if media.link_frames and can_link(media) else []
    parts += [f"stream{media.stream}"] if media.stream is not None else []
    return "-".join(parts)


def can_link(media: Media) -> bool:
    """Whether pictures of a folder may be stored as they are."""
    return STORAGE_FACTS[media.storage].keeps_pictures and media.modality == "rgb" and not media.fps


def frames_json(media: Media) -> str:
    """The settings without the limits, as JSON."""
    return media.model_dump_json(exclude=set(MEDIA_LIMITS))


def limits_json(media: Media) -> str:
    """The limits as JSON."""
    return media.model_dump_json(include=set(MEDIA_LIMITS))


def media_from_json(*texts: str) -> Media:
    """Settings that are spread over several texts."""
    return Media.model_validate({key: value for text in texts for key, value in json.loads(text).items()})


def ffmpeg_digest(configured: str | None) -> str:
    """What tells one configured ffmpeg from another, wherever it lies; `default` where none is configured."""
    if not configured:
        return "default"
    binary = Path(shutil.which(configured) or configured)
    return file_digest(binary) if binary.is_file() else ABSENT

"""The lists of other tools and data sets -> a listing of what they say: one door for all of them."""

import re
from collections.abc import Callable, Sequence
from pathlib import Path

from kinema.annotations.dialect import SUBSETS
from kinema.annotations.formats.activitynet import read_activitynet
from kinema.annotations.formats.charades import read_charades
from kinema.annotations.formats.cvat import read_cvat
from kinema.annotations.formats.datumaro import read_datumaro
from kinema.annotations.formats.elan import read_elan
from kinema.annotations.formats.fiftyone import read_fiftyone
from kinema.annotations.formats.huggingface import read_huggingface
from kinema.annotations.formats.label_studio import read_label_studio
from kinema.annotations.formats.listing import Listing
from kinema.annotations.formats.mmaction2 import read_mmaction2
from kinema.annotations.formats.something_something import read_something_something
from kinema.annotations.formats.via import read_via
from kinema.experiment.data_sections import Annotations

IMPORTERS: dict[str, Callable[[Path, Annotations, Listing], None]] = {
    "cvat": read_cvat,
    "label_studio": read_label_studio,
    "fiftyone": read_fiftyone,
    "datumaro": read_datumaro,
    "elan": read_elan,
    "via": read_via,
    "mmaction2": read_mmaction2,
    "huggingface": read_huggingface,
    "activitynet": read_activitynet,
    "charades": read_charades,
    "something_something": read_something_something,
}
MANY_LABELS = ("activitynet", "charades")  # whose parts may have several, and nobody can correct them


def read_imported(files: Sequence[Path], settings: Annotations) -> Listing:
    """What all files of one list say, the file of the names of classes aside."""
    listing = Listing(has_many_labels=settings.format in MANY_LABELS)
    lists = [file for file in files if str(file) != settings.classes]
    for file in lists:
        listing.begin(file, _subset_of(file, settings, is_single=len(lists) == 1))
        IMPORTERS[settings.format](file, settings, listing)
    return listing


def _subset_of(file: Path, settings: Annotations, *, is_single: bool) -> str | None:
    """What `subsets` says of the path that a file is, or lies in; else what its name says.

    That a name is one of a subset by chance is likelier than that a data set has nothing to be trained on: of a single
    list the name counts where it says training.
    """
    for path, subset in zip(settings.paths, settings.subsets or (), strict=False):
        if file == Path(path) or Path(path) in file.parents:
            return subset
    named = named_subset(file)
    return None if is_single and named != "training" else named


def named_subset(file: Path) -> str | None:
    """The subset that a word of the file's name tells, else that its folder is called by."""
    words = set(re.split(r"[^a-z]+", file.name.partition(".")[0].lower())) & SUBSETS.keys()
    found = {SUBSETS[word] for word in words}
    return found.pop() if len(found) == 1 else SUBSETS.get(file.parent.name.lower())

"""weights/<library>/<file>.json."""

from dataclasses import dataclass
from typing import ClassVar

from kinema.records.record import Record


@dataclass(frozen=True, kw_only=True)
class Published:
    """Weights as somebody published them."""

    name: str
    """Their name in the library, timm's with the tag that says how they were trained."""
    source: str
    """Address of the repository on the hub, or of the file."""
    file: str
    """Name of the file that was published; of weights in several files, of the list of them."""
    revision: str | None
    """Commit of the repository; null where the source is a file."""
    license: str | None
    """Licence, as the publisher names it; null where none is named. Terms of the data that they were trained on may
    apply beside it."""
    sha256: str
    """Of the published file."""


@dataclass(frozen=True, kw_only=True)
class Weights(Record):
    """Where a file of published weights comes from. It lies beside that file: `weights/<library>/<file>.json`."""

    VERSION: ClassVar[int] = 1

    library: str
    """`timm`, `torchvision` or `transformers`, whose network they fit."""
    published: Published
    """The weights as they were published."""
    sha256: str
    """Of the file here: that of the published one, or another where its tensors were written as safetensors."""

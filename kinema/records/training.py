"""training.json."""

from dataclasses import dataclass
from typing import Any, ClassVar

from kinema.records.record import Record
from kinema.records.weights import Published


@dataclass(frozen=True, kw_only=True)
class Processes:
    """The processes that trained together; in the last run, where a training was interrupted."""

    device: str
    """Kind of device, by PyTorch's name: `cpu`, `cuda`, `mps`."""
    nodes: int
    """Machines."""
    number: int
    """[processes] On all of them, each with a device."""
    batch_size: int
    """[clips] Of a process and batch."""
    accumulate: int
    """[batches] Before the optimizer moves."""


@dataclass(frozen=True, kw_only=True)
class Training(Record):
    """What a model was trained with, by what, on what and how well; to be read in a year."""

    VERSION: ClassVar[int] = 3
    AGAIN: ClassVar[str] = (
        "to have it anew, delete it and run snakemake for it, which puts it back from work/, or else trains again"
    )

    model: str
    """Name of the model, without `@variant`."""
    labels: list[str]
    """Classes, in the order of the model's outputs."""
    settings: dict[str, Any]
    """All settings of the experiment by section, defaults among them: [all keys](../config/README.md)."""
    starts: dict[str, str]
    """Files that the training started from, by the key that asks for them."""
    published: Published | None
    """Where the published weights come from that the encoder started from; null where it started otherwise."""
    seed: int
    """Of the weights, the order of the clips and their augmentation."""
    data: dict[str, str]
    """Digests of the labels and of the subsets that decide what is trained, as clips.json has them."""
    code: str
    """Digest of the code that trains."""
    commit: str | None
    """Git commit of the code, with `-dirty` where files differ from it; null where it is no repository."""
    versions: dict[str, str]
    """Versions of kinema and of the libraries that a training rests on."""
    processes: Processes | None
    """What trained it; null where the weights were given. It changes no result, but for rounding and batch norms."""
    seconds: float
    """[seconds] Spent in training, in interrupted runs as well."""
    num_epochs: int
    """[epochs] Trained; 0 where the weights were given."""
    kept_epoch: dict[str, float] | None
    """The row of training.csv of the epoch whose weights were kept; null where nothing was trained."""

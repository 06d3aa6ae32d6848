"""quantization.json."""

from dataclasses import dataclass
from typing import ClassVar

from kinema.records.parity import Difference
from kinema.records.record import Record


@dataclass(frozen=True, kw_only=True)
class RecipeResult:
    """What became of one way of quantising a network; null stands for what was not measured."""

    name: str
    """As in `deployment.int8.recipes`."""
    outcome: str
    """`chosen`; `refused`, by the gate; `failed`, in NNCF or as its logits are no numbers; `unfit`, as the network has
    nothing that this recipe is for; `not tried`, as one before was chosen."""
    reason: str | None
    """Why, in words, it was not chosen."""
    video_top1: float | None
    """[fraction] Of the videos, those that it has right at the device's own precision."""
    agreement: float | None
    """[fraction] Of the videos, those of which it says the same class as PyTorch."""
    num_disagreements: int | None
    """[videos] Of the others, those that are no near ties."""
    logits: Difference | None
    """Against PyTorch's, of the compared clips, at the device's own precision."""
    spread: float | None
    """[logit] Of its logits over these clips, as in parity.json."""
    num_bytes: int | None
    """[bytes] Of its files."""
    milliseconds: float | None
    """[ms] Median of a few answers for one clip; of streaming/ for one more frame."""


@dataclass(frozen=True, kw_only=True)
class Quantization(Record):
    """How an INT8 model was made, or why there is none: the recipes in the order in which they were tried.

    The first that passes is taken. It passes as model.xml does, with `deployment.int8.max_accuracy_drop`, except that
    what the device's own precision turns round and what quantising does are not told apart. The spread of its logits
    must be at least a tenth of PyTorch's, and they may not be off by more than PyTorch's differ. The file is there as
    well where no recipe passed. Then no INT8 model lies beside it.
    """

    VERSION: ClassVar[int] = 1
    AGAIN: ClassVar[str] = "to have it anew, delete the .xml beside it and run snakemake for that"

    chosen: str | None
    """The recipe of the files that lie beside this one; null where there are none."""
    subset: str
    """The subset that was scored: `testing` or `validation`."""
    num_videos: int
    """[videos] Scored."""
    pytorch_video_top1: float
    """[fraction] Of the videos, those that PyTorch has right: `video_top1` of evaluation.json."""
    max_accuracy_drop: float
    """[fraction] `deployment.int8.max_accuracy_drop`."""
    num_calibration_clips: int
    """[clips] Of training videos, by which the ranges of the activations were set."""
    num_clips: int
    """[clips] Whose logits were compared, of the subset of parity.json."""
    largest_logit: float
    """[logit] Largest logit of PyTorch's, without its sign."""
    spread: float | None
    """[logit] Of PyTorch's logits over these clips, as in parity.json; null of a single clip."""
    num_bytes: int
    """[bytes] Of the network that is not quantised, with weights as in `deployment.weights`."""
    milliseconds: float
    """[ms] The same of it as of the recipes, in turn with the last one, at the device's own precision."""
    precision: str
    """What that precision is: `f32`, `bf16` or `f16`."""
    device: str
    """The processor."""
    threads: int
    """[threads] With which it was measured."""
    recipes: list[RecipeResult]
    """In the order of `deployment.int8.recipes`."""
    sha256: dict[str, str]
    """Of the files that were shipped, by name, as `sha256sum` prints it."""
    model: str
    """Digest of the model.pth that it is of (BLAKE2b, first 16 hexadecimal digits)."""

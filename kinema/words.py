"""Words of errors and of what is told; nothing here changes a result.

What is written here is in no digest of code, so that a better wording trains nothing again.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

MAX_SHOWN = 60  # characters of a wrong value
MAX_NAMED = 5  # keys of tensors; a wrong file would otherwise fill the screen

# what a file was expected to be
CHECKPOINT = "a kinema checkpoint (model.pth of a training run)"
WEIGHTS = "a model.pth of kinema or a checkpoint of the reference toolkit (`network.weights`)"
STREAM = "a model.pth of kinema"
EPOCH = "an epoch of this training"
REFERENCE = "a checkpoint of the reference"
BUNDLED = "bundled weights"
HUB_WEIGHTS = "weights of a network of transformers"
NO_JPEG = "a frame is no JPEG image"

CRASHES = {  # part of an error's text -> what happened and what helps
    "out of memory": "out of memory: lower training.batch_size (and raise training.accumulate), or clip.size",
    "Cannot allocate memory": "out of memory: lower training.batch_size (and raise training.accumulate), or clip.size",
    "can't allocate memory": "out of memory: lower training.batch_size (and raise training.accumulate), or clip.size",
    "Bus error": "a loader process died (bus error): a file that it reads was cut short, or a file system in memory is "
    "full, as /dev/shm in containers may be",
    "DataLoader worker": "a loader process died, as a rule because memory ran out: lower training.num_workers, "
    "which changes no result",
}


FEATURES_STAY = "The next run goes on from the features that are kept."


def next_run(points: Sequence[Path]) -> str:
    """Where a training goes on that left these resume points, the newest first."""
    if points:
        return f"The next run goes on from {points[0]}."
    return "No resume point was written yet: the next starts anew."


def place(epoch: int, step: int) -> str:
    """Where a training is; both count from 1."""
    return f"epoch {epoch}, step {step}"


def other_rates(schedule: str) -> str:
    """Why a training cannot go on with more epochs: its schedule."""
    return f"with training.schedule: {schedule} each learning rate depends on the number of epochs"


def other_warmup(fraction: float) -> str:
    """The same: its warm-up."""
    return f"training.warmup_fraction: {fraction:g} is a part of all steps, so the warm-up differs"


def other_validations(every: int, epochs: int) -> str:
    """The same: validations that a run of so many epochs made."""
    return f"with training.validate_every: {every} a run of {epochs} epochs validated other epochs"


def goes_on(epochs: int, before: int) -> str:
    """What happens where a training goes on from a run of another number of epochs."""
    return f"training.epochs is {epochs} now, {before} before: the training goes on from what is trained."


def anew(epochs: int, before: int, obstacle: str | None) -> str:
    """What happens where it cannot, and what to do; without an `obstacle` because that run is further already."""
    reason = obstacle or "that run is further already, or left no resume point"
    return (
        f"training.epochs is {epochs} now, {before} before: the training begins anew, since {reason}. To keep what is "
        f"trained, set it back to {before}; to train on from its model.pth, name that in a variant, as "
        "training.init_from."
    )


def interrupted(signal: str, place: str | None) -> str:
    """What a training says that was asked to end by a signal; `place` is where its last resume point is."""
    if place:
        return f"interrupted at {place} ({signal}); run the same command again, which goes on from there"
    return f"interrupted before the first resume point ({signal}); run the same command again"


def features_kept(signal: str, done: int, number: int) -> str:
    """What a training says that was asked to end while it computed features."""
    return (
        f"interrupted at the features of clip {done} of {number} ({signal}); run the same command again, which goes on "
        "from there"
    )


def remedy(table_path: Path | str, place: str | None = None) -> str:
    """What to do about a shard whose frames and table do not belong together; `place` is that of damaged frames."""
    what = f"{place} and {table_path}" if place else str(table_path)
    return f"Frames and table do not belong together: delete {what} and run snakemake again, which rebuilds both."


def encoder_file(name: str) -> str:
    """What `network.encoder_weights` was expected to be."""
    return f"weights of the encoder '{name}' (`network.encoder_weights`)"


def ways_to_weights(path: str, name: str, source: str, reason: str, mirror: str | None, cache: str) -> str:
    """What to do where published weights cannot be had; `mirror` and `cache` are variables of the environment."""
    named = f"name a mirror ({mirror}) or a filled cache ({cache})" if mirror else f"name a filled cache ({cache})"
    return (
        f"{path}: cannot get the published weights of '{name}' from {source} ({reason}). Three ways out: start "
        "otherwise, network.encoder_weights: none, or a model with the encoder efficientnet_lite0, whose weights are "
        f"`bundled`; name a .pth or .safetensors file as network.encoder_weights; or {named}, or run "
        f"`snakemake {path}` where there is network and copy {Path(path).parent}/ here"
    )


def ways_to_repository(path: str, repository: str, source: str, reason: str) -> str:
    """The same of a repository of the hub that a clip network of transformers is to start from."""
    return (
        f"{path}: cannot get '{repository}' from {source} ({reason}), and there is no folder of this name. Three ways "
        "out: name a folder that has it, network.encoder_weights: hf:FOLDER; name a mirror (HF_ENDPOINT) or a filled "
        f"cache (HF_HOME); or run `snakemake {path}` where there is network and copy {Path(path).parent}/ here"
    )


def too_large(model_name: str, num_bytes: int, *, limit: int) -> str:
    """What to tell about a model whose weights do not go into an ONNX file."""
    return (
        f"'{model_name}' cannot be exported: it has {num_bytes / 1e9:.1f} GB of weights, and an ONNX file takes "
        f"{limit / 1e9:.1f} GB. It can be trained and evaluated; deploy a smaller one"
    )


def no_drop_path(name: str, rate: float) -> str:
    """What to tell where `network.drop_path_rate` asks for what a network does not do."""
    return (
        f"'{name}': network.drop_path_rate is {rate}, but this network has no blocks that can be left out at random; "
        "set it to 0, or choose an encoder that has (resnet, EfficientNet, ConvNeXt, vision transformer)"
    )


def explained(complaints: Sequence[Mapping[str, Any]]) -> str:
    """The first of pydantic's complaints, in one line."""
    detail = complaints[0]
    name = ".".join(str(part) for part in detail["loc"])
    if detail["type"] == "missing":
        return f"no entry '{name}'"
    text = " ".join(detail["msg"].removeprefix("Value error, ").split())
    return f"{name}: {text}; found {shown(detail['input'])}" if name else text


def shown(value: Any) -> str:
    """A wrong value, or its type where that is long."""
    if not isinstance(value, str | int | float | None):
        return type(value).__name__
    text = repr(value) if isinstance(value, str) else str(value)
    return text if len(text) <= MAX_SHOWN else text[:MAX_SHOWN] + "..."


def listed(complaints: Mapping[str, Sequence[str]]) -> str:
    """Keys of tensors by kind of complaint, the first few of each."""
    parts = []
    for kind, keys in complaints.items():
        if keys:
            more = f" and {len(keys) - MAX_NAMED} more" if len(keys) > MAX_NAMED else ""
            parts.append(f"{len(keys)} {kind}: {', '.join(keys[:MAX_NAMED])}{more}")
    return "; ".join(parts)


def settings_in_words(values: Mapping[str, Any]) -> str:
    """Settings as they stand in a file of YAML."""
    return ", ".join(f"{key}: {str(value).lower()}" for key, value in values.items())


def missing_package(what: str, package: str | None, extra: str) -> str:
    """What cannot be done, since a package is not there, and how to install it."""
    return f"{what} needs {package}, which is not installed: `pip install '.[{extra}]'` in a clone of kinema has it"


UNLABELLED_TOO = ", labelled or not"  # behind the name of a subset that is needed, where its videos need no label


def unscored(subsets: Sequence[str], redraw: str = "") -> str:
    """No video is there to score a model on, in these subsets, and what to do; `redraw` is a command that helps."""
    named = subsets[-1].removesuffix(UNLABELLED_TOO)
    draw = f"`{redraw}` draws subsets" if redraw else f"Give some videos the subset {named} in the list"
    if subsets[0].endswith(UNLABELLED_TOO):
        return (
            f"no {named} rows, which evaluation.subset: {named} asks for: a model can be trained, but not scored. "
            f"{draw}, or set another evaluation.subset."
        )
    wanted = f", which evaluation.subset: {named} asks for" if len(subsets) == 1 else ""
    return (
        f"no {' and no '.join(sorted(subsets, reverse=True))} rows with a label{wanted}: a model can be trained, but "
        f"neither scored nor verified, so no model.xml can be made. {draw}."
    )

"""`network.encoder_weights: hf:...` -> files of a network of `transformers`, what they say of it, whether clips fit.

hf:FOLDER                 what `save_pretrained` wrote: configuration, weights, the numbers of its processor
hf:OWNER/NAME[@REVISION]  a repository of the Hugging Face hub, which rule weights brings into one file of the project

The Snakefile imports this module on every call: nothing heavy, and neither torch nor transformers.
"""

import importlib.util
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kinema.models.names import HUB_NETWORKS

PREFIX = "hf:"
LIBRARY = "transformers"
CONFIG = "config.json"
PROCESSORS = ("video_preprocessor_config.json", "preprocessor_config.json")
INDEX_ENDING = ".index.json"  # of a list of the files that weights are spread over
WEIGHTS = ("model.safetensors", "model.safetensors.index.json", "pytorch_model.bin", "pytorch_model.bin.index.json")
# What a file of ours has in its header, beside the tensors.
HEADER_CONFIG, HEADER_PROCESSOR = "config", "processor"
NAMES_OF_CLASSES = ("id2label", "label2id")  # of the task that it was published for
PER_PIXEL = 1 / 255  # by which every network of ours multiplies pixels, before mean and deviation

REPOSITORY = re.compile(r"(?P<repository>[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*)(?:@(?P<revision>[A-Za-z0-9][\w.-]*))?")
# Where a configuration says nothing, its class in transformers has these; a test compares.
DEFAULTS: dict[str, dict[str, int]] = {
    "videomae": {
        "num_frames": 16,
        "image_size": 224,
        "tubelet_size": 2,
        "patch_size": 16,
        "num_channels": 3,
        "hidden_size": 768,
        "num_hidden_layers": 12,
        "intermediate_size": 3072,
    },
    "vjepa2": {
        "frames_per_clip": 64,
        "crop_size": 256,
        "tubelet_size": 2,
        "patch_size": 16,
        "in_chans": 3,
        "hidden_size": 1024,
        "num_hidden_layers": 24,
        "mlp_ratio": 4,
    },
}


@dataclass(frozen=True)
class Source:
    """What `hf:...` names: a folder, else a repository with the revision that is wanted, if any."""

    folder: Path | None = None
    repository: str = ""
    revision: str | None = None

    @property
    def name(self) -> str:
        """What its file in the project is called by; the hub has no names with `--`."""
        at = f"@{self.revision}" if self.revision else ""
        return self.repository.replace("/", "--") + at


@dataclass(frozen=True)
class Description:
    """What files say of a network; `where` names them in errors."""

    where: str
    config: dict[str, Any]
    processor: dict[str, Any]


def source_of(wanted: str) -> Source:
    """Where `hf:...` points to; ValueError where that is neither a folder nor the name of a repository."""
    text = wanted.removeprefix(PREFIX)
    if text and Path(text).is_dir():
        return Source(folder=Path(text))
    if found := REPOSITORY.fullmatch(text):
        return Source(repository=found["repository"], revision=found["revision"])
    raise ValueError(
        f"encoder_weights `{wanted}`: there is no folder '{text}', and a repository of the Hugging Face hub is named "
        "OWNER/NAME or OWNER/NAME@REVISION"
    )


def source_named(name: str) -> Source:
    """The repository whose file in the project has this name."""
    whole, _, revision = name.partition("@")
    return source_of(PREFIX + whole.replace("--", "/", 1) + (f"@{revision}" if revision else ""))


def folder_files(folder: Path) -> dict[str, Path]:
    """The files of a folder that count, by name: first the one that has, or lists, the weights.

    ValueError in one line where one is not there.
    """
    weights = next((folder / name for name in WEIGHTS if (folder / name).is_file()), None)
    processor = next((folder / name for name in PROCESSORS if (folder / name).is_file()), None)
    if not (folder / CONFIG).is_file():
        raise ValueError(f"{folder}: it has no {CONFIG}; expected a folder as transformers' save_pretrained writes it")
    if weights is None:
        raise ValueError(f"{folder}: it has no weights; expected one of {', '.join(WEIGHTS)}")
    if processor is None:
        raise ValueError(
            f"{folder}: it has neither {' nor '.join(PROCESSORS)}, which says mean and deviation of pixels; copy it "
            "from where the weights come from, or have the network's processor write it (save_pretrained)"
        )
    found = [weights, *_spread_over(weights), folder / CONFIG, processor]
    return {path.name: path for path in found}


def described(source: Source, downloaded_path: Path) -> Description | None:
    """What the files of a source say; None of a repository that was not downloaded yet."""
    if source.folder:
        return describe_folder(source.folder)
    return describe_file(downloaded_path) if downloaded_path.is_file() else None


def describe_folder(folder: Path) -> Description:
    """What a folder says of its network."""
    files = folder_files(folder)
    processor = next(files[name] for name in PROCESSORS if name in files)
    return Description(str(folder), _read(folder / CONFIG), _read(processor))


def describe_file(path: Path) -> Description:
    """The same of a file that rule weights has made, by its header: its length in 8 bytes, then JSON.

    The library that wrote it need not be installed where Snakemake runs.
    """
    try:
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            if length > path.stat().st_size:
                raise ValueError("its header is longer than the file")
            header = json.loads(file.read(length))["__metadata__"]
        config, processor = (json.loads(header[key]) for key in (HEADER_CONFIG, HEADER_PROCESSOR))
    except (OSError, ValueError, LookupError, TypeError) as error:
        reason = f"{type(error).__name__}: {error}"
        raise ValueError(f"{path}: damaged ({reason}); delete it, and the next run downloads it anew") from None
    return Description(str(path), config, processor)


def check_network(network: str, description: Description) -> None:
    """ValueError where files are of another kind of network, or of one that takes no pixels like ours."""
    found = description.config.get("model_type")
    if found != network:
        advice = f"ask for {found}" if found in HUB_NETWORKS else f"there are {', '.join(HUB_NETWORKS)}"
        raise ValueError(f"{description.where}: its model_type is {found!r}, expected '{network}'; {advice}")
    mean_std(description)
    channels = _number(network, description.config, "num_channels" if network == "videomae" else "in_chans")
    if channels != 3:
        raise ValueError(f"{description.where}: it takes {channels} channels, expected the three of RGB")


def check_installed(network: str) -> None:
    """ValueError where the library of these networks is not installed."""
    if importlib.util.find_spec(LIBRARY) is None:
        raise ValueError(f"'{network}' is a network of {LIBRARY}, which is not installed: pip install '.[{LIBRARY}]'")


def check_clip(network: str, config: Mapping[str, Any], *, length: int, size: int) -> None:
    """ValueError where a network cannot take clips of `length` frames of `size` x `size` pixels.

    VideoMAE has a table of places, for one length and size; V-JEPA 2 computes them (rotary), for whole patches.
    """
    frames, pixels = made_for(network, config)
    if network == "videomae":
        if length != frames:
            raise ValueError(
                f"'{network}': clip.length is {length}; its weights are for {frames} frames: set it to that"
            )
        if size != pixels:
            raise ValueError(f"'{network}': clip.size is {size}; its weights are for {pixels} pixels: set it to that")
        return
    tubelet, patch = _number(network, config, "tubelet_size"), _number(network, config, "patch_size")
    if length % tubelet:
        raise ValueError(
            f"'{network}': clip.length is {length}; it takes {tubelet} frames at once: set a multiple of that"
        )
    if size % patch:
        raise ValueError(f"'{network}': clip.size is {size}; its patches have {patch} pixels: set a multiple of that")


def made_for(network: str, config: Mapping[str, Any]) -> tuple[int, int]:
    """Frames of the clips, and pixels of the squares, that the weights were trained on."""
    keys = ("num_frames", "image_size") if network == "videomae" else ("frames_per_clip", "crop_size")
    frames, pixels = (_number(network, config, key) for key in keys)
    return frames, pixels


def weight_bytes(network: str, config: Mapping[str, Any]) -> int:
    """Bytes of the matrices of all blocks at float32, which is nearly all that a network has."""
    width, layers = (_number(network, config, key) for key in ("hidden_size", "num_hidden_layers"))
    if network == "videomae":
        inner = _number(network, config, "intermediate_size")
    else:
        inner = int(width * float(config.get("mlp_ratio", DEFAULTS[network]["mlp_ratio"])))
    return 4 * layers * (4 * width * width + 2 * width * inner)


def grid_of(network: str, config: Mapping[str, Any], *, length: int, size: int) -> tuple[int, int, int]:
    """How many tokens a clip has in time, height and width."""
    side = size // _number(network, config, "patch_size")
    return length // _number(network, config, "tubelet_size"), side, side


def mean_std(description: Description) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and deviation of pixel / 255, by the processor; ValueError where it does something else with pixels."""
    found = description.processor
    factor = found.get("rescale_factor", PER_PIXEL) if found.get("do_rescale", True) else 1
    if not isinstance(factor, int | float) or abs(factor - PER_PIXEL) > 1e-6:
        raise ValueError(f"{description.where}: its processor multiplies pixels by {factor}, expected 1 / 255")
    if not found.get("do_normalize", True):
        return (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)
    return _three(description, "image_mean"), _three(description, "image_std")


def architecture_of(description: Description) -> dict[str, Any]:
    """The configuration as checkpoints keep it: without the classes that the network was published for."""
    return {key: value for key, value in description.config.items() if key not in NAMES_OF_CLASSES}


def listed_files(weights: Path) -> list[str]:
    """Names of the files beside it that an index lists; of other weights none."""
    if not weights.name.endswith(INDEX_ENDING):
        return []
    listed = _read(weights).get("weight_map")
    names = sorted({str(name) for name in listed.values()}) if isinstance(listed, dict) else []
    if not names or any(Path(name).name != name for name in names):
        raise ValueError(f"{weights}: expected a `weight_map` of names of files in this folder")
    return names


def _three(description: Description, key: str) -> tuple[float, ...]:
    value = description.processor.get(key)
    if not isinstance(value, list) or len(value) != 3 or not all(isinstance(one, int | float) for one in value):
        raise ValueError(f"{description.where}: {key} of its processor is {value!r}, expected three numbers")
    return tuple(map(float, value))


def _spread_over(weights: Path) -> list[Path]:
    paths = [weights.parent / name for name in listed_files(weights)]
    if missing := [path.name for path in paths if not path.is_file()]:
        raise ValueError(f"{weights}: it lists {missing[0]}, which is not beside it; copy all that it lists")
    return paths


def _read(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ValueError(f"{path}: cannot be read as JSON: {error}") from None
    if not isinstance(content, dict):
        raise ValueError(f"{path}: expected an object of JSON, found a {type(content).__name__}")
    return content


def _number(network: str, config: Mapping[str, Any], key: str) -> int:
    value = config.get(key, DEFAULTS[network][key])
    if isinstance(value, list) and value and len(set(map(str, value))) == 1:  # height and width
        value = value[0]
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise ValueError(f"'{network}': {key} of its configuration is {value!r}, expected a whole number")
    return value

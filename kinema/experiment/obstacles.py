"""Settings with which an experiment would fail later: told while the DAG is built, before a video is decoded.

The Snakefile imports this module on every call. What takes seconds to import (timm, torch, pandas) is imported where a
setting needs it only: an encoder that is none of ours (once, `kinema.experiment.network_answers`), `16-mixed` without a
GPU in sight, what needs validation videos.
"""

import functools
import importlib.util
import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from kinema.experiment.config import Config, Settings
from kinema.experiment.crossval import check_crossval, check_number
from kinema.experiment.data_sections import Annotations, Clip
from kinema.experiment.files import ConfigError
from kinema.experiment.folds import split_fold
from kinema.experiment.model_sections import Network
from kinema.experiment.network_answers import answered
from kinema.experiment.resolve import annotation_files, dataset_named, resolve
from kinema.experiment.starts import start_files
from kinema.experiment.sweeps import VALIDATION, sweep_named
from kinema.models import hub_files
from kinema.models.loading.start_keys import ENCODER, TEACHER, is_trained
from kinema.models.model_name import ModelName, canonical, model_modules, parse_model_name
from kinema.models.names import (
    ENCODERS,
    EXPORT_OBSTACLES,
    HUB_NETWORKS,
    INSEPARABLE,
    LARGEST_ONNX,
    MIN_FRAMES,
    TRACED,
    TRACED_MAX_OPSET,
)
from kinema.models.published import hub_start
from kinema.words import no_drop_path, too_large

GPU_FILES = ("nvidia[0-9]*", "kfd", "dxg")  # in /dev: of NVIDIA, AMD, and of either under WSL
LIKELY_SIZES = (32, 64, 96, 112, 128, 160, 192, 224, 256, 288, 320, 384, 448, 512)


def check_experiment(config: Config, dataset: str, model_name: str, runs_here: Callable[[], bool]) -> None:
    """ConfigError where a network cannot take its clips, or its training would fail for a setting.

    `runs_here` tells whether jobs run on this machine.
    """
    experiment, where = resolve(config, dataset, model_name), f"{dataset}/{model_name}"
    settings, name = experiment.settings, parse_model_name(experiment.model_name)
    if name.encoder in HUB_NETWORKS:
        _check_hub_network(where, name, settings, start_files(config, dataset, model_name))
    _check_length(where, name, settings.clip.length)
    _check_size(where, name, settings.clip.size)
    _check_network(where, name, settings)
    starts = start_files(config, dataset, model_name)
    if not is_trained(settings, starts):
        return
    _check_layer_decay(where, name, settings)
    if settings.training.feature_views and (reason := _features_obstacle(name, settings, starts)):
        raise ConfigError(
            f"{where}: training.feature_views is {settings.training.feature_views}, which trains on kept features of a "
            f"frozen encoder, but {reason}, or feature_views to 0."
        )
    if settings.training.precision == "16-mixed" and settings.training.accelerator == "cpu":
        raise ConfigError(
            f"{where}: training.precision is 16-mixed, which needs a GPU, and training.accelerator is cpu. Set the one "
            "to 32-true or bf16-mixed, or the other to auto."
        )
    if settings.training.precision == "16-mixed" and runs_here() and not has_gpu():
        raise ConfigError(
            f"{where}: training.precision is 16-mixed, which needs a GPU; PyTorch finds none here. Set it to 32-true "
            "or bf16-mixed."
        )
    if fold := split_fold(model_name)[1]:
        check_number(config, dataset, fold.number)
        check_crossval(config, dataset, model_name)
    elif settings.training.schedule == "plateau":
        _check_validation(
            config, dataset, where, "training.schedule is plateau, which follows", "training.schedule to another one"
        )
    elif settings.training.keep == "best" and "keep" in settings.training.model_fields_set:
        # where nobody has said so, the last epoch is kept
        _check_validation(config, dataset, where, "training.keep is best, which goes by", "training.keep to last")


def check_sweep(config: Config, dataset: str, name: str) -> None:
    """ConfigError where nothing can say which combination of a sweep is the best."""
    if sweep_named(config, name).choose_on == VALIDATION:
        place = f"{dataset}: sweeps.{name}"
        _check_validation(
            config, dataset, place, "choose_on is validation, which goes by", f"sweeps.{name}.choose_on to crossval"
        )


def check_export(config: Config, dataset: str, model_name: str) -> None:
    """ConfigError where a model cannot be exported, or not in this operator set."""
    experiment, where = resolve(config, dataset, model_name), f"{dataset}/{model_name}"
    name, opset = experiment.model_name, experiment.settings.deployment.opset
    if name in EXPORT_OBSTACLES:
        raise ConfigError(f"{where}: '{name}' cannot be exported: {EXPORT_OBSTACLES[name]}.")
    if (parts := parse_model_name(name)).encoder in HUB_NETWORKS:
        found = _hub_description(parts, experiment.settings, start_files(config, dataset, model_name))
        if found and (num_bytes := hub_files.weight_bytes(parts.encoder, found.config)) >= LARGEST_ONNX:
            raise ConfigError(f"{where}: {too_large(name, num_bytes, limit=LARGEST_ONNX)}.")
    if name in TRACED and opset > TRACED_MAX_OPSET:
        raise ConfigError(
            f"{where}: deployment.opset is {opset}; '{name}' needs {TRACED_MAX_OPSET} or less. Set it to "
            f"{TRACED_MAX_OPSET}."
        )


def check_streaming(config: Config, dataset: str, model_name: str) -> None:
    """ConfigError where a model cannot be cut into an encoder of frames and a decoder."""
    check_export(config, dataset, model_name)
    name = parse_model_name(canonical(model_name.partition("@")[0]))
    reason, advice = "its network looks at whole clips", "for a model such as efficientnet_lite0_vtn"
    if name.motion:
        reason = "two networks look at its frames"
    elif not name.is_clip_network:
        assert name.decoder
        looks_ahead = resolve(config, dataset, model_name).settings.network.bidirectional
        reason = INSEPARABLE.get(name.decoder, "") if looks_ahead else ""
        advice = "set network.bidirectional: false, with which it is trained anew and mixes a frame with earlier ones"
    if reason:
        raise ConfigError(
            f"{dataset}/{model_name}: cannot be cut into an encoder of frames and a decoder for streaming/, as "
            f"{reason}. Ask for its model.xml, or {advice}."
        )


def has_gpu() -> bool:
    """Whether PyTorch has a device here that computes with float16; it is asked where no sign of one is seen."""
    if sys.platform == "darwin" or any(next(Path("/dev").glob(name), None) for name in GPU_FILES):
        return True
    import torch

    return torch.cuda.is_available()


def _check_hub_network(where: str, name: ModelName, settings: Settings, starts: Mapping[str, str]) -> None:
    """What a network of transformers is say the files that it starts from, once they are there."""
    network, clip = name.encoder, settings.clip
    try:
        if importlib.util.find_spec("torch"):  # else jobs compute in an environment of their own, which they look at
            hub_files.check_installed(network)
        if network == "videomae" and settings.network.drop_path_rate:
            raise ValueError(no_drop_path(network, settings.network.drop_path_rate))
        if found := _hub_description(name, settings, starts):
            hub_files.check_network(network, found)
            hub_files.check_clip(network, found.config, length=clip.length, size=clip.size)
    except ValueError as error:
        raise ConfigError(f"{where}: {error}.") from None


def _hub_description(name: ModelName, settings: Settings, starts: Mapping[str, str]) -> hub_files.Description | None:
    """What the files say that a network starts from; None of a model.pth, and of what is not downloaded yet."""
    if ENCODER not in starts:
        return None
    source = hub_start(name.encoder, settings.network.encoder_weights)
    return hub_files.described(source, Path(starts[ENCODER]))


def _check_length(where: str, name: ModelName, length: int) -> None:
    fewest = MIN_FRAMES.get(name.encoder, 1) if name.is_clip_network else 1 + name.takes_differences
    if length < fewest:
        raise ConfigError(
            f"{where}: clip.length is {length}; '{name}' needs at least {fewest} frames. Set clip.length to {fewest} "
            "or more, or choose another model."
        )


def _check_size(where: str, name: ModelName, size: int) -> None:
    """Networks that are ours take every size; one of timm's is tried, without numbers."""
    if name.is_clip_network or name.encoder in ENCODERS or not (reason := _obstacle(name.encoder, size)):
        return
    near = sorted(LIKELY_SIZES, key=lambda other: abs(other - size))[:5]
    tried = sorted({*near, _published_size(name.encoder)} - {size})
    possible = [other for other in tried if not _obstacle(name.encoder, other)]
    advice = "Choose another encoder, it takes none of " + _in_words(tried) + " either"
    if possible:
        advice = f"Set clip.size to {_in_words(possible)}, which it takes, or choose another encoder"
    raise ConfigError(f"{where}: clip.size is {size}: {reason.rstrip('.')}. {advice}.")


def _check_network(where: str, name: ModelName, settings: Settings) -> None:
    """Where decoder or settings ask something of an encoder that not every one has, the network is tried."""
    network = settings.network
    if name.encoder in HUB_NETWORKS:  # what it is says a file
        return
    is_adapted = name.decoder in INSEPARABLE and name.encoder not in ENCODERS  # ours can be; a test tries them
    if not (is_adapted or network.drop_path_rate or network.head_dropout):
        return
    if reason := _network_obstacle(str(name), settings.clip, network):
        raise ConfigError(f"{where}: {reason.rstrip('.')}.")


def _features_obstacle(name: ModelName, settings: Settings, starts: Mapping[str, str]) -> str | None:
    """What needs the encoder in every step, and what to set."""
    training = settings.training
    if training.encoder_lr_factor:
        return f"training.encoder_lr_factor is {training.encoder_lr_factor:g}, so it learns. Set that to 0"
    if name.decoder in INSEPARABLE:
        return f"of {name.decoder} {INSEPARABLE[name.decoder]}, which has to learn. Choose another decoder"
    if TEACHER in starts:
        return "a teacher looks at clips. Set training.teacher to null"
    for key in ("mixup_alpha", "cutmix_alpha"):
        if value := getattr(training, key):
            return f"training.{key} is {value:g}, which blends pixels. Set that to 0"
    if settings.network.drop_path_rate:
        return f"network.drop_path_rate is {settings.network.drop_path_rate:g}, for encoders that learn. Set that to 0"
    if training.compile:
        return "training.compile is true, for networks whose encoder runs. Set that to false"
    return None


def _check_layer_decay(where: str, name: ModelName, settings: Settings) -> None:
    decay = settings.training.layer_decay
    if name.encoder in HUB_NETWORKS:
        return
    if decay < 1 and (reason := _network_obstacle(str(name), settings.clip, settings.network, layer_decay=decay)):
        raise ConfigError(f"{where}: {reason.rstrip('.')}.")


@functools.lru_cache
def _network_obstacle(model_name: str, clip: Clip, network: Network, *, layer_decay: float = 1.0) -> str:
    """Why a network cannot be made, or not be trained at such rates, without numbers; nothing where it can."""
    question = [model_name, clip.model_dump(mode="json"), network.model_dump(mode="json"), layer_decay]
    modules = ("kinema.models.registry", *model_modules(model_name))
    return answered(question, *modules, ask=lambda: _ask_network(model_name, clip, network, layer_decay))


def _ask_network(model_name: str, clip: Clip, network: Network, layer_decay: float) -> str:
    import torch

    from kinema.models.registry import create_model

    random = network.model_copy(update={"encoder_weights": "none", "weights": None})
    try:
        with torch.device("meta"):
            model = create_model(model_name, num_classes=2, clip=clip, network=random)
        model.param_groups(lr=1.0, encoder_lr_factor=1.0, layer_decay=layer_decay, weight_decay=0.0)
    except ValueError as error:
        return str(error)
    return ""


def _in_words(sizes: list[int]) -> str:
    return " or ".join([", ".join(map(str, sizes[:-1])), str(sizes[-1])][len(sizes) == 1 :])


def _published_size(encoder: str) -> int:
    """Pixels of the frames that timm's weights of a network were made for."""
    import timm

    published = timm.get_pretrained_cfg(encoder)
    return published.input_size[-1] if published else 224


@functools.lru_cache
def _obstacle(encoder: str, size: int) -> str:
    """Why one of timm's networks cannot be an encoder of frames of a size; nothing where it can."""
    return answered([encoder, size], "kinema.models.encoders", ask=lambda: _ask_encoder(encoder, size))


def _ask_encoder(encoder: str, size: int) -> str:
    import torch

    from kinema.models.encoders import create_encoder

    try:
        with torch.device("meta"):
            create_encoder(encoder, "none", size=size)
    except ValueError as error:
        return str(error)
    return ""


def _check_validation(config: Config, dataset: str, where: str, what: str, other: str) -> None:
    chosen = dataset_named(config, dataset)
    if chosen.rendered:  # the demo, which has some
        return
    files = annotation_files(config, dataset)
    settings = json.dumps(chosen.annotations.model_dump(mode="json"))
    if not _has_validation(tuple(files), settings):
        raise ConfigError(
            f"{where}: {what} the accuracy on validation videos; the list ({files[0]}) has none with a label. Give "
            f"some videos the subset validation, or set {other}."
        )


@functools.lru_cache
def _has_validation(files: tuple[str, ...], settings: str) -> bool:
    """Whether a list has labelled validation videos; true where it cannot be read, which rule annotations tells."""
    from kinema.annotations.convert import read_list

    try:
        entries = read_list([Path(file) for file in files], Annotations.model_validate_json(settings)).entries
    except (OSError, ValueError):
        return True
    return bool(((entries["subset"] == "validation") & entries["label"].notna()).any())

"""An experiment -> the files its training starts from: the user's, or models that the workflow trains before.

`training.init_from` names a data set, whose model of the same name is fine-tuned, or a file. `training.teacher` names a
model of the same data set. A two-stream network is made of the two models of its streams, variant included. Where no
weights of the whole are named, the encoder may start from published ones, a file that rule weights downloads.

Teacher and streams of a fold are those of the same fold: others were trained on the videos that score it.
"""

import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from kinema.experiment.behind import names_behind
from kinema.experiment.comparing import with_listed
from kinema.experiment.config import Config, answered_once
from kinema.experiment.files import ConfigError
from kinema.experiment.folds import in_fold, split_fold
from kinema.experiment.model_sections import ENCODER_WEIGHTS
from kinema.experiment.network_answers import answered
from kinema.experiment.pages import is_data_page
from kinema.experiment.resolve import Experiment, annotation_files, dataset_named, media_of, resolve, weight_files
from kinema.models.loading.start_keys import ENCODER, INIT, MOTION_STREAM, RGB, TEACHER, WEIGHTS, is_trained
from kinema.models.model_name import ModelName, canonical, modality_of, parse_model_name, split_variant
from kinema.models.names import ENCODERS, OWN_ENCODERS
from kinema.models.published import folder_files, is_published, published_path


@answered_once
def start_files(config: Config, dataset: str, model_name: str) -> dict[str, str]:
    """Files that training reads beside the clips, by the key that asks for them, or by the stream.

    ConfigError where a model would start from itself, where a name is unknown, or where keys contradict each other.
    """
    _check_lineage(config, dataset, model_name)
    return _starts(config, dataset, model_name)


def starts_json(config: Config, dataset: str, model_name: str) -> str:
    """The same as JSON."""
    return json.dumps(start_files(config, dataset, model_name), sort_keys=True)


def check_starts(config: Config, dataset: str, model_name: str) -> None:
    """ConfigError where a file of the user's is not there, for this model or one that is trained before it."""
    for key, file in start_files(config, dataset, model_name).items():
        if made := _made_here(config, file):
            annotation_files(config, made[0])
            check_starts(config, *made)
        elif not Path(file).is_file() and Path(file).parts[:1] != ("results",) and not is_published(file):
            words = f", and none of {', '.join(ENCODER_WEIGHTS)}" if key == ENCODER else ""
            raise ConfigError(f"{key}: '{file}' is no file{words}")


def with_ancestors(config: Config, dataset: str, model_name: str) -> Iterator[tuple[str, str]]:
    """Data set and model, then those of every model that is trained before it."""
    yield dataset, model_name
    for file in start_files(config, dataset, model_name).values():
        if made := _made_here(config, file):
            yield from with_ancestors(config, *made)


def trained_behind(config: Config, targets: Iterable[str]) -> list[tuple[str, str]]:
    """Data set and model of each training that these targets need, those that others start from included."""
    return [made for made in models_behind(config, targets) if _is_trained(config, *made)]


def models_behind(config: Config, targets: Iterable[str]) -> list[tuple[str, str]]:
    """The same of all models, also of those that are made of given weights."""
    found: dict[tuple[str, str], None] = {}
    files = [target for target in with_listed(config, targets) if not is_data_page(target)]
    for target in files:
        parts = Path(os.path.normpath(target)).parts
        names = names_behind(config, target) if len(parts) >= 4 and parts[0] == "results" else []
        found |= {made: None for name in names for made in with_ancestors(config, parts[1], name)}
    return list(found)


def _is_trained(config: Config, dataset: str, model_name: str) -> bool:
    return is_trained(resolve(config, dataset, model_name).settings, start_files(config, dataset, model_name))


def _starts(config: Config, dataset: str, model_name: str) -> dict[str, str]:
    experiment = resolve(config, dataset, model_name)
    _check_modality(config, experiment)
    training, found = experiment.settings.training, weight_files(experiment)
    streams = {} if WEIGHTS in found else _streams(experiment, model_name)
    if streams:
        found = streams
    elif training.init_from:
        if WEIGHTS in found:
            raise ConfigError(
                f"{dataset}/{model_name}: network.weights and {INIT} both name a start; set one of the two to null."
            )
        found = {INIT: _init_file(config, training.init_from, split_variant(split_fold(model_name)[0])[0])}
    elif not found:
        found = _published(experiment)
    if not is_trained(experiment.settings, found):
        if not found.keys() & {WEIGHTS, INIT, RGB}:
            raise ConfigError(
                f"{dataset}/{model_name}: training.train is false, but no model is named: set {WEIGHTS} to its file."
            )
        return found
    if training.teacher:
        resolve(config, dataset, training.teacher)
        found[TEACHER] = f"results/{dataset}/{in_fold(training.teacher, split_fold(model_name)[1])}/model.pth"
    return found


def _published(experiment: Experiment) -> dict[str, str]:
    """The file of published weights that the encoder starts from, or those of a folder of transformers, if any."""
    name, wanted = parse_model_name(experiment.model_name), experiment.settings.network.encoder_weights
    try:
        if file := _published_file(name, wanted):
            return {ENCODER: file}
        files = folder_files(name, wanted).items()
        return {f"{ENCODER}/{key}" if number else ENCODER: file for number, (key, file) in enumerate(files)}
    except ValueError as error:
        raise ConfigError(f"{experiment.dataset}/{experiment.model_name}: {error}.") from None


def _published_file(name: ModelName, wanted: str) -> str | None:
    """The file of published weights; timm is asked about an encoder that is in none of our tables."""
    is_known = name.is_clip_network or name.encoder in ENCODERS or name.encoder in OWN_ENCODERS
    if is_known or wanted not in ("auto", "timm"):
        return published_path(name, wanted)
    question = ["published", name.encoder, wanted]
    return answered(question, "kinema.models.published", ask=lambda: published_path(name, wanted) or "") or None


def _streams(experiment: Experiment, model_name: str) -> dict[str, str]:
    """The models of a two-stream network's streams, spelled as it is itself; nothing for other networks."""
    name = parse_model_name(experiment.model_name)
    if not name.motion:
        return {}
    whole, fold = split_fold(model_name)
    base, variant = split_variant(whole)
    plain = base[: len(f"{name.encoder}_{name.decoder}")]  # `-` and `_` are equally long
    ending = f"{in_fold('' if variant is None else f'@{variant}', fold)}/model.pth"
    folder = f"results/{experiment.dataset}"
    return {RGB: f"{folder}/{plain}{ending}", MOTION_STREAM: f"{folder}/{plain}_{name.motion}{ending}"}


def _init_file(config: Config, source: str, model_name: str) -> str:
    """A data set's model, without variant: those are for the data set that is fine-tuned on; else the file itself."""
    if source in config.datasets:
        return f"results/{source}/{model_name}/model.pth"
    if len(Path(source).parts) == 1 and not Path(source).suffix:
        try:
            dataset_named(config, source)
        except ConfigError as error:
            raise ConfigError(f"{INIT}: {error} A file is named with its ending, e.g. {source}.pth.") from None
    return source


def _check_modality(config: Config, experiment: Experiment) -> None:
    wanted, found = modality_of(experiment.model_name), media_of(config, experiment.dataset).modality
    if not {*wanted.split("+")} <= {*found.split("+")}:
        data_set = f"a data set with `media: {{modality: {wanted}}}`"
        if "+" in wanted:
            data_set = f"{data_set}, which has both"
        advice = f"choose {data_set}, or a model for {found}"
        raise ConfigError(
            f"'{experiment.model_name}' takes {wanted}, the frames of '{experiment.dataset}' are {found} "
            f"(media.modality): {advice}."
        )


def _check_lineage(
    config: Config, dataset: str, model_name: str, *, descendants: tuple[str, ...] = (), asked_by: str = ""
) -> None:
    """`asked_by` is the key that asks for this model."""
    here = f"{dataset}/{canonical(model_name)}"
    if here in descendants:
        way = " <- ".join([*descendants, here])
        raise ConfigError(
            f"{asked_by}: a model would start from itself: {way}. Set it where only the models match that need it: "
            "in config/datasets/<data set>.yaml, or under `overrides` with a pattern for `model`, or as a variant."
        )
    for key, file in _starts(config, dataset, model_name).items():
        if made := _made_here(config, file):
            _check_lineage(config, *made, descendants=(*descendants, here), asked_by=key)


def _made_here(config: Config, file: str) -> tuple[str, str] | None:
    """Data set and model of a model.pth that the workflow makes."""
    parts = Path(file).parts
    if len(parts) < 4 or (parts[0], parts[-1]) != ("results", "model.pth") or parts[1] not in config.datasets:
        return None
    name = "/".join(parts[2:-1])
    return (parts[1], name) if len(parts) == 4 or split_fold(name)[1] else None

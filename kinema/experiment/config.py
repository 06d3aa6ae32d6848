"""The configuration tree: every setting, its default, its bounds and its meaning.

`config/config.yaml` holds what a user decides, this tree holds every other default, and code holds none.
Importing it is cheap (no torch): the Snakefile does it on every call.
"""

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import Field, PrivateAttr

from kinema.experiment.data_sections import Annotations, CrossValidation, Media
from kinema.experiment.section import Fraction, Location, ModelFolder, Name, Pattern, Section, VideoLocation
from kinema.experiment.settings import Settings
from kinema.experiment.sweep_section import Sweep

_Answer = TypeVar("_Answer")


class Dataset(Settings):
    """One list of videos over one corpus of media. Also takes every section of an experiment."""

    annotations: Annotations = Field(description="The list of videos.")
    videos: VideoLocation = Field(
        description="Folder of the raw videos, files or folders of numbered pictures, searched recursively; or the "
        "address of one with files: `s3://`, `gs://`, `az://`, `https://`, `http://` or `sftp://`."
    )
    corpus: Name | None = Field(
        None, description="Data sets with one corpus share the prepared shards; default: the data set's name."
    )
    num_shards: int = Field(
        16,
        ge=1,
        le=4096,
        description="Shards of the corpus, fixed for its life: 1-16 for thousands of videos, 256-1024 for Kinetics.",
    )
    media: Media = Field(default_factory=Media, description="Overrides of the top-level `media` section.")
    crossval: CrossValidation = Field(
        default_factory=CrossValidation, description="Overrides of the top-level `crossval` section."
    )
    max_failed_fraction: Fraction = Field(
        0.1, description="More missing and failed videos than this stop the pipeline."
    )
    look_alikes_limit: int = Field(
        10_000,
        ge=0,
        le=50_000,
        description="Videos of different subsets are compared by their looks, for the data-set report, where no more "
        "than this are usable: some 0.1 s each; 0 compares none.",
    )
    leaderboard: list[ModelFolder] = Field(
        default_factory=list,
        description="Models, with their `@variant` if any, that `results/NAME/leaderboard.md` compares, and that are "
        "trained and scored for it; where none is named, it compares those that have an evaluation.json. So "
        "does `results/NAME/crossval/summary.md`.",
    )
    rendered: bool = Field(False, description="The files are made by the workflow itself (the demo).")


class Override(Settings):
    """Settings for every experiment whose data set and model match."""

    dataset: Pattern = Field("*", description="Shell pattern of data-set names.")
    model: Pattern = Field("*", description="Shell pattern of model names, variant excluded; `-` and `_` are the same.")


class Demo(Section):
    """Size of the rendered demo data set."""

    train_videos_per_class: int = Field(25, ge=1, le=10_000, description="Training videos of each class.")
    val_videos_per_class: int = Field(10, ge=1, le=10_000, description="Validation videos of each class.")
    seed: int = Field(7, ge=0, lt=2**32, description="Seed of backgrounds, colours and positions.")


class Config(Settings):
    """The whole configuration."""

    ffmpeg: Location | None = Field(
        None, description="ffmpeg binary; null takes the one on PATH, else the one of the package imageio-ffmpeg."
    )
    dataset_dir: Location = Field(
        "config/datasets",
        description="Folder beside the Snakefile whose `<name>.yaml` files each configure the data set <name>.",
    )
    media: Media = Field(default_factory=Media, description="How raw videos become frames, for all data sets.")
    crossval: CrossValidation = Field(
        default_factory=CrossValidation, description="Cross-validation of models, for all data sets."
    )
    demo: Demo = Field(default_factory=Demo, description="The rendered demo data set.")
    datasets: dict[Name, Dataset] = Field(
        default_factory=dict, description="Data sets by name, beside and over those in `dataset_dir`."
    )
    overrides: list[Override] = Field(default_factory=list, description="Applied in order, each over the one before.")
    variants: dict[Name, Settings] = Field(
        default_factory=dict,
        description="`<model>@<variant>` takes these settings last; single ones may stand in the name itself, "
        "`<model>@training.lr=0.001`.",
    )
    sweeps: dict[Name, Sweep] = Field(
        default_factory=dict,
        description="What `results/DATASET/MODEL/sweep-NAME/summary.md` trains and compares: each setting, as "
        "`training.lr`, with a list of values or with a range.",
    )
    _layers: "tuple[Layer, ...]" = PrivateAttr(default=())
    _answers: dict[tuple[str, str, str], Any] = PrivateAttr(default_factory=dict)

    @property
    def layers(self) -> "tuple[Layer, ...]":
        """What was laid over the project's own files for this run, the last one on top."""
        return self._layers

    def with_layers(self, layers: "Sequence[Layer]") -> "Config":
        """The same with these laid over it; its values hold theirs already, but for the order in which they win."""
        copy = self.model_copy()
        copy._layers = tuple(layers)
        copy._answers = {}
        return copy


@dataclass(frozen=True)
class Layer:
    """What one `--configfile`, or `--config`, says: for all data sets, with its overrides, and for single ones."""

    source: str
    sections: Config
    datasets: Mapping[str, Config]


def answered_once(function: Callable[[Config, str, str], _Answer]) -> Callable[[Config, str, str], _Answer]:
    """For what follows from a configuration, a data set and a model, or a target, and is asked for again and again.

    A sweep of hundreds of models would take minutes to plan else. An error is no answer.
    """

    @functools.wraps(function)
    def answered(config: Config, dataset: str, model_name: str) -> _Answer:
        asked = (function.__name__, dataset, model_name)
        if asked not in config._answers:
            config._answers[asked] = function(config, dataset, model_name)
        return config._answers[asked]

    return answered


def merged(base: Section, *patches: Section) -> dict[str, Any]:
    """Plain values of `base` with what each patch sets explicitly laid over it; the last wins.

    Sections that `base` does not have are left out.
    """
    values = base.model_dump(exclude_unset=True)
    for patch in patches:
        _overlay(values, patch.model_dump(exclude_unset=True))
    return {key: value for key, value in values.items() if key in type(base).model_fields}


def _overlay(values: dict[str, Any], patch: dict[str, Any]) -> None:
    for key, value in patch.items():
        if isinstance(value, dict) and isinstance(values.get(key), dict):
            _overlay(values[key], value)
        else:
            values[key] = value

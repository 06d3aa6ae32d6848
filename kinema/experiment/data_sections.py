"""Settings of the data: the list of videos, how they become frames, which frames a clip has, and how it is changed."""

from typing import Annotated, Any, Literal

from pydantic import (
    Field,
    field_validator,
    model_validator,
)

from kinema.experiment.section import Aspect, Automatic, Fraction, Section, _can_be_opened

_NUMBERED = ("mmaction2", "huggingface", "something_something")
_OF_TOOLS = ("cvat", "label_studio", "fiftyone", "datumaro", "elan", "via")
# keys of `annotations` that only some formats have
OPTIONS_OF_FORMATS = {
    "subsets": (*_OF_TOOLS, *_NUMBERED, "charades", "activitynet"),
    "field": ("cvat", "label_studio", "fiftyone", "elan", "via", "huggingface"),
    "classes": (*_NUMBERED, "charades"),
    "fps": ("cvat", "label_studio", "fiftyone", "datumaro", "via"),
    "first_frame": ("label_studio",),
    "prefix": ("activitynet",),
}


class Annotations(Section):
    """Where the list of videos and labels comes from."""

    format: Literal[
        "table",
        "kinetics",
        "mini_kinetics",
        "ucf101",
        "hmdb51",
        "json",
        "cvat",
        "label_studio",
        "fiftyone",
        "datumaro",
        "elan",
        "via",
        "mmaction2",
        "huggingface",
        "activitynet",
        "charades",
        "something_something",
    ] = Field(
        "table",
        description="`table`: CSV, TSV or Parquet with the columns video, label, subset, optional group, start, end; "
        "`kinetics`, `mini_kinetics`, `ucf101`, `hmdb51`, `activitynet`, `charades`, `something_something`: the "
        "official lists; `json`: the reference toolkit's JSON; `cvat`, `label_studio`, `fiftyone`, `datumaro`, `elan`, "
        "`via`: what these tools write; `mmaction2`: lists of mmaction2, SlowFast and PaddleVideo; `huggingface`: "
        "metadata.csv with file_name and label.",
    )
    path: str | list[str] = Field(
        description="The annotation file, or several, relative to the working directory; for `ucf101` and `hmdb51` the "
        "folder of the official lists, for `elan` also a folder of .eaf files."
    )
    split: int | None = Field(None, ge=1, le=3, description="Official split of `ucf101` and `hmdb51`, required there.")
    unit: Literal["seconds", "frames"] = Field(
        "seconds", description="What `start` and `end` of a table count: seconds, or frames from 0."
    )
    subsets: list[Literal["training", "validation", "testing"]] | None = Field(
        None,
        description="Lists of other tools: the subset of each path, where neither the list nor its name says it.",
    )
    field: str | None = Field(
        None,
        description="Which of several kinds of labels: the attribute of `cvat` and `via`, the control of "
        "`label_studio`, the field of `fiftyone`'s samples.json, the tier of `elan`, the column of `huggingface`.",
    )
    classes: str | None = Field(
        None,
        description="A file that names the classes by their numbers (`mmaction2`, `huggingface`, "
        "`something_something`) or codes (`charades`).",
    )
    fps: float | None = Field(
        None,
        gt=0,
        le=1000,
        description="The frame rate by which the frames of `cvat`, `label_studio`, `fiftyone`, `datumaro` and `via` "
        "become seconds; null takes them as frames of the file, but for `label_studio`, which has to say it.",
    )
    first_frame: Literal[0, 1] = Field(1, description="Number of the first frame in the ranges of `label_studio`.")
    prefix: str = Field(
        "", description="What stands in front of the ids of `activitynet` in the names of the files, such as `v_`."
    )

    @field_validator("classes")
    @classmethod
    def _classes_can_be_opened(cls, value: str | None) -> str | None:
        return value if value is None else _can_be_opened(value)

    @field_validator("path", mode="before")
    @classmethod
    def _paths_can_be_opened(cls, value: Any) -> Any:
        paths = value if isinstance(value, list) else [value]
        if not all(isinstance(path, str) for path in paths):
            raise ValueError("expected a path or a list of paths")
        for path in paths:
            _can_be_opened(path)
        return value

    @property
    def paths(self) -> list[str]:
        """`path` as a list."""
        return [self.path] if isinstance(self.path, str) else self.path

    @model_validator(mode="after")
    def _keys_suit_the_format(self):
        official = self.format in ("ucf101", "hmdb51")
        if official and self.split is None:
            raise ValueError(f"format {self.format} needs `split`: 1, 2 or 3")
        if not official and self.split is not None:
            raise ValueError(f"`split` is for the formats ucf101 and hmdb51; {self.format} has none")
        if self.unit != "seconds" and self.format != "table":
            raise ValueError(f"`unit` is for the format table; {self.format} has none")
        for key, formats in OPTIONS_OF_FORMATS.items():
            if getattr(self, key) != type(self).model_fields[key].default and self.format not in formats:
                raise ValueError(f"`{key}` is for {', '.join(formats)}; {self.format} has none")
        if self.subsets and len(self.subsets) != len(self.paths):
            raise ValueError(f"`subsets` has one for each path; found {len(self.subsets)} for {len(self.paths)} paths")
        if not self.paths or ((official or self.format == "json") and len(self.paths) > 1):
            one = "a folder" if official else "one file" if self.format == "json" else "a file, or several"
            raise ValueError(f"`path` of format {self.format} is {one}, found {len(self.paths)} paths")
        if self.format == "mini_kinetics" and all(path.lower().endswith(".txt") for path in self.paths):
            raise ValueError("`path` holds only lists of ids (.txt); add the Kinetics CSV files whose rows they choose")
        return self


class Media(Section):
    """How raw videos become frames, and where those are kept. One set of shards is made per corpus and recipe."""

    storage: Literal["packed", "frames", "video"] = Field(
        "packed",
        description="`packed`: JPEG frames of a shard in one tar, the fastest to read; `frames`: a folder of JPEG "
        "files a video, for other tools; `video`: one short-GOP mp4 a video, the smallest.",
    )
    modality: Literal["rgb", "flow", "rgb+flow"] = Field(
        "rgb",
        description="`rgb`: the pictures; `flow`: DIS optical flow between neighbours, one fewer than pictures; "
        "`rgb+flow`: both, in shards of their own.",
    )
    stream: int | None = Field(
        None,
        ge=0,
        le=1000,
        description="Which video stream of a file that has several, from 0; null takes the one that the file calls its "
        "default, else the first. Cover pictures do not count.",
    )
    short_side: int | None = Field(
        256,
        ge=16,
        le=4096,
        description="Frames are rescaled to this short side in pixels, sides even; null keeps the size.",
    )
    square_pixels: bool = Field(
        True,
        description="Frames have the shape in which the video is shown; false leaves them squeezed where the video's "
        "pixels are not square (DV, DVD, HDV, AVCHD).",
    )
    tone_map: Automatic = Field(
        "auto",
        description="`auto`: HDR video (PQ, HLG) becomes one of standard range, BT.709; `off`: its values are taken as "
        "they are, which look pale.",
    )
    deinterlace: Automatic = Field(
        "auto", description="`auto`: an interlaced picture shows one moment; `off`: both of its moments, line by line."
    )
    jpeg_quality: int = Field(
        4,
        ge=2,
        le=31,
        description="`packed` and `frames`: quality of the JPEG frames on the scale of ffmpeg's `-q:v`, 2 is best, 31 "
        "worst.",
    )
    video_quality: int = Field(
        4, ge=1, le=31, description="`video`: 1 is best, 31 worst, as ffmpeg's `-q:v`; x264 gets CRF 15 more than this."
    )
    keyframe_interval: int = Field(
        8,
        ge=1,
        le=10_000,
        description="`video`: frames from one key frame to the next; more are smaller, and slower to read.",
    )
    fps: float | None = Field(
        None, gt=0, le=1000, description="Resample to this constant frame rate; null keeps every decoded frame once."
    )
    frames_fps: float = Field(
        25.0, gt=0, le=1000, description="Pictures a second of a video that is a folder of numbered pictures."
    )
    link_frames: bool = Field(
        False,
        description="`frames` of RGB: JPEG pictures of such a folder that have the size already become hard links, or "
        "copies on another file system, instead of new JPEG files; where `fps` is null.",
    )
    flow_bound: float = Field(
        20.0, gt=0, le=1000, description="`flow`: displacements of -bound..bound pixels become grey values 0..255."
    )
    min_frames: int = Field(
        1,
        ge=1,
        le=1_000_000,
        description="A video that yields fewer frames has failed.",
    )
    damaged: Literal["keep", "drop"] = Field(
        "keep",
        description="A video that is cut off or damaged: `keep` what can be decoded of it, marked `truncated`, or "
        "`drop` it, which counts as failed.",
    )
    timeout_seconds: float = Field(600, gt=0, le=604_800, description="A video that takes longer to decode has failed.")
    max_gigabytes: float = Field(
        16,
        gt=0,
        le=10_000,
        description="A video whose stored frames take more has failed: a broken time stamp can ask for years.",
    )
    max_megapixels: float = Field(
        64,
        gt=0,
        le=10_000,
        description="A video whose pictures, as they are or rescaled, have more millions of pixels has failed: "
        "decoding takes some 10 bytes of memory a pixel.",
    )

    @property
    def recipes(self) -> "list[Media]":
        """The settings of one modality each, so that all data sets of a corpus share its shards.

        What is for the other modality alone is at its default there: a change of it makes nothing anew.
        """
        fields, wanted = type(self).model_fields, self.modality.split("+")
        foreign = {"rgb": "flow_bound", "flow": "link_frames"}
        return [
            self.model_copy(update={"modality": modality, key: fields[key].default})
            for modality, key in foreign.items()
            if modality in wanted
        ]


class CrossValidation(Section):
    """How `results/DATASET/MODEL/crossval/summary.json` trains and scores a model several times."""

    num_folds: int = Field(
        5,
        ge=2,
        le=100,
        description="Parts into which the training and validation videos are dealt, groups whole; each is scored by a "
        "model that was trained on the others.",
    )
    fold_seed: int = Field(1, ge=0, lt=2**32, description="Seed of the dealing.")
    seeds: list[Annotated[int, Field(ge=0, lt=2**32)]] = Field(
        [1], min_length=1, description="Each fold is trained once with each of these, in the place of `training.seed`."
    )

    @field_validator("seeds")
    @classmethod
    def _seeds_differ(cls, seeds: list[int]) -> list[int]:
        if len(set(seeds)) < len(seeds):
            raise ValueError("expected each seed once")
        return seeds


class Clip(Section):
    """Which frames one clip has."""

    length: int = Field(16, ge=1, le=1024, description="Frames in a clip.")
    stride: int = Field(2, ge=1, le=1000, description="Distance of neighbouring frames of a clip, in video frames.")
    fps: float | None = Field(
        None,
        gt=0,
        le=1000,
        description="Look at videos of all frame rates at this one: frames are those nearest to the times 0, 1 / fps, "
        "2 / fps, ..., and `stride` counts these; null counts the frames that are there.",
    )
    size: int = Field(224, ge=32, le=1024, description="Height and width of the network input in pixels.")
    num_train_clips: int = Field(1, ge=1, le=1000, description="Random clips per training video and epoch.")
    num_val_clips: int = Field(
        3,
        ge=-1,
        le=1000,
        description="Evenly spaced clips per validation video; 0 or -1 takes every start, 1 the centre.",
    )
    num_test_clips: int = Field(
        10,
        ge=-1,
        le=1000,
        description="Evenly spaced clips per testing video; 0 or -1 takes every start, 1 the centre.",
    )


class Augmentation(Section):
    """Random changes of training clips; every frame of a clip gets the same one."""

    crop: Literal["area", "corner", "random"] = Field(
        "area",
        description="`area`: a part of random area and aspect anywhere; `corner`: a square of one of several scales at "
        "a corner or in the centre; `random`: a square of the input size anywhere, not rescaled.",
    )
    crop_area: tuple[Fraction, Fraction] = Field(
        (0.5, 1.0), description="`area`: range of the crop's area, as a fraction of the frame."
    )
    crop_aspect: tuple[Aspect, Aspect] = Field(
        (0.75, 1.333), description="`area`: range of the crop's width over height."
    )
    crop_scales: tuple[Annotated[Fraction, Field(gt=0)], ...] = Field(
        (1.0, 0.84, 0.71, 0.59, 0.5),
        min_length=1,
        description="`corner`: sides of the square, as fractions of the frame's short side.",
    )
    horizontal_flip: Fraction = Field(
        0.5,
        description="Probability that a clip is mirrored; 0 where left and right matter, unless `mirrored_labels` "
        "says how.",
    )
    mirrored_labels: list[list[str]] = Field(
        [],
        description="Pairs of labels that are each other's mirror image, as `[[swipe left, swipe right]]`: a training "
        "clip that is mirrored gets the other label of its pair.",
    )
    brightness: Fraction = Field(0.2, description="Largest relative change of brightness.")
    contrast: Fraction = Field(0.2, description="Largest relative change of contrast.")
    saturation: Fraction = Field(0.2, description="Largest relative change of saturation.")
    hue: float = Field(0.0, ge=0, le=0.5, description="Largest turn of the hue, 0.5 being half a turn; costly.")
    sharpness: Fraction = Field(0.0, description="Largest relative change of sharpness.")
    rand_augment_ops: int = Field(
        0, ge=0, le=16, description="Operations of RandAugment that each clip gets; 0 is none."
    )
    rand_augment_magnitude: int = Field(9, ge=0, le=30, description="Strength of RandAugment's operations.")

    @field_validator("mirrored_labels")
    @classmethod
    def _pairs_are_pairs(cls, pairs: list[list[str]]) -> list[list[str]]:
        if any(len(pair) != 2 for pair in pairs):
            raise ValueError("expected pairs of labels, as [[swipe left, swipe right]]")
        names = [label for pair in pairs for label in pair]
        if len(set(names)) < len(names):
            raise ValueError("expected each label once: its mirror image is one other")
        return pairs

    @model_validator(mode="after")
    def _ranges_are_ordered(self):
        for name in ("crop_area", "crop_aspect"):
            low, high = getattr(self, name)
            if not 0 < low <= high:
                raise ValueError(f"{name} is [low, high] with 0 < low <= high, got [{low}, {high}]")
        return self

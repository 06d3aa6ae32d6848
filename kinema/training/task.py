"""The Lightning module: loss, optimizer, schedule and validation of one recognizer."""

from collections.abc import Sequence
from typing import Any

import lightning as L
import numpy as np
import pyarrow as pa
import torch
import torch.distributed as dist

from kinema.clips.copies import BatchCopies
from kinema.clips.sampling import num_ranks_and_rank
from kinema.experiment.model_sections import Training
from kinema.metrics import ClipScores, by_video, topk_accuracy
from kinema.models.recognizer import Recognizer
from kinema.training.class_loss import ClassLoss
from kinema.training.data import ClipMixer
from kinema.training.distillation import Teacher
from kinema.training.losses import EpochMean, LossCheck, Step
from kinema.training.network import compile_if_possible, freeze_batch_norm
from kinema.training.optim import create_optimizer, create_schedule

MONITOR = "val_video_top1"  # what a validation measures, and the best epoch is the best in
FEATURES = "features"  # in a batch: what the encoder gives of its clips
MEANS = ("train_loss", "train_clip_top1")  # metrics of an epoch so far


class RecognitionTask(L.LightningModule):
    """Trains `model` by the recipe `training`, on labels and, where there is one, on a teacher's answers.

    Batches hold clips, or features of the encoder in their place (`kinema.training.features`). `videos` name the videos
    by number, for error messages. `class_counts` (K,) are the training videos of each class,
    which weights of classes need.
    """

    def __init__(
        self,
        model: Recognizer,
        *,
        training: Training,
        videos: pa.StringArray,
        teacher: Teacher | None = None,
        class_counts: np.ndarray | None = None,
    ):
        super().__init__()
        self.model, self.training_settings, self.videos, self.teacher = model, training, videos, teacher
        if teacher:
            teacher.check(model)
        self.loss = ClassLoss(training, class_counts=class_counts)
        self.mix = ClipMixer(training, num_classes=model.num_classes)
        # means so far of an epoch; in the state, so that a run resumed inside an epoch reports the whole of it
        self.train_loss, self.train_clip_top1 = EpochMean(), EpochMean()
        for name in MEANS:
            getattr(self, name).persistent(True)
        self._checked = LossCheck()
        self._copies = BatchCopies()
        self._validated: list[tuple[torch.Tensor, ...]] = []

    def on_fit_start(self) -> None:
        """Compile the network where the recipe asks for it."""
        if self.training_settings.compile:
            compile_if_possible(self.model, arithmetic=self.trainer.precision_plugin.forward_context)

    def on_train_epoch_start(self) -> None:
        """Freeze or free the encoder; frozen, or where the recipe says so, its batch-norm statistics stay as loaded."""
        settings, encoder = self.training_settings, self.model.encoder
        frozen = settings.encoder_lr_factor == 0 or self.current_epoch < settings.freeze_encoder_epochs
        encoder.requires_grad_(not frozen).train()
        if frozen or settings.freeze_batch_norm:
            freeze_batch_norm(encoder)

    def transfer_batch_to_device(self, batch: Any, device: torch.device, dataloader_idx: int) -> Any:
        """See `BatchCopies`."""
        return self._copies(batch, device)

    def on_train_batch_start(self, batch: Any, batch_idx: int) -> None:
        """Dropout and mixing are drawn by (seed, epoch, step, rank), so that a resumed run repeats what it replaces."""
        place = [self.training_settings.seed, self.current_epoch, batch_idx, self.global_rank]
        torch.manual_seed(int(np.random.SeedSequence(place).generate_state(1)[0]))
        if batch_idx == 0:  # on_train_epoch_start also comes where a run goes on inside an epoch
            self._reset_means()

    def training_step(self, batch: dict[str, torch.Tensor], batch_idx: int) -> torch.Tensor:
        """Loss of a batch of clips; one that is not finite stops the run. Mixed clips count as their largest part."""
        if FEATURES in batch:
            target, logits = batch["label"], self.model.from_features(batch[FEATURES])
            loss = self.loss(logits, target)
        else:
            loss, logits, target = self._of_clips(batch)
        step = Step(self.current_epoch, self.global_step, self._rate(), batch["video"], self.videos)
        self._checked.note(loss, step)
        labels = target if target.ndim == 1 else target.argmax(1)
        correct = (logits.argmax(1) == labels).float().mean()
        self.train_loss.update(loss.detach(), weight=len(logits))
        self.train_clip_top1.update(correct, weight=len(logits))
        # a tensor: Lightning would make one on the GPU of a number, and wait for it
        rate = torch.tensor(self._rate())
        self.log_dict({"step/loss": loss.detach(), "step/clip_top1": correct, "step/lr": rate})
        return loss

    def _of_clips(self, batch: dict[str, torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Loss, logits and target of a batch of clips."""
        clips, target = self.mix(batch["clip"], batch["label"])
        logits = self.model(clips)
        loss = self.loss(logits, target)
        if self.teacher:
            loss = self.teacher.loss(loss, clips, logits)
        return loss, logits, target

    def log_means(self) -> None:
        """Log the means of the epoch, at its end; a run that goes on in a validation makes no step before that."""
        self.log_dict({name: getattr(self, name).compute() for name in MEANS}, sync_dist=True)

    def on_validation_start(self) -> None:
        """The last step before it may have broken the weights."""
        self._checked.check()

    def validation_step(self, batch: dict[str, torch.Tensor], batch_idx: int) -> None:
        """Keep the logits where they are; accuracy needs all clips of a video."""
        logits = self.model.from_features(batch[FEATURES]) if FEATURES in batch else self.model(batch["clip"])
        logits = logits.float()
        self._validated.append((logits, *(batch[name] for name in ("label", "video", "row"))))

    def on_validation_epoch_end(self) -> None:
        """Log clip and video top-1 of the validation videos; of several processes each has seen a part."""
        logits, labels, videos = gathered(self._validated)
        self._validated.clear()
        scores = by_video(ClipScores(logits, labels, videos))
        # all processes log the same; that they agree once more is what Lightning expects of several
        self.log("val_clip_top1", topk_accuracy(logits, labels, 1), sync_dist=True)
        self.log(MONITOR, topk_accuracy(scores.probabilities, scores.labels, 1), sync_dist=True)

    def lr_scheduler_step(self, scheduler: Any, metric: Any | None) -> None:
        """The plateau's schedule is stepped below: Lightning would after the epoch's resume point was written."""
        if self.training_settings.schedule != "plateau":
            super().lr_scheduler_step(scheduler, metric)

    def on_train_epoch_end(self) -> None:
        """Step the plateau's schedule where there was a validation."""
        if self.training_settings.schedule == "plateau" and is_validated(self.trainer):
            self.lr_schedulers().step(self.trainer.callback_metrics[MONITOR])

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Of several processes one writes: it gets the means of all of them. Weights of a loss that broke are none."""
        self._checked.check()
        for name in MEANS:
            mean = getattr(self, name)
            with mean.sync_context():
                mean.state_dict(checkpoint["state_dict"], prefix=f"{name}.")

    def on_train_start(self) -> None:
        """A resume point's means are those of all processes, so the first one alone goes on with them."""
        if self.global_rank > 0:
            self._reset_means()

    def configure_optimizers(self) -> dict[str, Any]:
        """Optimizer over the model's parameter groups, with the schedule stepped after every step or validation."""
        settings = self.training_settings
        groups = self.model.param_groups(
            lr=settings.lr,
            encoder_lr_factor=settings.encoder_lr_factor,
            layer_decay=settings.layer_decay,
            weight_decay=settings.weight_decay,
        )
        optimizer = create_optimizer(groups, settings)
        schedule = create_schedule(optimizer, settings, int(self.trainer.estimated_stepping_batches))
        if settings.schedule != "plateau":
            return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}
        if not self.trainer.enable_validation:
            raise ValueError(
                "training.schedule is plateau, but the data set has no validation videos with a label; give some "
                "the subset validation in the list, or choose another schedule"
            )
        every = self.trainer.check_val_every_n_epoch
        plateau = {"scheduler": schedule, "interval": "epoch", "frequency": every, "monitor": MONITOR}
        return {"optimizer": optimizer, "lr_scheduler": plateau}

    def _reset_means(self) -> None:
        for name in MEANS:
            getattr(self, name).reset()

    def _rate(self) -> float:
        """The learning rate of all but the encoder."""
        return self.optimizers().param_groups[-1]["lr"]


def is_validated(trainer: L.Trainer) -> bool:
    """Whether this epoch has a validation; metrics of an earlier one are still there where it has none."""
    return (trainer.current_epoch + 1) % int(trainer.check_val_every_n_epoch or 1) == 0


def gathered(batches: Sequence[tuple[torch.Tensor, ...]]) -> tuple[np.ndarray, ...]:
    """Columns of the validation batches of all processes, joined; of the last one, the row, each is taken once.

    The rows themselves are left out.
    """
    columns = tuple(torch.cat(column).cpu().numpy() for column in zip(*batches, strict=True))
    num_ranks, _ = num_ranks_and_rank()
    if num_ranks > 1:
        parts: list = [None] * num_ranks
        dist.all_gather_object(parts, columns)
        columns = tuple(np.concatenate(column) for column in zip(*parts, strict=True))
    _, first = np.unique(columns[-1], return_index=True)
    return tuple(column[first] for column in columns[:-1])

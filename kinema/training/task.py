"""The Lightning module: loss, optimizer, schedule and validation of one recognizer."""

import logging
from typing import Any

import lightning as L
import numpy as np
import pyarrow as pa
import torch
from torch import nn
from torchmetrics import MeanMetric

from kinema.config import Training
from kinema.metrics import ClipScores, by_video, topk_accuracy
from kinema.models.recognizer import Recognizer
from kinema.training.distillation import Teacher

log = logging.getLogger(__name__)


class RecognitionTask(L.LightningModule):
    """Trains `model` by the recipe `training`, on labels and, where there is one, on a teacher's answers.

    `videos` name the videos by number, for error messages.
    """

    def __init__(
        self, model: Recognizer, *, training: Training, videos: pa.StringArray, teacher: Teacher | None = None
    ):
        super().__init__()
        self.model, self.training_settings, self.videos, self.teacher = model, training, videos, teacher
        if teacher:
            teacher.check(model)
        self.loss = nn.CrossEntropyLoss(label_smoothing=training.label_smoothing)
        # means so far of an epoch; in the state, so that a run resumed inside an epoch reports the whole of it
        self.train_loss, self.train_clip_top1 = MeanMetric(), MeanMetric()
        for mean in (self.train_loss, self.train_clip_top1):
            mean.persistent(True)
        self._validated: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []

    def on_train_epoch_start(self) -> None:
        """Batch-norm statistics of the encoder stay as loaded where the recipe says so, or freezes the encoder."""
        if self.training_settings.freeze_batch_norm or self.training_settings.encoder_lr_factor == 0:
            freeze_batch_norm(self.model.encoder)

    def on_train_batch_start(self, batch: Any, batch_idx: int) -> None:
        """Dropout is drawn by (seed, epoch, step), so that a resumed run repeats the one it replaces."""
        entropy = np.random.SeedSequence([self.training_settings.seed, self.current_epoch, batch_idx])
        torch.manual_seed(int(entropy.generate_state(1)[0]))
        if batch_idx == 0:  # on_train_epoch_start also comes where a run goes on inside an epoch
            for mean in (self.train_loss, self.train_clip_top1):
                mean.reset()

    def training_step(self, batch: dict[str, torch.Tensor], batch_idx: int) -> torch.Tensor:
        """Cross-entropy of a batch of clips; a loss that is not finite stops the run."""
        logits = self.model(batch["clip"])
        loss = self.loss(logits, batch["label"])
        if self.teacher:
            loss = self.teacher.loss(loss, batch["clip"], logits)
        if not torch.isfinite(loss):
            names = [str(self.videos[number]) for number in batch["video"].tolist()]
            rate = self.optimizers().param_groups[-1]["lr"]
            raise FloatingPointError(
                f"the loss is {loss.item()} at epoch {self.current_epoch}, step {self.global_step}, lr {rate:.3g}; "
                f"videos of the batch: {', '.join(names)}. Try a lower training.lr or precision 32-true."
            )
        correct = (logits.argmax(1) == batch["label"]).float().mean()
        self.train_loss.update(loss.detach(), weight=len(logits))
        self.train_clip_top1.update(correct, weight=len(logits))
        self.log("train_loss", self.train_loss, on_step=False, on_epoch=True)
        self.log("train_clip_top1", self.train_clip_top1, on_step=False, on_epoch=True)
        return loss

    def validation_step(self, batch: dict[str, torch.Tensor], batch_idx: int) -> None:
        """Keep the logits; accuracy needs all clips of a video."""
        logits = self.model(batch["clip"]).float().cpu().numpy()
        self._validated.append((logits, batch["label"].cpu().numpy(), batch["video"].cpu().numpy()))

    def on_validation_epoch_end(self) -> None:
        """Log clip and video top-1 of the validation videos."""
        logits, labels, videos = (np.concatenate(part) for part in zip(*self._validated, strict=True))
        self._validated.clear()
        scores = by_video(ClipScores(logits, labels, videos))
        self.log("val_clip_top1", topk_accuracy(logits, labels, 1))
        self.log("val_video_top1", topk_accuracy(scores.probabilities, scores.labels, 1))

    def configure_optimizers(self) -> dict[str, Any]:
        """Optimizer over the model's parameter groups, with the schedule stepped after every step."""
        settings = self.training_settings
        groups = self.model.param_groups(
            lr=settings.lr, encoder_lr_factor=settings.encoder_lr_factor, weight_decay=settings.weight_decay
        )
        optimizer = create_optimizer(groups, settings)
        total_steps = int(self.trainer.estimated_stepping_batches)
        scheduler = create_schedule(optimizer, settings, total_steps)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": scheduler, "interval": "step"}}


def create_optimizer(groups: list[dict[str, Any]], settings: Training) -> torch.optim.Optimizer:
    """The optimizer of the recipe; each group brings its own lr and weight decay."""
    if settings.optimizer == "sgd":
        return torch.optim.SGD(groups, lr=settings.lr, momentum=0.9, nesterov=True)
    kind = torch.optim.AdamW if settings.optimizer == "adamw" else torch.optim.Adam
    return kind(groups, lr=settings.lr)


def create_schedule(optimizer: torch.optim.Optimizer, settings: Training, total_steps: int):
    """Learning rate over `total_steps` optimizer steps: warm-up, then cosine to zero or constant."""
    warmup = settings.warmup_fraction * total_steps
    if settings.schedule == "onecycle":
        return torch.optim.lr_scheduler.OneCycleLR(
            optimizer,
            max_lr=[group["lr"] for group in optimizer.param_groups],
            total_steps=max(2, total_steps),
            pct_start=settings.warmup_fraction,
        )

    def factor(step: int) -> float:
        if step < warmup:
            return (step + 1) / (warmup + 1)
        if settings.schedule == "constant":
            return 1.0
        done = min(1.0, (step - warmup) / max(1.0, total_steps - warmup))
        return 0.5 * (1 + float(np.cos(np.pi * done)))

    return torch.optim.lr_scheduler.LambdaLR(optimizer, factor)


def freeze_batch_norm(module: nn.Module) -> None:
    """Put every batch norm into evaluation mode: statistics fixed, scale and shift still trained."""
    for layer in module.modules():
        if isinstance(layer, nn.modules.batchnorm._BatchNorm):
            layer.eval()

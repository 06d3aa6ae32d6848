"""One row of numbers an epoch: kept in the checkpoint, so that a resumed run has the whole curve."""

import logging
import time
from typing import Any

import lightning as L
from lightning.pytorch.callbacks import Callback

from kinema.training.task import is_validated
from kinema.watching.speed import SPEED

log = logging.getLogger(__name__)
COLUMNS = ("train_loss", "train_clip_top1", "val_clip_top1", "val_video_top1")
PLAIN_INTERVAL_SECONDS = 15.0


class History(Callback):
    """Collects `rows` and writes them to the log, with the time that is left."""

    def __init__(self) -> None:
        self.rows: list[dict[str, Any]] = []
        self._started_at = self._spoke_at = time.monotonic()

    def on_train_epoch_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Start the clock of the epoch."""
        self._started_at = self._spoke_at = time.monotonic()

    def on_train_batch_end(self, trainer: L.Trainer, pl_module: L.LightningModule, *args: Any) -> None:
        """A log line now and then inside long epochs."""
        now = time.monotonic()
        if now - self._spoke_at > PLAIN_INTERVAL_SECONDS:
            self._spoke_at = now
            step, steps, speed = args[2] + 1, int(trainer.num_training_batches), (args[2] + 1) / self._age()
            left = ((int(trainer.max_epochs or 0) - trainer.current_epoch) * steps - step) / speed
            text = "epoch %d/%d: step %d/%d, %.2f steps/s, %.0f s left without validation"
            log.info(text, trainer.current_epoch + 1, trainer.max_epochs, step, steps, speed, left)

    def on_train_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """One row; validation has run by now."""
        pl_module.log_means()
        known, validated = trainer.callback_metrics, is_validated(trainer)
        names = [name for name in COLUMNS if name in known and (validated or not name.startswith("val_"))]
        metrics = {name: float(known[name]) for name in names}
        speed = {name: round(float(known[name]), 4) for name in SPEED if name in known}
        rate = trainer.optimizers[0].param_groups[-1]["lr"]
        times = {"seconds": round(self._age(), 2), **speed}
        self.rows.append({"epoch": trainer.current_epoch, **metrics, "lr": rate, **times})
        left = (int(trainer.max_epochs or 0) - trainer.current_epoch - 1) * self._age()
        text = ", ".join(f"{name} {value:.4f}" for name, value in metrics.items())
        log.info("epoch %d/%d: %s, %.0f s left", trainer.current_epoch + 1, trainer.max_epochs, text, left)

    def state_dict(self) -> dict[str, Any]:
        """Rows, and the age of an epoch that is not finished, travel with Lightning's checkpoint."""
        return {"rows": self.rows, "seconds": self._age()}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Rows up to the resume point."""
        self.rows = list(state_dict["rows"])
        self._started_at = time.monotonic() - state_dict["seconds"]

    def _age(self) -> float:
        return time.monotonic() - self._started_at

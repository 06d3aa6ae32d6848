"""Logits of a trained teacher -> a second target for its student, beside the labels."""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from kinema.experiment.model_sections import Distillation
from kinema.models.loading.checkpoint import load_checkpoint
from kinema.models.loading.start_keys import TEACHER
from kinema.models.loading.starts import check_labels
from kinema.models.recognizer import Recognizer

log = logging.getLogger(__name__)


class Teacher:
    """A frozen network. No module of the task, so that neither checkpoints nor optimizers nor averages hold it."""

    def __init__(self, model: Recognizer, settings: Distillation):
        self.model, self.settings = model.eval().requires_grad_(False), settings

    def __deepcopy__(self, memo: dict[int, Any]) -> "Teacher":
        return self  # nothing changes it, so copies of a task share it

    def check(self, student: Recognizer) -> None:
        """ValueError where the two networks cannot look at one clip or tell the same classes apart."""
        for what in ("num_classes", "modality"):
            theirs, ours = (getattr(m if what == "num_classes" else m.spec, what) for m in (self.model, student))
            if theirs != ours:
                raise ValueError(
                    f"the teacher '{self.model.name}' has {what} {theirs}, its student '{student.name}' {ours}; "
                    "train both on one data set, with one kind of input"
                )
        if self.model.spec.clip_in_words != student.spec.clip_in_words:
            text = "the teacher was trained on clips of %s, here it sees those of its student: %s"
            log.warning(text, self.model.spec.clip_in_words, student.spec.clip_in_words)

    def loss(self, label_loss: Tensor, clips: Tensor, logits: Tensor) -> Tensor:
        """Weighted mean of the labels' loss and of the distance to the teacher's answer to the same uint8 clips."""
        with torch.no_grad():
            target = self.model.to(clips.device)(clips)
        weight = self.settings.weight
        return (1 - weight) * label_loss + weight * divergence(logits, target, temperature=self.settings.temperature)


def load_teacher(starts: Mapping[str, str], *, labels: list[str], settings: Distillation) -> Teacher | None:
    """The frozen teacher of these classes, where there is one."""
    if TEACHER not in starts:
        return None
    check_labels(Path(starts[TEACHER]), labels)
    log.info("learning from %s", starts[TEACHER])
    return Teacher(load_checkpoint(starts[TEACHER]).model, settings)


def divergence(logits: Tensor, target: Tensor, *, temperature: float) -> Tensor:
    """KL divergence of softened predictions, logits (B, K), from softened targets (B, K): mean of the clips.

    Times the temperature squared, so that its gradients are as large as those of the labels.
    """
    soft, soft_target = (F.log_softmax(values.float() / temperature, dim=1) for values in (logits, target))
    return temperature**2 * F.kl_div(soft, soft_target, reduction="batchmean", log_target=True)

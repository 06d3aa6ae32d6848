"""A training step of the Lightning task against a bare PyTorch loop, and what layout, arithmetic and compiling change.

    python benchmarks/train_step.py [--model efficientnet_lite0_vtn] [--size 96] [--rounds 7]

All on eight clips of eight frames in memory, in turn in one run; prints ratios of medians over the rounds. Last, the
differences of frames as one subtraction against a loop over frames.
"""

import argparse
import logging
import statistics
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import lightning as L
import torch
import torch.nn.functional as F
from lightning.pytorch.callbacks import Callback
from torch.utils.data import DataLoader

from kinema.experiment.config import Settings
from kinema.experiment.data_sections import Clip
from kinema.experiment.model_sections import Network, Training
from kinema.models.recognizer import Recognizer
from kinema.models.registry import create_model
from kinema.training.network import compile_if_possible, freeze_batch_norm
from kinema.training.optim import create_optimizer
from kinema.training.resume.callbacks import ResumePoints
from kinema.training.resume.regroup import Steps
from kinema.training.resume.termination import Termination
from kinema.training.run import TrainingOutputs
from kinema.training.task import RecognitionTask
from kinema.training.trainer import create_trainer
from kinema.watching.training import TrainingWatch

BATCH, LENGTH, CLASSES = 8, 8, 6
WARM_UP = 2
RECIPE = Training(epochs=1, gradient_clip=None, freeze_batch_norm=True, schedule="constant", warmup_fraction=0)


def network(name: str, size: int, memory_format: torch.memory_format) -> Recognizer:
    clip, settings = Clip(length=LENGTH, size=size), Network(encoder_weights="none")
    model = create_model(name, num_classes=CLASSES, clip=clip, network=settings).train()
    return model.to(memory_format=memory_format)


def random_batch(size: int) -> dict[str, torch.Tensor]:
    clips = torch.randint(0, 255, (BATCH, LENGTH, 3, size, size), dtype=torch.uint8)
    numbers = torch.arange(BATCH)
    return {"clip": clips, "label": torch.randint(0, CLASSES, (BATCH,)), "video": numbers, "row": numbers}


def bare_step(model: Recognizer, batch: dict[str, torch.Tensor], *, bf16: bool = False) -> Callable[[], None]:
    """A function that trains one step, as one writes it first."""
    freeze_batch_norm(model.encoder)
    groups = model.param_groups(lr=RECIPE.lr, encoder_lr_factor=1.0, layer_decay=1.0, weight_decay=RECIPE.weight_decay)
    optimizer = create_optimizer(groups, RECIPE)

    def step() -> None:
        optimizer.zero_grad()
        with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
            loss = F.cross_entropy(model(batch["clip"]), batch["label"])
        loss.backward()
        optimizer.step()

    return step


class InMemory(DataLoader):
    """Batches that are there already; resume points ask every loader where it is."""

    def state_dict(self) -> dict[str, int]:
        """Nothing to go on from."""
        return {"epoch": 0, "batches": 0}


class Alternating(Callback):
    """After each step of the Lightning run, one of the bare loop; seconds of both from batch to batch."""

    def __init__(self, other: Callable[[], None]):
        self.other = other
        self.lightning: list[float] = []
        self.bare: list[float] = []
        self._since: float | None = None

    def on_train_batch_end(self, trainer: L.Trainer, pl_module: L.LightningModule, *args) -> None:
        """Stop the clock, let the bare loop make its step, and start it again."""
        if self._since is not None:
            self.lightning.append(time.perf_counter() - self._since)
        self.bare.append(seconds(self.other))
        self._since = time.perf_counter()


def lightning_against_bare(name: str, size: int, rounds: int) -> tuple[list[float], list[float]]:
    """Seconds of the steps of a training, with all that rule train does beside them, and of a bare loop."""
    batch = random_batch(size)
    model, twin = (network(name, size, torch.channels_last) for _ in range(2))
    alternating = Alternating(bare_step(twin, batch))
    task = RecognitionTask(model, training=RECIPE, videos=[str(number) for number in range(BATCH)])
    batches = InMemory([batch] * (rounds + WARM_UP + 1), batch_size=None)
    settings = Settings(training=RECIPE)
    with tempfile.TemporaryDirectory() as folder:
        termination = Termination()
        points = ResumePoints(Path(folder), minutes=10, termination=termination, steps=Steps(1, 1, 1_000_000))
        names = ("model", "history", "record", "work", "curves")
        watch = TrainingWatch(TrainingOutputs(*(Path(folder) / name for name in names)))
        callbacks = [*watch.callbacks(), termination, alternating, points]
        loggers = watch.loggers("run", step=0, settings=settings)
        create_trainer(settings, callbacks, loggers).fit(task, batches)
    return alternating.lightning[WARM_UP:], alternating.bare[1 + WARM_UP :]


def in_turn(steps: list[Callable[[], None]], rounds: int) -> Iterator[list[float]]:
    """Seconds of each step, round by round."""
    for number in range(rounds + WARM_UP):
        times = [seconds(step) for step in steps]
        if number >= WARM_UP:
            yield times


def seconds(step: Callable[[], object]) -> float:
    started_at = time.perf_counter()
    step()
    return time.perf_counter() - started_at


def report(what: str, times: list[float], beside: str, others: list[float]) -> None:
    ratio = statistics.median(one / other for one, other in zip(times, others, strict=True))
    one, other = (1000 * statistics.median(values) for values in (times, others))
    print(f"{what} {one:.1f} ms, {beside} {other:.1f} ms: ratio {ratio:.2f}", flush=True)


def report_compiled(name: str, size: int, batch: dict[str, torch.Tensor], rounds: int) -> None:
    """Steps of the compiled network beside those of the plain one, and what compiling costs."""
    compiled, plain = (network(name, size, torch.channels_last) for _ in range(2))
    compile_if_possible(compiled)
    steps = [bare_step(compiled, batch), bare_step(plain, batch)]
    print(f"first compiled step, compilation included: {seconds(steps[0]):.0f} s")
    one, other = (list(column) for column in zip(*in_turn(steps, rounds), strict=True))
    report("compiled", one, "plain", other)


def looped_differences(clips: torch.Tensor) -> torch.Tensor:
    return torch.stack([clips[:, number + 1] - clips[:, number] for number in range(clips.shape[1] - 1)], 1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="efficientnet_lite0_vtn")
    parser.add_argument("--size", type=int, default=96)
    parser.add_argument("--rounds", type=int, default=7)
    arguments = parser.parse_args()
    name, size, rounds = arguments.model, arguments.size, arguments.rounds
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", module="lightning")
    print(f"{name}, {BATCH} clips of {LENGTH} frames at {size} px, {torch.get_num_threads()} threads")
    task, bare = lightning_against_bare(name, size, rounds)
    report("Lightning task", task, "bare loop", bare)
    batch = random_batch(size)
    steps = [
        bare_step(network(name, size, memory_format), batch, bf16=bf16)
        for memory_format, bf16 in (
            (torch.channels_last, False),
            (torch.contiguous_format, False),
            (torch.channels_last, True),
        )
    ]
    last, default, bf16 = (list(column) for column in zip(*in_turn(steps, rounds), strict=True))
    report("channels_last", last, "default layout", default)
    report("bf16 autocast", bf16, "float32", last)
    report_compiled(name, size, batch, rounds)
    clips = torch.rand(BATCH, LENGTH, 3, size, size)
    differences = [lambda: clips[:, 1:] - clips[:, :-1], lambda: looped_differences(clips)]
    at_once, loop = (list(column) for column in zip(*in_turn(differences, 10 * rounds), strict=True))
    report("differences at once", at_once, "in a loop", loop)


if __name__ == "__main__":
    main()

"""Training and scoring on a GPU against bare loops: steps, waits for data, and how often a step waits for the GPU.

    python benchmarks/gpu.py [--models resnet34_vtn mobilenetv2_vtn] [--clips results/DATASET/clips.parquet]

1. Steps of the Lightning task of rule train on a batch in memory, bf16-mixed, plain and compiled, against a bare loop
   that does nothing but train (AdamW, channels last, autocast). The two take turns, in blocks of steps between two
   synchronisations; the ratio is of the medians.
2. How often a step waits for the GPU between two points of the logs: what torch.cuda.set_sync_debug_mode warns of.
3. The same training fed by the loader of rule train, against 1: the share of time that is spent waiting for data.
4. Clips a second of `kinema.evaluation.score.score`, against the network on the same clips in memory.

Without `--clips` the clips are of 16 generated videos, at 256 pixels in the storage `packed`. It runs on a processor,
too, where 2 says nothing.
"""

import argparse
import logging
import os
import statistics
import tempfile
import time
import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lightning as L
import numpy as np
import torch
import torch.nn.functional as F
from lightning.pytorch.callbacks import Callback
from train_step import InMemory

from kinema.clips.dataset import ClipDataset, clips_for
from kinema.clips.loader import ClipLoader
from kinema.clips.table import ClipIndex
from kinema.evaluation.predictors import torch_predictor
from kinema.evaluation.score import score
from kinema.evaluation.views import ViewDataset
from kinema.experiment.config import Settings
from kinema.experiment.data_sections import Augmentation, Clip, Media
from kinema.experiment.model_sections import Evaluation, Network, Training
from kinema.models.device import device_of
from kinema.models.recognizer import Recognizer
from kinema.models.registry import create_model
from kinema.training.network import compile_if_possible
from kinema.training.optim import create_optimizer
from kinema.training.resume.callbacks import ResumePoints
from kinema.training.resume.regroup import Steps
from kinema.training.resume.termination import Termination
from kinema.training.run import TrainingOutputs
from kinema.training.task import RecognitionTask
from kinema.training.trainer import create_trainer
from kinema.watching.training import TrainingWatch

CLASSES = 400
WARM_UP = 5  # steps before anything is counted


@dataclass(frozen=True)
class Subject:
    """What is measured: a model on a device, batches of so many clips."""

    model_name: str
    clip: Clip
    batch_size: int
    device: torch.device
    num_workers: int

    def network(self) -> Recognizer:
        """Random weights, ready to train on the device."""
        network = Network(encoder_weights="none")
        model = create_model(self.model_name, num_classes=CLASSES, clip=self.clip, network=network).train()
        return model.to(self.device, memory_format=model.memory_format)

    def settings(self, *, compiled: bool = False) -> Settings:
        """Of a training on one device whose end is not reached."""
        training = Training(
            epochs=1,
            batch_size=self.batch_size,
            precision="bf16-mixed",
            compile=compiled,
            schedule="constant",
            warmup_fraction=0,
            gradient_clip=None,
            num_workers=self.num_workers,
            accelerator="cpu" if self.device.type == "cpu" else "gpu",
        )
        return Settings(clip=self.clip, training=training)

    def batch(self) -> dict[str, torch.Tensor]:
        """Random clips, in memory that a GPU reads by itself."""
        shape = (self.batch_size, self.clip.length, 3, self.clip.size, self.clip.size)
        clips = torch.randint(0, 256, shape, dtype=torch.uint8)
        numbers = torch.arange(self.batch_size)
        batch = {"clip": clips, "label": numbers % CLASSES, "video": numbers, "row": numbers}
        return {name: values.pin_memory() for name, values in batch.items()} if self.is_gpu else batch

    @property
    def is_gpu(self) -> bool:
        """Whether there is anything to wait for."""
        return self.device.type == "cuda"

    def synchronize(self) -> None:
        """Wait for the device."""
        if self.is_gpu:
            torch.cuda.synchronize()


def bare_steps(subject: Subject, batch: dict[str, torch.Tensor], *, compiled: bool) -> Callable[[int], None]:
    """A function that trains so many steps, as one writes it by hand."""
    model, settings = subject.network(), subject.settings().training
    if compiled:
        compile_if_possible(model, arithmetic=lambda: torch.autocast(subject.device.type, torch.bfloat16))
    groups = model.param_groups(
        lr=settings.lr, encoder_lr_factor=1.0, layer_decay=1.0, weight_decay=settings.weight_decay
    )
    optimizer = create_optimizer(groups, settings)

    def steps(number: int) -> None:
        for _ in range(number):
            clips, labels = (batch[name].to(subject.device, non_blocking=True) for name in ("clip", "label"))
            optimizer.zero_grad()
            with torch.autocast(subject.device.type, torch.bfloat16):
                loss = F.cross_entropy(model(clips), labels)
            loss.backward()
            optimizer.step()

    return steps


class Blocks(Callback):
    """Seconds of blocks of steps of a Lightning run, and of `between`, which has its turn after each block."""

    def __init__(self, subject: Subject, size: int, between: Callable[[int], None] | None = None):
        self.subject, self.size, self.between = subject, size, between
        self.lightning: list[float] = []
        self.other: list[float] = []
        self._since = 0.0

    def on_train_batch_end(self, trainer: L.Trainer, pl_module: L.LightningModule, *args: Any) -> None:
        """At the end of a block stop the clock, let the other have its turn, and start it again."""
        number = args[2] + 1 - WARM_UP
        if number < 0 or number % self.size:
            return
        self.subject.synchronize()
        if number:
            self.lightning.append((time.perf_counter() - self._since) / self.size)
        if self.between:
            torch.use_deterministic_algorithms(False)  # Lightning's wish, for the whole process
            if not number:
                self.between(WARM_UP)
            self.other.append(seconds(self.subject, lambda: self.between(self.size)) / self.size)
            torch.use_deterministic_algorithms(True, warn_only=True)
        self._since = time.perf_counter()


class Synchronizations(Callback):
    """Counts the calls of a Lightning run's steps that wait for the GPU, one epoch long, after the first steps."""

    def __init__(self) -> None:
        self.found: list[str] = []
        self.num_steps = 0

    def on_train_batch_end(self, trainer: L.Trainer, pl_module: L.LightningModule, *args: Any) -> None:
        """Count from here on."""
        if args[2] + 1 == WARM_UP:
            torch.cuda.set_sync_debug_mode("warn")
        self.num_steps += args[2] >= WARM_UP

    def on_train_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """An epoch ends with figures, which are waited for."""
        torch.cuda.set_sync_debug_mode("default")


def train(subject: Subject, settings: Settings, batches: Iterable, videos: Any, *callbacks: Callback) -> None:
    """An epoch of training with all that rule train does beside the steps."""
    task = RecognitionTask(subject.network(), training=settings.training, videos=videos)
    with tempfile.TemporaryDirectory() as folder:
        termination = Termination()
        points = ResumePoints(Path(folder), minutes=60, termination=termination, steps=Steps(1, 1, 1_000_000))
        names = ("model", "history", "record", "work", "curves")
        watch = TrainingWatch(TrainingOutputs(*(Path(folder) / name for name in names)))
        loggers = watch.loggers("run", step=0, settings=settings)
        create_trainer(settings, [*callbacks, *watch.callbacks(), termination, points], loggers).fit(task, batches)


def in_memory(subject: Subject, num_steps: int) -> tuple[InMemory, list[str]]:
    """One batch again and again, and the names of its videos."""
    batch = subject.batch()
    return InMemory([batch] * num_steps, batch_size=None), [str(number) for number in range(subject.batch_size)]


def report_steps(subject: Subject, *, compiled: bool, block: int, rounds: int) -> float:
    """Print the steps of both; seconds of one of Lightning's."""
    batches, videos = in_memory(subject, WARM_UP + rounds * block)
    blocks = Blocks(subject, block, bare_steps(subject, subject.batch(), compiled=compiled))
    train(subject, subject.settings(compiled=compiled), batches, videos, blocks)
    task, bare = statistics.median(blocks.lightning), statistics.median(blocks.other)
    report(f"{'compiled' if compiled else 'plain'} step", task, bare, f"{subject.batch_size / task:.0f} clips/s")
    return task


def report_synchronizations(subject: Subject) -> None:
    """Print how often a step waits for the GPU, and where."""
    batches, videos = in_memory(subject, WARM_UP + 20)
    counter = Synchronizations()
    settings = subject.settings()
    settings = settings.model_copy(update={"training": settings.training.model_copy(update={"log_every_steps": 1000})})
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        train(subject, settings, batches, videos, counter)
    found = [
        f"{Path(one.filename).name}:{one.lineno}" for one in caught if "called a synchronizing" in str(one.message)
    ]
    where = f" ({', '.join(sorted(set(found)))})" if found else ""
    print(f"| waits for the GPU a step | {len(found) / counter.num_steps:.2f}{where} | | | |")


class Repeated(ClipLoader):
    """The loader of rule train over the same clips, epoch after epoch, as one long epoch."""

    def __init__(self, dataset: ClipDataset, *, num_batches: int, batch_size: int, **options: Any):
        items = [(number // len(dataset), number % len(dataset)) for number in range(num_batches * batch_size)]
        super().__init__(dataset, sampler=items, batch_size=batch_size, **options)

    def state_dict(self) -> dict[str, int]:
        """Nothing to go on from."""
        return {"epoch": 0, "batches": 0}


def report_loading(subject: Subject, index: ClipIndex, step: float, *, block: int, rounds: int) -> None:
    """Print steps that a loader feeds, against `step`, seconds of one on a batch in memory."""
    dataset = clips_for(index, "rgb", clip=subject.clip, augmentation=Augmentation(), seed=1)
    num_batches = WARM_UP + rounds * block
    options: dict[str, Any] = {"num_workers": subject.num_workers, "for_gpu": subject.is_gpu}
    loader = Repeated(dataset, num_batches=num_batches, batch_size=subject.batch_size, **options)
    blocks = Blocks(subject, block)
    train(subject, subject.settings(), loader, dataset.videos, blocks)
    loaded = statistics.median(blocks.lightning)
    share = max(0.0, 1 - step / loaded)
    waiting, speed = f"{100 * share:.0f} % of the time waiting", f"{subject.batch_size / loaded:.0f} clips/s"
    what = f"step with {subject.num_workers} loader processes"
    report(what, loaded, step, f"{waiting}, {speed}")


def report_scoring(subject: Subject, index: ClipIndex, num_clips: int) -> None:
    """Print clips a second of the scoring, against the network alone."""
    dataset = ViewDataset(index, clip=subject.clip, views=Evaluation())
    rows = [number % len(dataset) for number in range(num_clips)]
    predict = torch_predictor(subject.network(), device=subject.device)
    size = subject.batch_size
    clips = np.stack([dataset[row]["clip"][:, 0].numpy() for row in rows[:size]])
    predict(clips)
    bare = seconds(subject, lambda: [predict(clips) for _ in range(num_clips // size)]) / (num_clips // size * size)
    options = {"batch_size": size, "rows": rows, "num_threads": subject.num_workers}
    scored = seconds(subject, lambda: score(predict, dataset, **options)) / num_clips
    report("scoring a clip", scored, bare, f"{1 / scored:.0f} clips/s")


def report(what: str, own: float, bare: float, more: str) -> None:
    """Print a row; both in seconds."""
    print(f"| {what} | {1000 * own:.2f} ms | {1000 * bare:.2f} ms | {own / bare:.2f} | {more} |", flush=True)


def seconds(subject: Subject, work: Callable[[], object]) -> float:
    subject.synchronize()
    started_at = time.perf_counter()
    work()
    subject.synchronize()
    return time.perf_counter() - started_at


def generated(folder: Path, clip: Clip) -> ClipIndex:
    """The index of 16 generated videos of four seconds."""
    from generated_videos import extracted_index, make_videos  # needs PyAV and ffmpeg, which --clips does not

    return extracted_index(make_videos(folder / "videos", 16, seconds=4), folder / "prepared", Media(), clip=clip)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", nargs="+", default=["resnet34_vtn", "mobilenetv2_vtn"])
    parser.add_argument("--clips", type=Path, help="clip index whose training videos are read")
    parser.add_argument("--accelerator", default="auto")
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--length", type=int, default=16)
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--block", type=int, default=10, help="steps between two synchronisations")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--workers", type=int, default=max(1, (os.cpu_count() or 2) - 2))
    parser.add_argument("--no-compile", action="store_true")
    parser.add_argument("--only-steps", action="store_true", help="1 and 2 alone")
    arguments = parser.parse_args()
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    warnings.filterwarnings("ignore")
    clip = Clip(length=arguments.length, stride=2, size=arguments.size)
    device = device_of(arguments.accelerator)
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else f"{torch.get_num_threads()} threads"
    print(f"{name}, PyTorch {torch.__version__}, {arguments.batch_size} clips of {clip.length} x {clip.size}, bf16")
    with tempfile.TemporaryDirectory() as folder:
        given = arguments.clips
        index = ClipIndex.load(given, subset="training", clip=clip) if given else generated(Path(folder), clip)
        for model_name in arguments.models:
            subject = Subject(model_name, clip, arguments.batch_size, device, arguments.workers)
            print(f"\n| {model_name} | kinema | bare | ratio | |\n|---|---|---|---|---|", flush=True)
            amounts = {"block": arguments.block, "rounds": arguments.rounds}
            step = report_steps(subject, compiled=False, **amounts)
            if not arguments.no_compile:
                report_steps(subject, compiled=True, **amounts)
            if subject.is_gpu:
                report_synchronizations(subject)
            if arguments.only_steps:
                continue
            report_loading(subject, index, step, **amounts)
            report_scoring(subject, index, arguments.batch_size * arguments.rounds * 2)


if __name__ == "__main__":
    main()

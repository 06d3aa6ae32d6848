"""What is different on a GPU. All of it is skipped where there is none."""

import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from lightning.pytorch.callbacks import Callback
from torch.utils.data import DataLoader

from kinema.clips.copies import BatchCopies
from kinema.clips.loader import ClipLoader
from kinema.evaluation.predictors import torch_predictor
from kinema.experiment.config import Settings
from kinema.experiment.data_sections import Clip
from kinema.experiment.model_sections import Network, Training
from kinema.models.registry import create_model
from kinema.training.resume.callbacks import ResumePoints
from kinema.training.resume.regroup import Steps
from kinema.training.resume.termination import Termination
from kinema.training.run import TrainingOutputs
from kinema.training.task import RecognitionTask
from kinema.training.trainer import create_trainer
from kinema.watching.training import TrainingWatch

pytestmark = pytest.mark.needs_cuda
CLIP = Clip(length=4, stride=1, size=32)
NUM_CLASSES, BATCH, NUM_BATCHES = 3, 4, 12


class Numbered:
    """Clips of a data set that does not exist: all pixels of one have its number."""

    clip_shape = (8, 3, 64, 64)

    def __len__(self) -> int:
        return 250

    def __getitem__(self, item):
        return self.read(item, out=torch.empty(self.clip_shape, dtype=torch.uint8))

    def read(self, item, *, out):
        out.fill_(item)
        return {"clip": out, "label": item}


class Batches(DataLoader):
    """Batches that are there already."""

    def state_dict(self):
        return {"epoch": 0, "batches": 0}


class StepsWithoutWaiting(Callback):
    """Notes what waits for the GPU from the third step on."""

    def on_train_batch_end(self, trainer, pl_module, outputs, batch, batch_idx):
        if batch_idx == 2:
            torch.cuda.set_sync_debug_mode("warn")

    def on_train_epoch_end(self, trainer, pl_module):
        torch.cuda.set_sync_debug_mode("default")  # figures of an epoch are waited for


def network():
    model = create_model(
        "mobilenetv2_vtn", num_classes=NUM_CLASSES, clip=CLIP, network=Network(encoder_weights="none", num_blocks=1)
    )
    return model.train()


def train(model, folder: Path, *callbacks: Callback, **recipe) -> RecognitionTask:
    settings = Settings(clip=CLIP, training=Training(epochs=1, accelerator="gpu", log_every_steps=1000, **recipe))
    numbers = torch.arange(BATCH)
    batch = {"clip": torch.randint(0, 256, (BATCH, 4, 3, 32, 32), dtype=torch.uint8)}
    batch |= {"label": numbers % NUM_CLASSES, "video": numbers, "row": numbers}
    batches = Batches([{name: values.pin_memory() for name, values in batch.items()}] * NUM_BATCHES, batch_size=None)
    task = RecognitionTask(model, training=settings.training, videos=[f"video_{number}" for number in range(BATCH)])
    termination = Termination()
    watch = TrainingWatch(
        TrainingOutputs(*(folder / name for name in ("model", "history", "record", "work", "curves")))
    )
    points = ResumePoints(folder / "points", minutes=60, termination=termination, steps=Steps(1, 1, NUM_BATCHES))
    loggers = watch.loggers("run", step=0, settings=settings)
    create_trainer(settings, [*callbacks, *watch.callbacks(), termination, points], loggers).fit(task, batches)
    return task


@pytest.mark.parametrize("precision", ["32-true", "bf16-mixed"])
def test_no_step_waits_for_the_gpu(tmp_path, precision):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        train(network(), tmp_path, StepsWithoutWaiting(), precision=precision)
    assert [f"{one.filename}:{one.lineno}" for one in caught if "called a synchronizing" in str(one.message)] == []


def test_a_loss_that_is_not_finite_stops_with_its_videos_and_leaves_no_resume_point(tmp_path):
    model = network()
    torch.nn.init.constant_(model.decoder.fc.bias, float("nan"))
    with pytest.raises(FloatingPointError, match=r"loss is nan at epoch 0, step 0, .* video_0, video_1, video_2"):
        train(model, tmp_path)
    assert not list(tmp_path.rglob("*.ckpt"))


def test_the_means_of_an_epoch_are_of_all_its_clips(tmp_path):
    task = train(network(), tmp_path, lr=1e-9)
    assert float(task.train_loss.weight) == BATCH * NUM_BATCHES
    assert float(task.train_loss.compute()) == pytest.approx(np.log(NUM_CLASSES), rel=0.5)


@pytest.mark.parametrize("num_workers", [0, 2])
def test_batches_that_nobody_waits_for_arrive_whole(num_workers):
    device, copies = torch.device("cuda"), BatchCopies()
    loader = ClipLoader(Numbered(), batch_size=BATCH, num_workers=num_workers, for_gpu=True)
    large = torch.rand(4096, 4096, device=device)
    wrong = torch.zeros((), device=device)
    for _ in range(4):
        for batch in loader:
            assert batch["clip"].is_pinned() == (num_workers > 0)
            large = large @ large / 4096  # so that the copy has to wait its turn
            copied = copies(batch, device)
            del batch
            wrong += (copied["clip"] != copied["label"].view(-1, 1, 1, 1, 1)).sum()
    assert int(wrong) == 0


def test_a_model_says_on_a_gpu_what_it_says_on_a_processor():
    model, rng = network().eval(), np.random.default_rng(1)
    clips = rng.integers(0, 256, (2, 4, 3, 32, 32), dtype=np.uint8)
    expected = torch_predictor(model, device="cpu")(clips)
    found = torch_predictor(model, device="cuda")(clips)
    assert np.abs(found - expected).max() < 1e-2 * np.abs(expected).max()

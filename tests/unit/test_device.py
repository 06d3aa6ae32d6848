"""training.accelerator: which device computes, and what is said where there is none of that name."""

from types import SimpleNamespace

import pytest
import torch

from kinema.evaluation import evaluate as evaluation
from kinema.experiment.config import Settings
from kinema.experiment.model_sections import Training
from kinema.input_error import InputError
from kinema.models.device import device_of
from kinema.training.resume.callbacks import ResumePoints
from kinema.training.resume.folder import KEY
from kinema.training.resume.regroup import Steps
from kinema.training.resume.termination import Termination
from kinema.training.trainer import create_trainer
from kinema.watching.speed import peak_memory_bytes


@pytest.fixture
def seen(monkeypatch):
    """Let PyTorch see the devices that are named, and no others."""

    def see(*names: str) -> None:
        monkeypatch.setattr(torch.cuda, "is_available", lambda: "cuda" in names)
        monkeypatch.setattr(torch.backends.mps, "is_available", lambda: "mps" in names)

    return see


@pytest.mark.parametrize(
    ("accelerator", "there", "expected"),
    [
        ("auto", (), "cpu"),
        ("auto", ("cuda",), "cuda"),
        ("cpu", ("cuda",), "cpu"),
        ("gpu", ("cuda",), "cuda"),
        ("gpu", ("mps",), "mps"),
        ("mps", ("mps",), "mps"),
    ],
)
def test_the_device_of_a_name(seen, accelerator, there, expected):
    seen(*there)
    assert device_of(accelerator) == torch.device(expected)


@pytest.mark.parametrize("accelerator", ["gpu", "cuda", "mps"])
def test_a_device_that_is_not_there_is_told(seen, accelerator):
    seen()
    message = f"training.accelerator is {accelerator}, but PyTorch sees no such device here, only cpu; set it to auto"
    with pytest.raises(InputError, match=message):
        device_of(accelerator)
    with pytest.raises(InputError, match=message):
        create_trainer(Settings(training=Training(accelerator=accelerator)), [])


def test_the_processor_is_used_beside_a_gpu(tmp_path, monkeypatch, seen):
    seen("cuda")
    for name in ("get_rng_state_all", "max_memory_allocated"):
        monkeypatch.setattr(torch.cuda, name, lambda *args: pytest.fail("the GPU was asked"))
    trainer = create_trainer(Settings(training=Training(accelerator="cpu")), [])
    assert trainer.strategy.root_device == torch.device("cpu")
    assert peak_memory_bytes(on_gpu=False) > 0
    points, content = ResumePoints(tmp_path, minutes=1, termination=Termination(), steps=Steps(1, 1, 1)), {}
    loader, loop = SimpleNamespace(state_dict=dict), SimpleNamespace(_should_accumulate=lambda: False)
    running = SimpleNamespace(strategy=trainer.strategy, fit_loop=loop, train_dataloader=loader, validating=False)
    points.on_save_checkpoint(running, None, content)
    assert content[KEY]["random"]["cuda"] == []


def test_the_evaluation_follows(tmp_path, monkeypatch, made, seen):
    seen("cuda")
    devices = []

    def predictor(model, *, device, **options):
        devices.append(device)
        raise ZeroDivisionError

    monkeypatch.setattr(evaluation, "torch_predictor", predictor)
    for accelerator in ("cpu", "auto"):
        with pytest.raises(ZeroDivisionError):
            evaluation.evaluate(
                checkpoint_path=made.root / "model.pth",
                clips_path=made.clips_path,
                settings=Settings(),
                threads=1,
                accelerator=accelerator,
                out=evaluation.EvaluationFiles.inside(tmp_path),
            )
    assert devices == [torch.device("cpu"), torch.device("cuda")]

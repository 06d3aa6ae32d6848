"""The options of a recipe: each changes what it should, and nothing else."""

import copy
import functools
import logging

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from corpus import CLIP
from lightning.pytorch.callbacks import Callback
from pydantic import ValidationError
from torch.utils.data import DataLoader

from kinema.experiment.config import Settings
from kinema.experiment.model_sections import Distillation, Network, Training
from kinema.input_error import InputError
from kinema.models.loading.checkpoint import load_checkpoint, save_checkpoint
from kinema.models.loading.network_weights import load_weights
from kinema.models.registry import create_model
from kinema.training.data import ClipMixer
from kinema.training.distillation import Teacher, divergence
from kinema.training.network import synchronize_batch_norm
from kinema.training.optim import create_optimizer, create_schedule
from kinema.training.task import RecognitionTask
from kinema.training.trainer import averaging, create_trainer

NETWORK = Network(encoder_weights="none", embedding=32, num_blocks=1, num_heads=2, feedforward=32, dropout=0)
MODEL = "test_efficientnet_vtn"
NUM_CLASSES = 3


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path, monkeypatch):
    """A trainer without callbacks that save writes checkpoints where it runs."""
    monkeypatch.chdir(tmp_path)


def model_of(name=MODEL, *, num_classes=NUM_CLASSES, **network):
    torch.manual_seed(0)
    return create_model(name, num_classes=num_classes, clip=CLIP, network=NETWORK.model_copy(update=network))


def batches_of(number, *, size=2):
    """Batches in memory; their labels follow from the seed, too."""
    generator = torch.Generator().manual_seed(number)
    batches = [
        {
            "clip": torch.randint(0, 256, (size, 4, 3, 48, 48), dtype=torch.uint8, generator=generator),
            "label": torch.randint(0, NUM_CLASSES, (size,), generator=generator),
            "video": torch.arange(size) + size * step,
            "row": torch.arange(size) + size * step,
        }
        for step in range(number)
    ]
    return DataLoader(batches, batch_size=None)


class Trace(Callback):
    """State of the model and learning rate after every step, and what validation saw."""

    def __init__(self):
        self.states, self.rates, self.validated = [], [], []

    def on_train_batch_end(self, trainer, module, *args):
        self.states.append(copy.deepcopy(module.model.state_dict()))
        self.rates.append(trainer.optimizers[0].param_groups[-1]["lr"])

    def on_validation_batch_end(self, trainer, module, *args):
        self.validated.append(copy.deepcopy(module.model.state_dict()))


def fit(*, model=None, num_batches=2, validation=None, teacher=None, **training):
    """Train on the same few batches every epoch; the task and what was traced."""
    options = {"epochs": 1, "lr": 0.1, "optimizer": "sgd", "schedule": "constant", "warmup_fraction": 0, **training}
    recipe = Training(**options)
    task = RecognitionTask(model or model_of(), training=recipe, videos=list(range(99)), teacher=teacher)
    trace = Trace()
    trainer = create_trainer(Settings(training=recipe), [*averaging(recipe), trace])
    trainer.fit(task, batches_of(num_batches), validation)
    trace.num_steps = trainer.global_step
    return task, trace


def changed(before, after, part):
    """Names of the tensors of a part that differ."""
    return {name for name in before if name.startswith(part) and not torch.equal(before[name], after[name])}


# the learning rate


@pytest.mark.parametrize(
    ("recipe", "factors"),
    [
        ({"schedule": "constant", "warmup_fraction": 0.2}, {0: 1 / 9, 4: 5 / 9, 7: 8 / 9, 8: 1, 39: 1}),
        ({"schedule": "constant", "warmup_fraction": 0}, {0: 1, 39: 1}),
        ({"schedule": "cosine", "warmup_fraction": 0}, {0: 1, 10: 0.8535534, 20: 0.5, 30: 0.1464466}),
        ({"schedule": "cosine", "warmup_fraction": 0.2}, {0: 1 / 9, 8: 1, 24: 0.5}),
        ({"schedule": "step", "warmup_fraction": 0, "lr_step_epochs": 2}, {0: 1, 19: 1, 20: 0.1, 39: 0.1}),
        ({"schedule": "step", "warmup_fraction": 0.2, "lr_step_epochs": 1}, {0: 1 / 9, 9: 1, 10: 0.1, 30: 0.001}),
        (
            {"schedule": "step", "warmup_fraction": 0, "lr_milestones": [1, 3], "lr_gamma": 0.5},
            {9: 1, 10: 0.5, 29: 0.5, 30: 0.25},
        ),
        ({"schedule": "onecycle", "warmup_fraction": 0.3}, {0: 0.04, 11: 1, 39: 4e-6}),
    ],
)
def test_schedules(recipe, factors):
    training = Training(lr=0.5, epochs=4, optimizer="sgd", **recipe)
    groups = [{"params": [torch.nn.Parameter(torch.zeros(1))], "lr": lr} for lr in (0.1, 0.5)]
    optimizer = create_optimizer(groups, training)
    schedule = create_schedule(optimizer, training, 40)
    rates = []
    for _ in range(40):
        rates.append([group["lr"] for group in optimizer.param_groups])
        optimizer.step()
        schedule.step()
    for step, factor in factors.items():
        assert rates[step] == pytest.approx([0.1 * factor, 0.5 * factor], rel=1e-5), step


@pytest.mark.parametrize("steps", [1, 2, 3, 5, 10, 20, 100])
def test_onecycle_takes_every_warm_up(steps):
    for fraction in (0.0, 1 / steps, 0.05, 0.1, 0.2, 0.5, 1.0):
        training = Training(lr=0.5, optimizer="sgd", warmup_fraction=fraction)
        optimizer = create_optimizer([{"params": [torch.nn.Parameter(torch.zeros(1))]}], training)
        schedule = create_schedule(optimizer, training, steps)
        rates = []
        for _ in range(steps):
            rates.append(optimizer.param_groups[0]["lr"])
            optimizer.step()
            schedule.step() if len(rates) < steps else None
        assert 0 < max(rates) <= 0.5
        assert steps < 10 or max(rates) > 0.4


@pytest.mark.parametrize("optimizer", ["sgd", "adamw"])
def test_onecycle_moves_the_momentum_around_its_value(optimizer):
    training = Training(optimizer=optimizer, momentum=0.8, betas=[0.8, 0.9], warmup_fraction=0.5)
    made = create_optimizer([{"params": [torch.nn.Parameter(torch.zeros(1))]}], training)
    schedule = create_schedule(made, training, 21)
    seen = []
    for _ in range(21):
        group = made.param_groups[0]
        seen.append(group["momentum"] if optimizer == "sgd" else group["betas"][0])
        made.step()
        schedule.step()
    assert (max(seen), min(seen)) == (pytest.approx(0.9), pytest.approx(0.7, abs=0.01))


@pytest.mark.parametrize(
    ("patience", "every", "accuracies", "rates"),
    [
        (0, 1, [0.2, 0.2, 0.5, 0.5, 0.4, 0.6], [1, 1, 0.1, 0.1, 0.01, 0.001]),
        (1, 1, [0.2, 0.2, 0.5, 0.5, 0.4, 0.6], [1, 1, 1, 1, 1, 0.1]),
        (0, 2, [0.5, 0.5, 0.6], [1, 1, 1, 1, 0.1, 0.1]),
    ],
)
def test_plateau_lowers_the_rate_where_accuracy_stops_rising(patience, every, accuracies, rates, monkeypatch):
    seen = iter([0.0, *accuracies])  # the first is of the batches validated before training

    def validated(self):
        self._validated.clear()
        self.log("val_video_top1", next(seen))

    monkeypatch.setattr(RecognitionTask, "on_validation_epoch_end", validated)
    recipe = {"schedule": "plateau", "plateau_patience": patience, "validate_every": every, "epochs": 6, "lr": 1.0}
    _, trace = fit(num_batches=1, validation=batches_of(1), **recipe)
    assert trace.rates == pytest.approx(rates)


def test_plateau_without_validation_says_what_to_do():
    with pytest.raises(ValueError, match=r"schedule is plateau, but the data set has no validation videos"):
        fit(schedule="plateau")


@pytest.mark.parametrize(
    ("recipe", "kind", "defaults"),
    [
        ({"optimizer": "adamw"}, "AdamW", {"betas": (0.9, 0.999)}),
        ({"optimizer": "adam", "betas": [0.8, 0.99]}, "Adam", {"betas": (0.8, 0.99)}),
        ({"optimizer": "sgd"}, "SGD", {"momentum": 0.9, "nesterov": True}),
        ({"optimizer": "sgd", "momentum": 0.0, "nesterov": False}, "SGD", {"momentum": 0.0, "nesterov": False}),
    ],
)
def test_optimizers(recipe, kind, defaults):
    optimizer = create_optimizer([{"params": [torch.nn.Parameter(torch.zeros(1))]}], Training(**recipe))
    assert type(optimizer).__name__ == kind
    assert {name: optimizer.param_groups[0][name] for name in defaults} == defaults


@pytest.mark.parametrize(
    ("recipe", "message"),
    [
        ({"optimizer": "sgd", "momentum": 0}, "nesterov needs a momentum above 0"),
        ({"betas": [0.9, 1.0]}, r"betas are two numbers in \[0, 1\), got \[0.9, 1.0\]"),
        (
            {"layer_decay": 0.5, "encoder_lr_factor": 0},
            "layer_decay spreads the encoder's rates, but encoder_lr_factor",
        ),
        ({"lr_milestones": [5, 5]}, r"lr_milestones rise from one to the next, got \[5, 5\]"),
        ({"lr_milestones": [0]}, "greater than or equal to 1"),
        ({"ema_decay": 1.0}, "less than 1"),
        ({"mixup_alpha": -0.1}, "greater than or equal to 0"),
    ],
)
def test_recipes_that_make_no_sense_are_refused(recipe, message):
    with pytest.raises(ValidationError, match=message):
        Training(**recipe)


# steps


def test_the_last_steps_of_an_epoch_count_where_they_are_fewer_than_accumulate():
    _, trace = fit(num_batches=3, accumulate=2)
    assert trace.num_steps == 2
    assert not changed(model_of().state_dict(), trace.states[0], "decoder.fc"), "gradients are only added up"
    assert changed(trace.states[0], trace.states[1], "decoder.fc")
    assert changed(trace.states[1], trace.states[2], "decoder.fc")


def test_a_frozen_encoder_stays_as_it_was_until_its_epoch():
    start = model_of().state_dict()
    _, trace = fit(num_batches=1, epochs=2, freeze_encoder_epochs=1)
    first, second = trace.states
    assert not changed(start, first, "encoder."), "statistics of batch norms included"
    assert changed(start, first, "decoder.")
    assert {"encoder.body.conv_stem.weight", "encoder.body.bn1.weight", "encoder.body.bn1.running_mean"} <= changed(
        first, second, "encoder."
    )


def test_layers_learn_at_rates_of_their_own():
    _, trace = fit(num_batches=1, optimizer="sgd", lr=1.0, layer_decay=1e-9, gradient_clip=None, weight_decay=0.0)
    start, first = model_of().state_dict(), trace.states[0]
    moved = {key: (first[key] - start[key]).abs().max() for key in changed(start, first, "") if "running" not in key}
    assert moved["decoder.fc.weight"] > 1e6 * moved.get("encoder.body.conv_stem.weight", 0)


def test_validation_runs_every_few_epochs_and_once_at_least():
    for epochs, every, times in ((5, 2, 2), (1, 4, 1)):
        _, trace = fit(num_batches=1, validation=batches_of(1), epochs=epochs, validate_every=every)
        assert len(trace.validated) == 1 + times, "one before training"


def test_averaged_weights_are_validated_and_kept():
    decay = 0.6
    task, trace = fit(num_batches=2, epochs=2, validation=batches_of(1), ema_decay=decay)
    name = "decoder.fc.weight"
    _, plain = fit(num_batches=2, epochs=2)
    assert torch.equal(trace.states[-1][name], plain.states[-1][name]), "training itself is what it was"
    mean, means = trace.states[0][name], []
    for state in trace.states:
        mean = mean + (1 - decay) * (state[name] - mean)
        means.append(mean)
    torch.testing.assert_close(trace.validated[1][name], means[1])
    torch.testing.assert_close(trace.validated[2][name], means[3])
    torch.testing.assert_close(task.model.state_dict()[name], means[3])
    assert torch.equal(task.model.pixel_mean, model_of().pixel_mean)


@pytest.mark.slow
def test_a_compiled_network_trains_as_the_plain_one(monkeypatch):
    monkeypatch.setattr(torch, "compile", functools.partial(torch.compile, backend="eager"))
    _, plain = fit(num_batches=1, freeze_batch_norm=True)
    _, compiled = fit(num_batches=1, freeze_batch_norm=True, compile=True)
    assert list(compiled.states[0]) == list(plain.states[0])
    for name, tensor in plain.states[0].items():
        torch.testing.assert_close(compiled.states[0][name], tensor)


@pytest.mark.parametrize("precision", ["32-true", "bf16-mixed"])
def test_training_goes_on_where_the_compiler_fails(monkeypatch, caplog, precision):
    def broken(function, **options):
        def call(*args):
            if torch.is_autocast_enabled("cpu") == (precision == "bf16-mixed"):
                raise RuntimeError("no C++ compiler found\nand much more")
            return function(*args)

        return call

    with monkeypatch.context() as patch, caplog.at_level(logging.WARNING):
        patch.setattr(torch, "compile", broken)
        _, trace = fit(num_batches=1, compile=True, precision=precision)
    text = "training.compile: RuntimeError: no C++ compiler found; training goes on without it"
    assert [record.message for record in caplog.records if "compile" in record.message] == [text]
    _, plain = fit(num_batches=1, precision=precision)
    assert not changed(plain.states[0], trace.states[0], "")


@pytest.mark.skipif(torch.cuda.is_available(), reason="16-mixed is for GPUs, and there is one")
def test_float16_without_a_gpu_is_refused_instead_of_replaced():
    with pytest.raises(InputError, match=r"is 16-mixed, which needs a GPU; .* Set it to 32-true or bf16-mixed"):
        create_trainer(Settings(training=Training(precision="16-mixed")), [])


# several machines


@pytest.mark.parametrize("name", ["efficientnet_lite0_vtn", "mobilenetv2_vtn", "resnet18_vtn"])
def test_synchronized_batch_norm_computes_what_the_plain_one_does(monkeypatch, name):
    task = RecognitionTask(model_of(name).eval(), training=Training(), videos=[])
    clips = torch.randint(0, 256, (1, 4, 3, 48, 48), dtype=torch.uint8)
    with torch.inference_mode():
        expected = task.model(clips)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ValueError, match=r"sync_batch_norm works between GPUs"):
        synchronize_batch_norm(task, num_processes=2)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    keys = list(task.model.state_dict())
    synchronize_batch_norm(task, num_processes=2)
    layers = [layer for layer in task.modules() if isinstance(layer, torch.nn.modules.batchnorm._BatchNorm)]
    assert layers
    assert all(isinstance(layer, torch.nn.SyncBatchNorm) for layer in layers)
    assert list(task.model.state_dict()) == keys
    with torch.inference_mode():
        torch.testing.assert_close(task.model(clips), expected)


# mixing


def flat_clips(*values):
    return torch.tensor(values, dtype=torch.uint8).view(-1, 1, 1, 1, 1).expand(-1, 2, 3, 16, 16).clone()


def test_a_batch_stays_as_it_is_without_mixing():
    clips, labels = flat_clips(0, 200), torch.tensor([0, 2])
    mixed, target = ClipMixer(Training(), num_classes=3)(clips, labels)
    assert mixed is clips
    assert target is labels


@pytest.mark.parametrize("option", ["mixup_alpha", "cutmix_alpha"])
def test_shares_of_classes_are_shares_of_pixels(option):
    clips, labels = flat_clips(0, 200), torch.tensor([0, 2])
    mixer = ClipMixer(Training(**{option: 1.0}), num_classes=3)
    for seed in range(5):
        torch.manual_seed(seed)
        mixed, shares = mixer(clips, labels)
        assert mixed.dtype == torch.uint8
        assert type(mixed) is torch.Tensor
        assert torch.allclose(shares.sum(1), torch.ones(2))
        assert torch.allclose(mixed.float().mean((1, 2, 3, 4)) / 200, shares[:, 2], atol=0.5 / 200)
        found = set(mixed.unique().tolist())
        assert found <= {0, 200} if option == "cutmix_alpha" else len(found) <= 2
        assert all(torch.equal(mixed[:, 0], mixed[:, frame]) for frame in range(2)), "one box for a whole clip"


def test_mixing_is_drawn_by_the_step():
    recipe = {"mixup_alpha": 0.8, "cutmix_alpha": 1.0, "label_smoothing": 0.1}
    (_, one), (_, two) = fit(**recipe), fit(**recipe)
    assert not changed(one.states[-1], two.states[-1], "")
    _, plain = fit()
    assert changed(one.states[0], plain.states[0], "decoder.fc")


# normalisation


def test_a_network_can_take_pixels_as_they_are(tmp_path):
    clips = next(iter(batches_of(1)))["clip"]
    plain, usual = (model_of(normalize=value).eval() for value in (False, True))
    assert (plain.spec.mean, plain.spec.std) == ((0.0, 0.0, 0.0), (1.0, 1.0, 1.0))
    torch.testing.assert_close(plain.normalized(clips), clips / 255)
    assert not torch.equal(plain(clips), usual(clips))
    save_checkpoint(tmp_path / "model.pth", plain, labels=["a", "b", "c"], settings={})
    again = load_checkpoint(tmp_path / "model.pth").model
    assert again.spec == plain.spec
    assert torch.equal(again(clips), plain(clips))
    load_weights(usual, tmp_path / "model.pth")
    assert torch.equal(usual(clips), plain(clips)), "it goes on with the pixels that it was trained with"


@pytest.mark.parametrize(
    ("name", "mean"),
    [("resnet18_vtn_rgbdiff", (0.0,) * 3), ("resnet18_vtn_flow", None), ("resnet18_vtn_two_stream_flow", (0.0,) * 3)],
)
def test_flow_stays_centred(name, mean):
    flow = model_of("resnet18_vtn_flow").spec.mean
    spec = model_of(name, normalize=False).spec
    assert spec.mean == (mean or ()) + (flow if "flow" in name else ())


# distillation


def test_divergence_is_that_of_softened_predictions():
    logits, target = torch.tensor([[1.0, 2, 3], [0, 0, 9]]), torch.tensor([[3.0, 2, 1], [0, 1, 2]])
    p, q = (np.exp(v.double().numpy() / 8) for v in (target, logits))
    p, q = p / p.sum(1, keepdims=True), q / q.sum(1, keepdims=True)
    expected = 64 * (p * np.log(p / q)).sum(1).mean()
    assert divergence(logits, target, temperature=8.0).item() == pytest.approx(expected, rel=1e-4)
    assert divergence(logits, logits, temperature=8.0).item() == pytest.approx(0, abs=1e-5)


@pytest.mark.parametrize("weight", [0.0, 0.4, 1.0])
def test_a_student_learns_from_labels_and_teacher(weight):
    batch = next(iter(batches_of(1)))
    other = model_of(normalize=False)
    teacher = Teacher(other.train(), Distillation(weight=weight))
    logits = model_of().eval()(batch["clip"])
    labels = F.cross_entropy(logits, batch["label"])
    distance = divergence(logits, other(batch["clip"]), temperature=8.0)
    expected = (1 - weight) * labels + weight * distance
    torch.testing.assert_close(teacher.loss(labels, batch["clip"], logits), expected)


def test_the_teacher_stays_as_it_is_and_out_of_the_checkpoint():
    other = model_of(num_blocks=2)
    before = copy.deepcopy(other.state_dict())
    task, trace = fit(teacher=Teacher(other, Distillation()), ema_decay=0.9)
    assert not changed(before, other.state_dict(), "")
    assert not other.training
    assert all(key.startswith(("model.", "train_")) for key in task.state_dict())
    _, plain = fit()
    assert changed(trace.states[-1], plain.states[-1], "decoder.fc")


def test_a_teacher_that_was_trained_on_other_clips_is_told(caplog):
    longer = create_model(MODEL, num_classes=NUM_CLASSES, clip=CLIP.model_copy(update={"length": 8}), network=NETWORK)
    fit(num_batches=1, teacher=Teacher(longer, Distillation()))
    assert "the teacher was trained on clips of 8 frames, stride 2, 48 px, here it sees" in caplog.text


@pytest.mark.parametrize(
    ("teacher", "message"),
    [
        (
            {"num_classes": 4},
            "teacher 'test_efficientnet_vtn' has num_classes 4, its student 'test_efficientnet_vtn' 3",
        ),
        ({"name": "resnet18_vtn_flow"}, "teacher 'resnet18_vtn_flow' has modality flow, its student .* rgb"),
    ],
)
def test_a_teacher_of_something_else_is_refused(teacher, message):
    with pytest.raises(ValueError, match=message):
        fit(teacher=Teacher(model_of(**teacher), Distillation()))

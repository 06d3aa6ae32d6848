"""What a frozen encoder says of clips is computed once, kept, and trained on as the clips would be."""

import errno
import os
import signal
from types import SimpleNamespace

import pandas as pd
import pytest
import torch
from corpus import CLIP
from training_runs import outputs_in, result_in, settings

from kinema.clips.dataset import ClipDataset
from kinema.clips.parts import parts_digests
from kinema.clips.table import ClipIndex, parts_path
from kinema.crossval.folds import write_fold
from kinema.experiment.data_sections import Augmentation, CrossValidation
from kinema.experiment.model_sections import Network
from kinema.experiment.params import training_parts
from kinema.inference.windows import evaluation_starts
from kinema.input_error import InputError
from kinema.job import Interrupted
from kinema.models.names import DECODERS, INSEPARABLE
from kinema.models.recognizer import Recognizer
from kinema.models.registry import create_model
from kinema.training.features.keeping import KeptFeatures
from kinema.training.features.store import FeatureStore
from kinema.training.features.views import ClipViews
from kinema.training.run import TrainingInputs, train
from kinema.watching.training import TrainingWatch

PLAIN = Augmentation(crop_area=(1, 1), crop_aspect=(1, 1), horizontal_flip=0, brightness=0, contrast=0, saturation=0)
SMALL = Network(encoder_weights="none", embedding=16, num_blocks=2, num_heads=2, feedforward=16, hidden=16, dropout=0)
SEPARABLE = sorted(set(DECODERS) - set(INSEPARABLE))


def recipe(*, views: int, augmentation: Augmentation = PLAIN, **training):
    made = settings(encoder_lr_factor=0, feature_views=views, checkpoint_minutes=10, **training)
    return made.model_copy(update={"augmentation": augmentation})


def trained(prepared, folder, made, *, model="test_efficientnet_vtn", features=None):
    folder.mkdir(exist_ok=True)
    inputs = TrainingInputs(
        clips_path=prepared / "clips.parquet",
        model_name=model,
        settings=made,
        starts={},
        data=parts_digests(parts_path(prepared / "clips.parquet"), training_parts(made.training)),
        code="1",
        features_folder=features or folder / "features",
        encoder_code="1",
    )
    outputs = outputs_in(folder)
    train(inputs, outputs, watch=TrainingWatch(outputs), threads=1)
    return result_in(folder)


@pytest.fixture
def seen(monkeypatch):
    """How many clips went through an encoder to become features."""
    counted = []
    features = Recognizer.features

    def counting(self, clips):
        counted.append(len(clips))
        return features(self, clips)

    monkeypatch.setattr(Recognizer, "features", counting)
    return counted


def network(name: str) -> Recognizer:
    torch.manual_seed(0)
    return create_model(name, num_classes=3, clip=CLIP, network=SMALL).eval()


@pytest.mark.parametrize("name", SEPARABLE)
def test_features_give_the_logits_of_their_clips(name):
    model = network(f"test_efficientnet_{name}")
    clips = torch.randint(0, 256, (2, 4, 3, 48, 48), dtype=torch.uint8)
    with torch.no_grad():
        torch.testing.assert_close(model.from_features(model.features(clips)), model(clips), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("ending", ["vtn_rgbdiff", "attn_pool_two_stream", "vtn_two_stream_flow"])
def test_those_of_every_stream(ending):
    model = network(f"test_efficientnet_{ending}")
    clips = torch.randint(0, 256, (2, 4, model.spec.channels, 48, 48), dtype=torch.uint8)
    with torch.no_grad():
        torch.testing.assert_close(model.from_features(model.features(clips)), model(clips), rtol=1e-5, atol=1e-6)


def test_a_training_on_features_is_that_on_clips(prepared, tmp_path, monkeypatch):
    def middle(num_frames, *, window, rng):
        return evaluation_starts(num_frames, window=window, num_clips=1)[0]

    monkeypatch.setattr("kinema.clips.dataset.random_start", middle)  # where features of a single view are of
    # Adam would make much of the last digits of gradients near zero
    expected, expected_curve = trained(prepared, tmp_path / "clips", recipe(views=0, optimizer="sgd", lr=0.1))
    found, curve = trained(prepared, tmp_path / "features", recipe(views=1, optimizer="sgd", lr=0.1))
    columns = ["train_loss", "train_clip_top1", "val_video_top1", "val_clip_top1"]
    pd.testing.assert_frame_equal(curve[columns], expected_curve[columns], rtol=1e-5)
    for name, tensor in found.model.state_dict().items():
        torch.testing.assert_close(tensor, expected.model.state_dict()[name], rtol=1e-4, atol=1e-5)


def test_each_clip_is_seen_once_by_all_folds_seeds_and_decoders(prepared, tmp_path, seen):
    folds = [tmp_path / f"fold{number}" for number in range(2)]
    for number, fold in enumerate(folds):
        fold.mkdir()
        dealing = CrossValidation(num_folds=2)
        write_fold(
            clips_path=prepared / "clips.parquet", fold=number, dealing=dealing, clip=CLIP, out=fold / "clips.parquet"
        )
    torch.save(network("test_efficientnet_vtn").encoder.body.state_dict(), tmp_path / "encoder.pth")
    made, shared = recipe(views=2, augmentation=Augmentation(), epochs=1, keep="last"), tmp_path / "features"
    published = made.network.model_copy(update={"encoder_weights": str(tmp_path / "encoder.pth")})
    made = made.model_copy(update={"network": published})
    trained(folds[0], tmp_path / "a", made, features=shared)
    first, one = sum(seen), len(ClipIndex.load(folds[0] / "clips.parquet", subset="training", clip=CLIP))
    assert first == 2 * one
    trained(folds[1], tmp_path / "b", made, features=shared)
    other = len(ClipIndex.load(folds[1] / "clips.parquet", subset="training", clip=CLIP))
    assert sum(seen) == first + 2 * other  # no video is in the training part of both
    before = sum(seen)
    another = made.training.model_copy(update={"seed": 2, "epochs": 2})
    trained(folds[0], tmp_path / "c", made.model_copy(update={"training": another}), features=shared)
    trained(folds[1], tmp_path / "d", made, model="test_efficientnet_gru", features=shared)
    assert sum(seen) == before
    assert len(list(shared.iterdir())) == 1


def test_more_views_and_other_augmentation_add_what_is_lacking(prepared, tmp_path, seen):
    index = ClipIndex.load(prepared / "clips.parquet", subset="training", clip=CLIP)
    model, number = network("test_efficientnet_vtn"), len(index)

    def computed(made) -> int:
        seen.clear()
        kept = KeptFeatures(model, made, folder=tmp_path, code="1")
        kept.clips(index, num_views=made.training.feature_views, augmentation=made.augmentation)
        return sum(seen)

    assert computed(recipe(views=1)) == number
    assert computed(recipe(views=3)) == 2 * number
    assert computed(recipe(views=2)) == 0
    assert computed(recipe(views=2, augmentation=Augmentation())) == number
    with torch.no_grad():
        next(model.encoder.parameters()).add_(1)
    assert computed(recipe(views=1)) == number  # of another encoder


def test_what_is_kept_is_what_the_encoder_says_of_the_view(prepared, tmp_path):
    index = ClipIndex.load(prepared / "clips.parquet", subset="training", clip=CLIP)
    model = network("test_efficientnet_attn_pool")
    options = {"num_views": 2, "augmentation": Augmentation()}
    found = KeptFeatures(model, recipe(views=2), folder=tmp_path, code="1").clips(index, **options)
    views = ClipViews(index, "rgb", clip=CLIP, **options)
    for epoch, row in ((0, 0), (1, 0), (0, 3), (5, 2)):
        view = views.read(((epoch + row) % 2, row))
        with torch.no_grad():
            expected = model.features(view["clip"][None])[0]
        torch.testing.assert_close(found[epoch, row]["features"], expected, rtol=1e-5, atol=1e-5)
        assert found[epoch, row]["label"] == index.label_index[row]
    plain = ClipDataset(index, clip=CLIP)
    assert torch.equal(views.read((0, 1))["clip"], plain[1]["clip"])
    assert not torch.equal(views.read((1, 1))["clip"], plain[1]["clip"])


def test_a_mirrored_view_has_the_label_of_its_mirror_image(prepared, tmp_path):
    index = ClipIndex.load(prepared / "clips.parquet", subset="training", clip=CLIP)
    pair = index.labels[:2]
    augmentation = PLAIN.model_copy(update={"horizontal_flip": 1.0, "mirrored_labels": [pair]})
    kept = KeptFeatures(network("test_efficientnet_vtn"), recipe(views=2), folder=tmp_path, code="1")
    found = kept.clips(index, num_views=2, augmentation=augmentation)
    row = index.label_index.tolist().index(0)
    assert [found[epoch, row]["label"] for epoch in (row % 2, row % 2 + 1)] == [0, 1]


def test_half_the_digits_with_half_the_arithmetic(prepared, tmp_path):
    index = ClipIndex.load(prepared / "clips.parquet", subset="training", clip=CLIP)
    model = network("test_efficientnet_vtn")
    sizes, values = [], []
    for precision in ("32-true", "bf16-mixed"):
        found = KeptFeatures(model, recipe(views=1, precision=precision), folder=tmp_path, code="1")
        values.append(found.clips(index)[0]["features"])
        sizes.append(sum(path.stat().st_size for path in found.folder.glob("*.arrow")))
    assert sizes[1] < 0.7 * sizes[0]
    torch.testing.assert_close(*values, rtol=0.1, atol=0.1 * float(values[0].abs().max()))


def test_an_interrupted_or_failed_computation_goes_on(prepared, tmp_path, seen, monkeypatch):
    index = ClipIndex.load(prepared / "clips.parquet", subset="training", clip=CLIP)
    kept = KeptFeatures(network("test_efficientnet_vtn"), recipe(views=1), folder=tmp_path, code="1")
    read = ClipViews.read

    def asked_to_end(self, item, **options):
        if item[1] == 1:
            os.kill(os.getpid(), signal.SIGTERM)
        return read(self, item, **options)

    monkeypatch.setattr(ClipViews, "read", asked_to_end)
    with pytest.raises(Interrupted, match=f"clip 2 of {len(index)} .SIGTERM.; run the same command") as ended:
        kept.clips(index)
    assert ended.value.is_further
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL

    def unreadable(self, item, **options):
        if item[1] == 4:
            raise ValueError("frames.tar: cannot read 'video'")
        return read(self, item, **options)

    monkeypatch.setattr(ClipViews, "read", unreadable)
    with pytest.raises(ValueError, match="cannot read 'video'"):
        kept.clips(index)
    monkeypatch.setattr(ClipViews, "read", read)
    seen.clear()
    kept.clips(index)
    assert sum(seen) == len(index) - 4


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (RuntimeError("DataLoader worker (pid 7) is killed by signal: Killed."), "a loader process died.*num_workers"),
        (RuntimeError("CUDA error: out of memory"), "out of memory: lower training.batch_size"),
        (OSError(errno.ENOSPC, "No space left on device"), "no space left in .*run again"),
    ],
)
def test_what_the_machine_runs_out_of_is_named(prepared, tmp_path, seen, monkeypatch, error, message):
    index = ClipIndex.load(prepared / "clips.parquet", subset="training", clip=CLIP)
    kept = KeptFeatures(network("test_efficientnet_vtn"), recipe(views=1, batch_size=1), folder=tmp_path, code="1")
    features = Recognizer.features

    def fails(self, clips):
        if len(seen) == 2:
            raise error
        return features(self, clips)

    monkeypatch.setattr(Recognizer, "features", fails)
    with pytest.raises(RuntimeError, match=f"{message}.*The next run goes on from the features that are kept"):
        kept.clips(index)
    monkeypatch.setattr(Recognizer, "features", features)
    kept.clips(index)
    assert sum(seen) == len(index)


def test_a_damaged_file_is_made_anew(prepared, tmp_path, seen, caplog):
    index = ClipIndex.load(prepared / "clips.parquet", subset="training", clip=CLIP)
    kept = KeptFeatures(network("test_efficientnet_vtn"), recipe(views=1), folder=tmp_path, code="1")
    before = kept.clips(index)[0]["features"]
    (path,) = kept.folder.glob("*.arrow")
    path.write_bytes(path.read_bytes()[:1000])
    assert torch.equal(kept.clips(index)[0]["features"], before)
    assert f"{path}: no file of features, or damaged" in caplog.text
    assert len(FeatureStore(kept.folder)._places) == len(index)


def test_what_is_no_number_is_told_with_its_videos(prepared, tmp_path, monkeypatch):
    index = ClipIndex.load(prepared / "clips.parquet", subset="training", clip=CLIP)
    monkeypatch.setattr(Recognizer, "features", lambda self, clips: torch.full((len(clips), 4, 8, 1, 1), 1e5))
    KeptFeatures(network("test_efficientnet_vtn"), recipe(views=1), folder=tmp_path, code="1").clips(index)
    half = KeptFeatures(
        network("test_efficientnet_vtn"), recipe(views=1, precision="bf16-mixed"), folder=tmp_path, code="1"
    )
    names = f"{index.video(0)}, {index.video(1)}"
    with pytest.raises(InputError, match=f"no numbers of float16.*of the batch: {names}. Set training.precision to 32"):
        half.clips(index)


def test_dropout_of_a_classifier_is_no_look_at_places(tmp_path):
    network = SMALL.model_copy(update={"head_dropout": 0.5})
    model = create_model("test_efficientnet_baseline", num_classes=3, clip=CLIP, network=network)
    KeptFeatures(model, recipe(views=1), folder=tmp_path, code="1")
    assert model.training


def test_a_full_disk_is_told_before(prepared, tmp_path, monkeypatch):
    index = ClipIndex.load(prepared / "clips.parquet", subset="training", clip=CLIP)
    kept = KeptFeatures(network("test_efficientnet_vtn"), recipe(views=1), folder=tmp_path, code="1")
    monkeypatch.setattr("shutil.disk_usage", lambda path: SimpleNamespace(free=1000))
    with pytest.raises(
        InputError, match=r"features of .* views take .* are free there. Free some.*feature_views lower"
    ):
        kept.clips(index)


def test_a_decoder_that_needs_places_and_does_not_say_so(prepared, tmp_path, monkeypatch):
    index = ClipIndex.load(prepared / "clips.parquet", subset="training", clip=CLIP)
    model = network("test_efficientnet_attn_pool")
    monkeypatch.setattr(type(model.decoder), "takes_maps", False)
    with pytest.raises(ValueError, match="says so by `takes_maps = True`"):
        KeptFeatures(model, recipe(views=1), folder=tmp_path, code="1").clips(index)


def test_no_encoder_is_in_resume_points_and_it_is_in_the_model(prepared, tmp_path):
    made = recipe(views=1, epochs=1, schedule="constant", warmup_fraction=0, ema_decay=0.9)
    found, _ = trained(prepared, tmp_path, made)
    (point,) = (tmp_path / "work").glob("*/resume-*.ckpt")
    keys = torch.load(point, weights_only=True)["state_dict"]
    assert any(key.startswith("model.decoder") for key in keys)
    assert not any(key.startswith("model.encoder") for key in keys)
    assert any(key.startswith("encoder.") for key in found.model.state_dict())
    longer = made.model_copy(update={"training": made.training.model_copy(update={"epochs": 2})})
    _, curve = trained(prepared, tmp_path, longer)
    assert len(curve) == 2

"""INT8 models: the gate of answers chooses the recipe, and nothing is left where none passes."""

import json
import shutil
from dataclasses import replace
from functools import partial

import numpy as np
import onnx
import openvino as ov
import pytest
import torch
from corpus import CLIP
from deployed_model import ORDERED, SETTINGS, Deployed, make_deployed
from made_up_models import INT8_RESULT, make_int8
from openvino import opset13 as ops

from kinema.clips.dataset import ClipDataset
from kinema.clips.table import ClipIndex
from kinema.deployment import calibration_inputs, trials
from kinema.deployment.calibration_inputs import calibration_clips
from kinema.deployment.int8_words import in_words, why_none
from kinema.deployment.ir_files import digests_of
from kinema.deployment.logits import Sample
from kinema.deployment.onnx_model import part_to_onnx
from kinema.deployment.parity_sample import parity_clips
from kinema.deployment.parts import ExportPart, StreamDecoder
from kinema.deployment.recipes import FailedRecipe, obstacle, quantise
from kinema.deployment.trials import Part, Trials
from kinema.experiment.config import Settings
from kinema.experiment.files import ConfigError, load_config
from kinema.experiment.model_sections import Int8, Network
from kinema.inference import load
from kinema.inference.predictors.openvino import core, openvino_predictor, read_openvino
from kinema.inference.probabilities import softmax
from kinema.inference.scorers import EncoderDecoder
from kinema.input_error import InputError
from kinema.metrics import VideoScores
from kinema.models.loading.checkpoint import load_checkpoint
from kinema.models.lstm import LSTMDecoder
from kinema.models.made_of import remove_what_is_of_another
from kinema.outcome.found import read_dataset, read_model
from kinema.outcome.int8 import int8_found
from kinema.records.quantization import Quantization

MEASURED = ("video_top1", "agreement", "num_disagreements", "logits", "spread", "num_bytes", "milliseconds")
ALL = ("mixed", "transformer", "unsmoothed", "float_recurrent", "convolutions")


class Judged:
    """Stands for the evaluation videos: each clip is one, and PyTorch is right about all."""

    threads = 1

    def __init__(self, clips: np.ndarray, logits: np.ndarray):
        self.clips = clips
        self.pytorch = self.as_videos(logits, logits.argmax(1))

    def as_videos(self, logits: np.ndarray, labels: np.ndarray) -> VideoScores:
        numbers = np.arange(len(logits))
        return VideoScores(numbers, softmax(logits), labels, np.ones(len(logits), dtype=int))

    def scores(self, predict) -> VideoScores:
        return self.as_videos(predict(self.clips), self.pytorch.labels)

    def names(self, scores: VideoScores) -> list[str]:
        return [f"v{number}" for number in scores.videos]


def tried(network: ov.Model, clips: np.ndarray, folder, **settings) -> trials.Outcome:
    """What becomes of a network whose logits PyTorch gives as well."""
    np.save(folder / "clips.npy", clips)
    logits = openvino_predictor(network, precision="f32")(clips)

    def predictor_of(paths):
        return openvino_predictor(paths[0], threads=1)

    return Trials(
        parts=[Part("model", network, folder / "clips.npy")],
        predictor_of=predictor_of,
        step_of=lambda paths: partial(predictor_of(paths), clips[:1]),
        judge=Judged(clips, logits),
        sample=Sample(clips, logits),
        settings=Int8(**settings),
        weights="float16",
        folder=folder,
    ).run()


def small(change=lambda logits: logits, *, attention: bool = False) -> ov.Model:
    """A network of one matrix, (N, 4) -> (N, 3); `change` is what somebody did to its logits."""
    clips = ops.parameter(ov.PartialShape([-1, 4]), np.float32, name="clips")
    weights = np.random.default_rng(0).normal(size=(4, 3)).astype(np.float32)
    logits = ops.matmul(clips, ops.constant(weights), False, False)
    logits = change(ops.softmax(logits, axis=1) if attention else logits)
    clips.output(0).get_tensor().set_names({"clips"})
    return ov.Model([logits.output(0)], [clips], "model")


CLIPS = np.random.default_rng(1).normal(size=(40, 4)).astype(np.float32) * 3
SPOILT = {
    "zero": lambda logits: ops.multiply(logits, np.float32(0)),
    "constant": lambda logits: ops.add(ops.multiply(logits, np.float32(0)), np.float32([0, 1, 2])),
    "no number": lambda logits: ops.divide(logits, np.float32(0)),
    "reversed": lambda logits: ops.multiply(logits, np.float32(-1)),
    "larger": lambda logits: ops.multiply(logits, np.float32(3)),
    "tilted": lambda logits: ops.add(logits, np.float32([0.6, 0, 0])),
    "as it was": lambda logits: logits,
}


@pytest.fixture
def recipes_give(monkeypatch):
    """Function that says what NNCF makes by each recipe; by others it fails."""

    def give(**networks):
        def quantise(network_path, inputs_path, *, recipe, weights, out):
            assert len(np.load(inputs_path)) == len(CLIPS)
            if recipe not in networks:
                raise FailedRecipe("NNCF: AttributeError: no such thing")
            ov.save_model(small(SPOILT[networks[recipe]], attention=True), out, compress_to_fp16=False)

        monkeypatch.setattr(trials, "quantise", quantise)

    return give


def test_the_first_recipe_that_passes_is_taken_and_what_the_others_did_is_noted(recipes_give, tmp_path):
    recipes_give(mixed="zero", unsmoothed="as it was")
    network = small(attention=True)
    outcome = tried(network, CLIPS, tmp_path, recipes=["float_recurrent", *ALL[:3], "performance"])
    assert outcome.chosen == "unsmoothed"
    assert [path.relative_to(tmp_path).as_posix() for path in outcome.paths] == ["unsmoothed/model.xml"]
    of = {result.name: result for result in outcome.results}
    assert [result.outcome for result in outcome.results] == ["unfit", "refused", "failed", "chosen", "not tried"]
    assert of["float_recurrent"].reason == "the network has no recurrent layer"
    assert of["mixed"].reason.startswith("its logits differ by 0 between 40 clips, those of PyTorch by 0.")
    assert of["transformer"].reason == "NNCF: AttributeError: no such thing"
    assert (of["unsmoothed"].reason, of["performance"].reason) == (None, "unsmoothed passed")
    assert (of["unsmoothed"].video_top1, of["unsmoothed"].agreement, of["unsmoothed"].num_disagreements) == (1, 1, 0)
    assert of["unsmoothed"].logits.of_largest < 1e-2, "bfloat16 at most"
    assert of["unsmoothed"].spread == pytest.approx(of["mixed"].logits.largest / of["mixed"].logits.of_spread, rel=0.1)
    for name in ("mixed", "unsmoothed"):
        assert not [key for key in MEASURED if getattr(of[name], key) is None]
    for name in ("float_recurrent", "transformer", "performance"):
        assert not [key for key in MEASURED if getattr(of[name], key) is not None]


@pytest.mark.parametrize(
    ("spoilt", "kind", "reason"),
    [
        ("zero", "refused", "its logits differ by 0 between 40 clips"),
        ("constant", "refused", "its logits differ by 0 between 40 clips"),
        ("no number", "failed", "its logits are not finite"),
        ("larger", "refused", "its logits are off by up to "),
        (
            "reversed",
            "refused",
            "the IR and PyTorch name different classes for 40 of 40 videos at this device's own precision, with "
            "probabilities up to ",
        ),
    ],
)
def test_a_network_that_answers_otherwise_is_refused(recipes_give, tmp_path, spoilt, kind, reason):
    recipes_give(mixed=spoilt)
    outcome = tried(small(attention=True), CLIPS, tmp_path, recipes=["mixed"])
    assert (outcome.chosen, outcome.paths, outcome.scores) == (None, [], None)
    (result,) = outcome.results
    assert result.outcome == kind
    assert result.reason.startswith(reason)
    if spoilt == "reversed":
        assert result.reason.endswith("for example v0, v1, v2; deployment.int8.max_accuracy_drop = 0.01 allows 2")


@pytest.mark.parametrize(("max_accuracy_drop", "chosen"), [(0.01, None), (0.5, "mixed")])
def test_the_setting_says_how_many_other_answers_may_be_there(recipes_give, tmp_path, max_accuracy_drop, chosen):
    recipes_give(mixed="tilted")
    settings = {"recipes": ["mixed"], "max_accuracy_drop": max_accuracy_drop}
    outcome = tried(small(attention=True), CLIPS, tmp_path, **settings)
    assert outcome.chosen == chosen
    assert 2 < outcome.results[0].num_disagreements < 20


def recurrent_decoder(folder) -> ov.Model:
    """An LSTM with a batch that is free, whose answers are decided."""
    torch.manual_seed(0)
    network = Network(encoder_weights="none", hidden=64, bidirectional=False)
    decoder = LSTMDecoder(64, num_classes=6, clip=CLIP, network=network)
    last = [layer for layer in decoder.modules() if isinstance(layer, torch.nn.Linear)][-1]
    with torch.no_grad():
        for value in (last.weight, last.bias):
            value *= 20
    example = torch.zeros(2, 8, 64)
    part = ExportPart("decoder", StreamDecoder(decoder, torch.Size([64])), "clips", "logits", example)
    onnx.save(part_to_onnx(part, opset=20), folder / "decoder.onnx")
    return ov.convert_model(folder / "decoder.onnx")


@pytest.mark.slow
def test_a_recurrent_network_that_nncf_spoils_by_its_default_gets_another_recipe(tmp_path):
    """Measured: NNCF's default changes every second answer of an LSTM, its recipe for transformers hardly any."""
    clips = np.random.default_rng(0).normal(size=(30, 8, 64)).astype(np.float32)
    outcome = tried(recurrent_decoder(tmp_path), clips, tmp_path, recipes=["performance", "transformer"])
    spoilt, chosen = outcome.results
    assert (spoilt.outcome, chosen.outcome, outcome.chosen) == ("refused", "chosen", "transformer")
    assert spoilt.agreement < 0.8 < 0.9 < chosen.agreement
    assert spoilt.logits.of_spread > 5 * chosen.logits.of_spread
    kinds = {operation.get_type_name() for operation in core().read_model(outcome.paths[0]).get_ops()}
    assert "FakeQuantize" in kinds
    assert chosen.num_bytes < outcome.num_bytes


@pytest.mark.slow
def test_what_nncf_cannot_do_is_told_in_its_own_words(tmp_path):
    (tmp_path / "model.xml").write_text("no network")
    np.save(tmp_path / "clips.npy", CLIPS)
    with pytest.raises(FailedRecipe, match=r"^NNCF: \w+.*") as error:
        quantise(
            tmp_path / "model.xml",
            tmp_path / "clips.npy",
            recipe="mixed",
            weights="float16",
            out=tmp_path / "out.xml",
        )
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("attention", "unfit"),
    [(True, {"float_recurrent", "convolutions"}), (False, set(ALL[1:]))],
)
def test_recipes_that_are_nothing_for_a_network_are_left_out(attention, unfit):
    network = small(attention=attention)
    assert {recipe for recipe in (*ALL, "performance") if obstacle(recipe, [network])} == unfit


def test_a_network_of_convolutions_alone_has_no_recipe_for_them():
    image = ops.parameter([1, 3, 8, 8], np.float32)
    kernel = ops.constant(np.ones((2, 3, 3, 3), np.float32))
    one = ops.convolution(image, kernel, [1, 1], [0, 0], [0, 0], [1, 1])
    network = ov.Model([one.output(0)], [image], "model")
    assert obstacle("convolutions", [network]) == "the network has convolutions only, which mixed quantises"
    assert obstacle("convolutions", [network, small()]) is None


def test_only_training_clips_are_looked_at(made, tmp_path, monkeypatch):
    asked = []

    class Watched(ClipIndex):
        @classmethod
        def load(cls, *arguments, **options):
            asked.append(options["subset"])
            return super().load(*arguments, **options)

    monkeypatch.setattr(calibration_inputs, "ClipIndex", Watched)
    model = load_checkpoint(made.root / "model.pth").model
    count = calibration_clips(made.clips_path, model, count=7, out=tmp_path / "clips.npy")
    clips = np.load(tmp_path / "clips.npy")
    assert asked == ["training"]
    assert (count, clips.shape, clips.dtype) == (7, (7, 4, 3, 48, 48), np.uint8)
    index = ClipIndex.load(made.clips_path, subset="training", clip=CLIP, is_spaced=True)
    dataset = ClipDataset(index, clip=CLIP)
    known = {dataset[row]["clip"].numpy().tobytes() for row in range(len(dataset))}
    assert {clip.tobytes() for clip in clips} <= known
    assert len({clip.tobytes() for clip in clips}) > 3, "of several videos"
    monkeypatch.undo()
    count = calibration_clips(made.clips_path, model, count=10_000, out=tmp_path / "all.npy")
    assert count == len(dataset), "no more than there are"


def test_without_a_training_video_there_is_no_int8_model(made, tmp_path, monkeypatch):
    monkeypatch.setattr(calibration_inputs, "subsets_of", lambda path: ["validation"])
    model = load_checkpoint(made.root / "model.pth").model
    with pytest.raises(InputError, match=r"clips\.parquet: no training video, and an INT8 model is calibrated on"):
        calibration_clips(made.clips_path, model, count=7, out=tmp_path / "clips.npy")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"recipes": ["mixed", "smooth"]}, r"deployment\.int8\.recipes\.1: .*'mixed'.*'convolutions'; found 'smooth'"),
        ({"recipes": []}, r"deployment\.int8\.recipes: .*at least 1 item"),
        ({"recipes": ["mixed", "mixed"]}, r"deployment\.int8\.recipes: expected each recipe once"),
        ({"recipes": "mixed"}, r"deployment\.int8\.recipes: .*list"),
        ({"calibration_clips": 0}, r"deployment\.int8\.calibration_clips: .*greater than or equal to 1; found 0"),
        ({"max_accuracy_drop": 2}, r"deployment\.int8\.max_accuracy_drop: .*less than or equal to 1; found 2"),
        ({"max_acuracy_drop": 0.1}, r"deployment\.int8\.max_acuracy_drop: .*did you mean 'max_accuracy_drop'\?"),
    ],
)
def test_a_wrong_setting_is_one_line(values, message):
    with pytest.raises(ConfigError, match=message) as error:
        load_config({"deployment": {"int8": values}})
    assert str(error.value).count("\n") <= 1


# Random networks are not as robust as trained ones: as many answers as like may be others here.
LENIENT = Settings.model_validate(
    {
        "evaluation": {"batch_size": 4},
        "deployment": {"int8": {"recipes": ["transformer", "mixed"], "max_accuracy_drop": 1, "calibration_clips": 12}},
    }
)


@pytest.fixture(scope="module")
def quantised(prepared, make_once):
    """A model with both forms of INT8; do not change it."""

    def ship(folder):
        name = "test_efficientnet_vtn_rgbdiff"
        deployed = make_deployed(folder, prepared, name=name, network=ORDERED, is_lively=True)
        deployed.int8(LENIENT)
        deployed.int8_streaming(LENIENT)

    return Deployed(make_once("quantised", ship), prepared / "clips.parquet")


@pytest.mark.slow
@pytest.mark.parametrize("folder", ["int8", "int8/streaming"])
def test_an_int8_model_says_how_it_came_to_be(quantised, folder):
    record = Quantization.read(quantised.root / folder / "quantization.json")
    assert (record.chosen, record.subset, record.num_videos) == ("transformer", "validation", 6)
    assert [result.outcome for result in record.recipes] == ["chosen", "not tried"]
    assert record.pytorch_video_top1 == quantised.scores().video_top1
    assert record.recipes[0].num_bytes > 0 < record.num_bytes
    assert record.recipes[0].milliseconds > 0 < record.milliseconds
    assert record.recipes[0].logits.of_spread < 1
    assert record.num_calibration_clips == 12
    files = {"int8": ["model"], "int8/streaming": ["encoder", "decoder"]}[folder]
    assert record.sha256.keys() == {f"{name}.{ending}" for name in files for ending in ("xml", "bin")}
    present = {path.name for path in (quantised.root / folder).iterdir() if path.is_file()}
    labels = {"labels.txt"} if folder == "int8/streaming" else set()
    assert present == record.sha256.keys() | {"quantization.json"} | labels
    assert in_words(record).startswith("recipe transformer, ")


@pytest.mark.slow
def test_an_int8_model_is_used_as_any_other(quantised, prepared):
    model = load(quantised.root / "int8/model.xml")
    trained = load_checkpoint(quantised.root / "model.pth")
    record = Quantization.read(quantised.root / "int8/quantization.json")
    about, own = model.description, model.description.accuracy
    assert about.labels == tuple(trained.labels)
    assert about.digests["model"] == record.model
    assert own.video_top1 == record.recipes[0].video_top1
    assert own.low <= own.video_top1 <= own.high
    video = next((prepared / "videos").rglob("*.mp4"))
    assert model.predict(video).label in model.description.labels
    for path in ("model.xml", "streaming/encoder.xml", "streaming/decoder.xml"):
        network, told = read_openvino(quantised.root / "int8" / path)
        assert "FakeQuantize" in {operation.get_type_name() for operation in network.get_ops()}
        assert {"labels", "input_spec", "accuracy", "digests"} <= told.keys()
    # what lies in streaming/ beside it is taken for streams
    assert isinstance(model.scorer(), EncoderDecoder)
    clips = parity_clips(quantised.clips_path, trained.model, count=4)
    for clip in clips:
        scorer = model.scorer()
        for frame in clip:
            scorer.push(frame)
        assert np.abs(scorer.logits() - model.network(clip[None])[0]).max() < record.spread


@pytest.mark.slow
def test_what_is_of_another_model_goes(quantised, tmp_path):
    root = tmp_path / "deployed"
    shutil.copytree(quantised.root, root)
    remove_what_is_of_another(root / "model.pth")
    assert (root / "int8/model.xml").exists()
    with (root / "model.pth").open("ab") as file:
        file.write(b"1")
    remove_what_is_of_another(root / "model.pth")
    assert not [path for path in (root / "int8").rglob("*") if path.is_file()]


@pytest.mark.slow
@pytest.mark.parametrize("is_streaming", [False, True])
def test_where_no_recipe_passes_the_record_alone_is_left_and_one_line_says_why(
    ordered, tmp_path, monkeypatch, is_streaming
):
    shutil.copytree(ordered.root, tmp_path / "deployed")
    deployed = Deployed(tmp_path / "deployed", ordered.clips_path)
    folder = deployed.root / ("int8/streaming" if is_streaming else "int8")
    folder.mkdir(parents=True)
    for name in ("model.xml", "model.bin", "encoder.xml", "decoder.bin", "labels.txt"):
        (folder / name).write_text("of before")

    def zero(network_path, inputs_path, *, recipe, weights, out):
        network = core().read_model(network_path)
        (result,) = network.get_results()
        logits = result.input_value(0)
        result.input(0).replace_source_output(ops.multiply(logits, np.float32(0)).output(0))
        ov.save_model(network, out, compress_to_fp16=False)

    monkeypatch.setattr(trials, "quantise", zero)
    with pytest.raises(InputError, match=r"int8\S*: no INT8 model: PyTorch has \d of 6 validation videos") as error:
        (deployed.int8_streaming if is_streaming else deployed.int8)(SETTINGS)
    line = str(error.value)
    assert "\n" not in line
    record = Quantization.read(folder / "quantization.json")
    assert f"no INT8 model: {why_none(record)}; {folder / 'quantization.json'} says more" in line
    assert (record.chosen, record.sha256) == (None, {})
    outcomes = {result.name: result.outcome for result in record.recipes}
    assert outcomes == dict.fromkeys(ALL, "refused") | {"float_recurrent": "unfit"}
    others = {"model.xml", "model.bin"} if is_streaming else {"encoder.xml", "decoder.bin", "labels.txt"}
    assert {path.name for path in folder.iterdir()} == {"quantization.json"} | others


@pytest.mark.slow
def test_recipes_that_are_all_nothing_for_a_network_are_said_so(ordered, tmp_path):
    shutil.copytree(ordered.root, tmp_path / "deployed")
    deployed = Deployed(tmp_path / "deployed", ordered.clips_path)
    settings = Settings.model_validate({"deployment": {"int8": {"recipes": ["float_recurrent"]}}})
    with pytest.raises(InputError, match="none of the recipes float_recurrent is for this network"):
        deployed.int8(settings)
    values = json.loads((deployed.root / "int8/quantization.json").read_text())
    assert values["recipes"][0]["reason"] == "the network has no recurrent layer"


@pytest.mark.parametrize(
    ("milliseconds", "worth"),
    [(20.0, "2.00 times as fast as"), (8.0, "slower here, 1.25 times as long as")],
)
def test_it_is_said_where_int8_is_not_worth_it(tmp_path, milliseconds, worth):
    assert in_words(make_int8(tmp_path, INT8_RESULT, milliseconds=milliseconds)) == (
        f"recipe mixed, 57 of 60 validation videos right, PyTorch 60; 0.50 of the size, {worth} what is not quantised, "
        "at bf16 on a processor"
    )


def told(model_folder) -> list[str]:
    return [found.line for found in int8_found(read_model(model_folder, read_dataset(model_folder.parent)))]


def test_what_there_is_of_int8_is_shown_of_this_model_alone(tmp_path):
    folder, whole = tmp_path / "mine/resnet34_vtn", "recipe mixed, 57 of 60 validation videos right, PyTorch 60; 0.50"
    (folder / "int8/streaming").mkdir(parents=True)
    assert told(folder) == []
    failed = replace(INT8_RESULT, name="transformer", outcome="failed", reason="NNCF: no", video_top1=None)
    make_int8(folder / "int8/streaming", replace(INT8_RESULT, outcome="refused"), failed, chosen=None)
    (folder / "int8/model.xml").write_text("network")
    make_int8(folder / "int8", INT8_RESULT, sha256=digests_of([folder / "int8/model.xml"]))
    first, second = told(folder)
    assert first.startswith(f"int8: {whole}")
    assert second == (
        "int8/streaming: none: PyTorch has 60 of 60 validation videos right, and no recipe passes (mixed "
        "has 57 right and 3 other answers, transformer failed; deployment.int8.max_accuracy_drop = 0.01)"
    )
    (folder / "int8/model.xml").write_text("another")
    assert told(folder)[0] == "int8: the files beside quantization.json are not those that passed"
    (folder / "int8/model.xml").unlink()
    assert told(folder)[0] == "int8: the files beside quantization.json are not those that passed"
    (folder / "int8/quantization.json").write_text("{")
    assert told(folder)[0].startswith(f"{folder}/int8/quantization.json: cannot be read as JSON")
    (folder / "model.pth").write_text("of another training")
    assert len(told(folder)) == 1, "what is of another model is not spoken of"

"""Which edit makes which stages stale by their own params; what follows from a stage that re-runs is Snakemake's."""

import json
import os
import shutil
from pathlib import Path

import pytest
import yaml
from params_table import changed_rules, params_of_rules
from project import MODEL, NAME, Project

from kinema import provenance
from kinema.report import template_files

pytestmark = pytest.mark.workflow

CONFIG, TINY = "config/config.yaml", "config/datasets/tiny.yaml"
AT_EPOCHS, AT_VARIANTS = "epochs: 1", "\nvariants:"
INT8 = {"int8", "int8_streaming"}
SHIPPED = {"verify", "modelapi", "streaming", *INT8}  # what gives a network to users, each through gate 2
MODEL_STAGES = {"train", "evaluate", "export", "convert", *SHIPPED}
SCORED = {"evaluate", *SHIPPED}
LOOKS, BOARD = "look_alikes", "leaderboard"
FOLD, CROSSVAL, TABLE = "fold", "crossval", "crossval_table"  # the index of a fold, all folds, all models
SWEEP, OF_SWEEP = "sweep", "training.lr: [1e-4"
DATA_PAGE, MODEL_PAGE = "data_page", "model_page"
PAGES = {DATA_PAGE, MODEL_PAGE}
TEMPLATES = "kinema/report/templates"
READS_CLIPS = {"train", "evaluate", "convert", *SHIPPED}


def training(line: str) -> tuple[str, str, str]:
    """A setting of the training."""
    return TINY, AT_EPOCHS, f"{AT_EPOCHS}\n  {line}"


def setting(line: str) -> tuple[str, str, str]:
    """A setting of some other section."""
    return CONFIG, AT_VARIANTS, f"\n{line}\nvariants:"


def after(file: str, line: str, more: str) -> tuple[str, str, str]:
    """A line more, behind one that is there."""
    return file, line, f"{line}{more}"


EDITS = {
    # settings
    "learning rate": (training("lr: 0.5"), {"train"}),
    "seed": ((CONFIG, "seed: 1", "seed: 2"), {"train", DATA_PAGE}),
    "schedule": (training("schedule: constant"), {"train"}),
    "loader workers": ((TINY, "num_workers: 0", "num_workers: 1"), set()),
    "processor or GPU": (training("accelerator: cpu"), set()),
    "points of the logs": (training("log_every_steps: 3"), set()),
    "copies of the frames": (training("local_copy: /scratch"), set()),
    "minutes between resume points": (training("checkpoint_minutes: 3"), set()),
    "distillation": (setting("distillation: {weight: 0.1}"), {"train"}),
    "augmentation": (setting("augmentation: {hue: 0.1}"), {"train", DATA_PAGE}),
    "clip length": ((TINY, "length: 4", "length: 3"), {"index", "train", DATA_PAGE, FOLD}),
    "frame rate of clips": (
        (TINY, "length: 4", "length: 4\n  fps: 10"),
        {"dataset_report", "index", "train", DATA_PAGE, FOLD, *READS_CLIPS},
    ),
    "number of folds": (setting("crossval: {num_folds: 3}"), {FOLD, CROSSVAL}),
    "a value more in a sweep": ((CONFIG, OF_SWEEP, f"{OF_SWEEP}, 1e-3"), {SWEEP}),
    "what chooses in a sweep": ((CONFIG, OF_SWEEP, f"choose_on: crossval, {OF_SWEEP}"), {SWEEP}),
    "seeds of a cross-validation": (setting("crossval: {seeds: [1, 2]}"), {CROSSVAL}),
    "weights of classes": (training("class_weights: sqrt"), {"train"}),
    "labels of mirrored clips": (setting("augmentation: {mirrored_labels: [[grow, shrink]]}"), {"train", DATA_PAGE}),
    "clips of a testing video, where there is none": (
        (TINY, "num_val_clips: 2", "num_val_clips: 2\n  num_test_clips: 3"),
        {"index", FOLD},
    ),
    "clips of a validation video": (
        (TINY, "num_val_clips: 2", "num_val_clips: 3"),
        {"index", "train", *SCORED, MODEL_PAGE},
    ),
    "evaluated subset": (setting("evaluation: {subset: validation}"), {*SCORED, MODEL_PAGE}),
    "clips scored at a time": (setting("evaluation: {batch_size: 3}"), {*SCORED, MODEL_PAGE}),
    "precision of the threshold": (setting("evaluation: {precision: 0.9}"), {"evaluate", MODEL_PAGE}),
    "evidence in time": (setting("evaluation: {evidence: false}"), {"evaluate", MODEL_PAGE}),
    "views of a clip": (setting("evaluation: {crops: ten, scale: 0.875}"), {*SCORED, MODEL_PAGE}),
    "what is averaged": (setting("evaluation: {average: logits}"), {*SCORED, MODEL_PAGE}),
    "opset": (setting("deployment: {opset: 21}"), {"export", "streaming", "int8_streaming", MODEL_PAGE}),
    "weights of float32": (setting("deployment: {weights: float32}"), {"convert", "streaming", *INT8, MODEL_PAGE}),
    "clips of gate 1": (setting("deployment: {parity_clips: 4}"), {"convert", *SHIPPED, MODEL_PAGE} - {"verify"}),
    "recipes of INT8": (setting("deployment: {int8: {recipes: [mixed]}}"), {*INT8, MODEL_PAGE}),
    "tolerance of INT8": (setting("deployment: {int8: {max_accuracy_drop: 0.1}}"), {*INT8, MODEL_PAGE}),
    "tolerance of gate 1": (
        setting("deployment: {parity_tolerance: 0.1}"),
        {"convert", "modelapi", "streaming", MODEL_PAGE},
    ),
    "tolerance of gate 2": (setting("deployment: {max_accuracy_drop: 0.1}"), {*SHIPPED, MODEL_PAGE} - INT8),
    "dropped videos allowed": (
        (TINY, "num_shards: 8", "num_shards: 8\nmax_failed_fraction: 0.5"),
        {"index", MODEL_PAGE},
    ),
    "time limit of a video": ((TINY, "short_side: 64", "short_side: 64\n  timeout_seconds: 5"), set()),
    "largest size of a video": ((TINY, "short_side: 64", "short_side: 64\n  max_gigabytes: 5"), set()),
    "fewest frames of a video": ((TINY, "short_side: 64", "short_side: 64\n  min_frames: 2"), {"shard", MODEL_PAGE}),
    # the shards that are there have none of it; those of the flow are new inputs
    "pictures and flow": ((TINY, "short_side: 64", "short_side: 64\n  modality: rgb+flow"), PAGES),
    "what becomes of damaged videos": (
        (TINY, "short_side: 64", "short_side: 64\n  damaged: drop"),
        {"shard", MODEL_PAGE},
    ),
    "the models of a leaderboard": (
        (TINY, "num_shards: 8", "num_shards: 8\nleaderboard: [efficientnet_lite0_vtn@quick]"),
        {BOARD, TABLE},
    ),
    "a comment": ((CONFIG, "seed: 1", "seed: 1  # of all"), set()),
    "a default that is left out": ((CONFIG, "  seed: 1\n", ""), set()),
    "an override for something else": (
        (CONFIG, "\noverrides:\n", "\noverrides:\n  - {dataset: other, training: {lr: 0.5}}\n"),
        set(),
    ),
    # code that computes
    "optimizer": (
        ("kinema/training/optim.py", "momentum=settings.momentum", "momentum=0.8 * settings.momentum"),
        {"train"},
    ),
    "the task": (("kinema/training/task.py", "logits.argmax(1)", "logits.argmin(1)"), {"train"}),
    "the order of an epoch": (("kinema/clips/sampling.py", "rng.permutation", "sorted"), {"train"}),
    "whether a model is trained": (
        ("kinema/models/loading/start_keys.py", "settings.training.train and", "not"),
        {"train"},
    ),
    "how params become settings": (("kinema/experiment/params.py", "| keys\n", "\n"), {"train"}),
    "the pixels": (("kinema/clips/transforms.py", "255", "254"), {*READS_CLIPS, *PAGES}),
    "the pixels of evaluation": (
        ("kinema/inference/preprocessing.py", "INTER_LINEAR", "INTER_AREA"),
        {*READS_CLIPS, *PAGES},
    ),
    "how frames are read": (
        ("kinema/media/jpeg.py", "IMREAD_COLOR", "IMREAD_GRAYSCALE"),
        {"shard", LOOKS, *READS_CLIPS, *PAGES},
    ),
    "which frames": (
        ("kinema/inference/windows.py", "stop, stride)\n", "stop, stride + 1)\n"),
        {"index", FOLD, *READS_CLIPS, *PAGES},
    ),
    "the used decoder": (
        ("kinema/models/vtn.py", "NORM_EPSILON = 1e-3", "NORM_EPSILON = 2e-3"),
        {*MODEL_STAGES, MODEL_PAGE},
    ),
    "the encoder": (
        ("kinema/models/encoders.py", "maps.permute(0, 3, 1, 2)", "maps.permute(0, 3, 2, 1)"),
        {LOOKS, BOARD, *MODEL_STAGES, MODEL_PAGE},
    ),
    "what a name means": (
        ("kinema/models/model_name.py", 'or "", "rgb")', 'or "", "flow")'),
        {LOOKS, BOARD, *MODEL_STAGES, MODEL_PAGE},
    ),
    "writing files": (
        ("kinema/files.py", "temporary.replace(path)", "temporary.rename(path)"),
        {
            *("annotations", "plan", "shard", LOOKS, "dataset_report", "index", "weights", "render_demo", BOARD),
            *("serving", FOLD, CROSSVAL, TABLE, SWEEP),
            *MODEL_STAGES,
            *PAGES,
        },
    ),
    "scores": (
        (
            "kinema/evaluation/score.py",
            "kept[begin : begin + len(part)] = part",
            "kept[begin : begin + len(part)] = part[::-1]",
        ),
        {*SCORED, MODEL_PAGE},
    ),
    "evaluation": (
        ("kinema/evaluation/subset_scores.py", '"num_clips": len(labels)', '"num_clips": 0'),
        {"evaluate"},
    ),
    "squares that are cut out": (("kinema/evaluation/views.py", "SEED = 1", "SEED = 2"), {*SCORED, MODEL_PAGE}),
    "what is kept of single frames": (
        ("kinema/evaluation/evidence.py", "NUM_CLASSES = 5", "NUM_CLASSES = 6"),
        {"evaluate"},
    ),
    "temperatures that are looked at": (
        ("kinema/evaluation/calibration.py", "HIGHEST = 0.05, 20.0", "HIGHEST = 0.01, 20.0"),
        {"evaluate"},
    ),
    "what is scored": (("kinema/clips/scored.py", "return ORDER[:2] if", "return ORDER if"), {*SCORED, MODEL_PAGE}),
    "what is said of an evaluation": (("kinema/evaluation/told.py", "over {scores", "of {scores"), {"evaluate"}),
    "draws of intervals": (("kinema/evaluation/intervals.py", "SEED = 1", "SEED = 2"), {"evaluate", CROSSVAL, *INT8}),
    "bins of confidence": (("kinema/evaluation/reliability.py", "NUM_BINS = 15", "NUM_BINS = 10"), {"evaluate"}),
    "what chose the model": (
        ("kinema/experiment/choosing.py", "num_epochs // period < 2", "not num_epochs"),
        {"evaluate", BOARD, MODEL_PAGE},
    ),
    "a column of the predictions": (
        ("kinema/evaluation/schema.py", '"rank", pa.int32()', '"rank", pa.int8()'),
        {CROSSVAL, *SCORED},
    ),
    "how folds are dealt": (("kinema/crossval/folds.py", "-unit_sizes[drawn]", "unit_sizes[drawn]"), {FOLD}),
    "what a cross-validation says": (("kinema/crossval/summary.py", "ddof=1", "ddof=0"), {CROSSVAL}),
    "how a sweep is ranked": (("kinema/sweep/rows.py", "-row.video_top1", "row.video_top1"), {SWEEP}),
    "the test of a difference": (("kinema/leaderboard/mcnemar.py", "2 * tail", "3 * tail"), {BOARD}),
    "the version of a benchmark's record": (
        ("kinema/records/benchmark.py", "ClassVar[int] = 1", "ClassVar[int] = 2"),
        {BOARD},
    ),
    "how a benchmark measures": (("kinema/inference/benchmark/rounds.py", "MIN_ROUNDS = 5", "MIN_ROUNDS = 6"), set()),
    "the page of a leaderboard": ((f"{TEMPLATES}/leaderboard.html", "height: .6rem", "height: .7rem"), {BOARD}),
    "what a page finds renamed": (("kinema/report/renamed.py", "MOSTLY = 0.5", "MOSTLY = 0.6"), {MODEL_PAGE}),
    "a script of a model's page": ((f"{TEMPLATES}/confusion.js", '"#" + figure.id', "figure.id"), {MODEL_PAGE}),
    "the frame of all pages": ((f"{TEMPLATES}/style.css", "line-height: 1.25", "line-height: 1.3"), {BOARD, *PAGES}),
    "a part of both pages": (
        (f"{TEMPLATES}/data_leaks.html", "No file content", "No content"),
        PAGES,
    ),
    "the style of a model's page": ((f"{TEMPLATES}/model.css", "2.6rem", "2.7rem"), {MODEL_PAGE}),
    "words of the last lines of a run": (
        ("kinema/outcome/score.py", '"not above', '"nowhere above'),
        {BOARD, MODEL_PAGE, CROSSVAL, TABLE, SWEEP},
    ),
    "the pictures of clips": (("kinema/report/thumbnails.py", "SIDE = 112", "SIDE = 128"), PAGES),
    "training clips on a page": (("kinema/report/augmented.py", "SHOWN_FRAMES = 4", "SHOWN_FRAMES = 5"), PAGES),
    "which videos a page shows": (("kinema/report/videos.py", '"A draw from', '"Some of'), {MODEL_PAGE}),
    # a record of another version is made anew by its rule, and anew for those that read it
    "the version of the evaluation": (
        ("kinema/records/evaluation.py", "ClassVar[int] = 3", "ClassVar[int] = 4"),
        {*SCORED, BOARD, MODEL_PAGE, CROSSVAL, TABLE, SWEEP},
    ),
    "the version of the calibration": (
        ("kinema/records/calibration.py", "ClassVar[int] = 1", "ClassVar[int] = 2"),
        {*SCORED, BOARD, MODEL_PAGE, CROSSVAL, TABLE, SWEEP},
    ),
    "the version of the parity report": (
        ("kinema/records/parity.py", "ClassVar[int] = 2", "ClassVar[int] = 3"),
        {"convert", *SHIPPED, "serving", MODEL_PAGE},
    ),
    "the version of the verification": (
        ("kinema/records/verification.py", "ClassVar[int] = 2", "ClassVar[int] = 3"),
        {*SHIPPED, "serving", MODEL_PAGE},
    ),
    "the version of the dataset report": (
        ("kinema/records/dataset_report.py", "ClassVar[int] = 4", "ClassVar[int] = 5"),
        {"dataset_report", BOARD, *PAGES},
    ),
    "a key of a class in the evaluation": (
        ("kinema/records/evaluation.py", "    recall: float | None\n", "    found: float | None\n"),
        {*SCORED, BOARD, MODEL_PAGE, CROSSVAL, TABLE, SWEEP},
    ),
    "the export": (
        ("kinema/deployment/onnx_model.py", 'Dim("batch", min=1)', 'Dim("batch", min=2)'),
        {"export", "streaming", "int8_streaming"},
    ),
    "what an export says of itself": (
        ("kinema/deployment/frame_rates.py", "np.append(True", "np.append(False"),
        SHIPPED,
    ),
    "the gate of logits": (
        ("kinema/deployment/logits.py", "OF_SPREAD = 100", "OF_SPREAD = 10"),
        {"convert", "modelapi", "streaming", *INT8},
    ),
    "the encoder of a stream": (
        ("kinema/inference/predictors/streaming.py", "[:, ::-1]", "[:, :]"),
        {"streaming", *INT8},
    ),
    "what NNCF does": (("kinema/deployment/nncf_process.py", "matmul=-1", "matmul=0.5"), INT8),
    "the gate of INT8": (("kinema/deployment/trials.py", "SHRUNK = 0.1", "SHRUNK = 0.2"), INT8),
    "the version of the quantisation": (
        ("kinema/records/quantization.py", "ClassVar[int] = 1", "ClassVar[int] = 2"),
        {*INT8, MODEL_PAGE},
    ),
    "the variant for Model API": (("kinema/deployment/modelapi.py", "LEAST = 1e-30", "LEAST = 1e-20"), {"modelapi"}),
    "what a model server is given": (("kinema/deployment/serving.py", '"-", model', '"_", model'), {"serving"}),
    "coverage": (("kinema/clips/coverage.py", "pc.greater(", "pc.less("), {LOOKS, "dataset_report", "index", *PAGES}),
    "where weights come from": (
        ("kinema/models/loading/download.py", "settings.hf_hub_id.partition", "settings.hf_hub_id.rpartition"),
        {"weights"},
    ),
    "how an encoder starts": (
        ("kinema/models/published.py", "if network in TORCHVISION", "if network not in TORCHVISION"),
        {LOOKS, BOARD, *MODEL_STAGES, MODEL_PAGE},
    ),
    "the plan": (("kinema/media/plan.py", '"big")', '"little")'), {"plan", "shard"}),
    "decoding": (("kinema/media/commands.py", "CRF_OF_QUALITY_0 = 15", "CRF_OF_QUALITY_0 = 16"), {"shard"}),
    "how packed frames are read": (
        ("kinema/media/readers/packed.py", "max(0, end", "max(1, end"),
        {LOOKS, *READS_CLIPS, *PAGES},
    ),
    "how videos are compared": (
        ("kinema/looks/likeness.py", "SPREADS, BOUNDS = 5.5", "SPREADS, BOUNDS = 6.5"),
        {LOOKS},
    ),
    "how packed frames are written": (
        ("kinema/media/storages/packed.py", "transposed=width > height", "transposed=width >= height"),
        {"shard"},
    ),
    "what is known of the storages": (("kinema/media/storages/facts.py", "16384", "4096"), {"shard"}),
    "words of damage": (("kinema/media/damage.py", "LZW decode failed", "LZW decode"), {"shard"}),
    "the labels": (("kinema/annotations/formats/table.py", ".unique())", ".unique(), reverse=True)"), {"annotations"}),
    "an adapter": (("workflow/scripts/export.py", "deployment.opset", "deployment.parity_clips"), {"export"}),
    # what is seen, said and written down of them
    "a log line": (("kinema/training/run.py", '"continuing from %s"', '"going on from %s"'), set()),
    "a log line of the history": (("kinema/watching/history.py", "s left without validation", "s left"), set()),
    "a column of the curve": (("kinema/watching/history.py", "round(self._age(), 2)", "round(self._age(), 1)"), set()),
    "speed": (("kinema/watching/speed.py", "else 1024", "else 1000"), set()),
    "curves": (("kinema/watching/curves.py", "from_step_", "step_"), set()),
    "the record of a training": (("kinema/watching/record.py", "seconds, 1)", "seconds, 2)"), set()),
    "the version of a training's record": (
        ("kinema/records/training.py", "ClassVar[int] = 3", "ClassVar[int] = 4"),
        {BOARD, MODEL_PAGE, CROSSVAL, SWEEP},
    ),
    "the layout of records": (("kinema/records/json_file.py", "indent=2", "indent=1"), set()),
    "how records are refused": (("kinema/records/values.py", "math.isfinite(value)", "math.isinf(value)"), set()),
    "what a key of a record means": (("kinema/records/evaluation.py", "Scored, each once", "Scored"), set()),
    "the versions that are noted": (("kinema/made.py", '"timm", ', ""), set()),
    "progress": (("kinema/job.py", "PLAIN_INTERVAL_SECONDS = 15.0", "PLAIN_INTERVAL_SECONDS = 5.0"), set()),
    "a heading of the report": (("kinema/clips/report_markdown.py", '"## To mind', '"## To note'), {"dataset_report"}),
    "an error of a start": (
        ("kinema/models/published.py", "only efficientnet_lite0 has", "efficientnet_lite0 alone has"),
        set(),
    ),
    "an advice": (("kinema/words.py", "or clip.size", "or lower clip.size"), set()),
    "a file system in the locks": (("kinema/locks.py", '"xfs", ', '"xfs", "jfs", '), set()),
    "the text of a full disk": (("kinema/disk.py", "free some", "make room"), set()),
    "an error of the loss": (("kinema/training/losses.py", "Try a lower", "Set a lower"), set()),
    "a part of an export": (
        ("kinema/deployment/parts.py", '"embeddings"', '"features"'),
        {"export", "streaming", "int8_streaming"},
    ),
    "a description of a setting": (
        ("kinema/experiment/model_sections.py", "Highest learning rate.", "Peak rate."),
        set(),
    ),
    "a docstring": (("kinema/media/shard.py", '"""Bring a shard up to date', '"""Make a shard'), set()),
    "a comment in the code": (
        ("kinema/training/task.py", "def training_step", "# a step\n    def training_step"),
        set(),
    ),
    "a comment in an adapter": (("workflow/scripts/train.py", "with running", "# the work\n    with running"), set()),
    "types": (("kinema/training/optim.py", "settings: Training", 'settings: "Training"'), set()),
    # code of something else
    "an unused decoder": (("kinema/models/baseline.py", "return embeddings_BTK", "return -embeddings_BTK"), set()),
    "a new name of an encoder": (
        ("kinema/models/names.py", '"resnet18": "resnet18"', '"resnet18": "resnet18", "mine": "resnet18"'),
        set(),
    ),
    "the summary of models": (("kinema/models/summary.py", "2e9", "1e9"), {BOARD}),
    "how experiments resolve": (("kinema/experiment/resolve.py", "found.append(", "found.insert(0, "), set()),
    "the demo": (("kinema/demo/scenes.py", "FPS = 7", "FPS = 8"), {"render_demo"}),
}


@pytest.fixture(scope="module")
def table(finished, tmp_path_factory):
    """A finished project to be edited and mended again, and its params."""
    root = tmp_path_factory.mktemp("table") / "project"
    shutil.copytree(finished.root, root, copy_function=shutil.copy2)
    Project(root).edit(CONFIG, AT_VARIANTS, f"\nsweeps: {{lr: {{{OF_SWEEP}]}}}}{AT_VARIANTS}")
    before, environment = Path.cwd(), os.environ.get("PYTHONPATH")
    patch = pytest.MonkeyPatch()
    patch.setattr(provenance, "PACKAGE", root / "kinema")
    patch.setattr(template_files, "TEMPLATES", root / TEMPLATES)
    os.chdir(root)
    try:
        yield Project(root), params_of_rules(root)
    finally:
        os.chdir(before)
        patch.undo()
        os.environ.pop("PYTHONPATH", None)
        if environment is not None:
            os.environ["PYTHONPATH"] = environment


@pytest.mark.parametrize(("edit", "stale"), EDITS.values(), ids=EDITS)
def test_an_edit_makes_stale_what_reads_it(table, edit, stale):
    project, before = table
    file, old, new = edit
    path = project.root / file
    text = path.read_bytes()
    project.edit(file, old, new)
    try:
        assert changed_rules(before, params_of_rules(project.root)) == stale
    finally:
        path.write_bytes(text)


@pytest.mark.parametrize(("change", "more"), [({"annotated": 99}, CROSSVAL), ({"groups": "of others"}, FOLD)])
def test_what_is_listed_beside_the_videos_counts_for_numbers_alone(table, change, more):
    project, before = table
    path = project.root / "results/tiny/clips.json"
    text = path.read_bytes()
    known = json.loads(text)
    known["parts"]["validation"] |= change
    try:
        path.write_text(json.dumps(known))
        assert changed_rules(before, params_of_rules(project.root)) == {"evaluate", BOARD, more}
    finally:
        path.write_bytes(text)


def test_nothing_else_changes_params(table):
    project, before = table
    assert not changed_rules(before, params_of_rules(project.root))
    for path in project.root.rglob("*.py"):
        os.utime(path)
    assert not changed_rules(before, params_of_rules(project.root))


@pytest.mark.parametrize(
    "settings",
    [
        {"network": {"weights": "start.pth"}},
        {"network": {"encoder_weights": "start.pth"}},
        {"training": {"init_from": "start.pth"}},
        {"training": {"teacher": NAME}},
    ],
    ids=["weights", "encoder_weights", "init_from", "teacher"],
)
def test_a_file_that_a_training_starts_from_counts_by_its_content(table, settings):
    project, _ = table
    configuration = project.root / CONFIG
    text = configuration.read_bytes()
    config = yaml.safe_load(text)
    config["variants"]["started"] = settings
    path = project.root / (f"{MODEL}/model.pth" if "teacher" in str(settings) else "start.pth")
    content = path.read_bytes() if path.exists() else b"0" * 100
    path.write_bytes(content)
    try:
        configuration.write_text(yaml.safe_dump(config))
        before = params_of_rules(project.root, model=f"{NAME}@started")
        path.write_bytes(content[:-1] + b"1")
        os.utime(path, ns=(10**18, 10**18))
        assert changed_rules(before, params_of_rules(project.root, model=f"{NAME}@started")) == {"train"}
    finally:
        configuration.write_bytes(text)
        path.write_bytes(content)


def test_a_configured_ffmpeg_counts_by_its_content(table, tmp_path):
    project, _ = table
    text = (project.root / CONFIG).read_text()
    found = {}
    for name, content in (("one", "1"), ("same", "1"), ("other", "2")):
        (tmp_path / name).write_text(content)
        (project.root / CONFIG).write_text(text.replace("ffmpeg: null", f"ffmpeg: {tmp_path / name}"))
        found[name] = params_of_rules(project.root)
    (project.root / CONFIG).write_text(text)
    assert not changed_rules(found["one"], found["same"])
    assert changed_rules(found["one"], found["other"]) == {"shard"}

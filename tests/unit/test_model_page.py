"""The page of a model: its figures are those of the records, and what is wrong with a model is seen at first glance."""

import json
import math
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
import yaml
from made_up_models import INT8_RESULT, drawn_scores, make_int8, make_model, sections, ship

from kinema.deployment.ir_files import digests_of
from kinema.digests import file_digest
from kinema.evaluation.sources import Sources
from kinema.evaluation.subset_scores import ScoredSubset
from kinema.evaluation.wilson import wilson_interval
from kinema.experiment.config import Config
from kinema.experiment.data_sections import Media
from kinema.experiment.resolve import own_settings
from kinema.input_error import InputError
from kinema.metrics import ClipScores
from kinema.models.names import EXPORT_OBSTACLES
from kinema.records.evaluation import ClassScores
from kinema.report.chart import ticks, x_axis, y_axis
from kinema.report.confusion import confusion_of, counts_of, most_confused
from kinema.report.curves import curves_of
from kinema.report.model_card import model_card
from kinema.report.model_page import model_page
from kinema.report.model_records import read_records
from kinema.report.renamed import renamed_in, renamed_line
from kinema.report.template_files import TEMPLATES, template_files
from kinema.report.verdict import verdict_of

LABELS = ("push", "wave", "kick", "hug", "point")
BAD = "<script>alert(1)</script>"


class Page(HTMLParser):
    """Elements of a page with their attributes and text, in their order; `data` is what its script reads."""

    def __init__(self, text: str):
        super().__init__()
        self.source, self.elements, self._open = text, [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.handle_data(" ")
        element = [tag, dict(attrs), ""]
        self.elements.append(element)
        if tag not in ("meta", "link", "img", "source", "option", "input", "br"):
            self._open.append(element)

    def handle_endtag(self, tag):
        self.handle_data(" ")
        while self._open and self._open.pop()[0] != tag:
            pass

    def handle_data(self, data):
        for element in self._open:
            element[2] += data

    def all(self, tag, **wanted):
        """Attributes and text of each of these elements; `id`, or `cls` among its classes."""
        return [
            (attrs, " ".join(text.split()))
            for name, attrs, text in self.elements
            if name == tag
            and all(
                value in (attrs.get("class") or "").split() if key == "cls" else attrs.get(key) == value
                for key, value in wanted.items()
            )
        ]

    def one(self, tag, **wanted):
        (found,) = self.all(tag, **wanted)
        return found

    @property
    def data(self):
        return json.loads(self.one("script", id="confusion-data")[1])

    def remarks(self):
        """Text of the remarks below the verdict by their level."""
        (start,) = (n for n, (tag, attrs, _) in enumerate(self.elements) if attrs.get("class") == "findings")
        found = {}
        for tag, attrs, text in self.elements[start + 1 :]:
            if tag == "section":
                break
            if tag == "li":
                found.setdefault(attrs["class"], []).append(" ".join(text.split()))
        return found


@pytest.fixture
def folder(tmp_path) -> Path:
    return tmp_path / "results/mine/resnet18_vtn"


def made(folder: Path, scored, labels=LABELS, *, failed=(), shipped=False, **options):
    """The page, the card and the evaluation of a model that gave these scores."""
    evaluation = make_model(folder, labels, scored, **options)
    if shipped:
        ship(folder, evaluation)
    return Page(page_of(folder, failed=failed)), evaluation


def page_of(folder: Path, *, failed=()) -> str:
    records = read_records(folder, sections=json.loads(sections()), failed=failed)
    return model_page(records, verdict(records))


def verdict(records):
    evaluation = records.evaluation
    return verdict_of(records, counts_of(evaluation.scores.classes) if evaluation else None)


def card_of(folder: Path) -> str:
    records = read_records(folder, sections={}, failed=())
    return model_card(records, verdict(records), clip="clips")


def right_of(labels=LABELS, **options):
    return drawn_scores("testing", labels, 120, right=0.9, **options)


def test_the_figures_are_those_of_the_evaluation(folder):
    page, evaluation = made(folder, [right_of(absent=1), drawn_scores("validation", LABELS, 60, right=0.5)], lost=5)
    scores = evaluation.scores
    assert page.one("section", id="verdict")[1].startswith(f"Verdict {scores.video_top1:.2f} top-1 accuracy ")
    interval = scores.intervals.video_top1
    line = (
        f"of 120 testing videos named rightly · 95 % interval {interval.low:.2f} to {interval.high:.2f} · coverage 0.96"
    )
    assert f"{round(scores.video_top1 * 120)} {line} (120 of 125 listed)" in page.one("p", cls="result")[1]
    rows = page.source.split('class="classes"')[1].split("<tbody>")[1].split("</tbody>")[0].split("</tr>")[:-1]
    for row, (label, one) in zip(rows, scores.classes.items(), strict=True):
        values = re.findall(r'data-value="(.*?)"', row)
        shown = [one.recall, one.precision, one.f1, one.average_precision]
        assert values[:2] == [label, str(one.num_videos)]
        assert values[2:6] == ["" if value is None else f"{value:.6f}" for value in shown]
    cells = {(true, called): number for true, called, number, _ in page.data["cells"]}
    counts = counts_of(scores.classes)
    assert cells == {(int(t), int(c)): int(counts[t, c]) for t, c in np.argwhere(counts)}
    fields = re.findall(r'<td tabindex="(?:0|-1)"[^>]*>(\d*)</td>', page.source)
    assert [int(field or 0) for field in fields] == counts.ravel().tolist()
    other = evaluation.subsets["validation"]
    assert f"{other.video_top1:.2f}" in page.one("table", **{"aria-labelledby": "others-title"})[1]
    assert "chosen on this subset" in page.one("table", **{"aria-labelledby": "others-title"})[1]


def test_a_class_without_videos_is_grey_and_no_zero(folder):
    page, _ = made(folder, [right_of(absent=1)])
    assert page.one("tr", cls="absent")[1].split()[:2] == ["point", "0"]
    assert len(page.all("td", cls="unknown")) >= 3, "no recall, no average precision, nothing that it is taken for"


def test_a_good_model_is_doubted_for_nothing(folder):
    page, _ = made(folder, [right_of()], shipped=True, training={"keep": "last"})
    assert page.one("section", id="verdict")[0]["class"] == "good"
    assert page.remarks().keys() <= {"good", "plain"}
    assert "both gates passed" in page.one("p", cls="result")[1]
    assert any(text.startswith("✓ Gates passed PyTorch has") for text in page.remarks()["good"])


def test_labels_in_another_order_are_seen_at_first_glance(folder):
    page, evaluation = made(folder, [right_of(shift=1)])
    assert evaluation.scores.video_top1 < 0.1
    assert page.one("section", id="verdict")[0]["class"] == "bad"
    guessing, order = page.remarks()["bad"]
    assert "Worse than guessing" in guessing
    assert "Labels in another order? videos of push are called wave, videos of wave are called kick" in order
    assert re.search(r"each class 1 place on in the list of labels\. Under these names 0\.[89]", order)
    assert "overfitted" not in page.one("section", id="verdict")[1], "that is not what is wrong"


def test_a_turned_list_is_seen_where_each_class_has_two_videos(folder):
    labels = [f"class {number:02}" for number in range(20)]
    random = np.random.default_rng(3)
    guessed = np.zeros((20, 20), int)
    np.add.at(guessed, (np.repeat(np.arange(20), 2), random.integers(0, 20, 40)), 1)
    assert renamed_in(guessed, above=0.0) is None
    page, _ = made(folder, [drawn_scores("testing", labels, 40, right=0.9, shift=1)], labels)
    assert "each class 1 place on in the list of labels" in " ".join(page.remarks()["bad"])


def test_guesses_seldom_look_like_labels_in_another_order():
    random, alarms = np.random.default_rng(1), 0
    for _ in range(200):
        for classes, videos in ((2, 2), (2, 6), (3, 2), (5, 4), (10, 2)):
            counts = np.zeros((classes, classes), int)
            number = classes * videos
            rows = np.repeat(np.arange(classes), videos)
            np.add.at(counts, (rows, random.integers(0, classes, number)), 1)
            alarms += renamed_in(counts, above=wilson_interval(np.trace(counts), number).high) is not None
    assert alarms < 0.02 * 1000


def test_names_that_make_it_no_better_than_the_interval_are_no_order():
    counts = np.zeros((6, 6), int) + np.diag([50] * 6)
    counts[:2, :2] = [[0, 6], [6, 0]]
    assert renamed_in(counts, above=0.96).moved == {0: 1, 1: 0}
    assert renamed_in(counts, above=1.0) is None


def test_of_one_class_all_right_is_not_worse_than_guessing(folder):
    page, evaluation = made(folder, [ScoredSubset.of("testing", ONE_CLASS, sources(30))], ["wave"])
    assert evaluation.scores.video_top1 == 1
    assert "bad" not in page.remarks()
    assert page.one("section", id="verdict")[0]["class"] == "doubt"


def sources(number: int) -> Sources:
    names = [f"video {place}" for place in range(number)]
    return Sources(names, [None] * number, [f"data/{name}.mp4" for name in names])


ONE_CLASS = ClipScores(np.zeros((30, 1), np.float32), np.zeros(30, np.int64), np.arange(30))


def test_below_the_largest_class_is_a_doubt_that_names_it(folder):
    true = np.repeat([0, 1], [90, 10])
    said = np.where(np.arange(100) < 70, 0, 1)  # 80 of 100 are right
    clips = ClipScores(8 * np.eye(2, dtype=np.float32)[said], true, np.arange(100))
    page, evaluation = made(folder, [ScoredSubset.of("testing", clips, sources(100))], ["wave", "kick"])
    assert evaluation.scores.intervals.video_top1.high < 0.9
    assert "bad" not in page.remarks()
    assert "Chance not above chance: always naming wave has 0.90 right" in " ".join(page.remarks()["doubt"])


def test_a_model_that_cannot_be_exported_has_no_lines_about_model_xml(folder, monkeypatch):
    monkeypatch.setitem(EXPORT_OBSTACLES, "mvit_v2_s", "for a reason")
    make_model(folder, LABELS, [right_of()])
    values = json.loads((folder / "training.json").read_text()) | {"model": "mvit_v2_s"}
    (folder / "training.json").write_text(json.dumps(values))
    page, card = Page(page_of(folder)), card_of(folder)
    assert "cannot be exported" in page.one("p", cls="result")[1]
    for text in (page.one("section", id="use")[1], card.split("## How to use it")[1]):
        assert "It cannot be exported: for a reason" in text
        assert "model.xml" not in text
    assert yaml.safe_load(card.split("---")[1])["tags"] == ["video-classification", "action-recognition", "pytorch"]


def test_a_card_says_where_the_export_is_not_verified(folder):
    evaluation = make_model(folder, LABELS, [right_of()])
    assert "did not pass both gates" in card_of(folder)
    ship(folder, evaluation)
    assert "did not pass both gates" not in card_of(folder)
    assert "openvino" in yaml.safe_load(card_of(folder).split("---")[1])["tags"]


def test_a_model_that_guesses_worse_without_an_order_asks_for_the_videos(folder):
    labels = [f"class {number}" for number in range(20)]
    page, _ = made(folder, [drawn_scores("testing", labels, 2000, right=0, absent=1)], labels)
    (text,) = page.remarks()["bad"]
    assert "Are the labels in another order, or the videos not those that the list means?" in text


ROTATED = np.roll(np.diag([9, 8, 9, 7]), 1, axis=1) + 1
SWAPPED = np.diag([9, 0, 0, 9, 9]) + np.array([[0] * 5, [0, 0, 8, 0, 0], [0, 9, 1, 0, 0], [0] * 5, [0] * 5])


@pytest.mark.parametrize(
    ("counts", "moved", "shift"),
    [
        (ROTATED, {0: 1, 1: 2, 2: 3, 3: 0}, 1),
        (SWAPPED, {1: 2, 2: 1}, None),
        (np.diag([9, 9, 9]), None, None),
        (np.array([[3, 5], [5, 3]]), None, None),  # guessed between two
        (np.array([[9, 0], [9, 0]]), None, None),  # all are called one: that is no order
        (np.diag([0, 0, 9]) + np.array([[0, 4, 0], [4, 0, 0], [0, 0, 0]]), None, None),  # four videos say nothing
        (np.array([[3, 5, 0], [5, 3, 0], [0, 0, 9]]), None, None),  # a third class is known
        (np.zeros((3, 3), int), None, None),
    ],
    ids=["rotated", "two exchanged", "right", "guessed", "one answer", "too few", "guessed beside one", "no videos"],
)
def test_classes_that_look_renamed(counts, moved, shift):
    found = renamed_in(counts)
    assert (found and found.moved) == moved
    assert (found and found.shift) == shift


def test_what_looks_renamed_is_said_in_words():
    found = renamed_in(SWAPPED)
    expected = (
        "videos of b are called c, videos of c are called b. Under these names 0.98 of the videos would be right."
    )
    assert renamed_line(found, list("abcde")) == expected


def test_gates_that_failed_and_exports_that_are_none_are_said(folder):
    page, evaluation = made(folder, [right_of()], failed=["verify"])
    assert "gate 2 failed: logs/mine/resnet18_vtn/verify.log says why" in page.remarks()["bad"][0]
    assert page.one("p", cls="result")[1].endswith(" · gate failed")
    page = Page(page_of(folder, failed=["export"]))
    assert page.one("p", cls="result")[1].endswith("export failed, no verified model.xml")
    page = Page(page_of(folder))
    assert "no verified model.xml" in page.one("p", cls="result")[1]
    assert "snakemake --cores all results/mine/resnet18_vtn/model.xml" in " ".join(page.remarks()["plain"])
    ship(folder, evaluation)
    (folder / "model.xml").write_text("another")
    page = Page(page_of(folder))
    assert "Not verified" in " ".join(page.remarks()["doubt"])
    assert "no verified model.xml" in page.one("p", cls="result")[1]


def test_int8_models_are_spoken_of_and_one_that_is_none_casts_no_doubt(folder):
    _, evaluation = made(folder, [right_of()])
    ship(folder, evaluation)
    model, no_int8 = file_digest(folder / "model.pth"), replace(INT8_RESULT, outcome="refused")
    make_int8(folder / "int8/streaming", no_int8, chosen=None, model=model)
    (folder / "int8/model.xml").write_text("network")
    make_int8(folder / "int8", INT8_RESULT, model=model, sha256=digests_of([folder / "int8/model.xml"]))
    remarks = Page(page_of(folder)).remarks()
    assert any(text.startswith("✓ INT8 int8: recipe mixed, 57 of 60") for text in remarks["good"])
    assert any(text.startswith("• INT8 int8/streaming: none: PyTorch has 60 of 60") for text in remarks["plain"])
    assert "doubt" not in remarks
    (folder / "int8/model.xml").write_text("another")
    assert "! INT8 int8: the files beside quantization.json are not" in " ".join(
        Page(page_of(folder)).remarks()["doubt"]
    )


def test_a_number_that_was_chosen_on_its_videos_says_so(folder):
    page, _ = made(folder, [drawn_scores("validation", LABELS, 60, right=0.9)])
    assert page.one("p", cls="result")[1].endswith("chosen on this subset")
    assert "Chosen on this subset the epoch was chosen on these very videos" in " ".join(page.remarks()["doubt"])


def test_the_curves_mark_the_kept_epoch_and_have_their_numbers_as_a_table(folder):
    page, _ = made(folder, [right_of()])
    section = page.one("section", id="curves")[1]
    assert "12 epochs; kept were the weights of epoch 10" in section
    assert "16% of the time was waited for data" in section
    told = [attrs["aria-label"] for attrs, _ in page.all("svg", cls="chart", role="img")]
    assert [text.split(":")[0] for text in told[:4]] == [
        f"{name} by epoch" for name in ("Loss", "Accuracy", "Learning rate", "Seconds a step")
    ]
    assert "waiting for data from 0.12 to 0.12" in told[3]
    section = page.source.split('id="curves"')[1].split("</section>")[0]
    assert section.count('<line class="kept"') == 4
    assert section.count('<span class="key kept"></span>kept epoch') == 4
    assert page.one("tr", cls="kept")[1].startswith("kept: 10 ")


def test_a_model_whose_weights_were_given_has_no_curves(folder):
    make_model(folder, LABELS, [right_of()])
    (folder / "training.csv").write_text("epoch,train_loss\n")
    values = json.loads((folder / "training.json").read_text()) | {"num_epochs": 0, "kept_epoch": None}
    (folder / "training.json").write_text(json.dumps(values))
    page = Page(page_of(folder))
    assert page.all("section", id="curves") == []
    assert "#curves" not in [attrs["href"] for attrs, _ in page.all("a")]
    assert "no: its weights were given" in page.one("section", id="made")[1]


def test_long_trainings_are_thinned_and_keep_their_ends_and_the_kept_epoch():
    history = [{"epoch": epoch, "train_loss": 1 / (epoch + 1)} for epoch in range(1000)]
    curves = curves_of(history, 777)
    assert len(curves.rows) < 70
    assert [curves.rows[place][0] for place in (0, curves.kept_row, -1)] == ["1", "778", "1,000"]
    (line,) = curves.charts[0].lines
    assert len(line.dots) < 160
    assert line.dots[-1].text == "epoch 1,000: 0.001"


def test_what_is_not_finite_is_left_out_of_the_curves():
    history = [{"epoch": 0, "train_loss": 2.0, "lr": math.inf}, {"epoch": 1, "train_loss": math.nan, "lr": math.nan}]
    (chart,) = curves_of(history, None).charts
    assert [dot.text for dot in chart.lines[0].dots] == ["epoch 1: 2"]


def test_the_settings_of_the_data_set_stand_there_too(folder):
    make_model(folder, LABELS, [right_of()])
    own = {
        "": {"videos": "data/mine/videos", "max_failed_fraction": 0.1},
        "annotations": {"format": "table", "path": "data/mine/annotations.csv"},
        "media": Media(short_side=128).model_dump(mode="json"),
    }
    records = read_records(folder, sections={**json.loads(sections()), **own}, failed=())
    page = Page(model_page(records, verdict(records)))
    table = page.one("table", **{"aria-labelledby": "changed-title"})[1]
    assert "media.short_side 128 256 " in table
    assert "videos data/mine/videos none: it is to be given Folder of the raw videos" in table
    assert "annotations.path data/mine/annotations.csv" in table
    assert "no such key now" not in table
    kept = next(text for attrs, text in page.all("table", cls="settings") if attrs.get("aria-labelledby") is None)
    assert "max_failed_fraction 0.1 More missing" in kept


def test_the_own_settings_of_a_data_set_are_those_of_its_frames_and_list():
    mine = {"annotations": {"format": "table", "path": "list.csv"}, "videos": "videos", "media": {"short_side": 99}}
    config = Config.model_validate({"datasets": {"mine": mine}})
    found = own_settings(config, "mine", untracked=["timeout_seconds"])
    assert found[""]["videos"] == "videos"
    assert found["annotations"]["path"] == "list.csv"
    assert found["media"]["short_side"] == 99
    assert "timeout_seconds" not in found["media"]


def test_decimals_are_those_that_the_videos_give(folder):
    page, evaluation = made(folder, [right_of()])
    numbers = page.one("dl", cls="numbers")[1]
    assert f"Macro F1 {evaluation.scores.macro_f1:.2f} " in numbers
    assert re.search(r"\d\.\d{3}", numbers) is None, "120 videos"
    assert re.search(r"\d\.\d{3}", page.one("table", cls="classes")[1]) is None


def test_the_numbers_of_the_confidence_are_in_tables(folder):
    page, evaluation = made(folder, [right_of()])
    tables = {attrs["aria-label"]: text for attrs, text in page.all("table") if "Numbers of" in str(attrs)}
    each = evaluation.scores.reliability[-1]
    assert f"{each.num_videos} {each.confidence:.2f} {each.accuracy:.2f}" in tables["Numbers of: Reliability"]
    last = evaluation.scores.answers[-1]
    assert tables["Numbers of: Coverage against accuracy"].endswith(f"{last.coverage:.2f} {last.accuracy:.2f}")


def test_settings_that_differ_from_the_defaults_stand_apart(folder):
    page, _ = made(folder, [right_of()], training={"lr": 0.5, "epochs": 30})
    table = page.one("table", **{"aria-labelledby": "changed-title"})[1]
    assert "training.lr 0.5 0.0001 Highest learning rate." in table
    assert "training.epochs" not in table
    kept = next(text for attrs, text in page.all("table", cls="settings") if attrs.get("aria-labelledby") is None)
    assert "training.epochs 30" in kept
    facts = page.one("table", cls="facts")[1]
    for expected in ("Seed 7", f"Commit {'f' * 40}", "torch 2.14.1", "81ca48ba6e5f398bca6f721939821bdd"):
        assert expected in facts


def test_cells_lead_to_their_videos_at_most_20_of_each(folder):
    page, _ = made(folder, [right_of()])
    shown = {(true, called): videos for true, called, _, videos in page.data["cells"]}
    numbers = {(true, called): number for true, called, number, _ in page.data["cells"]}
    assert all(len(videos) == min(20, numbers[cell]) for cell, videos in shown.items())
    named = [(true, *video) for (true, _), videos in shown.items() for video in videos]
    assert all(name.startswith(LABELS[true]) for true, name, _ in named)
    assert all(path == f"data/mine/videos/{name}.mp4" for _, name, path in named)
    first = page.one("ol", cls="pairs")[1]
    true, called = max((c for c in numbers if c[0] != c[1]), key=lambda c: (numbers[c], -c[0], -c[1]))
    assert first.startswith(f"{LABELS[true]} called {LABELS[called]} {numbers[true, called]} of ")


@pytest.mark.slow
def test_of_many_classes_the_most_confused_are_shown_and_the_page_stays_small(folder):
    labels = [f"a class with a long name {number:03}" for number in range(400)]
    scored = [drawn_scores("testing", labels, 20_000, right=0.7), drawn_scores("validation", labels, 2000, right=0.7)]
    page, evaluation = made(folder, scored, labels)
    assert len(page.source.encode()) < 2_000_000, "which leaves 3 MB for pictures"
    assert len(page.data["shown"]) == 20
    assert page.data["shown"] == most_confused(counts_of(evaluation.scores.classes)).tolist()
    assert sum(number for _, _, number, _ in page.data["cells"]) == 20_000
    assert len(page.all("td", tabindex="0")) == 1
    assert len(page.all("td", tabindex="-1")) == 20 * 21 - 1
    assert [attrs["value"] for attrs, _ in page.all("option")] == labels


def test_what_looks_like_a_script_is_text(folder):
    labels = (BAD, "a&b", "'\"", "</script>", "wave")
    folder = folder.parent / "resnet18_vtn@<b>"
    page, _ = made(folder, [drawn_scores("testing", labels, 100, right=0.6)], labels, failed=["convert"])
    scripts = page.all("script")
    assert len(scripts) == 2, "the data of the matrix, and the page's own"
    assert BAD not in page.source
    assert page.data["labels"] == list(labels)
    assert any(name.startswith(BAD) for _, _, _, videos in page.data["cells"] for name, _ in videos)
    assert page.one("h1")[1] == "resnet18_vtn@<b>"
    assert BAD not in card_of(folder)


def test_the_page_needs_nothing_from_elsewhere(folder):
    page, _ = made(folder, [right_of()])
    policy = next(attrs["content"] for attrs, _ in page.all("meta") if "http-equiv" in attrs)
    assert policy.startswith("default-src 'none';")
    links = [attrs[key] for _, attrs, _ in page.elements for key in ("src", "href", "srcset") if key in attrs]
    assert [link for link in links if not link.startswith(("#", "data:"))] == []
    assert "url(" not in page.source
    ids = [attrs["id"] for _, attrs, _ in page.elements if "id" in attrs]
    assert len(ids) == len(set(ids))
    assert {link[1:] for link in links if link.startswith("#")} <= set(ids)
    assert re.search(r"[A-Za-z]+ object at 0x", page.source) is None


def test_the_confidence_names_temperature_and_threshold(folder):
    page, evaluation = made(folder, [right_of(), drawn_scores("validation", LABELS, 200, right=0.97)])
    calibration = evaluation.calibration
    text = page.one("section", id="trust")[1]
    assert f"Temperature {calibration.temperature.value:.4g}, found on 200 validation videos" in text
    assert f"“none of these”: {calibration.threshold.confidence:.4g}" in text
    above = evaluation.scores.above_threshold
    assert (
        f"it answers {100 * above.coverage:.0f} %, and {100 * above.accuracy:.0f} % of these answers are right" in text
    )
    assert len(page.all("path", cls="first")) + len(page.all("path", cls="second")) >= 3


def test_the_card_has_the_front_matter_that_hubs_read(folder):
    hub = pytest.importorskip("huggingface_hub")
    _, evaluation = made(folder, [right_of()])
    card = hub.ModelCard(card_of(folder))
    assert (card.data.library_name, card.data.pipeline_tag) == ("kinema", "video-classification")
    found = {result.metric_name: result.metric_value for result in card.data.eval_results}
    assert found["Top-1 accuracy of videos"] == pytest.approx(evaluation.scores.video_top1, abs=1e-6)
    assert found["Macro F1"] == pytest.approx(evaluation.scores.macro_f1, abs=1e-6)
    assert {(each.dataset_name, each.dataset_split) for each in card.data.eval_results} == {("mine", "testing")}
    assert card.data.license is None, "nobody knows it"
    assert "## How to use it" in card.text


def test_a_card_of_weights_from_a_hub_names_them(folder):
    make_model(folder, LABELS, [right_of()])
    values = json.loads((folder / "training.json").read_text())
    source = "https://huggingface.co/timm/mobilenetv2_100.ra_in1k"
    values["published"] = {
        "name": "mobilenetv2_100.ra_in1k",
        "source": source,
        "file": "model.safetensors",
        "revision": None,
        "license": "apache-2.0",
        "sha256": "0" * 64,
    }
    (folder / "training.json").write_text(json.dumps(values))
    front = yaml.safe_load(card_of(folder).split("---")[1])
    assert front["base_model"] == "timm/mobilenetv2_100.ra_in1k"
    assert "license" not in front, "the licence of what a model started from is not its own"
    assert "licence apache-2.0" in page_of(folder)


def test_a_model_without_scored_labels_has_a_page(folder):
    evaluation = make_model(folder, LABELS, [right_of()])
    replace(evaluation, subset=None, subsets={}, unlabelled={"testing": 120}, calibration=None).write(
        folder / "evaluation.json"
    )
    page = Page(page_of(folder))
    assert page.one("p", cls="result")[1].startswith("not scored the 120 testing videos have no label")
    assert page.one("section", id="verdict")[0]["class"] == "plain", "it is not good"
    assert "It was not scored: the 120 testing videos have no label" in card_of(folder)
    assert "The numbers are of" not in card_of(folder)
    assert page.all("section", id="confusion") == []
    assert "model-index" not in card_of(folder)
    assert evaluation.subset == "testing"


def test_records_that_cannot_be_read_are_told_in_one_line(folder):
    make_model(folder, LABELS, [right_of()])
    (folder / "predictions.parquet").write_text("no")
    with pytest.raises(InputError, match=r"predictions.parquet: cannot be read: .*delete it and run snakemake"):
        page_of(folder)
    (folder / "evaluation.json").unlink()
    with pytest.raises(InputError, match=r"evaluation.json: is not there; run snakemake for it"):
        page_of(folder)


def test_a_damaged_history_is_told_in_one_line(folder):
    make_model(folder, LABELS, [right_of()])
    (folder / "training.csv").write_text("epoch,train_loss\n0,much\n")
    with pytest.raises(InputError, match=r"training.csv: cannot be read: .*much.*; to have it anew, delete it"):
        page_of(folder)


@pytest.mark.parametrize(
    ("axis", "are_whole", "expected"),
    [
        (x_axis([1, 12]), True, ["1", "3", "6", "9", "12"]),
        (x_axis([1, 1]), True, ["1"]),
        (x_axis([1, 300]), True, ["1", "100", "200", "300"]),
        (y_axis([0.2, 0.93], from_zero=True), False, ["0", "0.25", "0.5", "0.75", "1"]),
        (y_axis([1e-6, 1e-3]), False, ["1e-6", "1e-5", "1e-4", "0.001"]),
        (y_axis([0.5, 0.5]), False, ["0.4", "0.45", "0.5", "0.55", "0.6"]),
    ],
)
def test_axes_have_round_ticks(axis, are_whole, expected):
    assert [tick.text for tick in ticks(axis, are_whole=are_whole)] == expected


def test_a_matrix_is_that_of_the_called_classes():
    def scores(**called):
        number = sum(called.values())
        return ClassScores(
            num_videos=number, recall=None, precision=None, f1=None, average_precision=None, called=called
        )

    counts = counts_of({"a": scores(a=2, b=1), "b": scores(), "c": scores(a=4)})
    assert counts.tolist() == [[2, 1, 0], [0, 0, 0], [4, 0, 0]]
    assert most_confused(counts, 2).tolist() == [2, 0]


def test_the_most_confused_are_the_most_frequent_pairs_side_by_side_then_the_sum_of_errors():
    counts = np.diag([9] * 8)
    counts[6, 1], counts[3, 0], counts[0, 5] = 5, 4, 3
    counts[7, [2, 3, 4, 5, 6]] = 1  # errors that are no frequent pair
    assert most_confused(counts, 5).tolist() == [6, 1, 3, 0, 5]
    assert set(most_confused(counts, 6).tolist()) == {6, 1, 3, 0, 5, 7}
    assert sorted(most_confused(counts).tolist()) == list(range(8))


def test_the_names_of_all_cells_are_limited_the_largest_confusions_first():
    counts = np.diag([30, 30, 0]) + np.array([[0, 2, 0], [0, 0, 15], [0, 0, 0]])
    name = "é" * 20_000
    videos = {
        (int(true), int(called)): [(name, f"{number}")] * number for (true, called), number in np.ndenumerate(counts)
    }
    cells = {(true, called): len(named) for true, called, _, named in confusion_of(counts, "abc", videos).data["cells"]}
    assert cells == {(1, 2): 12, (0, 1): 0, (0, 0): 0, (1, 1): 0}, "12 names of 40,000 bytes are 480,000"


def test_names_stand_as_utf_8(folder):
    labels = ("ruée", "波", *LABELS)
    page, _ = made(folder, [drawn_scores("testing", labels, 60, right=0.5)], labels)
    assert "\\u00e9" not in page.source
    assert page.data["labels"] == list(labels)


def test_a_page_depends_on_all_that_it_is_drawn_with():
    names = {path.name for path in template_files("model.html")}
    assert {"base.html", "page.html", "style.css", "chart.html", "confusion.js", "videos.html", "data.html"} <= names
    assert "model.css" not in {path.name for path in template_files("leaderboard.html")}
    every = {path.name for name in ("model.html", "leaderboard.html", "dataset.html") for path in template_files(name)}
    assert every == {path.name for path in TEMPLATES.iterdir()}, "no template is of no page"

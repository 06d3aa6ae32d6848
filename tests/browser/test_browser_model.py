"""The page of a model says what evaluation.json says, and leads from a confusion to its videos."""

import pytest
from made_up import BAD, model

pytestmark = pytest.mark.browser

FEW, MANY = 6, 60


@pytest.fixture(scope="module")
def made(chromium, tmp_path_factory):
    """Record and page by the number of classes."""
    folder = tmp_path_factory.mktemp("models")
    found = {}
    for number, videos in ((FEW, 120), (MANY, 600)):
        evaluation, text = model(folder / f"of {number}/resnet18_vtn", number, num_videos=videos)
        path = folder / f"{number}.html"
        path.write_text(text, encoding="utf-8")
        found[number] = evaluation, path
    return found


@pytest.mark.parametrize("number", [FEW, MANY])
def test_the_figures_are_those_of_the_evaluation(made, opened, number):
    evaluation, path = made[number]
    page, scores = opened(path).page, evaluation.scores
    rows = page.get_by_role("table", name="Classes", exact=True).first.locator("tbody tr").all()
    found = {row.locator("th").inner_text(): row.locator("td").evaluate_all(VALUES) for row in rows}
    assert list(found) == list(scores.classes)
    for label, expected in scores.classes.items():
        numbers = (expected.recall, expected.precision, expected.f1, expected.average_precision)
        texts = [str(expected.num_videos), *("" if each is None else f"{each:.6f}" for each in numbers)]
        assert found[label][:5] == texts
    verdict = page.locator("#verdict").inner_text()
    assert f"{round(scores.video_top1 * scores.num_videos)} of {scores.num_videos} validation videos" in verdict
    for value in (scores.video_top5, scores.mean_class_accuracy, scores.macro_f1, scores.brier_score):
        assert f"{value:.2f}" in verdict
    assert f"{scores.num_videos} of {scores.num_annotated}" in verdict


VALUES = "cells => cells.map(cell => cell.dataset.value)"


def test_the_matrix_has_the_numbers_of_the_evaluation(made, opened):
    evaluation, path = made[FEW]
    page = opened(path).page
    labels = page.locator("table.matrix thead th").all_inner_texts()
    rows = page.locator("table.matrix tbody tr").all()
    found = {
        row.locator("th").inner_text(): dict(zip(labels, row.locator("td").all_inner_texts(), strict=True))
        for row in rows
    }
    for label, scores in evaluation.scores.classes.items():
        assert {name: int(text) for name, text in found[label].items() if text} == scores.called


def test_mouse_and_keyboard_reach_the_fields_of_the_matrix_and_their_videos(made, opened):
    evaluation, path = made[FEW]
    page = opened(path).page
    first = page.locator("table.matrix tbody td").first
    number = evaluation.scores.classes[BAD].called[BAD]
    first.hover()
    assert f"{number} of " in page.locator("#said").inner_text()
    assert BAD in page.locator("#said").inner_text()
    first.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    where = page.evaluate("[document.activeElement.parentElement.rowIndex, document.activeElement.cellIndex]")
    assert where == [2, 2]
    assert "class 001" in page.locator("#said").inner_text()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    videos = page.locator("#cell-videos li")
    assert videos.count() > 0
    assert all(text.startswith(BAD) for text in videos.all_inner_texts())
    link = page.locator("#cell-videos a").first
    name = link.inner_text()
    assert page.locator("#cell-videos .source").first.inner_text() == f"data/mine/videos/{name}.mp4"
    link.focus()
    page.keyboard.press("Enter")
    assert page.evaluate("document.querySelector(':target').dataset.video") == name


def test_tab_reaches_the_matrix(made, opened):
    page = opened(made[FEW][1]).page
    page.locator("#confusion").evaluate("section => { section.tabIndex = -1; section.focus(); }")
    for _ in range(3):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.closest('table.matrix tbody') !== null"):
            return
    pytest.fail("three steps from its heading no field of the matrix has the focus")


def test_of_many_classes_any_is_found_by_its_name(made, opened):
    evaluation, path = made[MANY]
    page = opened(path).page
    assert page.locator("table.matrix tbody tr").count() == 20
    page.locator("#class-search").fill("class 059")
    page.locator("#class-search").press("Enter")
    text = page.locator("#class-found").inner_text()
    assert str(evaluation.scores.classes["class 059"].num_videos) in text


def test_a_part_of_a_name_finds_classes_and_what_finds_none_is_said(made, opened):
    page = opened(made[MANY][1]).page
    search, said = page.locator("#class-search"), page.get_by_role("status").filter(has_text="class")
    search.fill("CLASS 05")
    assert said.inner_text() == "10 classes"
    page.locator("#class-found button", has_text="class 053").click()
    assert search.input_value() == "class 053"
    assert page.locator("#class-found h3").all_inner_texts()[1] == "Called class 053 were videos of"
    search.fill("class 9")
    assert said.inner_text() == "no such class"
    assert page.locator("#class-found").inner_text() == ""


def test_on_paper_all_that_is_folded_away_is_shown(made, opened, tmp_path):
    page = opened(made[FEW][1]).page
    folded = "document.querySelectorAll('details:not([open])').length"
    before = page.evaluate(folded)
    assert before > 2
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.evaluate(folded) == 0
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert page.evaluate(folded) == before
    printed = page.pdf(path=tmp_path / "page.pdf", format="A4")
    assert printed.startswith(b"%PDF")
    assert printed.count(b"/Type /Page") > 5
    assert page.evaluate(folded) == before


def test_links_to_what_lies_beside_the_page_are_text_inside_another_file(made, opened):
    page = opened(made[FEW][1])
    hrefs = "[...document.querySelectorAll('#data a')].map(link => link.getAttribute('href'))"
    assert {"../../report/index.html", "../../leaderboard.html"} <= set(page.value(hrefs))
    page.page.goto("about:blank")
    page.page.set_content(made[FEW][1].read_text(encoding="utf-8"))
    assert set(page.value(hrefs)) == {None}


def test_on_a_phone_the_names_of_rows_leave_room_for_fields(made, opened):
    page = opened(made[FEW][1], width=390).page
    widths = page.locator("table.matrix tbody th").evaluate_all("heads => heads.map(head => head.offsetWidth)")
    assert max(widths) <= 8 * 16 + 1


def test_moving_clips_can_be_held_still(made, opened):
    page = opened(made[FEW][1]).page
    shown = "document.querySelector('.card img').currentSrc === document.querySelector('.card source').srcset"
    assert page.evaluate(shown) is False
    page.get_by_role("button", name="Hold the clips still").click()
    page.wait_for_function(shown)
    page.get_by_role("button", name="Hold the clips still").click()
    page.wait_for_function(f"!({shown})")


def test_who_wants_less_motion_sees_still_pictures(made, opened):
    page = opened(made[FEW][1], reduced_motion="reduce").page
    sources = page.locator(".card").evaluate_all(
        "cards => cards.map(card => card.querySelector('img').currentSrc === card.querySelector('source').srcset)"
    )
    assert sources == [True] * 36
    assert page.get_by_role("button", name="Hold the clips still").count() == 0


def test_every_picture_says_what_it_is(made, opened):
    page = opened(made[FEW][1]).page
    texts = page.locator("main img").evaluate_all("images => images.map(image => image.alt)")
    assert len(texts) == 36 + 24
    assert all(texts)
    assert page.get_by_role("img", name="Probability over time: ").count() == 36


@pytest.mark.slow
def test_a_page_of_400_classes_and_20000_videos_is_small_and_opens(tmp_path, opened):
    _, text = model(tmp_path / "large/resnet18_vtn", 400, num_videos=20_000)
    (tmp_path / "page.html").write_text(text, encoding="utf-8")
    pictures = 36 * 4 / 3 * 29_000  # the clips of this page are smaller than real ones can be
    assert (tmp_path / "page.html").stat().st_size + pictures < 5_000_000
    page = opened(tmp_path / "page.html", width=390)
    assert page.complaints == []
    assert page.value("document.documentElement.scrollWidth") <= 390

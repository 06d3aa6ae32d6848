"""Every page as a reader has it: from disk, in two themes, on a phone, on paper, by keyboard."""

import pytest
from made_up import BAD, write_pages
from made_up_models import drawn_scores, make_model

from kinema.report.model_page import model_page
from kinema.report.model_records import read_records
from kinema.report.verdict import verdict_of

pytestmark = pytest.mark.browser

NAMES = ("leaderboard", "data set", "data set of 60 classes", "model", "model of 60 classes")
WIDTHS, THEMES = (390, 1280), ("light", "dark")


@pytest.fixture(scope="module")
def pages(chromium, tmp_path_factory):
    paths = write_pages(tmp_path_factory.mktemp("pages"))
    assert set(paths) == set(NAMES)
    return paths


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", NAMES)
def test_a_page_fits_the_window_and_needs_nothing_else(pages, opened, screenshots, name, width, theme):
    page = opened(pages[name], width=width, theme=theme, offline=True)
    if screenshots:
        page.page.screenshot(path=screenshots / f"{pages[name].stem}_{width}_{theme}.png", full_page=True)
    assert page.complaints == []
    assert page.from_elsewhere() == []
    assert page.value("document.documentElement.scrollWidth") <= width, "the page scrolls sideways"
    assert (sum(page.background()) < 3 * 128) == (theme == "dark")


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("name", NAMES)
def test_no_serious_fault_of_accessibility(pages, opened, name, theme):
    page = opened(pages[name], theme=theme)
    page.value("document.querySelectorAll('details').forEach(each => each.open = true)")
    assert page.faults() == []


@pytest.mark.parametrize("name", NAMES)
def test_parts_of_a_page_have_different_names(pages, opened, name):
    page = opened(pages[name])
    page.value("document.querySelectorAll('details').forEach(each => each.open = true)")
    named = """[...document.querySelectorAll("section, [role=region]")].map(part => part.getAttribute("aria-label")
               ?? document.getElementById(part.getAttribute("aria-labelledby")).textContent)"""
    found = page.value(named)
    assert len(found) > 1
    assert len(found) == len(set(found)), sorted(found)


@pytest.mark.parametrize("name", NAMES)
def test_what_looks_like_a_script_is_text(pages, opened, name):
    page = opened(pages[name])
    assert page.value("document.body.textContent").count(BAD) >= 1
    assert page.complaints == []


@pytest.mark.parametrize("name", NAMES)
def test_no_table_is_cut_on_paper(pages, opened, name):
    page = opened(pages[name], theme="dark")
    page.value("document.querySelectorAll('details').forEach(each => each.open = true)")
    assert page.cut_tables() == []
    assert page.background() == (255, 255, 255), "paper is white"


@pytest.mark.parametrize("name", NAMES)
def test_rows_are_sorted_by_mouse_and_keyboard(pages, opened, name):
    page = opened(pages[name]).page
    page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
    table = page.locator("table:has(thead button)").first
    head = table.locator("thead th.number").first
    place = head.evaluate("head => head.cellIndex")

    def values():
        of_rows = "(table, place) => [...table.tBodies[0].rows].map(row => row.cells[place].dataset.value)"
        return [float(value) for value in table.evaluate(of_rows, place)]

    head.locator("button").click()
    assert head.get_attribute("aria-sort") == "ascending"
    assert len(set(values())) > 1
    assert values() == sorted(values())
    head.locator("button").focus()
    page.keyboard.press("Enter")
    assert head.get_attribute("aria-sort") == "descending"
    assert values() == sorted(values(), reverse=True)


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("name", ["leaderboard", "data set", "model"])
def test_the_theme_can_be_changed(pages, opened, name, theme):
    page = opened(pages[name], theme=theme)
    before = page.background()
    page.page.get_by_role("button", name="theme").click()
    assert (sum(page.background()) < 3 * 128) == (theme == "light")
    page.page.get_by_role("button", name="theme").click()
    assert page.background() == before


def test_texts_are_sorted_too_and_what_is_unknown_stays_last(tmp_path, opened):
    labels = [f"class {number}" for number in (3, 1, 2, 0)]
    make_model(tmp_path / "mine/resnet18_vtn", labels, [drawn_scores("testing", labels, 40, right=0.9, absent=1)])
    records = read_records(tmp_path / "mine/resnet18_vtn", sections={}, failed=[])
    (tmp_path / "page.html").write_text(model_page(records, verdict_of(records, None)), encoding="utf-8")
    page = opened(tmp_path / "page.html").page
    table = page.locator("table.classes")

    def column(place: int) -> list[str]:
        return table.locator(f"tbody tr > :nth-child({place})").evaluate_all(VALUES)

    names = table.locator("thead button").nth(0)
    names.click()
    assert column(1) == sorted(labels)
    names.click()
    assert column(1) == sorted(labels, reverse=True)
    recalls = table.locator("thead button").nth(2)
    for _ in range(2):
        recalls.click()
        assert column(3)[-1] == "", "the class without videos"
        assert "" not in column(3)[:-1]


VALUES = "cells => cells.map(cell => cell.dataset.value)"

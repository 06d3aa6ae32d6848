"""The page of a data set says what dataset_report.json says."""

import pytest
from made_up import BAD, data_set, sheet

from kinema.report.data_page import as_page

pytestmark = pytest.mark.browser


def numbers(page, table: str) -> dict[str, list[str]]:
    """Cells of a table by the head of their row, without commas."""
    rows = page.page.get_by_role("table", name=table, exact=True).locator("tbody tr").all()
    cells = [row.locator("th, td").all_inner_texts() for row in rows]
    return {head: [text.replace(",", "") for text in rest] for head, *rest in cells}


def test_the_figures_are_those_of_the_report(tmp_path, opened):
    report, data = data_set(6)
    (tmp_path / "index.html").write_text(as_page(data, sheet()))
    page = opened(tmp_path / "index.html")
    page.value("document.querySelectorAll('details').forEach(each => each.open = true)")
    expected = {
        name: [counts.listed, counts.ok, counts.missing, counts.failed, counts.truncated]
        for name, counts in (*report.subsets.items(), ("all", report))
    }
    found = numbers(page, "Videos by subset")
    assert {name: list(map(int, cells[:5])) for name, cells in found.items()} == expected
    classes = numbers(page, "Videos of each class")
    assert {name: int(cells[0]) for name, cells in classes.items()} == {
        label: counts.listed for label, counts in report.labels.items()
    }
    assert numbers(page, "Why videos cannot be used") == {"damaged": ["1", "1", "0"], "missing": ["1", "0", "1"]}
    assert numbers(page, "Videos by class")[BAD][0] == str(report.labels[BAD].listed)


def test_what_is_to_be_minded_leads_to_where_it_is(tmp_path, opened):
    _, data = data_set(6)
    (tmp_path / "index.html").write_text(as_page(data, sheet()))
    page = opened(tmp_path / "index.html")
    texts = page.page.locator(".remarks li").all_inner_texts()
    assert texts[0].startswith("To mind. One group in two subsets: ")
    link = page.page.locator(".remarks li a").first
    link.focus()
    page.page.keyboard.press("Enter")
    assert page.value("document.querySelector(':target').id") == "leaks"


def test_a_class_among_many_is_found_by_its_name(tmp_path, opened):
    (tmp_path / "index.html").write_text(as_page(data_set(60)[1], None))
    page = opened(tmp_path / "index.html").page
    page.get_by_label("Search").fill("CLASS 03")
    table = page.get_by_role("table", name="Videos of each class", exact=True)
    assert table.locator("tbody tr:visible").count() == 10
    assert page.get_by_role("status").inner_text() == "10 of 60 classes"
    assert page.locator("table.histogram", has_text="Most training videos").locator("tbody tr").count() == 10

"""A real browser for the pages: Chromium without a window, one for the tests of a file."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from opened import Opened, Page

NAMES = ("chromium", "chromium-browser", "google-chrome")


@pytest.fixture(scope="session")
def chromium() -> str:
    """The browser's program; absent -> skip, or fail where KINEMA_REQUIRE_BROWSER=1 (CI)."""
    found = os.environ.get("KINEMA_CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
    if not found:
        reason = f"no {', '.join(NAMES)} on PATH; set KINEMA_CHROMIUM to the program of a Chromium"
        if os.environ.get("KINEMA_REQUIRE_BROWSER") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    return found


@pytest.fixture(scope="module")
def browser(chromium) -> Iterator:
    """Chromium, driven by Playwright, which downloads none of its own.

    It does not outlive its file: what later tests fork would hold its pipes, and its end would wait for them.
    """
    if os.environ.get("KINEMA_REQUIRE_BROWSER") != "1":
        pytest.importorskip("playwright")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=chromium)
        yield started
        started.close()


@pytest.fixture
def opened(browser) -> Iterator[Callable[..., Opened]]:
    """Opens a file in a window of some width, in a theme; what a page must not do fails the test at its end."""
    pages: list[Page] = []

    def open_page(path: Path, *, width: int = 1280, theme: str = "light", **options) -> Opened:
        page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=theme, **options)
        pages.append(page)
        return Opened(page, path)

    yield open_page
    for page in pages:
        page.close()


@pytest.fixture(scope="session")
def screenshots() -> Path | None:
    """Folder of the pictures of pages, to look at them: KINEMA_SCREENSHOTS; without it none are taken."""
    folder = os.environ.get("KINEMA_SCREENSHOTS")
    if folder:
        Path(folder).mkdir(parents=True, exist_ok=True)
    return Path(folder) if folder else None

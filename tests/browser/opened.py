"""A page in a browser, and what it asked for and complained of."""

from pathlib import Path
from typing import Any

Page = Any  # playwright.sync_api.Page, which need not be installed
SERIOUS = ("serious", "critical")
A4_WIDTH = 718  # pixels: 210 mm less the margins of 1 cm on both sides


class Opened:
    """A file opened from disk; `requests` and `complaints` are noted from the beginning."""

    def __init__(self, page: Page, path: Path):
        self.page, self.path = page, path
        self.complaints: list[str] = []
        self.requests: list[str] = []
        page.on("console", lambda message: self.complaints.append(message.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("dialog", self._dialog)
        page.on("request", lambda request: self.requests.append(request.url))
        page.goto(path.resolve().as_uri())

    def _dialog(self, dialog: Any) -> None:
        self.complaints.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def from_elsewhere(self) -> list[str]:
        """What was asked for beside the file itself and what it holds."""
        return [url for url in self.requests if url != self.path.resolve().as_uri() and not url.startswith("data:")]

    def value(self, expression: str) -> Any:
        """What an expression of JavaScript gives."""
        return self.page.evaluate(expression)

    def background(self) -> tuple[int, ...]:
        """Red, green and blue of the page."""
        text = self.value("getComputedStyle(document.body).backgroundColor")
        return tuple(int(part) for part in text.strip("rgb()").split(","))

    def faults(self) -> list[str]:
        """What axe-core finds serious, with the element."""
        from axe_playwright_python.sync_playwright import Axe

        found = Axe().run(self.page).response["violations"]
        return [
            f"{fault['id']}: {fault['help']}: {node['html'][:200]}"
            for fault in found
            if fault["impact"] in SERIOUS
            for node in fault["nodes"]
        ]

    def cut_tables(self) -> list[str]:
        """Tables that are wider than the paper, or than what they lie in, on A4."""
        self.page.set_viewport_size({"width": A4_WIDTH, "height": 1000})
        self.page.emulate_media(media="print")
        return self.value(
            """[...document.querySelectorAll("table")].filter(table => table.checkVisibility()).filter(table => {
                 const box = table.getBoundingClientRect(), around = table.parentElement.getBoundingClientRect();
                 return box.right > innerWidth + 1 || box.right > around.right + 1 || box.left < -1;
               }).map(table => `${table.getAttribute("aria-label") || table.caption?.textContent}`)"""
        )

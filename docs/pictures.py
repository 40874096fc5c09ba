"""Draw the pictures of the documents again: python docs/pictures.py

Writes to docs/pictures/: the page of `dedup report` on samples/, two of its clusters, and the summary of the
terminal.  Needs playwright (in the extra `dev`) and a Chromium: one on the PATH, or the one of
`playwright install chromium`.
"""

from __future__ import annotations

import io
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

OUT = Path(__file__).resolve().parent / "pictures"
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")


@contextmanager
def browser() -> Iterator[Any]:
    """Yield a headless Chromium.  Raises ImportError, which says what to do, if there is none."""
    from playwright.sync_api import Error, sync_playwright

    with sync_playwright() as driver:
        path = next(filter(None, map(shutil.which, NAMES)), None)
        try:  # no sandbox: containers have none, and the pages are our own
            chromium = driver.chromium.launch(executable_path=path, args=["--no-sandbox"])
        except Error:
            raise ImportError("no Chromium: playwright install chromium, or put one on the PATH") from None
        yield chromium
        chromium.close()


def shot(chromium: Any, page: Path, name: str, height: int, cluster: str = "") -> None:
    """Write docs/pictures/NAME.png: the page of a report, or one of its clusters."""
    tab = chromium.new_page(viewport={"width": 1280, "height": height}, color_scheme="light")
    tab.goto(page.as_uri() + (f"#cluster={cluster}" if cluster else ""))
    tab.wait_for_timeout(300)
    tab.screenshot(path=OUT / f"{name}.png")
    tab.close()


def terminal(summary: dict[str, Any], path: Path) -> None:
    """Write the summary of a scan, as the terminal shows it, to an SVG file."""
    from rich.console import Console

    from dedup.reports.summary import summary_view

    console = Console(record=True, width=92, highlight=False, file=io.StringIO())
    console.print(summary_view(summary, ""))
    console.save_svg(str(path), title="dedup scan samples/", unique_id="summary")


def main() -> None:
    import dedup
    from dedup.reports.page import page

    OUT.mkdir(exist_ok=True)
    run = dedup.scan("samples/")
    terminal({**run.summary, "seconds": {"pass": 0.2}}, OUT / "terminal.svg")
    with tempfile.TemporaryDirectory() as folder, browser() as chromium:
        path = Path(folder) / "report.html"
        path.write_bytes(page(run).html)
        shot(chromium, path, "samples-light", 1900)
        shot(chromium, path, "samples-part-light", 860, "1")
        shot(chromium, path, "samples-words", 860, "3")


if __name__ == "__main__":
    main()

"""Draw the pictures of the documentation again: python docs/pictures.py [FOLDER OF TEXTS]

Writes to docs/pictures/: the page of `dedup report` on samples/ in light and dark and on a narrow screen,
the charts of FOLDER if one is named, and the summary of the terminal.  Needs playwright (in the extra
`dev`) and a Chromium: one on the PATH, or the one of `playwright install chromium`.
"""

from __future__ import annotations

import io
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

OUT = Path(__file__).resolve().parent / "pictures"
SAMPLES = Path("samples")
SCREENS = {"wide": (1280, 860), "tall": (1280, 1900), "narrow": (390, 844)}
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


def shot(chromium: Any, page: Path, name: str, scheme: str, screen: str, what: str = "") -> None:
    """docs/pictures/NAME.png: a page, one of its clusters (`what` is #cluster=ID), or its charts."""
    width, height = SCREENS[screen]
    tab = chromium.new_page(viewport={"width": width, "height": height}, color_scheme=scheme)
    tab.goto(page.as_uri() + (what if what.startswith("#") else ""))
    tab.wait_for_timeout(300)
    clip = None
    if what == "charts":
        top = tab.locator("#clusters").bounding_box()["y"]
        clip = {"x": 0, "y": 0, "width": width, "height": top}
    tab.screenshot(path=OUT / f"{name}.png", clip=clip, full_page=clip is not None)
    tab.close()


def terminal(summary: dict[str, Any], path: Path) -> None:
    """The summary of a scan as the terminal shows it -> an SVG."""
    from rich.console import Console

    from dedup.reports.summary import summary_view

    console = Console(record=True, width=92, highlight=False, file=io.StringIO())
    console.print(summary_view(summary, ""))
    console.save_svg(str(path), title="dedup scan samples/", unique_id="summary")


def main() -> None:
    import dedup
    from dedup.reports.page import page

    OUT.mkdir(exist_ok=True)
    run = dedup.scan(SAMPLES)
    terminal({**run.summary, "seconds": {"pass": 0.2}}, OUT / "terminal.svg")
    with tempfile.TemporaryDirectory() as folder, browser() as chromium:
        path = Path(folder) / "report.html"
        path.write_bytes(page(run).html)
        for scheme in ("light", "dark"):
            shot(chromium, path, f"samples-{scheme}", scheme, "tall")
            shot(chromium, path, f"samples-part-{scheme}", scheme, "wide", "#cluster=1")
        shot(chromium, path, "samples-words", "light", "wide", "#cluster=3")
        shot(chromium, path, "samples-narrow", "light", "narrow")
        shot(chromium, path, "samples-part-narrow", "light", "narrow", "#cluster=1")
        if len(sys.argv) > 1:
            corpus = Path(sys.argv[1]).resolve()
            os.chdir(corpus.parent)
            path.write_bytes(page(dedup.scan(corpus.name)).html)
            for scheme in ("light", "dark"):
                shot(chromium, path, f"folder-{scheme}", scheme, "wide", "charts")


if __name__ == "__main__":
    main()

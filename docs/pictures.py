"""Pictures for the documentation, made anew: python docs/pictures.py [FOLDER OF TEXTS]

They go to docs/pictures/: the page of `dedup report` on samples/ (and on a folder, when one is named) in
light and dark and on a narrow screen, and the summary of the terminal.  Needs playwright (in the extra `dev`)
and a Chromium: one on the PATH, or that of `playwright install chromium`.
"""

from __future__ import annotations

import io
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

OUT = Path(__file__).parent / "pictures"
SAMPLES = Path("samples")
WIDE, NARROW = {"width": 1280, "height": 860}, {"width": 390, "height": 844}
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")


@contextmanager
def browser() -> Iterator[Any]:
    """A headless Chromium.  Raises ImportError, with what to do, where there is none."""
    from playwright.sync_api import Error, sync_playwright

    with sync_playwright() as driver:
        path = next(filter(None, map(shutil.which, NAMES)), None)
        try:  # no sandbox: containers have none, and the pages are our own
            chromium = driver.chromium.launch(executable_path=path, args=["--no-sandbox"])
        except Error:
            raise ImportError("no Chromium: playwright install chromium, or put one on the PATH") from None
        yield chromium
        chromium.close()


def shot(
    chromium: Any, page: Path, name: str, scheme: str, screen: dict[str, int], cluster: str = ""
) -> None:
    """A picture of a page, or of one of its clusters, as docs/pictures/NAME.png."""
    context = chromium.new_context(viewport=screen, color_scheme=scheme)
    tab = context.new_page()
    tab.goto(page.as_uri() + cluster)
    tab.wait_for_timeout(300)
    tab.screenshot(path=OUT / f"{name}.png")
    context.close()


def terminal(summary: dict[str, Any], path: Path) -> None:
    """The summary of a scan as the terminal shows it -> an SVG."""
    from rich.console import Console

    from dedup.views.report import summary_view

    console = Console(record=True, width=92, highlight=False, file=io.StringIO())
    console.print(summary_view(summary, ""))
    console.save_svg(str(path), title="dedup scan samples/", unique_id="summary")


def main() -> None:
    import dedup
    from dedup.views.page import page

    OUT.mkdir(exist_ok=True)
    run = dedup.scan(SAMPLES)
    terminal({**run.summary, "seconds": {"pass": 0.2}}, OUT / "terminal.svg")
    pages = {"samples": run}
    if len(sys.argv) > 1:
        pages["folder"] = dedup.scan(sys.argv[1])
    with tempfile.TemporaryDirectory() as folder, browser() as chromium:
        for name, result in pages.items():
            path = Path(folder) / f"{name}.html"
            path.write_bytes(page(result).html)
            first = next(iter(result.clusters)).id
            shot(chromium, path, f"{name}-light", "light", WIDE)
            shot(chromium, path, f"{name}-dark", "dark", WIDE)
            shot(chromium, path, f"{name}-narrow", "light", NARROW)
            shot(chromium, path, f"{name}-cluster-light", "light", WIDE, f"#cluster={first}")
            shot(chromium, path, f"{name}-cluster-dark", "dark", WIDE, f"#cluster={first}")
            shot(chromium, path, f"{name}-cluster-narrow", "light", NARROW, f"#cluster={first}")


if __name__ == "__main__":
    main()

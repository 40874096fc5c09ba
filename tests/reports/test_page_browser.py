"""The page of a run in a browser: opened, searched, a cluster opened and compared; nothing in it acts."""

import shutil

import pytest

import dedup
from dedup.reports.page import page

from ..conftest import OTHER, POST
from .test_page import HOSTILE, random_text

pytestmark = pytest.mark.slow
FIRST_SCREEN = 0.75  # of the height of a window, where the list of clusters begins at the latest
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
WIDTHS = ((1280, 860), (390, 844))


@pytest.fixture(scope="module")
def chromium():
    """A headless Chromium: one on the PATH, or that of `playwright install chromium`."""
    playwright = pytest.importorskip(
        "playwright.sync_api",
        reason="needs playwright: pip install playwright && playwright install chromium",
    )
    driver = playwright.sync_playwright().start()
    path = next(filter(None, map(shutil.which, NAMES)), None)
    try:
        browser = driver.chromium.launch(executable_path=path, args=["--no-sandbox"])
    except playwright.Error:
        driver.stop()
        pytest.skip("no Chromium: playwright install chromium, or put one on the PATH")
    yield browser
    browser.close()
    driver.stop()


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    """The page of a run with hostile texts and names, and more than one page of clusters."""
    long = "A page of the harbour master.\n" + POST + "\nAnd below: " + random_text(99, 120)
    texts = [long, POST, OTHER, OTHER.replace("quinces", "apples").upper()]
    mine = [dedup.Document(text, id=f"posts/{n:03}.txt") for n, text in enumerate(texts)]
    mine += [
        dedup.Document(
            HOSTILE + random_text(7, 50), id="evil/<img src=x onerror=\"document.title='owned'\">"
        ),
        dedup.Document(
            HOSTILE + random_text(7, 49), id="evil/</script><script>document.title='owned'</script>"
        ),
    ]
    for n in range(60):
        mine += [dedup.Document(random_text(n + 100, 12) + end, id=f"many/{n:03}{end}") for end in ("", "!")]
    file = tmp_path_factory.mktemp("page") / "report.html"
    file.write_bytes(page(dedup.scan_texts(mine, max_lost=1.0)).html)  # apples may go for quinces
    return file


@pytest.fixture
def tab(chromium, path):
    """The page, opened; what the console says and what is asked of any server must be nothing."""
    context = chromium.new_context(viewport={"width": 1280, "height": 860})
    tab = context.new_page()
    said, asked = [], []
    tab.on("console", lambda message: said.append(message.text))
    tab.on("pageerror", lambda error: said.append(str(error)))
    tab.on("request", lambda request: asked.append(request.url))
    tab.on("dialog", lambda dialog: (said.append(dialog.message), dialog.dismiss()))
    tab.goto(path.as_uri())
    tab.wait_for_selector("#list tbody tr")
    yield tab
    assert said == []
    assert asked == [path.as_uri()]
    assert "owned" not in tab.title()
    context.close()


def rows(tab):
    return tab.locator("#list tbody tr").count()


def rows_become(tab, n):
    """Wait until so many clusters are listed; the page's policy forbids to ask it with wait_for_function."""
    tab.locator(f"#list tbody:not(:has(tr:nth-child({n + 1}))) tr:nth-child({n})").wait_for()


def test_clusters_are_listed_in_pages_searched_filtered_and_sorted(tab):
    assert rows(tab) == 50
    assert tab.locator("#found").inner_text().startswith("63 clusters; 1–50")
    tab.get_by_role("button", name="Next").click()
    assert rows(tab) == 13
    tab.keyboard.press("/")
    tab.keyboard.type("POSTS/001")
    rows_become(tab, 1)
    assert "posts/000.txt" in tab.locator("#list tbody").inner_text()
    tab.get_by_role("button", name="Clear").click()
    rows_become(tab, 50)
    tab.locator("[data-relation=contained]").click()
    assert rows(tab) == 1
    tab.locator("#relation").select_option("")
    tab.locator("#by").select_option("jaccard")
    tab.fill("#high", "0.6")
    rows_become(tab, 1)
    tab.fill("#q", "no such document")
    tab.wait_for_selector("#list", state="hidden")
    assert "clear a filter" in tab.locator("#found").inner_text()


def test_a_part_is_shown_beside_its_whole_and_where_it_lies(tab):
    tab.fill("#q", "posts/001")
    rows_become(tab, 1)
    tab.keyboard.press("Tab")
    tab.locator("#list tbody a").focus()
    tab.keyboard.press("Enter")
    tab.wait_for_selector(".compare .map svg")
    assert "lies in lines 2–2 of 3" in tab.locator(".map").inner_text()
    assert "harbour master" in tab.locator(".compare ins").first.inner_text()
    fold = tab.locator(".fold").first
    assert "words the same" in fold.inner_text()
    fold.locator("summary").click()
    assert "warm coat" in fold.inner_text()
    tab.keyboard.press("Escape")
    tab.wait_for_selector("#overview:not([hidden])")
    assert tab.evaluate("document.activeElement.textContent") == "posts/000.txt"


def test_differing_words_are_marked_on_both_sides_and_the_keys_lead_on(tab, path):
    tab.fill("#q", "posts/002")
    rows_become(tab, 1)
    tab.locator("#list tbody tr td").nth(4).click()
    tab.wait_for_selector(".compare del")
    words = {tab.locator(".compare del").first.inner_text(), tab.locator(".compare ins").first.inner_text()}
    assert {w.strip().lower() for w in words} == {"quinces", "apples"}
    tab.locator(".members a").first.click()
    tab.wait_for_selector(".compare .text")
    assert "Canonical, chosen by" in tab.locator(".compare").inner_text()
    tab.keyboard.press("ArrowDown")
    assert tab.evaluate("document.activeElement.closest('.members') !== null")


def test_hostile_documents_are_text(tab):
    tab.fill("#q", "evil/")
    rows_become(tab, 1)
    tab.locator("#list tbody a").click()
    tab.wait_for_selector(".compare .pair")
    assert "onerror=" in tab.locator(".members").inner_text()
    for fold in tab.locator(".fold summary").all():
        fold.click()
    assert "<script>document.title='owned'</script>" in tab.locator(".compare").text_content()
    assert tab.locator("main img, main script, main iframe, main a[href]:not([href^='#'])").count() == 0


@pytest.mark.parametrize("size", WIDTHS, ids=str)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_fits_its_screen_and_can_be_read(chromium, path, tmp_path, size, scheme):
    context = chromium.new_context(viewport={"width": size[0], "height": size[1]}, color_scheme=scheme)
    tab = context.new_page()
    for where in ("", "#cluster=1"):
        tab.goto(path.as_uri() + where)
        tab.wait_for_timeout(100)
        assert tab.evaluate("document.documentElement.scrollWidth") <= size[0]
        assert len(tab.screenshot(path=tmp_path / "shot.png")) > 10_000
        for what in ("body", ".dim", "a", ".chip"):
            assert contrast(tab, what) >= 4.5, what
    context.close()


@pytest.mark.parametrize("size", WIDTHS, ids=lambda size: f"{size[0]}px")
def test_the_list_begins_in_the_first_screen_and_the_keys_work_at_once(chromium, path, size):
    tab = chromium.new_page(viewport={"width": size[0], "height": size[1]})
    tab.goto(path.as_uri())
    tab.wait_for_selector("#list tbody tr")
    assert (
        tab.evaluate("document.querySelector('#list').getBoundingClientRect().top") < FIRST_SCREEN * size[1]
    )
    tab.keyboard.press("ArrowDown")
    tab.keyboard.press("ArrowDown")
    assert (
        tab.evaluate("[...document.querySelectorAll('#list tbody a')].indexOf(document.activeElement)") == 1
    )
    tab.keyboard.press("Enter")
    tab.wait_for_selector("#cluster:not([hidden])")
    cluster = tab.evaluate("location.hash.split('=')[1]")
    assert f"dedup review --cluster {cluster}" in tab.locator(".facts").inner_text()
    tab.close()


def test_the_theme_is_switched_by_its_button(tab):
    colour = "getComputedStyle(document.body).backgroundColor"
    before = tab.evaluate(colour)
    for expected in ("light", "dark"):
        tab.click("#theme")
        assert tab.locator("html").get_attribute("data-theme") == expected
    assert tab.evaluate(colour) != before


def contrast(tab, selector: str) -> float:
    """Contrast of an element's text with the page (WCAG 2.2, 1.4.3)."""
    paper, ink = (
        [int(part) for part in tab.evaluate(code)[4:-1].split(",")[:3]]
        for code in (
            "getComputedStyle(document.body).backgroundColor",
            f"getComputedStyle([...document.querySelectorAll('{selector}')].find(e => e.offsetParent || "
            "e === document.body)).color",
        )
    )
    high, low = sorted((luminance(paper), luminance(ink)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def luminance(rgb: list[int]) -> float:
    """Relative luminance of a colour of sRGB."""
    parts = [c / 255 / 12.92 if c <= 10 else ((c / 255 + 0.055) / 1.055) ** 2.4 for c in rgb]
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]

"""The report and the comparison, in a real browser."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webdriver import WebDriver

from tests.browser import needs_browser
from tests.umop.report.runs import made_run
from umop.report import write_comparison, write_report

pytestmark = needs_browser

FULL = [
    *("numbers", "classes", "scores", "lost", "confusion", "images", "speed", "curves"),
    *("data", "starts"),
]


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Pages of runs of all kinds."""
    folder = tmp_path_factory.mktemp("runs")
    names = tuple(f"a rather long name of a class {i}" for i in range(80))
    runs = {
        "full": made_run(folder / "full"),
        "one": made_run(folder / "one", classes=("tree",)),
        "many": made_run(folder / "many", classes=names, count=40, lr=0.02),
        "unevaluated": made_run(folder / "unevaluated", is_evaluated=False),
        "killed": made_run(folder / "killed", end={}),
        "moved": made_run(folder / "moved"),
    }
    shutil.rmtree(folder / "moved-data")
    pages = {name: write_report(run) for name, run in runs.items()}
    compared = [runs["full"], runs["many"], runs["unevaluated"]]
    pages["comparison"] = write_comparison(compared, folder / "comparison.html")
    return pages


def show(browser: WebDriver, page: Path, width: int, scheme: str) -> None:
    """Opens a page in a window of a width, light or dark."""
    size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    feature = {"name": "prefers-color-scheme", "value": scheme}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [feature]})
    browser.get_log("browser")
    browser.get(page.as_uri())


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [400, 1400])
@pytest.mark.parametrize(
    "name", ["full", "one", "many", "unevaluated", "killed", "moved", "comparison"]
)
def test_a_page_fits_the_window_and_needs_nothing(
    browser: WebDriver,
    pages: dict[str, Path],
    name: str,
    scheme: str,
    width: int,
) -> None:
    show(browser, pages[name], width, scheme)
    assert browser.execute_script("return document.documentElement.scrollWidth") <= width
    resources = "return performance.getEntriesByType('resource').map((each) => each.name)"
    assert [each for each in browser.execute_script(resources) if "data:" not in each[:5]] == []
    assert browser.get_log("browser") == []
    ground = browser.execute_script("return getComputedStyle(document.body).backgroundColor")
    assert (ground == "rgb(255, 255, 255)") == (scheme == "light")
    assert "<script" not in pages[name].read_text()


def test_the_sections_are_reached_by_keyboard(
    browser: WebDriver,
    pages: dict[str, Path],
) -> None:
    show(browser, pages["full"], 1400, "light")
    links = browser.find_elements("css selector", "nav a")
    assert [link.get_attribute("href").rpartition("#")[2] for link in links] == FULL
    body = browser.find_element("css selector", "body")
    for _ in range(6):
        body.send_keys(Keys.TAB)
        body = browser.switch_to.active_element
    body.send_keys(Keys.ENTER)
    assert browser.current_url.endswith("#images")
    assert abs(browser.execute_script("return images.getBoundingClientRect().top")) < 900


def test_images_show_truth_and_detections(
    browser: WebDriver,
    pages: dict[str, Path],
) -> None:
    show(browser, pages["full"], 1400, "light")
    sizes = browser.execute_script(
        "return [...document.querySelectorAll('.images image')].map((i) => i.getBBox().width)"
    )
    assert sizes == [160] * 6
    for kind in ("right", "wrong", "missed", "found"):
        assert browser.find_elements("css selector", f".images rect.{kind}"), kind
    first = browser.find_element("css selector", ".images figcaption").text
    assert "missed: 1" in first


def test_no_page_is_large(pages: dict[str, Path]) -> None:
    for page in pages.values():
        assert page.stat().st_size < 10**6


def test_a_run_that_was_cut_off_says_so(
    browser: WebDriver,
    pages: dict[str, Path],
) -> None:
    show(browser, pages["killed"], 1400, "light")
    assert browser.find_element("css selector", ".state").text == "killed"
    assert "The same command goes on" in browser.find_element("css selector", "header").text
    show(browser, pages["unevaluated"], 1400, "light")
    assert "umop eval unevaluated" in browser.find_element("id", "numbers").text
    show(browser, pages["moved"], 1400, "light")
    assert "val.json is not there any more" in browser.find_element("id", "data").text
    assert "cannot be read now" in browser.find_element("id", "images").text


def test_a_comparison_marks_what_differs(
    browser: WebDriver,
    pages: dict[str, Path],
) -> None:
    show(browser, pages["comparison"], 1400, "light")
    text = browser.find_element("css selector", "body").text
    assert "evaluated with different annotations" in text
    assert "unevaluated is not evaluated yet" in text
    kept = json.loads((pages["full"].parent / "evaluation.json").read_text())["metrics"]
    row = browser.find_element("css selector", "#numbers tbody tr").text
    assert row.startswith(f"AP, IoU 0.50:0.95 {kept['AP']:.3f} ")
    assert not browser.find_elements("css selector", "#numbers .best"), "not comparable"
    settings = browser.find_element("id", "settings").text
    assert "optim_wrapper.optimizer.lr 0.01 0.02 0.01" in settings

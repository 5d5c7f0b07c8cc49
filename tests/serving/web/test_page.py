"""The page, in a real browser."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
from pathlib import Path

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webdriver import WebDriver
from selenium.webdriver.remote.webelement import WebElement

from serving.bundle import Bundle
from tests.browser import needs_browser
from tests.serving.images import SMALL_BOXES, SMALL_SQUARES, TWO_SQUARES, encode, paint
from tests.serving.make_bundle import make_bundle
from tests.serving.running import running
from tests.serving.waiting import wait_until

pytestmark = needs_browser
DROP = """
const [name, base64] = arguments;
const bytes = Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
const data = new DataTransfer();
data.items.add(new File([bytes], name));
document.dispatchEvent(new DragEvent("drop", { dataTransfer: data, bubbles: true }));
"""
PASTE = DROP.replace('DragEvent("drop", { dataTransfer', 'ClipboardEvent("paste", { clipboardData')


@pytest.fixture
def page(browser: WebDriver, server: str) -> WebDriver:
    browser.get(server)
    wait_until(lambda: text(browser, "model-name") == "squares")
    return browser


def element(page: WebDriver, id: str) -> WebElement:
    return page.find_element(By.ID, id)


def text(page: WebDriver, id: str) -> str:
    return element(page, id).text


def boxes(page: WebDriver) -> list[str]:
    return [each.text for each in page.find_elements(By.CSS_SELECTOR, "#boxes .box")]


def send(page: WebDriver, name: str, data: bytes, script: str = DROP) -> None:
    page.execute_script(script, name, base64.b64encode(data).decode())


def set_threshold(page: WebDriver, value: float) -> None:
    script = (
        "arguments[0].value = arguments[1];"
        "arguments[0].dispatchEvent(new Event('input', { bubbles: true }));"
    )
    page.execute_script(script, element(page, "threshold"), value)


@pytest.mark.parametrize("script", [DROP, PASTE], ids=["drop", "paste"])
def test_an_image_gets_boxes_and_the_slider_filters(page: WebDriver, script: str) -> None:
    send(page, "two squares.png", encode(TWO_SQUARES), script)
    wait_until(lambda: len(boxes(page)) >= 2)
    set_threshold(page, 0.95)
    assert sorted(boxes(page)) == ["blue 1.00", "red 1.00"]
    assert text(page, "count").startswith("2 of ")
    set_threshold(page, 0.05)
    everything = len(boxes(page))
    assert everything > 2
    assert text(page, "count") == f"{everything} found"
    rows = page.find_elements(By.CSS_SELECTOR, "#rows tr")
    assert len(rows) == everything
    assert {"decode", "queue", "inference", "trip"} <= set(text(page, "timing").split())


def test_the_page_begins_with_the_classes_own_thresholds(
    browser: WebDriver, tmp_path: Path
) -> None:
    bundle = Bundle.open(make_bundle(tmp_path / "own.bundle"))
    spec = {"score_threshold": 0.6, "class_thresholds": {"blue": 1.0}}
    postprocess = bundle.manifest.postprocess.model_copy(update=spec)
    Bundle.write(bundle.path, bundle.manifest.model_copy(update={"postprocess": postprocess}))
    with running("--bundle", str(bundle.path)) as served:
        browser.get(served.url)
        wait_until(lambda: text(browser, "model-name") == "squares")
        faint = paint(320, 256, ("red", 32, 64, 32), ("blue", 224, 64, 32))
        faint[64:96, 224:256] = (10, 10, 250)
        send(browser, "two.png", encode(faint))
        wait_until(lambda: "red 1.00" in boxes(browser))
        assert not [each for each in boxes(browser) if each.startswith("blue")]
        assert text(browser, "threshold-value") == "by class"
        assert "score_threshold" not in text(browser, "code")
        set_threshold(browser, 0.9)
        assert sorted(boxes(browser)) == ["blue 0.94", "red 1.00"]
        assert text(browser, "threshold-value") == "0.90"
        assert "?score_threshold=0.9" in text(browser, "code")


def test_boxes_lie_on_the_squares(page: WebDriver) -> None:
    send(page, "two.png", encode(TWO_SQUARES))
    wait_until(lambda: len(boxes(page)) >= 2)
    set_threshold(page, 0.95)
    image = element(page, "image").rect
    scale = image["width"] / 640
    found = page.find_elements(By.CSS_SELECTOR, "#boxes .box")
    red = next(each for each in found if each.text.startswith("red")).rect
    expected = (image["x"] + 64 * scale, image["y"] + 128 * scale, 64 * scale)
    assert (red["x"], red["y"], red["width"]) == pytest.approx(expected, abs=1.5)


def test_small_objects_of_a_large_image_lie_where_they_are(
    browser: WebDriver, tiled_bundle_path: Path
) -> None:
    with running("--bundle", str(tiled_bundle_path), "--threads", "1") as served:
        browser.get(served.url)
        wait_until(lambda: text(browser, "model-name") == "squares")
        send(browser, "large.png", encode(SMALL_SQUARES))
        wait_until(lambda: len(boxes(browser)) >= len(SMALL_BOXES))
        set_threshold(browser, 0.95)
        image = element(browser, "image").rect
        scale = image["width"] / SMALL_SQUARES.shape[1]
        shown = browser.find_elements(By.CSS_SELECTOR, "#boxes .box")
        found = sorted((each.text.split()[0], each.rect["x"], each.rect["y"]) for each in shown)
        expected = sorted(
            (label, image["x"] + left * scale, image["y"] + top * scale)
            for label, left, top, *_ in SMALL_BOXES
        )
        assert [label for label, *_ in found] == [label for label, *_ in expected]
        for (_, *corner), (_, *true) in zip(found, expected, strict=True):
            assert corner == pytest.approx(true, abs=1.5)


def test_classes_can_be_switched_off_by_keyboard(page: WebDriver) -> None:
    send(page, "two.png", encode(TWO_SQUARES))
    wait_until(lambda: len(boxes(page)) >= 2)
    set_threshold(page, 0.95)
    page.find_element(By.CSS_SELECTOR, "#classes input[value=red]").send_keys(Keys.SPACE)
    assert boxes(page) == ["blue 1.00"]
    assert "classes=blue" in text(page, "code")


def test_a_row_lights_its_box(page: WebDriver) -> None:
    send(page, "two.png", encode(TWO_SQUARES))
    wait_until(lambda: len(boxes(page)) >= 2)
    row = page.find_elements(By.CSS_SELECTOR, "#rows tr")[0]
    row.send_keys("")
    page.execute_script("arguments[0].focus()", row)
    [lit] = page.find_elements(By.CSS_SELECTOR, "#boxes .box.lit")
    assert lit.text.split()[0] == row.text.split()[0]


def test_the_file_picker_and_the_code(page: WebDriver, server: str, tmp_path: Path) -> None:
    path = tmp_path / "it's.png"
    path.write_bytes(encode(TWO_SQUARES))
    element(page, "file").send_keys(str(path))
    wait_until(lambda: len(boxes(page)) >= 2)
    set_threshold(page, 0.9)
    assert f"{server}/detect?score_threshold=0.9" in text(page, "code")
    assert """-F 'file=@"it'\\''s.png"'""" in text(page, "code")
    element(page, "show-python").click()
    compile(text(page, "code"), "snippet", "exec")
    element(page, "show-curl").click()


@pytest.mark.skipif(not shutil.which("curl"), reason="needs curl")
@pytest.mark.parametrize("name", ["a,b;c.png", 'it\'s "one" $HOME.png', "back\\slash.png"])
def test_the_copied_curl_runs(page: WebDriver, tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(encode(TWO_SQUARES))
    send(page, name, encode(TWO_SQUARES))
    wait_until(lambda: len(boxes(page)) >= 2)
    command = ["bash", "-c", text(page, "code")]
    result = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, timeout=60)
    assert result.returncode == 0, result.stderr
    assert json.loads(result.stdout)["detections"]


def test_no_class_is_nothing_to_ask_for(page: WebDriver) -> None:
    send(page, "two.png", encode(TWO_SQUARES))
    wait_until(lambda: len(boxes(page)) >= 2)
    for box in page.find_elements(By.CSS_SELECTOR, "#classes input"):
        box.send_keys(Keys.SPACE)
    for language in ("python", "curl"):
        element(page, f"show-{language}").click()
        assert text(page, "code").startswith("# No class is ticked")


def test_a_sample_is_one_click_away(page: WebDriver) -> None:
    wait_until(lambda: element(page, "samples").is_displayed())
    page.find_element(By.CSS_SELECTOR, "#sample-list button").click()
    wait_until(lambda: len(boxes(page)) >= 2)
    assert "squares.png" in text(page, "caption")


def test_the_api_is_one_click_away(page: WebDriver, server: str) -> None:
    wait_until(lambda: element(page, "docs-link").is_displayed())
    element(page, "docs-link").click()
    wait_until(lambda: bool(page.find_elements(By.CSS_SELECTOR, ".swagger-ui .opblock")))
    assert page.current_url == f"{server}/docs"


def test_a_broken_file_gives_a_readable_message(page: WebDriver) -> None:
    send(page, "broken.png", encode(TWO_SQUARES)[:400])
    wait_until(lambda: element(page, "status").is_displayed())
    assert text(page, "status").startswith("broken.png: the image is damaged")
    assert element(page, "drop").is_displayed()
    send(page, "two.png", encode(TWO_SQUARES))
    wait_until(lambda: len(boxes(page)) >= 2)
    assert not element(page, "status").is_displayed()


def test_a_tiff_is_shown_through_the_server(page: WebDriver) -> None:
    send(page, "two.tiff", encode(TWO_SQUARES, "TIFF"))
    wait_until(lambda: len(boxes(page)) >= 2)
    width = "return document.getElementById('image').naturalWidth"
    wait_until(lambda: page.execute_script(width) == 640)


@pytest.mark.parametrize("width", [1280, 390])
def test_nothing_is_wider_than_the_window(page: WebDriver, width: int) -> None:
    page.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": width, "height": 844, "deviceScaleFactor": 1, "mobile": width < 500},
    )
    try:
        send(page, "two.png", encode(TWO_SQUARES))
        wait_until(lambda: len(boxes(page)) >= 2)
        overflow = "return document.documentElement.scrollWidth - window.innerWidth"
        assert page.execute_script(overflow) <= 0
    finally:
        page.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_the_page_asks_nobody_else_and_logs_no_error(page: WebDriver, server: str) -> None:
    page.get_log("browser")
    page.refresh()
    wait_until(lambda: element(page, "samples").is_displayed())
    script = "return performance.getEntriesByType('resource').map((entry) => entry.name)"
    asked = page.execute_script(script)
    assert asked
    assert all(url.startswith((server, f"blob:{server}")) for url in asked)
    assert page.get_log("browser") == []


def test_a_key_is_asked_for(browser: WebDriver, bundle_path: Path) -> None:
    with running("--bundle", str(bundle_path), UMOP_API_KEYS="open sesame") as guarded:
        browser.get(guarded.url)
        wait_until(lambda: element(browser, "key-form").is_displayed())
        element(browser, "key").send_keys("wrong", Keys.ENTER)
        wait_until(lambda: "not valid" in text(browser, "status"))
        element(browser, "key").clear()
        element(browser, "key").send_keys("open sesame", Keys.ENTER)
        wait_until(lambda: text(browser, "model-name") == "squares")
        assert not element(browser, "key-form").is_displayed()
        send(browser, "two.png", encode(TWO_SQUARES))
        wait_until(lambda: len(boxes(browser)) >= 2)
        assert "X-API-Key" in text(browser, "code")

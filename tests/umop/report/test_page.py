"""The report, in a real browser."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from selenium.webdriver.remote.webdriver import WebDriver

from tests.serving.test_page import browser, pytestmark  # noqa: F401
from umop.report import write_report
from umop.run import Run

CURVES = ("loss_cls", "lr", "gamma_0", "gamma_1", "share_0", "share_1")


@pytest.fixture
def report(tmp_path: Path) -> Path:
    run = Run(tmp_path / "trees")
    run.folder.mkdir()
    lines = [{"iter": step, **dict.fromkeys(CURVES, 1 / step)} for step in (10, 20, 30)]
    lines.append({"iter": 30, "AP": 0.25, "AP50": 0.5})
    run.metrics.write_text("".join(json.dumps(line) + "\n" for line in lines))
    start = {"command": "umop train " + "x" * 200, "versions": {"torch": "2.11.0"}}
    run.provenance.write_text(json.dumps([start]))
    return write_report(run)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [400, 1400])
def test_report_fits_the_window_and_needs_nothing(
    browser: WebDriver,  # noqa: F811
    report: Path,
    scheme: str,
    width: int,
) -> None:
    size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    feature = {"name": "prefers-color-scheme", "value": scheme}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [feature]})
    browser.get_log("browser")
    browser.get(report.as_uri())
    assert len(browser.find_elements("css selector", "svg")) == 5
    assert browser.execute_script("return document.documentElement.scrollWidth") <= width
    assert browser.execute_script("return performance.getEntriesByType('resource').length") == 0
    assert browser.get_log("browser") == []

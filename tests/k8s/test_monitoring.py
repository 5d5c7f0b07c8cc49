"""Alert rules and the dashboard, against Prometheus's own tool and a real server's metrics."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import httpx
import pytest
import yaml

from tests.k8s.manifests import COMPONENTS, overlay, read
from tests.serving.images import encode, paint
from tests.serving.make_bundle import make_bundle
from tests.serving.running import running

MONITORING = COMPONENTS / "monitoring"
CASES = Path(__file__).with_name("alerts_test.yaml")


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    """The alert rules as Prometheus itself reads them."""
    [rule] = read(MONITORING / "alerts.yaml")
    path = tmp_path / "rules.yaml"
    path.write_text(yaml.safe_dump(rule["spec"]))
    return path


def promtool(*arguments: str | Path) -> str:
    """Runs Prometheus's tool.

    Raises:
        subprocess.CalledProcessError: It found something wrong.
    """
    if shutil.which("promtool") is None:
        pytest.skip("promtool is not installed: Debian's package prometheus has it")
    done = subprocess.run(["promtool", *arguments], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_prometheus_takes_the_rules(rules: Path) -> None:
    assert "SUCCESS" in promtool("check", "rules", rules)


def test_alerts_come_when_they_should(rules: Path) -> None:
    cases = rules.with_name("cases.yaml")
    cases.write_text(CASES.read_text())
    assert "SUCCESS" in promtool("test", "rules", cases)


def test_the_prometheus_of_a_helm_release_finds_all_that_is_its(tmp_path: Path) -> None:
    made = overlay(tmp_path, "model-claim", "monitoring")
    labels = [
        each["metadata"].get("labels", {}) for each in made if "monitoring" in each["apiVersion"]
    ]
    assert [each.get("release") for each in labels] == ["kube-prometheus-stack"] * 3


def test_the_service_has_every_metric_that_is_asked_for(tmp_path: Path) -> None:
    bundle = make_bundle(tmp_path / "squares.bundle")
    with running("--bundle", str(bundle), "--threads", "1") as server:
        assert server.detect(encode(paint(64, 64))).status_code == 200
        text = httpx.get(f"{server.url}/metrics", timeout=30).text
    there = set(re.findall(r"^(umop_\w+)", text, re.M))
    for file in ("dashboard.json", "alerts.yaml"):
        asked = set(re.findall(r"\bumop_\w+", (MONITORING / file).read_text()))
        assert asked
        assert asked <= there


def test_labels_that_are_asked_for_are_there() -> None:
    from serving.observability.metrics import Metrics

    metrics = Metrics()
    assert metrics.requests._labelnames == ("route", "status")
    assert metrics.model._labelnames == ("name", "version")
    assert metrics.models._labelnames == ("model",)


def test_the_dashboard_tells_models_apart() -> None:
    dashboard = json.loads((MONITORING / "dashboard.json").read_text())
    asked = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    assert any("by (model) (rate(umop_model_seconds" in expression for expression in asked)


def test_the_time_of_every_route_that_detects_counts() -> None:
    from serving.api.routes import detect, open_inference

    routers = (detect.router, open_inference.router)
    routes = {getattr(route, "path", "") for router in routers for route in router.routes}
    detecting = {path for path in routes if re.search(r"/(detect|infer)\b", path)}
    assert "/models/{name}/detect/batch" in detecting
    for file in ("dashboard.json", "alerts.yaml"):
        patterns = re.findall(r'route=~\\?"(.+?)\\?"', (MONITORING / file).read_text())
        assert patterns
        missed = [path for path in detecting for each in patterns if not re.fullmatch(each, path)]
        assert not missed


def test_the_docs_explain_every_alert() -> None:
    [rule] = read(MONITORING / "alerts.yaml")
    alerts = {each["alert"] for group in rule["spec"]["groups"] for each in group["rules"]}
    text = (MONITORING.parents[3] / "docs" / "deployment.md").read_text()
    assert {alert for alert in alerts if f"`{alert}`" in text} == alerts


def test_each_panel_asks_something() -> None:
    dashboard = json.loads((MONITORING / "dashboard.json").read_text())
    assert all(target["expr"] for panel in dashboard["panels"] for target in panel["targets"])

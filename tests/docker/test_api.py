"""The service in its container."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path

import httpx
import pytest

from tests.docker.containers import Container, docker, image, running
from tests.serving.images import TWO_BOXES, TWO_SQUARES, encode
from tests.serving.waiting import wait_until

OPEN = ("--publish=127.0.0.1::8000", "--env=UMOP_ALLOW_ANONYMOUS=1")
SECONDS_TO_READY = 5


def mount(bundle: Path) -> str:
    return f"--volume={bundle}:/models/model.bundle:ro"


@pytest.fixture(scope="module")
def api(bundle: Path) -> Iterator[Container]:
    """A service that is ready."""
    with running("api", *OPEN, mount(bundle)) as container:
        wait_until(container.is_healthy, seconds=60)
        yield container


def test_it_finds_what_is_in_an_image(api: Container) -> None:
    answer = httpx.post(
        f"{api.url(8000)}/detect?score_threshold=0.9", content=encode(TWO_SQUARES), timeout=30
    )
    boxes = {each["label"]: list(each["box"].values()) for each in answer.json()["detections"]}
    assert boxes == {name: pytest.approx(box, abs=1e-3) for name, box in TWO_BOXES.items()}


def test_it_is_ready_soon(api: Container) -> None:
    state = api.state()
    first = next(each for each in state["Health"]["Log"] if each["ExitCode"] == 0)
    seconds = moment(first["End"]) - moment(state["StartedAt"])
    print(f"ready after {seconds:.1f} s")
    assert seconds < SECONDS_TO_READY


def moment(text: str) -> float:
    return datetime.fromisoformat(text[:26].rstrip("Z") + "+00:00").timestamp()


def test_stopped_under_load_it_answers_what_it_took(slow_bundle: Path) -> None:
    with running("api", *OPEN, mount(slow_bundle)) as container, ThreadPoolExecutor(4) as pool:
        wait_until(container.is_healthy, seconds=60)
        url = container.url(8000)
        image = encode(TWO_SQUARES)
        answers = [
            pool.submit(httpx.post, f"{url}/detect", content=image, timeout=60) for _ in range(4)
        ]
        wait_until(lambda: in_progress(url) == 4)
        assert container.stop() == 0
        assert [each.result().status_code for each in answers] == [200] * 4


def in_progress(url: str) -> float:
    page = httpx.get(f"{url}/metrics", timeout=30).text
    lines = dict(line.split() for line in page.splitlines() if line.startswith("umop_admitted"))
    return float(lines["umop_admitted_pictures"])


def test_without_a_key_it_does_not_start(bundle: Path) -> None:
    with running("api", mount(bundle)) as container:
        wait_until(lambda: not container.state()["Running"], seconds=30)
        assert container.state()["ExitCode"] == 2
        assert "no key is set" in container.log()


def test_it_has_no_shell() -> None:
    with pytest.raises(AssertionError, match="executable file not found"):
        docker("run", "--rm", "--entrypoint=sh", image("api"))

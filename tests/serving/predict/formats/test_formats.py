"""What annotation tools and training read of what ``umop predict`` has found."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from pycocotools.coco import COCO

from serving.bundle import Bundle
from serving.predict.formats import RESULT_FORMATS
from serving.predict.formats.records import ImageRecord
from serving.schemas.detections import Box, Detection, ImageInfo
from tests.serving.images import TWO_BOXES, encode, paint
from tests.serving.predict.conftest import Predict
from tests.serving.predict.films import film
from umop.cli import main
from umop.data.check import check
from umop.data.recognition import open_data

SURE = ("--score", "0.95", "--out", "out")


def read_again(root: Path) -> dict[str, list[float]]:
    """The boxes of a data set of one image, by class."""
    data = check(open_data(root)).cleaned
    names = (data.classes[label] for label in data.boxes.label)
    return dict(zip(names, data.boxes.corners.tolist(), strict=True))


@pytest.mark.parametrize("form", ["yolo", "voc", "coco"])
def test_umop_reads_it_as_a_data_set(
    predict: Predict, folder: Path, monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    """With the images where the page on ``umop predict`` says that they go."""
    monkeypatch.setenv("UMOP_CACHE", str(folder / "cache"))
    (folder / "images" / "inside" / "none.jpg").unlink()
    assert predict("images", "--format", form, *SURE)[0] == 0
    (folder / "out" / "predictions.jsonl").unlink()
    place = {"voc": "JPEGImages"}.get(form, "images")
    shutil.copytree(folder / "images", folder / "out" / place)
    found = read_again(folder / "out")
    assert set(found) == set(TWO_BOXES)
    for name, corners in TWO_BOXES.items():
        np.testing.assert_allclose(found[name], corners, atol=1e-3)


def test_pycocotools_reads_coco(predict: Predict, folder: Path) -> None:
    predict("images", "--format", "coco", *SURE)
    coco = COCO(str(folder / "out" / "coco.json"))
    assert len(coco.getImgIds()) == 2
    assert [each["bbox"] for each in coco.loadAnns(coco.getAnnIds())] == [
        [x1, y1, x2 - x1, y2 - y1] for x1, y1, x2, y2 in TWO_BOXES.values()
    ]


def test_coco_names_the_classes_of_a_model_that_a_service_got_meanwhile(
    bundle_path: Path,
) -> None:
    box = Box(x1=1, y1=2, x2=4, y2=8)
    seal = Detection(label="seal", class_id=0, score=0.5, box=box)
    record = ImageRecord(
        name="a.jpg",
        stamp="1",
        place="a",
        image=ImageInfo(width=10, height=10),
        detections=[seal],
    )
    manifest = Bundle.open(bundle_path).manifest
    parts = RESULT_FORMATS["coco"].parts([record], manifest)
    content = json.loads("".join(text for _, text in parts))
    names = {each["id"]: each["name"] for each in content["categories"]}
    assert list(names.values()) == [*manifest.classes, "seal"]
    assert [names[each["category_id"]] for each in content["annotations"]] == ["seal"]


def served(path: Path) -> str:
    """Where Label Studio has a local file, by default: under the root of all."""
    return f"/data/local-files/?d={path.relative_to('/')}"


def test_label_studio_gets_predictions_with_scores(predict: Predict, folder: Path) -> None:
    predict("images", "--format", "labelstudio", *SURE)
    nothing, two = json.loads((folder / "out" / "labelstudio.json").read_text())
    assert nothing["data"] == {"image": served(folder / "images" / "inside" / "none.jpg")}
    [prediction] = two["predictions"]
    assert prediction["model_version"] == "squares 1"
    assert [each["value"]["rectanglelabels"] for each in prediction["result"]] == [
        ["red"],
        ["blue"],
    ]
    assert all(each["score"] > 0.95 for each in prediction["result"])
    place = prediction["result"][0]["value"]
    assert [place[key] for key in ("x", "y", "width", "height")] == [10, 25, 10, 12.5]
    interface = ElementTree.parse(folder / "out" / "config.xml")
    assert [each.get("value") for each in interface.iter("Label")] == ["red", "green", "blue"]


@pytest.mark.parametrize(
    "paths", [["images/two.png"], ["./images", "images/two.png"], ["imag*/t*.png", "images/inside"]]
)
def test_label_studio_gets_the_path_of_a_file_however_it_is_given(
    predict: Predict, folder: Path, paths: list[str]
) -> None:
    tasks = json.loads(predict(*paths, "--format", "labelstudio")[1])
    assert served(folder / "images" / "two.png") in [each["data"]["image"] for each in tasks]


def test_label_studio_gets_no_path_that_leads_nowhere(predict: Predict, folder: Path) -> None:
    shutil.make_archive("some", "zip", "images")
    film(folder / "images" / "z.avi", 1)
    for path, name in (("some.zip", "two.png"), ("-", "stdin"), ("images", "z.avi/000000")):
        code, _, err = predict(path, "--format", "labelstudio", *SURE, stdin=b"")
        assert (code, err.count("\n")) == (2, 1)
        assert f"error: --format labelstudio cannot hold {name}: it is no file of its own" in err


def test_yolo_has_no_labels_that_count_for_another_image(predict: Predict, folder: Path) -> None:
    (folder / "images" / "two.jpg").write_bytes(encode(paint(90, 80), "JPEG"))
    code, _, err = predict("images", "--format", "yolo", *SURE)
    assert code == 2
    assert err == (
        "error: --format yolo cannot hold two.png: another image has labels/two.txt: rename one of "
        "them\n"
    )
    assert not (folder / "out" / "labels").exists()


def test_voc_names_both_of_two_images_that_differ_in_their_suffix(
    predict: Predict, folder: Path
) -> None:
    (folder / "images" / "two.jpg").write_bytes(encode(paint(90, 80), "JPEG"))
    predict("images", "--format", "voc", *SURE)
    found = (ElementTree.parse(each) for each in Path("out/Annotations").glob("*.xml"))
    boxes = {each.findtext("filename"): len(each.findall("object")) for each in found}
    assert boxes == {"two.jpg": 0, "two.png": 2}


def test_a_format_of_many_files_keeps_folders(predict: Predict, folder: Path) -> None:
    predict("images", "--format", "yolo", *SURE)
    assert (folder / "out" / "labels" / "inside" / "none.txt").read_text() == ""
    assert len((folder / "out" / "labels" / "two.txt").read_text().splitlines()) == 2


def test_the_help_names_every_format(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["umop", "predict", "--help"])
    with pytest.raises(SystemExit):
        main()
    shown = capsys.readouterr().out
    assert all(name in shown for name in RESULT_FORMATS)


def test_without_images_found_in_a_document_is_valid(predict: Predict, folder: Path) -> None:
    """Only failures: the lists are empty."""
    (folder / "broken.png").write_bytes(b"none")
    for name, each in RESULT_FORMATS.items():
        if each.main is None or name == "csv":
            continue
        code, out, _ = predict("broken.png", "--format", name)
        assert code == 1
        json.loads(out)

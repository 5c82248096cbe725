"""How many copies `duplicates` finds where most pictures look alike, as products or portraits do.

    python -m benchmarks.lookalikes PHOTOS CROWD [CROWD ...]
    python -m benchmarks.lookalikes PRODUCTS CROWD [CROWD ...] --every 20
    python -m benchmarks.lookalikes PHOTOS --copies 2

One altered copy, or more, of each picture in PHOTOS, a folder of distinct ones, or of every
so-many-th, is to be found among these pictures and all of the CROWD folders; kinds and strengths
take turns. Pairs of copies are wanted, too. Any other pair with one of them is false; pairs within
the crowds may be copies, and are only counted. Prints a line of JSON for each precision.
"""

import argparse
import itertools
import json
import tempfile
import time
from pathlib import Path

import numpy as np

from simsearch import Collection
from simsearch.images.alterations import COLLAGE, KINDS, STRENGTHS
from simsearch.images.altered_files import open_original, write_altered

PRECISIONS = (0.999, 0.9)
EDITS = [(kind, strength) for kind in KINDS if kind != COLLAGE for strength in range(STRENGTHS)]


def main() -> None:
    """Lay the pictures out as links, alter copies, index them and look for duplicates."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("photos", type=Path)
    parser.add_argument("crowds", type=Path, nargs="*")
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("--copies", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--no-recheck", action="store_true")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        pictures = Path(home).resolve() / "pictures"
        wanted = with_copies(arguments, pictures)
        collection = Collection("pile", home=home)
        count = collection.add(pictures, *arguments.crowds).images
        collection.calibration()
        for precision in PRECISIONS:
            figures = measured(collection, wanted, precision, not arguments.no_recheck)
            print(json.dumps({"pictures": count, "wanted": len(wanted), **figures}), flush=True)


def with_copies(arguments: argparse.Namespace, folder: Path) -> set[frozenset[str]]:
    """Link photographs to a new folder, some beside copies; return the wanted pairs, as paths."""
    generator = np.random.default_rng(arguments.seed)
    order = itertools.cycle(generator.permutation(len(EDITS)).tolist())
    wanted: set[frozenset[str]] = set()
    folder.mkdir()
    photos = sorted(path for path in arguments.photos.rglob("*.*") if path.is_file())
    for number, photo in enumerate(photos):
        original = folder / f"{number:05}-original{photo.suffix}"
        original.symlink_to(photo.resolve())
        group = [str(original)]
        for _ in range(arguments.copies if number % arguments.every == 0 else 0):
            kind, strength = EDITS[next(order)]
            stem = folder / f"{number:05}-{len(group)}-{kind}-{strength}"
            image = open_original(str(photo))
            group.append(write_altered(image, kind, strength, generator, stem))
        wanted |= {frozenset(pair) for pair in itertools.combinations(group, 2)}
    return wanted


def measured(
    collection: Collection, wanted: set[frozenset[str]], precision: float, recheck: bool
) -> dict[str, float]:
    """Return the share of wanted pairs that are found, 0 to 1, and how many others are."""
    started = time.perf_counter()
    pairs = collection.duplicates(precision=precision, recheck=recheck).pairs
    found = {frozenset({pair.a, pair.b}) for pair in pairs}
    ours = {path for pair in wanted for path in pair}
    others = found - wanted
    false = sum(bool(pair & ours) for pair in others)
    return {
        "precision": precision,
        "found": round(len(found & wanted) / len(wanted), 3),
        "false": false,
        "within_crowds": len(others) - false,
        "seconds": round(time.perf_counter() - started, 1),
    }


if __name__ == "__main__":
    main()

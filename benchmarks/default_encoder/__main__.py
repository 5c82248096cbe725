"""Trains the default encoder, from pictures in Debian's packages to a checkpoint.

    apt-get install openclipart-png tuxpaint-stamps-default plasma-workspace-wallpapers \\
        mate-backgrounds gnome-backgrounds lomiri-wallpapers-20.04
    python -m benchmarks.default_encoder --products grocery/train --out encoders/default

What follows these options goes to `simsearch train`. A run that was stopped goes on with the same
command: what is finished is not done again.
"""

import argparse
import shutil
import subprocess
import sys
import warnings
from collections.abc import Sequence
from itertools import islice
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.default_encoder.pictures import TILE, make_pictures, write_table
from benchmarks.measure import simsearch
from simsearch import Collection
from simsearch.images.alterations import COLLAGE, KINDS, STRENGTHS
from simsearch.images.altered_files import open_original, write_altered

BEFORE = "tf_efficientnet_lite0"  # not trained for this
ALIKE = 0.85  # cosine from which two pictures are too much alike to be told apart
HELD_OUT = 150  # pictures whose altered copies are validated on
COPIES = 12  # of each of them
OF_EACH_PRODUCT = 8  # photographs: more of them pull together what is only alike
SEED = 0
SETTINGS = (
    *("--backbone", f"{BEFORE}/beside5", "--augment", "copy", "--mining", "first_positive"),
    *("--entropy", 0.3, "--distillation", 4, "--learning-rate", 2e-4, "--ema", 0.998),
    *("--classes-per-batch", 64, "--pictures-per-class", 4),
    *("--dim", 304, "--frozen", 5, "--reuse", 2, "--epochs", 66, "--patience", 66),
)


def main() -> None:
    """Make the pictures, drop what is there twice, write what to validate on, train."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--products", type=Path, required=True, help="a folder a product")
    parser.add_argument("--out", type=Path, required=True, help="of the checkpoint")
    parser.add_argument("--share", type=Path, default=Path("/usr/share"))
    parser.add_argument("--work", type=Path, default=Path("default-encoder"), help="for pictures")
    parser.add_argument("--limit", type=int, help="sources of each kind at most")
    arguments, training = parser.parse_known_args()
    arguments.work.mkdir(parents=True, exist_ok=True)
    table, validation = arguments.work / "train.csv", arguments.work / "validation"
    if not table.exists():
        shutil.rmtree(arguments.work / "pictures", ignore_errors=True)
        shutil.rmtree(validation, ignore_errors=True)
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # wallpapers are large
        made = make_pictures(arguments.share, arguments.work / "pictures", arguments.limit, SEED)
        prepare(balanced(distinct(made)), arguments.products, table, validation)
    command = train_command(table, validation, arguments.out, training)
    sys.exit(subprocess.run(command, check=False).returncode)


def distinct(pictures: Sequence[Path]) -> list[Path]:
    """Return the pictures without those that look nearly like another: no copy is a negative."""
    home = pictures[0].parent.parent / "collection"
    shutil.rmtree(home, ignore_errors=True)
    collection = Collection("pictures", home=home)
    collection.add(pictures[0].parent, encoder=BEFORE)
    groups = collection.duplicates(threshold=ALIKE).groups
    dropped = {member for group in groups for member in group.members[1:]}
    print(f"{len(pictures):,} pictures, {len(dropped):,} of them nearly like another")
    return [picture for picture in pictures if str(picture.resolve()) not in dropped]


def balanced(pictures: Sequence[Path]) -> list[Path]:
    """Return the pictures with no more cut-outs than photographs' tiles, drawn at random."""
    tiles = [picture for picture in pictures if picture.stem.startswith(TILE)]
    cut_outs = [picture for picture in pictures if not picture.stem.startswith(TILE)]
    order = np.random.default_rng(SEED).permutation(len(cut_outs))[: len(tiles)]
    return sorted([*tiles, *(cut_outs[number] for number in order.tolist())])


def prepare(pictures: Sequence[Path], products: Path, table: Path, validation: Path) -> None:
    """Write what to train on, each picture a class and each product one, and to validate on."""
    order = np.random.default_rng(SEED).permutation(len(pictures)).tolist()
    held = max(2, min(HELD_OUT, len(pictures) // 10))
    for number in order[:held]:
        write_copies(pictures[number], validation / pictures[number].stem, number)
    trained = [(pictures[number], pictures[number].stem) for number in sorted(order[held:])]
    named = [
        (path, f"product/{folder.name}")
        for folder in sorted(products.iterdir())
        for path in islice(sorted(folder.iterdir()), OF_EACH_PRODUCT)
    ]
    write_table([*trained, *named], table)


def write_copies(picture: Path, folder: Path, number: int) -> None:
    """Write a picture and altered copies of it to a folder."""
    folder.mkdir(parents=True)
    shutil.copy(picture, folder)
    image = open_original(str(picture))
    draw = np.random.default_rng([SEED, number])
    kinds = draw.choice([kind for kind in KINDS if kind != COLLAGE], COPIES, replace=False)
    for kind in kinds.tolist():
        write_altered(image, kind, int(draw.integers(STRENGTHS)), draw, folder / kind)


def train_command(table: Path, validation: Path, out: Path, training: Sequence[str]) -> list[str]:
    """Return the command that trains, or goes on with it."""
    resumed = ["--resume"] if (out / "training-state.pt").exists() else []
    return simsearch(
        "train", table, "--val", validation, "--out", out, *SETTINGS, *training, *resumed
    )


if __name__ == "__main__":
    main()

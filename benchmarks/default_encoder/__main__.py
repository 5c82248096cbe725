"""Trains the default encoder, from pictures in Debian's packages to a checkpoint.

    apt-get install openclipart-png tuxpaint-stamps-default plasma-workspace-wallpapers \\
        mate-backgrounds gnome-backgrounds lomiri-wallpapers-16.04 lomiri-wallpapers-20.04
    python -m benchmarks.default_encoder --products grocery/train --out encoders/default

Two runs of `simsearch train` that differ in their seed; the encoder has the mean of their weights
(Wortsman et al. 2022: model soups), in 16 bits. What follows these options goes to each run. One
that was stopped goes on with the same command: what is finished is not done again.
"""

import argparse
import shutil
import subprocess
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from benchmarks.default_encoder.pictures import make_pictures, write_table
from benchmarks.measure import simsearch
from simsearch import Collection
from simsearch.encoder import checkpoint
from simsearch.encoder.ranges import ranges_of, write_ranges
from simsearch.images.alterations import COLLAGE, KINDS, STRENGTHS
from simsearch.images.altered_files import open_original, write_altered
from simsearch.training.state import FILE as STATE_FILE
from simsearch.training.train import SETTINGS_FILE

BEFORE = "tf_efficientnet_lite0"  # not trained for this
ALIKE = 0.85  # cosine from which two pictures are too much alike to be told apart
HELD_OUT = 100  # pictures whose altered copies are validated on
COPIES = 6  # of each of them
SEED = 0
SETTINGS = (
    *("--backbone", f"{BEFORE}/beside5", "--pooling", "root", "--augment", "copy"),
    *("--mining", "first_positive", "--loss", "ntxent", "--entropy", 0.3, "--distillation", 2),
    *("--learning-rate", 3e-4, "--ema", 0.995),
    *("--classes-per-batch", 64, "--pictures-per-class", 2),
    *("--dim", 512, "--frozen", 4, "--reuse", 2, "--keep", "last", "--epochs", 12),
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
        prepare(distinct(made), arguments.products, table, validation)
    first, second, mean, fitted = (
        arguments.work / name for name in ("first", "second", "mean", "fitted")
    )
    data = (table, "--val", validation, *SETTINGS)
    train(first, *data, *training)
    train(second, *data, "--seed", 1, *training)
    if not arguments.out.exists():
        average((first, second), mean)
        train(fitted, *data, "--weights", mean, *training, "--epochs", 0)
        halve(fitted, arguments.out)
    print(f"in 16 bits: {arguments.out}")


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


def prepare(pictures: Sequence[Path], products: Path, table: Path, validation: Path) -> None:
    """Write what to train on, each picture a class, and to validate on.

    Each product is a class: its photographs are never told apart.
    """
    order = np.random.default_rng(SEED).permutation(len(pictures)).tolist()
    held = max(2, min(HELD_OUT, len(pictures) // 10))
    for number in order[:held]:
        write_copies(pictures[number], validation / pictures[number].stem, number)
    trained = [(pictures[number], pictures[number].stem) for number in sorted(order[held:])]
    named = [
        (path, f"product/{folder.name}")
        for folder in sorted(products.iterdir())
        for path in sorted(folder.iterdir())
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


def train(out: Path, *arguments: object) -> None:
    """Train an encoder, or go on with it; it is there already where that is over."""
    if (out / SETTINGS_FILE).exists():
        return
    resumed = ["--resume"] if (out / STATE_FILE).exists() else []
    command = simsearch("train", *arguments, "--out", out, *resumed)
    if code := subprocess.run(command, check=False).returncode:
        sys.exit(code)


def average(folders: Sequence[Path], out: Path) -> None:
    """Write a checkpoint with the mean of several ones' weights, built as the last of them."""
    networks = [checkpoint.load_network(folder) for folder in folders]
    states = [network.state_dict() for network in networks]
    mean = networks[-1]
    mean.load_state_dict(
        {name: torch.stack([state[name].float() for state in states]).mean(0) for name in states[0]}
    )
    checkpoint.save(out, mean, checkpoint.read_config(folders[-1]))


def halve(folder: Path, out: Path) -> None:
    """Write a checkpoint with its weights in 16 bits: half the size, what they give is the same."""
    ranges, config = ranges_of(checkpoint.read_spec(folder)), checkpoint.read_config(folder)
    unfinished = out.with_name(f"{out.name}.tmp")
    shutil.copytree(folder, unfinished, dirs_exist_ok=True)
    checkpoint.save(unfinished, checkpoint.load_network(folder).half(), config)
    if ranges:
        write_ranges(unfinished, ranges)
    unfinished.rename(out)


if __name__ == "__main__":
    main()

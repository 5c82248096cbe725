"""Compares encoders at what simsearch is for: copies, products, faces, bytes, pictures a second.

    python -m benchmarks.encoders DATA --recheck

DATA holds `photos`, distinct photographs; `grocery/train` and `grocery/val`, a folder a product;
`faces`, a folder a person. All encoders meet the same pictures, copies and draws.
"""

import argparse
import json
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.measure import machine, run_process, simsearch
from simsearch import Collection
from simsearch.config import DEFAULT_ENCODER, EARLIER_DEFAULTS
from simsearch.evaluation.embedding import embed_pictures
from simsearch.evaluation.labelled import read_labelled
from simsearch.metrics import retrieve

_ROUNDS = 3  # of throughput, each encoder in turn
_EPISODES = 5000
Figures = Iterator[tuple[str, float]]


def main() -> None:
    """Print a row a figure and a column an encoder."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--encoders", nargs="+", default=[*EARLIER_DEFAULTS, DEFAULT_ENCODER])
    parser.add_argument("--originals", type=int, default=200, help="of a draw")
    parser.add_argument("--draws", type=int, default=5)
    parser.add_argument("--recheck", action="store_true", help="also the second look: takes long")
    arguments = parser.parse_args()
    settings = ("--originals", arguments.originals, "--draws", arguments.draws)
    second = ("--recheck" if arguments.recheck else "--no-recheck",)
    measures: list[Callable[[str], Figures]] = [
        lambda encoder: copies(arguments.data / "photos", encoder, *settings, *second),
        lambda encoder: products(arguments.data / "grocery", encoder),
        lambda encoder: faces(arguments.data / "faces", encoder),
        lambda encoder: stored(arguments.data / "photos", encoder),
    ]
    print(machine())
    print("\t".join(["", *arguments.encoders]))
    for measure in measures:
        show([dict(measure(encoder)) for encoder in arguments.encoders])
    rounds = [
        [pace(arguments.data / "scenes", encoder) for encoder in arguments.encoders]
        for _ in range(_ROUNDS)
    ]
    names = ("end to end, pictures a second", "encoding alone")
    columns = np.median(rounds, axis=0)  # [encoders, figures]
    show([dict(zip(names, column, strict=True)) for column in columns.tolist()])


def show(columns: list[dict[str, float]]) -> None:
    """Print the figures of all encoders."""
    for name in columns[0]:
        print("\t".join([name, *(f"{column[name]:.4g}" for column in columns)]), flush=True)


def copies(folder: Path, encoder: str, *options: object) -> Figures:
    """Yield how many altered copies are found, by `simsearch bench duplicates`."""
    command = ("bench", "duplicates", folder, "--encoder", encoder, "--json", *options)
    for method, figures in asked(*command)["methods"].items():
        for precision, recall in figures["recall_at_precision"].items():
            if recall is not None:
                name = f"copies, {method}, at {100 * float(precision):g} %"
                yield f"{name}: recall", recall["mean"]
                yield f"{name}: misses", 1 - recall["mean"]
        yield f"copies, {method}: micro-AP", figures["micro_ap"]["mean"]
        for kind, shares in figures["kinds"].items():
            for strength, share in zip(("mild", "medium", "strong"), shares, strict=True):
                yield f"copies, {method}, {kind}, {strength}", share


def products(folder: Path, encoder: str) -> Figures:
    """Yield how well products of `val` are found in `train`."""
    queries, stock = (read_labelled(folder / part) for part in ("val", "train"))
    places = {name: place for place, name in enumerate(stock.classes)}
    vectors, labels = [], []
    for part in (queries, stock):
        found, rows, _ = embed_pictures(part.paths, encoder)
        vectors.append(found)
        names = [part.classes[label] for label in part.labels[rows]]
        labels.append(np.array([places[name] for name in names], np.int64))
    means = retrieve(vectors[0], labels[0], vectors[1], labels[1]).means()
    yield "products, val in train: precision@1", means["recall_at_1"]
    yield "products, val in train: MAP@R", means["map_at_r"]


def faces(folder: Path, encoder: str) -> Figures:
    """Yield how well a face is named by one example of five people, by `simsearch evaluate`."""
    plan = ("--ways", 5, "--shots", 1, "--episodes", _EPISODES)
    figures = asked("evaluate", folder, "--encoder", encoder, *plan, "--json")
    yield "faces, 5-way 1-shot", figures["few_shot"]["accuracy"]
    for end, value in zip(("lowest", "highest"), figures["intervals"]["few_shot"], strict=True):
        yield f"faces, 5-way 1-shot, {end} of 95 %", value
    yield "faces: MAP@R", figures["map_at_r"]


def stored(folder: Path, encoder: str) -> Figures:
    """Yield the bytes a picture in the store and in the index, vectors only."""
    with tempfile.TemporaryDirectory() as home:
        collection = Collection("pictures", home=home)
        collection.add(folder, encoder=encoder)
        table = collection.embeddings()
        vectors = table.column("embedding").combine_chunks()
        yield "bytes a picture in the store", vectors.flatten().nbytes / len(vectors)
        index = collection.manifest.index
        assert index is not None
        yield "bytes a picture in the index", index.bytes / len(vectors)


def pace(folder: Path, encoder: str) -> tuple[float, float]:
    """Return the pictures a second of an index run, and of the fastest way to encode alone."""
    figures = asked("bench", "throughput", folder, "--encoder", encoder, "--repeat", 1, "--json")
    stages: dict[str, list[float]] = {}
    for stage in figures["stages"]:
        stages.setdefault(stage["stage"], []).append(stage["per_second"])
    return max(stages["end to end"]), max(stages["encode"])


def asked(*command: object) -> Any:
    """Return what a command prints as JSON."""
    return json.loads(run_process(simsearch(*command)).output)


if __name__ == "__main__":
    main()

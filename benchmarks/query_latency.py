"""What a `simsearch query` process costs beside importing the libraries that it stands on.

    python -m benchmarks.query_latency [--images 10000] [--runs 15]

Fills a collection with made vectors, then runs in turn: a query process, and a Python that only
imports faiss, openvino, pyarrow and PIL. Prints both medians and the median ratio of the pairs.
"""

import argparse
import statistics
import sys
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.index_memory import make_pictures
from benchmarks.measure import machine, run_process, simsearch
from simsearch.collection.indexing import index_parts
from simsearch.config import DEFAULT_ENCODER
from simsearch.encoder.resolve import resolve
from simsearch.records import ImageRecord
from simsearch.store.manifest import Manifest, commit
from simsearch.store.writer import PartWriter, write_failures

IMPORTS = "import faiss, openvino, pyarrow, PIL.Image"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--images", type=int, default=10_000)
    parser.add_argument("--runs", type=int, default=15)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        home = Path(scratch)
        make_collection(home / "made", arguments.images)
        make_pictures(home / "pictures", 1)
        picture = next((home / "pictures").rglob("*.jpg"))
        Image.open(picture).resize((1600, 1200)).save(picture)
        query = simsearch("query", picture, "--index", "made", "--home", home)
        imports = [sys.executable, "-c", IMPORTS]
        run_process(query)
        pairs = [
            (run_process(query).seconds, run_process(imports).seconds)
            for _ in range(arguments.runs)
        ]
    print(f"{arguments.images:,} pictures; {machine()}; {arguments.runs} pairs of runs")
    for name, values in zip(("query", "imports"), zip(*pairs, strict=True), strict=True):
        print(f"{name:<8} median {statistics.median(values):.3f} s, fastest {min(values):.3f} s")
    ratio = statistics.median(a / b for a, b in pairs)
    print(f"ratio    {ratio:.2f}")


def make_collection(folder: Path, count: int) -> None:
    """Write a collection of `count` rows with random unit vectors, as an index run would."""
    spec = resolve(DEFAULT_ENCODER)
    rng = np.random.default_rng(3)
    writer = PartWriter(folder, 1, spec)
    for number in range(count):
        vector = np.abs(rng.standard_normal(spec.dim))
        record = ImageRecord(
            id=number,
            path=f"{number // 500:03d}/{number:06d}.jpg",
            root="/pictures",
            content_hash=f"{number:064x}",
            size=1,
            mtime_ns=0,
            width=160,
            height=120,
            format="JPEG",
        )
        writer.add(record, (vector / np.linalg.norm(vector)).astype(np.float16))
    writer.flush()
    manifest = Manifest(
        name=folder.name,
        encoder=spec,
        roots=("/pictures",),
        parts=tuple(writer.parts),
        generation=1,
        next_id=count,
    )
    write_failures(folder, [], 1)
    commit(folder, index_parts(folder, manifest))


if __name__ == "__main__":
    main()

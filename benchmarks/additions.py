"""What `simsearch index` costs when few pictures are new: the index takes them.

    python -m benchmarks.additions PICTURES... [--size 100000] [--add 100]

Makes a collection of `size` vectors (see real_like) and builds its index; then indexes `add` of the
pictures into it, then takes half of them away, then runs once more with nothing to do. Each run is
a process of its own; the last column tells the index that it left: how many vectors it was built
of, how many it has, and how many of them are tombstones.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.measure import machine, run_process, simsearch
from benchmarks.real_like import picture_files, real_vectors, write_collection
from simsearch.collection.indexing import index_parts
from simsearch.index.persist import load_index
from simsearch.store.manifest import commit, read_manifest


def main() -> None:
    """Measure, and print a line a run."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("pictures", nargs="+", metavar="PICTURES")
    parser.add_argument("--size", type=int, default=100_000)
    parser.add_argument("--add", type=int, default=100)
    arguments = parser.parse_args()
    print(machine())
    with tempfile.TemporaryDirectory() as temporary:
        home = Path(temporary)
        folder, new = home / "collection", home / "new"
        write_collection(arguments.size, real_vectors(arguments.pictures), folder)
        for what, seconds in runs(home, folder, new, arguments.pictures, arguments.add):
            print(f"{what:<28} {seconds:>8.1f} s   {state(folder)}", flush=True)


def runs(
    home: Path, folder: Path, new: Path, pictures: list[str], count: int
) -> Iterator[tuple[str, float]]:
    """Yield what is done to the collection, when it is done, and the seconds that it took."""
    started = time.perf_counter()
    commit(folder, index_parts(folder, read_manifest(folder)))
    yield "index built", time.perf_counter() - started
    new.mkdir()
    files = picture_files(pictures)[:count]
    links = [new / f"{number:04d}{Path(file).suffix}" for number, file in enumerate(files)]
    for link, file in zip(links, files, strict=True):
        link.symlink_to(file)
    run = simsearch("index", new, "--name", folder.name, "--home", home, "--json")
    done = run_process(run)
    assert json.loads(done.output)["new"] == len(files), done.output
    yield f"{len(files)} pictures added", done.seconds
    for link in links[::2]:
        link.unlink()
    yield "half of them removed", run_process(run).seconds
    yield "nothing to do", run_process(run).seconds


def state(folder: Path) -> str:
    """Return what the index was built of, and what it has."""
    info = read_manifest(folder).index
    assert info is not None
    index = load_index(folder, info)
    tombstones = index.faiss_index.ntotal - index.size
    return f"{info.recipe}: built of {index.trained:,}, has {index.size:,}, {tombstones} tombstones"


if __name__ == "__main__":
    main()

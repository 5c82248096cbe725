"""How fast `simsearch index` is, against the limit that its parts allow and against peers.

    python -m benchmarks.index_throughput FOLDER... [--peers PYTHON] [--repeat N]

Prints pictures a second for decoding alone, encoding alone, and a whole `simsearch index` process,
start-up included; the limit is 1 / (1 / decode + 1 / encode), since both share the cores. With
--peers, the Python of the environment that benchmarks/peers/install.sh made, the same files go
through fastdup and imagededup's CNN in the same run.
"""

import argparse
import json
import statistics
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle, islice
from pathlib import Path

from benchmarks.measure import ProcessRun, machine, run_process, simsearch
from simsearch.collection.api import available_cores
from simsearch.config import DEFAULT_ENCODER, Selection
from simsearch.encoder.device import choose_target
from simsearch.encoder.embed import embed
from simsearch.encoder.resolve import resolve
from simsearch.encoder.runtimes import Pixels, open_runtime
from simsearch.errors import PictureError
from simsearch.images.decode import decode, read_file
from simsearch.images.discover import discover, is_candidate, resolve_folder
from simsearch.images.fingerprint import content_hash
from simsearch.records import FoundFile

PEERS = Path(__file__).parent / "peers"
ENCODED = 2048
SPEC = resolve(DEFAULT_ENCODER)


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("folders", nargs="+", metavar="FOLDER")
    parser.add_argument("--peers", metavar="PYTHON", help="Python of the peers' environment")
    parser.add_argument("--repeat", type=int, default=3, help="rounds; medians are printed")
    arguments = parser.parse_args()

    with tempfile.TemporaryDirectory() as scratch:
        folder, files = link_files(arguments.folders, Path(scratch, "pictures"))
        warm_up(files, Path(scratch))
        rounds = [
            measure_round(folder, files, Path(scratch), arguments.peers)
            for _ in range(arguments.repeat)
        ]
    print(f"{len(files)} files; {machine()}; medians of {arguments.repeat} rounds\n")
    for key in rounds[0]:
        values = [r[key] for r in rounds]
        spread = f"({min(values):.2f} to {max(values):.2f})" if len(values) > 1 else ""
        print(f"{key:<44} {statistics.median(values):>9.2f}  {spread}")


def link_files(folders: list[str], target: Path) -> tuple[Path, list[str]]:
    """Link all pictures of the folders into one, so that every tool sees the same files."""
    target.mkdir()
    files = [
        found.full_path
        for folder in folders
        for found in discover([resolve_folder(folder)], Selection())
        if isinstance(found, FoundFile) and is_candidate(found)
    ]
    for number, file in enumerate(files):
        (target / f"{number:06d}{Path(file).suffix}").symlink_to(file)
    return target, files


def warm_up(files: list[str], scratch: Path) -> None:
    """Have the converted model cached and the files in memory, as on any run but the first."""
    sample = scratch / "sample"
    sample.mkdir()
    (sample / Path(files[0]).name).symlink_to(files[0])
    run_process(simsearch("index", sample, "--home", scratch / "warm", "--quiet"))
    for file in files:
        Path(file).read_bytes()


def measure_round(
    folder: Path, files: list[str], scratch: Path, peers: str | None
) -> dict[str, float]:
    """Return one round's figures by name."""
    decode_rate = decode_alone(files)
    encode_rate = encode_alone(files)
    limit = 1 / (1 / decode_rate + 1 / encode_rate)
    with tempfile.TemporaryDirectory(dir=scratch) as home:
        command = simsearch("index", folder, "--home", home, "--json", "--quiet")
        first, second = run_process(command), run_process(command)
    indexed = json.loads(first.output)["images"]
    rate = indexed / first.seconds
    figures = {
        "decode alone, pictures/s": decode_rate,
        "encode alone, pictures/s": encode_rate,
        "limit of the parts, pictures/s": limit,
        "simsearch index, whole process, pictures/s": rate,
        "share of the limit": rate / limit,
        "second run, nothing new, s": second.seconds,
        "peak memory, MB": first.peak_bytes / 1e6,
    }
    if peers:
        figures |= measure_peers(peers, folder, scratch, rate)
    return figures


def decode_alone(files: list[str]) -> float:
    """Return pictures a second of reading, hashing and decoding on all cores."""

    def one(file: str) -> bool:
        try:
            data = read_file(file)
            content_hash(data)
            decode(data, SPEC.preprocessing)
        except PictureError:
            return False
        return True

    with ThreadPoolExecutor(available_cores()) as pool:
        started = time.perf_counter()
        count = sum(pool.map(one, files))
        return count / (time.perf_counter() - started)


def encode_alone(files: list[str]) -> float:
    """Return pictures a second of the encoder on all cores, on pictures decoded before."""
    pictures: list[tuple[None, Pixels]] = []
    for file in files[:256]:
        try:
            pictures.append((None, decode(read_file(file), SPEC.preprocessing).pixels))
        except PictureError:
            continue
    runtime = open_runtime(SPEC, choose_target("cpu"))
    list(embed(runtime, pictures[:32]))
    started = time.perf_counter()
    count = sum(1 for _ in embed(runtime, islice(cycle(pictures), ENCODED)))
    return count / (time.perf_counter() - started)


def measure_peers(python: str, folder: Path, scratch: Path, rate: float) -> dict[str, float]:
    """Return the peers' pictures a second on the same files, and how many times faster we are."""
    with tempfile.TemporaryDirectory(dir=scratch) as work:
        runs = {
            "fastdup": run_process([python, str(PEERS / "run_fastdup.py"), str(folder), work]),
            "imagededup CNN": run_process([python, str(PEERS / "run_imagededup.py"), str(folder)]),
        }
    rates = {name: peer_rate(run) for name, run in runs.items()}
    figures = {f"{name}, whole process, pictures/s": value for name, value in rates.items()}
    figures["simsearch / faster peer"] = rate / max(rates.values())
    for name, run in runs.items():
        figures[f"{name}, peak memory, MB"] = run.peak_bytes / 1e6
    return figures


def peer_rate(run: ProcessRun) -> float:
    """Return pictures a second of a peer's whole process."""
    return float(json.loads(run.output.strip().splitlines()[-1])["images"]) / run.seconds


if __name__ == "__main__":
    main()

"""How fast `simsearch index` is as a whole process, beside peers on the same files.

    python -m benchmarks.index_throughput FOLDER... [--peers PYTHON] [--repeat N]

Prints pictures a second of whole processes, start-up included. With --peers, the Python of the
environment that benchmarks/peers/install.sh made, the same files go through fastdup and
imagededup's CNN in the same run. What the stages allow is told by `simsearch bench throughput`.
"""

import argparse
import json
import statistics
import tempfile
from pathlib import Path

from benchmarks.measure import ProcessRun, machine, run_process, simsearch
from simsearch.config import Selection
from simsearch.images.discover import discover, is_candidate, resolve_folder
from simsearch.records import FoundFile

PEERS = Path(__file__).parent / "peers"


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
            measure_round(folder, Path(scratch), arguments.peers) for _ in range(arguments.repeat)
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


def measure_round(folder: Path, scratch: Path, peers: str | None) -> dict[str, float]:
    """Return one round's figures by name."""
    with tempfile.TemporaryDirectory(dir=scratch) as home:
        command = simsearch("index", folder, "--home", home, "--json", "--quiet")
        first, second = run_process(command), run_process(command)
    indexed = json.loads(first.output)["images"]
    rate = indexed / first.seconds
    figures = {
        "simsearch index, whole process, pictures/s": rate,
        "second run, nothing new, s": second.seconds,
        "peak memory, MB": first.peak_bytes / 1e6,
    }
    if peers:
        figures |= measure_peers(peers, folder, scratch, rate)
    return figures


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

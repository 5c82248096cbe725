"""Peak memory of `simsearch index` at two sizes: it must not grow with the number of pictures.

    python -m benchmarks.index_memory [--small 2000] [--large 20000]

Makes that many different small JPEGs, indexes them in a fresh process each, and prints the peaks.
"""

import argparse
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.measure import machine, megabytes, run_process, simsearch


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--small", type=int, default=2_000)
    parser.add_argument("--large", type=int, default=20_000)
    arguments = parser.parse_args()
    print(machine())
    peaks = []
    for count in (arguments.small, arguments.large):
        with tempfile.TemporaryDirectory() as scratch:
            make_pictures(Path(scratch, "pictures"), count)
            run = run_process(
                simsearch("index", Path(scratch, "pictures"), "--home", scratch, "--quiet")
            )
        peaks.append(run.peak_bytes)
        print(f"{count:>9,} pictures: peak {megabytes(run.peak_bytes)}, {run.seconds:.1f} s")
    print(f"difference: {megabytes(peaks[1] - peaks[0])}")


def make_pictures(folder: Path, count: int) -> None:
    """Write `count` different JPEGs of 160 x 120, 500 a sub-folder."""
    rng = np.random.default_rng(7)
    for number in range(count):
        place = folder / f"{number // 500:03d}"
        place.mkdir(parents=True, exist_ok=True)
        coarse = Image.fromarray(rng.integers(0, 256, (6, 8, 3), dtype=np.uint8))
        coarse.resize((160, 120)).save(place / f"{number:06d}.jpg")


if __name__ == "__main__":
    main()

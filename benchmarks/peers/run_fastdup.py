"""Times fastdup over all pictures below a folder; run it with the peers' own Python.

Usage: run_fastdup.py FOLDER WORKDIR. The last line of stdout is the result as JSON.
"""

import argparse
import os
import time
from pathlib import Path

from _report import cores, report, take_stdout  # type: ignore[import-not-found]


def main() -> None:
    """Run fastdup with its default model and settings on all cores."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("workdir", type=Path)
    args = parser.parse_args()
    folder, workdir = args.folder.resolve(strict=True), args.workdir.resolve()
    workdir.mkdir(parents=True, exist_ok=True)
    out = take_stdout()

    os.environ["SENTRY_OPT_OUT"] = "1"  # no telemetry from the Python side
    os.environ["FASTDUP_PRODUCTION"] = "1"  # no look-up of the newest version at import
    os.environ["HOME"] = str(workdir)  # keeps its ~/.fastdup_cache out of the user's home
    os.environ.pop("FASTDUP_CORE_LIMIT", None)  # it would override num_threads
    import fastdup  # type: ignore[import-not-found]

    start = time.perf_counter()
    analyser = fastdup.create(work_dir=str(workdir), input_dir=str(folder))
    status = analyser.run(num_threads=cores(), overwrite=True, run_sentry=False)
    seconds = time.perf_counter() - start
    if status != 0:
        raise SystemExit(f"fastdup failed with status {status}")

    notes = (
        f"CPU, {cores()} threads, default model (576 numbers a picture); the run also finds "
        "nearest neighbours, connected components and image statistics, and ends on steps of "
        "about a second"
    )
    images = len(analyser.annotations())
    report(out, tool="fastdup", images=images, seconds=seconds, weights="bundled", notes=notes)


if __name__ == "__main__":
    main()

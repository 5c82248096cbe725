"""What the tests share: made pictures, real pictures where there are some, and the command line."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

DATA_VARIABLE = "SIMSEARCH_TEST_DATA"
PROJECT = Path(__file__).parents[1]


@dataclass(frozen=True)
class CliResult:
    """What a command printed and returned."""

    code: int
    out: str
    err: str

    def json(self) -> Any:
        """Return standard output as JSON."""
        return json.loads(self.out)


@pytest.fixture(scope="session", autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep converted models out of the user's cache: one conversion a test session."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        patch.delenv("SIMSEARCH_HOME", raising=False)
        yield


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Return the folder of real pictures, or skip."""
    folder = Path(os.environ.get(DATA_VARIABLE) or PROJECT.parent / "shared" / "data")
    if not (folder / "photos").is_dir():
        pytest.skip(f"no real pictures; set {DATA_VARIABLE} to have them")
    return folder


def picture(seed: int, width: int = 96, height: int = 72) -> Image.Image:
    """Return a made RGB picture: smooth colour fields, different for every seed."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, (5, 6, 3), dtype=np.uint8)
    return Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)


def save_pictures(folder: Path, count: int, first_seed: int = 0) -> list[Path]:
    """Write `count` made JPEGs, picture-000.jpg and so on, into a folder; return their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for seed in range(first_seed, first_seed + count):
        path = folder / f"picture-{seed:03d}.jpg"
        picture(seed).save(path, quality=90)
        paths.append(path)
    return paths


@pytest.fixture
def run_cli(tmp_path: Path) -> Callable[..., CliResult]:
    """Return a function that runs `simsearch ARGS...` as a user would, in tmp_path."""

    def run(*args: object, env: dict[str, str] | None = None, cwd: Path | None = None) -> CliResult:
        done = subprocess.run(
            [sys.executable, "-m", "simsearch", *map(str, args)],
            cwd=cwd or tmp_path,
            env={**os.environ, **(env or {})},
            capture_output=True,
            text=True,
            errors="surrogateescape",
            check=False,
            timeout=300,
        )
        return CliResult(done.returncode, done.stdout, done.stderr)

    return run


@pytest.fixture
def one_search_thread() -> Iterator[None]:
    """Let faiss use one thread: a graph that several build is another one each time."""
    import faiss

    threads = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(1)
    yield
    faiss.omp_set_num_threads(threads)

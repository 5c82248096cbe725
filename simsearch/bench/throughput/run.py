"""All stages on the same pictures, round after round, and the whole beside what they allow."""

import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from simsearch.bench.machine import GpuUse, gpus, peak_memory, processor, versions
from simsearch.bench.throughput import stages
from simsearch.bench.throughput.pictures import make_picture, open_pictures
from simsearch.collection.api import Collection, available_cores
from simsearch.config import EncoderSpec
from simsearch.encoder.device import Target, choose_target
from simsearch.encoder.embed import embed
from simsearch.encoder.resolve import resolve
from simsearch.encoder.runtimes import Pixels, Runtime, Vectors, open_runtime
from simsearch.errors import FolderError

BATCH_SIZES = {"cpu": (1, 8, 32), "cuda": (64, 256, 1024), "mps": (16, 64, 256)}
_PACKAGES = ("simsearch", "torch", "openvino", "faiss-cpu", "pillow", "pyarrow", "numpy")
_SECONDS = 3.0  # that an encoder is measured for


@dataclass(frozen=True, slots=True)
class Stage:
    """What one stage does in a second, in each round.

    Attributes:
        name: 'decode', 'encode', 'store', 'build', 'search' or 'end to end'.
        how: with which settings.
        unit: what is counted.
        rates: a second, one a round.
    """

    name: str
    how: dict[str, Any]
    unit: str
    rates: tuple[float, ...]

    @property
    def rate(self) -> float:
        """The median of the rounds."""
        return statistics.median(self.rates)

    def as_dict(self) -> dict[str, Any]:
        """Return what is printed as JSON."""
        return {
            "stage": self.name,
            **self.how,
            "unit": self.unit,
            "per_second": self.rate,
            "lowest": min(self.rates),
            "highest": max(self.rates),
        }


@dataclass(frozen=True, slots=True)
class Throughput:
    """What was measured.

    Attributes:
        about: pictures, encoder, machine and versions.
        stages: each alone, and end to end.
        share_of_limit: end to end against the limit of the parts, median of the rounds.
        gpu_use: mean share of the time that the GPU was busy while measured; None without one.
        peak_memory: most bytes that the process has held.
    """

    about: dict[str, Any]
    stages: list[Stage]
    share_of_limit: float
    gpu_use: float | None
    peak_memory: int

    def as_dict(self) -> dict[str, Any]:
        """Return what is printed as JSON."""
        return {
            **self.about,
            "stages": [stage.as_dict() for stage in self.stages],
            "share_of_limit": self.share_of_limit,
            "gpu_use": self.gpu_use,
            "peak_memory": self.peak_memory,
        }


def benchmark_throughput(
    source: str,
    encoder: str,
    device: str,
    batch_sizes: Sequence[int] | None,
    most: int,
    repeat: int,
    progress: Callable[[int, int], None] = lambda *_: None,
) -> Throughput:
    """Measure decoding, encoding, storing, building and searching, each alone, and an index run.

    The limit of an index run is what its parts allow: on a CPU they share the cores, and their
    times add up; beside a GPU they overlap, and the slowest is the limit.

    Args:
        source: a folder of pictures, or 'made:COUNT,WIDTHxHEIGHT'.
        encoder: name of the encoder.
        device: 'auto', 'cpu', 'cuda' or 'mps', that end to end is measured on; encoding alone is
            measured with all runtimes of that device and of the CPU.
        batch_sizes: of the encoder; None are some that suit the device.
        most: pictures.
        repeat: rounds; all stages are measured in each.
        progress: called with (rounds done, rounds to do).

    Raises:
        InputError, FolderError: there are no such pictures.
        DeviceError: there is no such device.
    """
    target, spec = choose_target(device), resolve(encoder)
    with open_pictures(source, most) as (folder, files), tempfile.TemporaryDirectory() as scratch:
        pictures = stages.decoded(files, spec.preprocessing)
        if not pictures:
            raise FolderError(f"no picture of '{source}' can be read; give other pictures")
        encoders = _open_encoders(spec, target, batch_sizes)
        about = {
            "source": source,
            "pictures": len(pictures),
            "bytes": sum(file.stat().st_size for file in files),
            "encoder": spec.name,
            "dim": spec.dim,
            "cpu": processor(),
            "gpus": gpus(),
            "versions": versions(_PACKAGES),
            "date": datetime.now(UTC).isoformat(timespec="seconds"),
            "repeat": repeat,
        }
        vectors = np.stack([v for _, v in embed(encoders[0].runtime, ((0, p) for p in pictures))])
        rounds: list[list[Stage]] = []
        with GpuUse(target.device == "cuda") as use:
            for done in range(repeat):
                place = Path(scratch, str(done))
                parts = _parts(files, pictures, vectors, spec, encoders, place)
                rounds.append([*parts, _end_to_end(folder, len(files), spec, target, place)])
                progress(done + 1, repeat)
    return Throughput(
        about,
        [
            replace(same[0], rates=tuple(stage.rate for stage in same))
            for same in zip(*rounds, strict=True)
        ],
        statistics.median(_share(measured, target) for measured in rounds),
        use.mean,
        peak_memory(),
    )


@dataclass(frozen=True, slots=True)
class _Encoder:
    how: dict[str, Any]
    runtime: Runtime


def _open_encoders(
    spec: EncoderSpec, target: Target, batch_sizes: Sequence[int] | None
) -> list[_Encoder]:
    """Open all runtimes, each with all batch sizes; the target's own come first."""
    encoders = []
    for one in dict.fromkeys((target, Target("cpu", "openvino"), Target("cpu", "torch"))):
        for size in batch_sizes or BATCH_SIZES[one.device]:
            runtime = open_runtime(spec, one, size)
            how: dict[str, Any] = {"device": one.device, "runtime": one.runtime}
            how |= {"precision": runtime.precision, "batch_size": size}
            encoders.append(_Encoder(how, runtime))
    return encoders


def _parts(
    files: Sequence[Path],
    pictures: Sequence[Pixels],
    vectors: Vectors,
    spec: EncoderSpec,
    encoders: Sequence[_Encoder],
    place: Path,
) -> Iterator[Stage]:
    """Yield each stage alone, measured once."""
    rate = stages.decode_rate(files, spec.preprocessing)
    yield Stage("decode", {"threads": available_cores()}, "pictures", (rate,))
    for encoder in encoders:
        rate = stages.encode_rate(encoder.runtime, pictures, _SECONDS)
        yield Stage("encode", encoder.how, "pictures", (rate,))
    yield Stage("store", {}, "vectors", (stages.store_rate(place / "parts", spec, vectors),))
    rate, recipe, index = stages.build_rate(vectors)
    yield Stage("build", {"recipe": recipe, "vectors": len(vectors)}, "vectors", (rate,))
    for mode, rate in stages.search_rates(index, vectors, _SECONDS / 3).items():
        yield Stage("search", {"recipe": recipe, "mode": mode}, "queries", (rate,))


def _end_to_end(folder: Path, files: int, spec: EncoderSpec, target: Target, place: Path) -> Stage:
    """Measure an index run, from files to a built index, by an encoder that is open already."""
    (place / "first").mkdir(parents=True)
    make_picture(place / "first", 0, spec.preprocessing.size, spec.preprocessing.size)
    collection = Collection("all", place / "home", device=target.device)
    collection.add(place / "first", encoder=spec.name)
    started = time.perf_counter()
    collection.add(folder)
    rate = files / (time.perf_counter() - started)
    return Stage(
        "end to end", {"device": target.device, "runtime": target.runtime}, "pictures", (rate,)
    )


def _share(measured: Sequence[Stage], target: Target) -> float:
    """Return end to end as a share of what the parts allow."""

    def best(name: str) -> float:
        own = {"device": target.device, "runtime": target.runtime}
        alike = [stage for stage in measured if stage.name == name and stage.how | own == stage.how]
        return max(stage.rate for stage in alike or measured if stage.name == name)

    parts = [best(name) for name in ("decode", "encode", "store", "build")]
    limit = 1 / sum(1 / rate for rate in parts) if target.device == "cpu" else min(parts)
    return best("end to end") / limit

"""Pictures on a GPU: encoding, decoding, whole index runs, training."""

import json
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import torch

from benchmarks.gpu import SEED, Bench, Row
from benchmarks.measure import run_process, simsearch
from simsearch.bench.throughput.pictures import make_pictures
from simsearch.bench.throughput.run import benchmark_throughput
from simsearch.bench.throughput.stages import decode_rate, decoded
from simsearch.collection.api import available_cores
from simsearch.config import DEFAULT_ENCODER, Preprocessing
from simsearch.encoder.device import Target
from simsearch.encoder.embed import embed
from simsearch.encoder.resolve import build_network, resolve
from simsearch.encoder.runtimes import Pixels, Vectors, open_runtime
from simsearch.images.decode import decode

_PICTURES = 8000
_ENCODED = 20_480  # pictures, of which the rate is measured


def encoding(_: Bench) -> Iterator[Row]:
    """Compare vectors of made pictures on both devices; time the network, and what may pay."""
    spec = resolve(DEFAULT_ENCODER)
    pictures = made_pixels(spec.preprocessing.size)
    agreement = (embedded(pictures, "cuda") * embedded(pictures, "cpu")).sum(axis=1).min()
    yield Row("encode: lowest cosine of CUDA f16 and CPU f32", float(agreement), "cosine", 0.999)
    for size in (256, 1024):
        runtime = open_runtime(spec, Target("cuda", "torch"), size)
        batch = np.resize(pictures, (size, *pictures.shape[1:]))
        list(runtime.run([batch] * 3))
        started = time.perf_counter()
        count = sum(len(done) for done in runtime.run([batch] * (_ENCODED // size)))
        pace = count / (time.perf_counter() - started)
        yield Row(f"encode alone, batches of {size}", pace, "pictures/s", 20_000)
    pixels = torch.from_numpy(np.resize(pictures, (256, *pictures.shape[1:]))).cuda()
    network = build_network(spec).cuda().to(memory_format=torch.channels_last)
    for name, prepare in VARIANTS.items():
        yield Row(
            f"network alone, {name}", pace_of(prepare(network, pixels), len(pixels)), "pictures/s"
        )


def made_pixels(side: int) -> Pixels:
    """Return 64 squares of coarse noise."""
    coarse = np.random.default_rng(SEED).integers(0, 256, (64, 8, 8, 3), np.uint8)
    whole = coarse.repeat(-(-side // 8), axis=1).repeat(-(-side // 8), axis=2)
    return np.ascontiguousarray(whole[:, :side, :side])


def embedded(pictures: Iterable[Pixels], device: str) -> Vectors:
    """Return the vectors of pictures, by torch on a device."""
    runtime = open_runtime(resolve(DEFAULT_ENCODER), Target(device, "torch"), 64)
    return np.stack([vector for _, vector in embed(runtime, ((0, one) for one in pictures))])


def eager(network: torch.nn.Module, pixels: torch.Tensor) -> Callable[[], object]:
    """Return a call of the network as it is."""

    @torch.inference_mode()
    def run() -> object:
        with torch.autocast("cuda", dtype=torch.float16):
            return network(pixels)

    return run


def graphed(network: torch.nn.Module, pixels: torch.Tensor) -> Callable[[], object]:
    """Return a call that replays a CUDA graph."""
    graph = torch.cuda.CUDAGraph()
    with torch.inference_mode(), torch.autocast("cuda", torch.float16, cache_enabled=False):
        beside = torch.cuda.Stream()  # type: ignore[no-untyped-call]
        with torch.cuda.stream(beside):
            for _ in range(3):
                network(pixels)
        torch.cuda.current_stream().wait_stream(beside)
        with torch.cuda.graph(graph):
            network(pixels)
    return graph.replay


def compiled(network: torch.nn.Module, pixels: torch.Tensor) -> Callable[[], object]:
    """Return a call of the network that torch has compiled."""
    return eager(torch.compile(network), pixels)  # type: ignore[arg-type]


VARIANTS: dict[str, Callable[[torch.nn.Module, torch.Tensor], Callable[[], object]]] = {
    "eager": eager,
    "CUDA graph": graphed,
    "torch.compile": compiled,
}


def pace_of(run: Callable[[], object], count: int) -> float:
    """Return how many a second of `count` a call, of 20 calls that are queued at once."""
    for _ in range(3):
        run()
    torch.cuda.synchronize()
    started = time.perf_counter()
    for _ in range(20):
        run()
    torch.cuda.synchronize()
    return 20 * count / (time.perf_counter() - started)


def decoding(bench: Bench, device: str = "cuda", count: int = 4096) -> Iterator[Row]:
    """Decode JPEG files by torchvision on the GPU, and by the CPU's threads; compare vectors."""
    folder = bench.scratch / "jpegs"
    folder.mkdir()
    preprocessing = resolve(DEFAULT_ENCODER).preprocessing
    files = make_pictures(folder, count, 500, 375)
    on_cpu = decoded(files, preprocessing)
    yield Row("decode: as an index run does it", decode_rate(files, preprocessing), "pictures/s")
    with ThreadPoolExecutor(available_cores()) as pool:
        started = time.perf_counter()
        list(pool.map(lambda file: decode(file.read_bytes(), preprocessing), files))
    rate = count / (time.perf_counter() - started)
    yield Row("decode: by threads of one process", rate, "pictures/s")
    squares = squares_by_torchvision(files, preprocessing, device)
    started = time.perf_counter()
    squares = squares_by_torchvision(files, preprocessing, device)
    yield Row("decode: on the GPU", count / (time.perf_counter() - started), "pictures/s")
    agreement = (embedded(on_cpu[:64], device) * embedded(squares[:64], device)).sum(axis=1)
    yield Row("decode: lowest cosine of both ways", float(agreement.min()), "cosine")


def squares_by_torchvision(
    files: Sequence[Path], preprocessing: Preprocessing, device: str
) -> Pixels:
    """Return uint8 [n, side, side, 3], the whole of each picture, as the default encoder's."""
    from torchvision.io import decode_jpeg
    from torchvision.transforms.v2.functional import InterpolationMode, resize

    assert (preprocessing.fit, preprocessing.crop_fraction) == ("squash", 1.0)
    side, parts = preprocessing.size, []
    for start in range(0, len(files), 256):
        data = [np.fromfile(file, np.uint8) for file in files[start : start + 256]]
        for one in decode_jpeg([torch.from_numpy(file) for file in data], device=device):
            how = InterpolationMode(preprocessing.interpolation)
            parts.append(resize(one, [side, side], how, antialias=True))
    pixels: Pixels = torch.stack(parts).permute(0, 2, 3, 1).contiguous().cpu().numpy()
    return pixels


def whole_runs(_: Bench) -> Iterator[Row]:
    """Time an index run of JPEG files, and its stages."""
    measured = benchmark_throughput(
        f"made:{_PICTURES},500x375", DEFAULT_ENCODER, "cuda", [256], _PICTURES, 2
    )
    for stage in measured.stages:
        if stage.how.get("device") != "cpu":
            yield Row(f"{stage.name} {stage.how}"[:52], stage.rate, f"{stage.unit}/s")
    yield Row("end to end, of what the parts allow", measured.share_of_limit, "share", 0.9)
    if measured.gpu_use is not None:
        yield Row("GPU busy meanwhile", measured.gpu_use, "share")


def training(bench: Bench) -> Iterator[Row]:
    """Time an epoch of training the default backbone on made pictures."""
    for number in range(512):
        folder = bench.scratch / "classes" / f"{number:03d}"
        folder.mkdir(parents=True)
        make_pictures(folder, 8, 256, 256)
    out = bench.scratch / "encoder"
    options = ("--epochs", 4, "-p", 64, "-k", 4, "--mining", "batch_hard", "--device", "cuda", "-q")
    run_process(simsearch("train", bench.scratch / "classes", "--out", out, *options))
    lines = [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]
    rates = [line["images_per_second"] for line in lines if "images_per_second" in line]
    yield Row("training, pictures of 224 px, best epoch", max(rates), "pictures/s", 5000)

"""The contract of every file in simsearch/encoder/runtimes, and that they agree."""

import pkgutil
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch

from simsearch.config import DEFAULT_ENCODER, EncoderSpec
from simsearch.encoder import runtimes
from simsearch.encoder.device import Target
from simsearch.encoder.embed import embed, normalized
from simsearch.encoder.resolve import build_network, resolve
from simsearch.encoder.runtimes import Pixels, Runtime, Vectors, open_runtime
from simsearch.encoder.runtimes.openvino import cpu_precision
from simsearch.images.decode import decode
from tests.conftest import picture

RUNTIMES = sorted(module.name for module in pkgutil.iter_modules(runtimes.__path__))
needs_bf16 = pytest.mark.skipif(cpu_precision(None) != "bf16", reason="this CPU has no bf16")


def noise(count: int, size: int = 64) -> Pixels:
    return np.random.default_rng(count).integers(0, 256, (count, size, size, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def spec(shared_spec: EncoderSpec) -> EncoderSpec:
    return shared_spec


@cache
def open_(spec: EncoderSpec, name: str, batch_size: int = 4) -> Runtime:
    return open_runtime(spec, Target("cpu", name), batch_size, "f32")


def oracle(spec: EncoderSpec, pixels: Pixels) -> Vectors:
    """Run the network on one picture after the other."""
    network = built_once(spec)
    with torch.inference_mode():
        return np.concatenate([network(torch.from_numpy(one[None])).numpy() for one in pixels])


built_once = cache(build_network)


def assert_near(vectors: Vectors, expected: Vectors) -> None:
    assert vectors.dtype == np.float32
    assert vectors.shape == expected.shape
    np.testing.assert_allclose(vectors, expected, atol=1e-3 * np.abs(expected).max())


def test_both_runtimes_are_there() -> None:
    assert RUNTIMES == ["openvino", "torch"]


@pytest.mark.parametrize("name", RUNTIMES)
@pytest.mark.parametrize("sizes", [[4], [4, 4, 4, 4, 4], [4, 4, 1], [3], [1, 4, 2, 4], []])
def test_batches_come_back_in_order(spec: EncoderSpec, name: str, sizes: list[int]) -> None:
    runtime = open_(spec, name)
    pixels = noise(sum(sizes))
    parts = np.split(pixels, np.cumsum(sizes)[:-1]) if sizes else []
    results = list(runtime.run(parts))
    assert [len(one) for one in results] == sizes
    if sizes:
        assert_near(np.concatenate(results), oracle(spec, pixels))


@pytest.mark.parametrize("name", RUNTIMES)
def test_a_result_is_not_overwritten_by_the_next(spec: EncoderSpec, name: str) -> None:
    pixels = noise(16)
    first, *rest = open_(spec, name).run(np.split(pixels, 4))
    assert_near(first, oracle(spec, pixels[:4]))
    assert len(rest) == 3


@pytest.mark.parametrize("name", RUNTIMES)
def test_a_batch_may_be_changed_after_it_was_taken(spec: EncoderSpec, name: str) -> None:
    pixels = noise(16)

    def reused() -> Iterator[Pixels]:
        buffer = np.empty((4, 64, 64, 3), dtype=np.uint8)
        for part in np.split(pixels, 4):
            buffer[:] = part
            yield buffer

    assert_near(np.concatenate(list(open_(spec, name).run(reused()))), oracle(spec, pixels))


@pytest.mark.parametrize("name", RUNTIMES)
def test_a_runtime_goes_on_after_a_run_that_was_left(spec: EncoderSpec, name: str) -> None:
    runtime = open_(spec, name)
    pixels = noise(12)

    def failing() -> Iterator[Pixels]:
        yield pixels[:4]
        yield pixels[4:8]
        raise KeyError("source")

    with pytest.raises(KeyError):
        list(runtime.run(failing()))
    left = runtime.run(np.split(pixels, 3))
    next(left)
    (left_again,) = runtime.run([pixels[8:]])
    assert_near(left_again, oracle(spec, pixels[8:]))


@pytest.mark.parametrize("name", RUNTIMES)
@pytest.mark.parametrize("batch_size", [1, 3])
def test_the_batch_size_asked_for(spec: EncoderSpec, name: str, batch_size: int) -> None:
    runtime = open_(spec, name, batch_size)
    assert runtime.batch_size == batch_size
    pixels = noise(batch_size)
    assert_near(next(iter(runtime.run([pixels]))), oracle(spec, pixels))


@pytest.mark.parametrize("name", RUNTIMES)
def test_its_own_choice(spec: EncoderSpec, name: str) -> None:
    runtime = open_runtime(spec, Target("cpu", name))
    assert runtime.batch_size >= 1
    assert runtime.precision in {"f32", "bf16", "f16", "int8"}


@pytest.mark.parametrize("name", RUNTIMES)
def test_embed_yields_unit_vectors_in_order(spec: EncoderSpec, name: str) -> None:
    pixels = noise(11)
    result = dict(embed(open_(spec, name), enumerate(pixels)))
    assert list(result) == list(range(11))
    vectors = np.stack(list(result.values()))
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert_near(vectors, normalized(oracle(spec, pixels)))


@cache
def default_runtime(name: str, precision: str) -> Runtime:
    return open_runtime(resolve(DEFAULT_ENCODER), Target("cpu", name), 4, precision)


def cosines(pixels: Pixels, name: str, precision: str) -> Vectors:
    """Return the cosine of each picture's embedding with torch's in float32."""
    given = list(enumerate(pixels))
    mine, theirs = (
        np.stack([vector for _, vector in embed(runtime, given)])
        for runtime in (default_runtime(name, precision), default_runtime("torch", "f32"))
    )
    result: Vectors = (mine * theirs).sum(axis=1)
    return result


def made() -> Pixels:
    smooth = [np.asarray(picture(seed, 224, 224)) for seed in range(5)]
    return np.stack([*smooth, flat(0), flat(255), *noise(2, 224)])


def flat(value: int) -> Pixels:
    return np.full((224, 224, 3), value, dtype=np.uint8)


def photos(folder: Path) -> Pixels:
    preprocessing = resolve(DEFAULT_ENCODER).preprocessing
    paths = sorted((folder / "photos").rglob("*.jpg"))[::100][:24]
    return np.stack([decode(path.read_bytes(), preprocessing).pixels for path in paths])


def test_runtimes_agree_in_float32() -> None:
    # The default maps an even mid-grey to nearly nothing; what is left is still the same.
    pixels = np.concatenate([made(), flat(127)[None], flat(128)[None]])
    assert cosines(pixels, "openvino", "f32").min() >= 0.999


@needs_bf16
def test_runtimes_agree_in_bf16() -> None:
    assert cosines(made(), "openvino", "bf16").min() >= 0.99
    assert cosines(made(), "torch", "bf16").min() >= 0.99


def test_runtimes_agree_on_photographs(shared_data: Path) -> None:
    pixels = photos(shared_data)
    assert cosines(pixels, "openvino", "f32").min() >= 0.999


@needs_bf16
def test_runtimes_agree_on_photographs_in_bf16(shared_data: Path) -> None:
    pixels = photos(shared_data)
    assert cosines(pixels, "openvino", "bf16").min() >= 0.99
    assert cosines(pixels, "torch", "bf16").min() >= 0.99

"""Convolutions in 8 bits: their grids, when they are too coarse, what CPUs make of them."""

import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import openvino
import pytest
import torch
from torch import nn

from simsearch.config import EncoderSpec
from simsearch.encoder.eight_bit import fit_ranges, use_eight_bits
from simsearch.encoder.embed import normalized
from simsearch.encoder.ranges import Ranges, ranges_of, write_ranges
from simsearch.encoder.resolve import build_network, resolve
from simsearch.encoder.runtimes import Pixels, Vectors
from simsearch.encoder.runtimes import openvino as runtime
from simsearch.errors import EncoderError

x86_only = pytest.mark.skipif(
    platform.machine().lower() not in ("x86_64", "amd64"), reason="instructions of x86"
)


class Chain(nn.Module):
    """Five convolutions of 1 x 1, with negative inputs to the last one, and averages."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        widths = [3, 8, 8, 8, 8, 6]
        self.layers = nn.ModuleList(nn.Conv2d(many, more, 1) for many, more in pairwise(widths))
        for name, values in self.named_parameters():
            if name.endswith("bias"):  # it would be all that is left
                nn.init.zeros_(values)

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        maps = pixels.permute(0, 3, 1, 2).float() / 255
        for number, layer in enumerate(self.layers):
            maps = layer(maps)
            if number != 3:
                maps = maps.relu()
        return maps.mean(dim=(2, 3))


def batches(size: int = 8) -> Sequence[Pixels]:
    """Return pictures of different colours, with noise."""
    draw = np.random.default_rng(4)
    colours = draw.integers(0, 128, (10, 1, 1, 3), dtype=np.uint8)
    noise = draw.integers(0, 128, (10, size, size, 3), dtype=np.uint8)
    return np.split(colours + noise, 2)


def convolution(network: Chain, number: int) -> Any:
    return network.layers[number]


def inputs_of(network: nn.Module, layer: nn.Module, pixels: Pixels) -> torch.Tensor:
    """Return what a layer is given, after its own hooks."""
    seen: list[torch.Tensor] = []
    handle = layer.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    with torch.inference_mode():
        network(torch.from_numpy(pixels))
    handle.remove()
    return seen[0]


def test_ranges_are_of_all_but_the_first_three() -> None:
    network = Chain()
    ranges = fit_ranges(network, batches())
    assert list(ranges) == ["layers.3", "layers.4"]
    for name, layer in zip(ranges, network.layers[3:], strict=True):
        given = torch.cat([inputs_of(network, layer, pixels) for pixels in batches()])
        low, high = min(0.0, float(given.min())), max(0.0, float(given.max()))
        assert ranges[name] == pytest.approx((low, high))
    assert ranges["layers.3"][0] == 0
    assert ranges["layers.4"][0] < 0


def test_fitting_leaves_the_network_as_it_is() -> None:
    network = Chain()
    before = network(torch.from_numpy(batches()[0]))
    fit_ranges(network, batches())
    assert torch.equal(network(torch.from_numpy(batches()[0])), before)
    assert set(network.state_dict()) == set(Chain().state_dict())


def grid(values: torch.Tensor, scale: torch.Tensor | float) -> torch.Tensor:
    """Return the whole numbers that values stand for; they must be some."""
    steps = values / scale
    assert torch.allclose(steps, steps.round(), atol=1e-3)
    return steps.round()


def test_no_two_products_overflow_16_bits() -> None:
    """Where inputs are signed, CPUs without VNNI add 128 to them to multiply them unsigned."""
    network = Chain()
    ranges = fit_ranges(network, batches())
    use_eight_bits(network, ranges)
    for name, layer in zip(ranges, network.layers[3:], strict=True):
        low, high = ranges[name]
        given = inputs_of(network, layer, batches()[0])
        numbers = grid(given, max(-low, high) / 127)
        flat = convolution(network, int(name[-1])).weight.detach().flatten(1)
        steps = 63 if low < 0 else 127
        weights = grid(flat, flat.abs().amax(dim=1, keepdim=True) / steps)
        assert weights.abs().amax(dim=1).tolist() == [steps] * len(weights)
        assert len(set(numbers.flatten().tolist())) > 50, "the whole grid is used"
        highest = 255 if low < 0 else int(numbers.max())
        assert 2 * highest * steps < 2**15


def test_what_lies_outside_is_cut_to_the_largest() -> None:
    network = Chain()
    use_eight_bits(network, {"layers.4": (-0.01, 0.01)})
    given = inputs_of(network, network.layers[4], batches()[0])
    assert given.min() == pytest.approx(-0.01 * 128 / 127)
    assert given.max() == pytest.approx(0.01)


def test_a_network_that_needs_more_bits_gets_none() -> None:
    """What tells pictures apart is a thousandth of what all of them share."""
    network = Chain()
    before, last = convolution(network, 3), convolution(network, 4)
    with torch.no_grad():
        before.weight[0], before.bias[0] = 0, 1000
        last.weight[:, 0] = 0
    assert fit_ranges(network, batches()) == {}


def test_a_network_that_gives_no_numbers_gets_none() -> None:
    network = Chain()
    nn.init.constant_(convolution(network, 4).weight, float("nan"))
    assert fit_ranges(network, batches()) == {}


@pytest.fixture
def ranged(folder: Path, spec: EncoderSpec) -> Ranges:
    """Return the ranges of the small network, which lie in its folder."""
    ranges = fit_ranges(build_network(spec), batches(64))
    assert ranges
    write_ranges(folder, ranges)
    return ranges_of(spec)


@pytest.fixture
def no_bf16(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the CPU be an x86 one that has 8 bits and no bfloat16."""

    class Older(openvino.Core):  # type: ignore[misc]
        def get_property(self, *names: Any) -> Any:
            asked = names[-1] == "OPTIMIZATION_CAPABILITIES"
            return ["FP32", "INT8"] if asked else super().get_property(*names)

    monkeypatch.setattr(openvino, "Core", Older)
    monkeypatch.setattr(platform, "machine", lambda: "x86_64")


def vectors(spec: EncoderSpec, precision: str | None) -> Vectors:
    opened = runtime.open_runtime(spec, "cpu", 5, precision)
    return normalized(np.concatenate(list(opened.run(batches(64)))))


def rounded(spec: EncoderSpec, ranges: Ranges) -> Vectors:
    """Return the vectors of the network on its grids, by torch."""
    network = build_network(spec)
    use_eight_bits(network, ranges)
    with torch.inference_mode():
        outputs = [network(torch.from_numpy(one)).numpy() for one in batches(64)]
    return normalized(np.concatenate(outputs))


@pytest.mark.usefixtures("own_cache")
def test_openvino_computes_what_the_grids_say(spec: EncoderSpec, ranged: Ranges) -> None:
    expected, exact = rounded(spec, ranged), vectors(spec, "f32")
    found = vectors(spec, "int8")
    off = 1 - (found * expected).sum(axis=1)
    coarse = 1 - (exact * expected).sum(axis=1)
    assert coarse.min() > 0
    assert off.max() < 0.5 * coarse.mean(), "nearer to the grids than to float32"


@pytest.mark.usefixtures("own_cache", "ranged", "no_bf16")
def test_the_cached_model_outlives_the_checkpoint(folder: Path, spec: EncoderSpec) -> None:
    before = vectors(spec, None)
    assert runtime.cached_model(spec, "int8") != runtime.cached_model(spec, "f32")
    shutil.rmtree(folder)
    np.testing.assert_allclose(vectors(spec, None), before, atol=1e-5)


@pytest.mark.usefixtures("own_cache", "no_bf16")
def test_int8_is_for_encoders_with_ranges(spec: EncoderSpec, folder: Path) -> None:
    assert runtime.cpu_precision(spec) == "f32"
    assert runtime.cpu_precision(None) == "f32"
    write_ranges(folder, fit_ranges(build_network(spec), batches(64)))
    assert runtime.cpu_precision(spec) == "int8"


def test_without_ranges_there_is_no_int8(spec: EncoderSpec) -> None:
    with pytest.raises(EncoderError, match=r"no ranges\.json"):
        runtime.open_runtime(spec, "cpu", 5, "int8")


SHOWN = """
import sys, numpy as np
from tests.encoder.test_eight_bit import resolve, runtime, vectors
spec = resolve(sys.argv[1])
np.save(sys.argv[2], vectors(spec, sys.argv[3] if len(sys.argv) > 3 else None))
print(runtime.open_runtime(spec, "cpu", 5, None).precision)
"""


def with_instructions(level: str, *arguments: str) -> str:
    """Run SHOWN on a CPU that has no more than a level's instructions, and return its output."""
    done = subprocess.run(
        [sys.executable, "-c", SHOWN, *arguments],
        env={**os.environ, "ONEDNN_MAX_CPU_ISA": level},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


@x86_only
@pytest.mark.usefixtures("own_cache", "ranged")
def test_a_cpu_without_vnni_computes_the_same(folder: Path, tmp_path: Path) -> None:
    spec = resolve(str(folder))
    with_instructions("AVX2", str(folder), str(tmp_path / "vectors.npy"), "int8")
    cosines = (np.load(tmp_path / "vectors.npy") * vectors(spec, "int8")).sum(axis=1)
    assert cosines.min() > 0.9999


@x86_only
@pytest.mark.usefixtures("own_cache", "ranged")
def test_a_cpu_without_avx2_takes_float32(folder: Path, tmp_path: Path) -> None:
    spec = resolve(str(folder))
    assert with_instructions("SSE41", str(folder), str(tmp_path / "vectors.npy")) == "f32"
    cosines = (np.load(tmp_path / "vectors.npy") * vectors(spec, "f32")).sum(axis=1)
    assert cosines.min() > 0.9999

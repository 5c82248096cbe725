"""The converted model: made once, made again when damaged, done without where it can't be kept."""

import dataclasses
import logging
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from torch import nn

from simsearch.config import EncoderSpec, Preprocessing
from simsearch.encoder.resolve import resolve
from simsearch.encoder.runtimes import Pixels, Vectors
from simsearch.encoder.runtimes import openvino as runtime
from tests.encoder.conftest import save, small_network

PIXELS: Pixels = np.random.default_rng(0).integers(0, 256, (2, 64, 64, 3), dtype=np.uint8)


@pytest.fixture(autouse=True)
def _cache(own_cache: Path) -> None:
    """Give every test here a cache of its own."""


@pytest.fixture(scope="module")
def converted(shared_spec: EncoderSpec, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a cache that holds the small network, not to be changed."""
    with pytest.MonkeyPatch.context() as patch:
        cache = tmp_path_factory.mktemp("converted")
        patch.setenv("XDG_CACHE_HOME", str(cache))
        runtime.open_runtime(shared_spec, "cpu", 2, "f32")
        return cache


@pytest.fixture
def filled(converted: Path, own_cache: Path) -> Path:
    """Return a cache that holds the small network's converted model and may be changed."""
    return Path(shutil.copytree(converted, own_cache))


@pytest.fixture
def conversions(monkeypatch: pytest.MonkeyPatch) -> list[nn.Module]:
    """Return a list that grows with every conversion."""
    done: list[nn.Module] = []
    convert = runtime._convert

    def counted(network: nn.Module, size: int) -> Any:
        done.append(network)
        return convert(network, size)

    monkeypatch.setattr(runtime, "_convert", counted)
    return done


def vectors(spec: EncoderSpec) -> Vectors:
    (result,) = runtime.open_runtime(spec, "cpu", 2, "f32").run([PIXELS])
    return result


def assert_same(vectors: Vectors, expected: Vectors) -> None:
    np.testing.assert_allclose(vectors, expected, atol=1e-5)


def leftovers(spec: EncoderSpec) -> list[str]:
    """Return what lies in the cache besides the spec's model."""
    folder = runtime.cached_model(spec, "f32").parent
    return [one.name for one in folder.parent.iterdir() if one != folder]


def test_the_converted_model_is_reused(spec: EncoderSpec, conversions: list[nn.Module]) -> None:
    first = vectors(spec)
    assert len(conversions) == 1
    assert_same(vectors(spec), first)
    assert len(conversions) == 1
    assert leftovers(spec) == []


@pytest.mark.usefixtures("filled")
def test_the_cached_model_outlives_the_checkpoint(
    spec: EncoderSpec, folder: Path, conversions: list[nn.Module]
) -> None:
    first = vectors(spec)
    (folder / "config.json").unlink()
    assert_same(vectors(spec), first)
    assert conversions == []


def test_the_cache_lies_where_the_system_keeps_caches(spec: EncoderSpec, filled: Path) -> None:
    assert runtime.cached_model(spec, "f32").is_relative_to(filled / "simsearch")
    assert runtime.cached_model(spec, "f32").is_file()


def test_what_makes_other_vectors_is_cached_apart(spec: EncoderSpec, tmp_path: Path) -> None:
    other_weights = resolve(str(save(tmp_path / "other", small_network(seed=1))))
    wide = dataclasses.replace(spec, preprocessing=Preprocessing(size=96))
    assert len({runtime.cached_model(one, "f32") for one in (spec, other_weights, wide)}) == 3
    renamed = dataclasses.replace(spec, name="elsewhere")
    assert runtime.cached_model(renamed, "f32") == runtime.cached_model(spec, "f32")


def cut(path: Path, share: float) -> None:
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])


DAMAGE: dict[str, Callable[[Path], Any]] = {
    "half a model": lambda xml: cut(xml, 0.5),
    "no model": lambda xml: xml.unlink(),
    "empty weights": lambda xml: cut(xml.with_suffix(".bin"), 0),
    "half the weights": lambda xml: cut(xml.with_suffix(".bin"), 0.5),
    "no weights": lambda xml: xml.with_suffix(".bin").unlink(),
}


@pytest.mark.usefixtures("filled")
@pytest.mark.parametrize("name", DAMAGE)
def test_a_damaged_model_is_converted_again(
    spec: EncoderSpec,
    conversions: list[nn.Module],
    caplog: pytest.LogCaptureFixture,
    name: str,
) -> None:
    expected = vectors(spec)
    DAMAGE[name](runtime.cached_model(spec, "f32"))
    for _ in range(2):
        assert_same(vectors(spec), expected)
    assert len(conversions) == 1
    assert leftovers(spec) == []
    assert caplog.records == []


def refuse(*args: Any, **kwargs: Any) -> None:
    raise PermissionError(13, "Permission denied")


def lose(*args: Any, **kwargs: Any) -> None:
    raise RuntimeError("basic_ios::clear: iostream error")  # what OpenVINO makes of a full disk


def put_a_file_in_the_way(own_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own_cache.write_text("a file")


def forbid_folders(own_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "mkdtemp", refuse)


def forbid_renames(own_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "replace", refuse)


def fill_the_disk(own_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(f"{runtime.__name__}.openvino.save_model", lose)


@pytest.mark.parametrize(
    ("hinder", "reason"),
    [
        (put_a_file_in_the_way, "Not a directory"),
        (forbid_folders, "Permission denied"),
        (forbid_renames, "Permission denied"),
        (fill_the_disk, "iostream error"),
    ],
)
def test_a_cache_that_cannot_be_written_costs_a_warning(
    spec: EncoderSpec,
    own_cache: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    hinder: Callable[[Path, pytest.MonkeyPatch], None],
    reason: str,
) -> None:
    hinder(own_cache, monkeypatch)
    with caplog.at_level(logging.WARNING, logger="simsearch"):
        result = vectors(spec)
    assert result.shape == (2, 96)
    (record,) = caplog.records
    assert record.levelname == "WARNING"
    assert "can't be cached" in record.getMessage()
    assert reason in record.getMessage()
    assert not [path for path in own_cache.rglob("tmp-*") if own_cache.is_dir()]


def test_a_damaged_model_that_cannot_be_replaced_costs_no_run(
    spec: EncoderSpec, filled: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = vectors(spec)
    cut(runtime.cached_model(spec, "f32"), 0.5)
    forbid_folders(filled, monkeypatch)
    assert_same(vectors(spec), expected)


def test_another_process_may_be_first(
    spec: EncoderSpec, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    replace = os.replace

    def late(source: Path, target: Path) -> None:
        replace(source, target)  # the other's model is there already when ours arrives
        raise FileExistsError(39, "Directory not empty")

    monkeypatch.setattr(os, "replace", late)
    vectors(spec)
    monkeypatch.setattr(runtime, "_convert", refuse)
    assert vectors(spec).shape == (2, 96)
    assert caplog.records == []

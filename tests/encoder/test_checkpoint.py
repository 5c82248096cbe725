"""A checkpoint gives the vectors of the network that was saved, or says what is wrong with it."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from simsearch.encoder import checkpoint
from simsearch.encoder.resolve import resolve
from simsearch.errors import EncoderError
from tests.encoder.conftest import PREPROCESSING, save, small_network

FEATURES = 96
BATCH = torch.randint(0, 256, (3, 64, 64, 3), dtype=torch.uint8, generator=torch.Generator())


@pytest.mark.parametrize(
    ("projection", "dim"),
    [
        (None, FEATURES),
        (nn.Linear(FEATURES, 32), 32),
        (nn.Linear(FEATURES, 8, bias=False), 8),
        (nn.Linear(FEATURES, FEATURES), FEATURES),
    ],
    ids=["none", "linear", "without bias", "square"],
)
def test_save_and_load_give_equal_vectors(
    tmp_path: Path, projection: nn.Module | None, dim: int
) -> None:
    network = small_network(projection=projection)
    folder = save(tmp_path / "new" / "folder", network)
    loaded = checkpoint.load_network(folder)
    with torch.inference_mode():
        expected = network(BATCH)
        assert expected.shape == (3, dim)
        assert not torch.allclose(expected[0], expected[1])
        assert torch.equal(loaded(BATCH), expected)
    assert not loaded.training


def test_all_files_have_the_same_permissions(folder: Path) -> None:
    assert len({path.stat().st_mode for path in folder.iterdir()}) == 1


def test_the_spec_is_what_was_saved(tmp_path: Path) -> None:
    folder = save(tmp_path / "a", small_network(projection=nn.Linear(FEATURES, 16)))
    spec = resolve(str(folder))
    assert spec == checkpoint.read_spec(folder)
    assert (spec.name, spec.dim, spec.preprocessing) == (str(folder), 16, PREPROCESSING)


def test_weights_and_not_the_folder_make_the_identity(tmp_path: Path) -> None:
    first = checkpoint.read_spec(save(tmp_path / "a", small_network(1)))
    same = checkpoint.read_spec(save(tmp_path / "b", small_network(1)))
    other = checkpoint.read_spec(save(tmp_path / "c", small_network(2)))
    assert same.fingerprint == first.fingerprint
    assert other.fingerprint != first.fingerprint


def test_a_folder_without_config_is_no_checkpoint(folder: Path) -> None:
    assert checkpoint.is_checkpoint(folder)
    (folder / "config.json").unlink()
    assert not checkpoint.is_checkpoint(folder)
    assert not checkpoint.is_checkpoint(folder / "missing")


def load(folder: Path) -> None:
    """Read a checkpoint as a run does."""
    checkpoint.read_spec(folder)
    checkpoint.load_network(folder)


def change_config(folder: Path, **changes: Any) -> None:
    """Set entries of config.json; None takes one away."""
    path = folder / "config.json"
    config = {**json.loads(path.read_text()), **changes}
    path.write_text(json.dumps({key: value for key, value in config.items() if value is not None}))


def change_weights(folder: Path, change: Callable[[dict[str, torch.Tensor]], None]) -> None:
    state = load_file(folder / "model.safetensors")
    change(state)
    save_file(state, folder / "model.safetensors")


def rename_first(state: dict[str, torch.Tensor]) -> None:
    state["other"] = state.pop(min(state))


def shrink_first(state: dict[str, torch.Tensor]) -> None:
    name = next(name for name, value in state.items() if value.ndim == 4)
    state[name] = state[name][:1].contiguous()


def flip_bit(path: Path, place: int) -> None:
    data = bytearray(path.read_bytes())
    data[place] ^= 1
    path.write_bytes(data)


def make_weights_a_folder(folder: Path) -> None:
    (folder / "model.safetensors").unlink()
    (folder / "model.safetensors").mkdir()


DAMAGE: dict[str, tuple[Callable[[Path], object], str]] = {
    "no weights": (lambda f: (f / "model.safetensors").unlink(), "has no model.safetensors"),
    "weights are a folder": (make_weights_a_folder, "has no model.safetensors"),
    "empty weights": (
        lambda f: (f / "model.safetensors").write_bytes(b""),
        "model.safetensors in .* can't be read",
    ),
    "weights cut off": (
        lambda f: (f / "model.safetensors").write_bytes(
            (f / "model.safetensors").read_bytes()[:-100]
        ),
        "model.safetensors in .* can't be read",
    ),
    "weights are a text": (
        lambda f: (f / "model.safetensors").write_text("version https://git-lfs.github.com\n" * 9),
        "model.safetensors in .* can't be read",
    ),
    "a flipped bit": (lambda f: flip_bit(f / "model.safetensors", -100), "is damaged"),
    "the last bit": (lambda f: flip_bit(f / "model.safetensors", -1), "is damaged"),
    "other names": (lambda f: change_weights(f, rename_first), "is damaged"),
    "other shapes": (lambda f: change_weights(f, shrink_first), "is damaged"),
    "written by others": (lambda f: change_weights(f, lambda _: None), "is damaged"),
    "other backbone": (
        lambda f: change_config(f, backbone="timm/test_convnext"),
        "does not fit backbone 'timm/test_convnext'",
    ),
    "unknown backbone": (lambda f: change_config(f, backbone="timm/test_resent"), "did you mean"),
    "unknown family": (lambda f: change_config(f, backbone="keras/vgg"), "unknown encoder"),
    "backbone is a number": (lambda f: change_config(f, backbone=3), "unknown encoder '3'"),
    "no backbone": (
        lambda f: change_config(f, backbone=None),
        "does not describe a network .*backbone",
    ),
    "no dim": (lambda f: change_config(f, dim=None), "does not describe a network"),
    "dim is a text": (lambda f: change_config(f, dim="many"), "does not describe a network"),
    "no preprocessing": (
        lambda f: change_config(f, preprocessing=None),
        "does not describe a network",
    ),
    "half a preprocessing": (
        lambda f: change_config(f, preprocessing={"size": 64}),
        "does not describe a network",
    ),
    "unknown preprocessing": (
        lambda f: change_config(f, preprocessing={"mean": [0] * 3, "std": [1] * 3, "squash": True}),
        "does not describe a network",
    ),
    "another pooling": (lambda f: change_config(f, pooling="max"), "pooling 'max'"),
    "gem without its weight": (lambda f: change_config(f, pooling="gem"), "does not fit backbone"),
    "another dim": (lambda f: change_config(f, dim=95), "gives 96 values, config.json says 95"),
    "no dim at all": (lambda f: change_config(f, dim=0), "dim 0"),
    "unknown fit": (
        lambda f: change_config(f, preprocessing={"mean": [0] * 3, "std": [1] * 3, "fit": "zoom"}),
        "fit 'zoom'",
    ),
    "later version": (
        lambda f: change_config(f, format_version=2),
        "is of format 2, not 1: another version",
    ),
    "no version": (
        lambda f: change_config(f, format_version=None),
        "does not describe a network .*version",
    ),
    "config cut off": (
        lambda f: (f / "config.json").write_text('{"backbone": "ti'),
        "config.json in .* can't be read",
    ),
    "empty config": (lambda f: (f / "config.json").write_text(""), "config.json in"),
    "config no UTF-8": (lambda f: (f / "config.json").write_bytes(b"\xff\xfe{"), "config.json in"),
    "config is a list": (
        lambda f: (f / "config.json").write_text("[1]"),
        "does not describe a network",
    ),
    "config is a number": (
        lambda f: (f / "config.json").write_text("1"),
        "does not describe a network",
    ),
}


@pytest.mark.parametrize("name", DAMAGE)
def test_damage_is_one_line_that_names_the_folder_or_the_value(folder: Path, name: str) -> None:
    damage, message = DAMAGE[name]
    damage(folder)
    with pytest.raises(EncoderError, match=message) as caught:
        load(folder)
    assert len(str(caught.value).splitlines()) == 1


def test_the_weights_may_vanish_between_reading_and_loading(folder: Path) -> None:
    checkpoint.read_spec(folder)
    (folder / "model.safetensors").unlink()
    with pytest.raises(EncoderError, match="can't be read"):
        checkpoint.load_network(folder)

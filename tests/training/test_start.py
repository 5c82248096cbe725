"""What a training begins with: backbones, checkpoints, pooling, size, principal components."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn.functional import normalize

from simsearch.config import NetworkConfig, Preprocessing
from simsearch.encoder import checkpoint
from simsearch.encoder.network import EmbeddingNetwork
from simsearch.encoder.pooling import GeM, signed_root
from simsearch.errors import EncoderError, InputError
from simsearch.training.neck import Neck, folded
from simsearch.training.start import build_network
from tests.encoder.conftest import BACKBONE
from tests.training.conftest import changed

PREPROCESSING = Preprocessing(size=40, crop_fraction=0.8, fit="squash", mean=(0.1, 0.2, 0.3))


def saved(folder: Path, dim: int | None, pooling: str = "avg") -> tuple[Path, EmbeddingNetwork]:
    """Write a checkpoint whose projection, if there is one, is all its own."""
    network, config = build_network(changed(dim=dim or 8, pooling=pooling, seed=5))
    network = folded(network)
    if dim is None:
        network, dim = EmbeddingNetwork(network.trunk, PREPROCESSING), 96
    config = NetworkConfig(BACKBONE, PREPROCESSING, dim, pooling)
    checkpoint.save(folder, network, config)
    return folder, checkpoint.load_network(folder)


def start(weights: Path | str, **settings: Any) -> tuple[EmbeddingNetwork, NetworkConfig]:
    given = {"size": None, "fit": None, "backbone": None, **settings}
    return build_network(changed(weights=str(weights), **given))


def same_weights(a: nn.Module, b: nn.Module) -> bool:
    pairs = zip(a.state_dict().items(), b.state_dict().items(), strict=True)
    return all(one[0] == two[0] and torch.equal(one[1], two[1]) for one, two in pairs)


def embeddings(network: EmbeddingNetwork) -> torch.Tensor:
    """Return the unit vectors of four random pictures, after training."""
    pictures = torch.randint(0, 256, (4, 40, 40, 3), generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        return normalize(folded(network.eval())(pictures.byte()))


def same_directions(a: EmbeddingNetwork, b: EmbeddingNetwork) -> bool:
    return torch.allclose(embeddings(a), embeddings(b), atol=1e-4)


def test_from_nothing_is_seeded() -> None:
    first, config = build_network(changed())
    assert (config.backbone, config.dim, config.pooling) == (BACKBONE, 16, "avg")
    assert same_weights(first, build_network(changed())[0])
    assert not same_weights(first, build_network(changed(seed=1))[0])
    assert first(torch.zeros(2, 32, 32, 3, dtype=torch.uint8)).shape == (2, 16)


def test_a_checkpoint_keeps_its_projection(tmp_path: Path) -> None:
    folder, before = saved(tmp_path / "encoder", 16)
    network, config = start(folder)
    assert same_directions(network, before)
    assert config == NetworkConfig(BACKBONE, PREPROCESSING, 16)
    assert start(folder, backbone=BACKBONE)[1] == config


@pytest.mark.parametrize("dim", [24, None])
def test_a_projection_of_another_length_is_drawn_anew(tmp_path: Path, dim: int | None) -> None:
    folder, before = saved(tmp_path / "encoder", dim)
    network, config = start(folder)
    assert config.dim == 16
    assert same_weights(network.trunk, before.trunk)
    assert embeddings(network).shape == (4, 16)


def test_a_checkpoint_without_projection_of_the_right_length_goes_on_as_it_is(
    tmp_path: Path,
) -> None:
    folder, before = saved(tmp_path / "encoder", None)
    network, config = start(folder, dim=96)
    assert same_directions(network, before)
    assert config.dim == 96


def test_another_backbone_is_refused(tmp_path: Path) -> None:
    folder, _ = saved(tmp_path / "encoder", 16)
    with pytest.raises(InputError, match=f"is of backbone '{BACKBONE}'; leave out --backbone"):
        start(folder, backbone="koch")


def test_another_pooling_takes_the_place_of_the_mean(tmp_path: Path) -> None:
    folder, before = saved(tmp_path / "encoder", 16)
    network, config = start(folder, pooling="root")
    assert config.pooling == "root"
    pixels = torch.randint(0, 256, (2, 40, 40, 3), generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        means, roots = (each.eval().features(pixels.byte()) for each in (before, network))
    assert torch.allclose(roots, signed_root(means), atol=1e-5)
    assert not same_weights(folded(network).projection, before.projection)


def test_another_pooling_than_the_mean_stays(tmp_path: Path) -> None:
    folder, _ = saved(tmp_path / "encoder", 16, "root")
    with pytest.raises(InputError, match="has pooling 'root'; leave out --pooling"):
        start(folder, pooling="gem")


def test_size_and_fit(tmp_path: Path) -> None:
    folder, _ = saved(tmp_path / "encoder", 16)
    _, config = start(folder, size=64, fit="crop")
    assert (config.preprocessing.size, config.preprocessing.fit) == (64, "crop")
    assert config.preprocessing.mean == PREPROCESSING.mean
    assert config.preprocessing.crop_fraction == PREPROCESSING.crop_fraction
    with pytest.raises(ValueError, match="fit 'magic'; use one of crop, squash, pad"):
        start(folder, fit="magic")


def test_padding_keeps_the_whole_picture(tmp_path: Path) -> None:
    folder, _ = saved(tmp_path / "encoder", 16)
    assert start(folder, fit="pad")[1].preprocessing.crop_fraction == 1


def test_gem_is_kept_with_the_checkpoint(tmp_path: Path) -> None:
    assert any(isinstance(m, GeM) for m in build_network(changed(pooling="gem"))[0].modules())
    folder, before = saved(tmp_path / "encoder", 16, "gem")
    network, config = start(folder)
    assert config.pooling == "gem"
    assert same_directions(network, before)
    with pytest.raises(EncoderError, match="no average pooling"):
        build_network(changed(backbone="koch", pooling="gem"))


def test_a_network_that_will_not_take_the_pooling() -> None:
    with pytest.raises(EncoderError, match=r"'avg' and pictures of 32 pixels; use a larger --size"):
        build_network(changed(backbone="koch", size=32))
    with pytest.raises(EncoderError, match=r"does not work with pooling 'stats' .* --pooling avg"):
        build_network(changed(backbone="torchvision/convnext_tiny", pooling="stats"))
    with pytest.raises(EncoderError, match=r"gives 818,560 correlations .*lite0/stages0-2 has"):
        build_network(
            changed(
                backbone="tf_efficientnet_lite0", weights="none", pooling="correlation", size=64
            )
        )


def test_a_projection_is_new_unless_the_checkpoint_has_one_of_the_length(tmp_path: Path) -> None:
    folder, _ = saved(tmp_path / "encoder", 16)
    for network, new in (
        (start(folder, dim=16)[0], False),
        (start(folder, dim=8)[0], True),
        (build_network(changed())[0], True),
    ):
        assert isinstance(network.projection, Neck)
        assert network.projection.new is new


@pytest.mark.parametrize(
    ("settings", "error", "mentions"),
    [
        (
            {"weights": "nowhere"},
            InputError,
            "no weights 'nowhere'; use imagenet, none",
        ),
        ({"backbone": "magic"}, EncoderError, "unknown encoder 'magic'"),
        ({"backbone": "timm/test_resnot"}, EncoderError, "did you mean 'timm/test_resnet"),
        ({"backbone": "koch", "weights": "imagenet"}, EncoderError, "no pretrained weights"),
    ],
)
def test_what_there_is_not(settings: dict[str, str], error: type[Exception], mentions: str) -> None:
    with pytest.raises(error, match=mentions):
        build_network(changed(**settings))


def test_damaged_checkpoint(tmp_path: Path) -> None:
    folder, _ = saved(tmp_path / "encoder", 16)
    (folder / "model.safetensors").write_bytes(b"\x08\0\0\0\0\0\0\0garbage!")
    with pytest.raises(EncoderError, match=r"model\.safetensors in '.*' can't be read"):
        start(folder)
    (folder / "config.json").write_text('{"format_version": 99}')
    with pytest.raises(EncoderError, match=r"config\.json .* of format 99, not 1"):
        start(folder)

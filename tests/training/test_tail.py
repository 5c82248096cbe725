"""The end of a network, in another form: the same features and gradients as its own layers."""

from typing import Any

import pytest
import torch
from torch import nn
from torch.nn.functional import conv2d, pad

from simsearch.encoder.backbones import load_backbone
from simsearch.encoder.backbones._stages import Beside
from simsearch.encoder.pooling import signed_root, use_pooling
from simsearch.training.tail import Tail, kernel_places

SIDES = {4: 8, 5: 8, 6: 4}  # of maps after so many stages, for pictures of 128 pixels
FORMS = {"convolutions": torch.float32, "products": torch.float64}


@pytest.fixture(scope="module")
def trunk() -> Any:
    """Return the default network with random weights and statistics."""
    torch.manual_seed(0)
    built, _ = load_backbone("tf_efficientnet_lite0", pretrained=False)
    for module in built.modules():
        if isinstance(module, nn.BatchNorm2d):
            assert module.running_mean is not None
            assert module.running_var is not None
            nn.init.uniform_(module.running_mean, -0.3, 0.3)
            nn.init.uniform_(module.running_var, 0.5, 2)
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.uniform_(module.bias, -0.3, 0.3)
    return built.eval()


def beginning(trunk: Any, frozen: int) -> torch.Tensor:
    """Return the maps of three noisy pictures after some stages."""
    pictures = torch.randn(3, 3, 128, 128, generator=torch.Generator().manual_seed(1))
    stages = nn.Sequential(trunk.conv_stem, trunk.bn1, *trunk.blocks[:frozen])
    with torch.no_grad():
        maps: torch.Tensor = stages(pictures)
    assert maps.shape[-1] == SIDES[frozen]
    return maps.requires_grad_()


def ending(trunk: Any, frozen: int) -> nn.Module:
    parts = (*trunk.blocks[frozen:], trunk.conv_head, trunk.bn2, trunk.global_pool)
    return nn.Sequential(*parts).eval()


@pytest.mark.parametrize("kernel", [3, 5])
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("side", [4, 7, 14])
def test_moving_a_kernel_is_a_product_with_a_matrix(kernel: int, stride: int, side: int) -> None:
    torch.manual_seed(side)
    maps, weight = torch.randn(2, 3, side, side), torch.randn(3, 1, kernel, kernel)
    after = -(-side // stride)
    missing = max((after - 1) * stride + kernel - side, 0)
    lead = missing // 2
    padded = pad(maps, (lead, missing - lead, lead, missing - lead))
    wanted = conv2d(padded, weight, stride=stride, groups=3)
    places = torch.from_numpy(kernel_places(kernel, stride, side))
    matrices = pad(weight.flatten(1), (0, 1))[:, places]
    found = torch.einsum("ncp,cpq->ncq", maps.flatten(2), matrices)
    assert torch.allclose(found, wanted.flatten(2), atol=1e-5)


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
@pytest.mark.parametrize(("frozen", "pooling"), [(4, "avg"), (5, "avg"), (4, "root")])
def test_an_earlier_stage_beside_the_last_layer(
    trunk: Any, frozen: int, pooling: str, form: torch.dtype
) -> None:
    both = Beside(trunk, 5)
    use_pooling(both, "beside", pooling)
    maps = beginning(trunk, frozen)
    fifth = nn.Sequential(*trunk.blocks[frozen:5])(maps).mean(dim=(2, 3))
    last = ending(trunk, frozen)(maps)
    if pooling == "root":
        last, fifth = signed_root(last), signed_root(fifth)
    wanted = torch.cat([last, Beside.SCALE * fifth], dim=1)
    found = Tail(both, frozen, SIDES[frozen])(maps.to(form))
    assert torch.allclose(found, wanted, atol=1e-3 * float(wanted.detach().std()))
    (gradient,) = torch.autograd.grad(wanted.square().sum(), maps)
    (mine,) = torch.autograd.grad(found.square().sum(), maps)
    assert torch.allclose(mine, gradient, atol=1e-3 * float(gradient.std()))


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
@pytest.mark.parametrize("frozen", SIDES)
def test_same_features_and_gradients(trunk: Any, frozen: int, form: torch.dtype) -> None:
    maps = beginning(trunk, frozen)
    wanted = ending(trunk, frozen)(maps)
    (gradient,) = torch.autograd.grad(wanted.square().sum(), maps)
    found = Tail(trunk, frozen, SIDES[frozen])(maps.to(form))
    (mine,) = torch.autograd.grad(found.square().sum(), maps)
    scale = float(wanted.detach().std())
    assert torch.allclose(found, wanted, atol=1e-3 * scale)
    assert torch.allclose(mine, gradient, atol=1e-3 * float(gradient.std()))


def test_many_pictures_have_the_features_that_each_has_alone(trunk: Any) -> None:
    maps = beginning(trunk, 5).detach().repeat(12, 1, 1, 1)
    tail = Tail(trunk, 5, SIDES[5])
    assert torch.allclose(tail(maps), tail(maps[:3]).repeat(12, 1), atol=1e-4)


def test_half_precision_is_near(trunk: Any) -> None:
    maps = beginning(trunk, 5).detach()
    tail = Tail(trunk, 5, SIDES[5])
    whole, half = tail(maps), tail(maps.bfloat16())
    assert half.dtype == torch.float32
    assert torch.cosine_similarity(whole, half).min() > 0.999


def test_what_was_learned_goes_back_into_the_network(trunk: Any) -> None:
    maps = beginning(trunk, 5).detach()
    tail = Tail(trunk, 5, SIDES[5])
    with torch.no_grad():
        for weights in tail.parameters():
            weights.add_(0.02 * torch.randn_like(weights))
    other, _ = load_backbone("tf_efficientnet_lite0", pretrained=False)
    tail.write_to(other)
    with torch.no_grad():
        learned, before = tail(maps), ending(trunk, 5)(maps)
        found = ending(other, 5)(maps)
    assert torch.allclose(found, learned, atol=1e-3 * float(learned.std()))
    assert not torch.allclose(found, before, atol=0.05 * float(learned.std()))

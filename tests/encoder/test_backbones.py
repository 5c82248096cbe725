"""The contract of every file in simsearch/encoder/backbones, as far as it works offline."""

import logging
from typing import Any
from urllib.error import URLError

import pytest
import torch
from timm.data import resolve_model_data_config

from simsearch.config import DEFAULT_BACKBONE, Preprocessing
from simsearch.encoder.backbones import families, load_backbone, tf_efficientnet_lite0
from simsearch.errors import EncoderError

# Of every family some names, one for each way in which its networks end.
NAMES = {
    "conv4": ["conv4"],
    "koch": ["koch"],
    "signet": ["signet"],
    "tf_efficientnet_lite0": [
        DEFAULT_BACKBONE,
        f"{DEFAULT_BACKBONE}/stage5",
        f"{DEFAULT_BACKBONE}/stages0-7",
        f"{DEFAULT_BACKBONE}/beside5",
    ],
    "timm": ["timm/test_resnet", "timm/test_vit.r160_in1k", "timm/mobilenetv3_small_050"],
    "torchvision": [
        "torchvision/resnet18",
        "torchvision/mobilenet_v3_small",
        "torchvision/convnext_tiny",
        "torchvision/maxvit_t",
        "torchvision/swin_t",
    ],
}
UNKNOWN = {
    "conv4": ("conv4/64", "conv4"),
    "koch": ("koch/2", "koch"),
    "signet": ("signet/f", "signet"),
    "tf_efficientnet_lite0": ("tf_efficientnet_lite0/7", DEFAULT_BACKBONE),
    "timm": ("timm/test_resnte", "timm/test_resnet"),
    "torchvision": ("torchvision/resnet-18", "torchvision/resnet18"),
}


def test_every_file_is_tried_here() -> None:
    assert set(families()) == set(NAMES) == set(UNKNOWN)


@pytest.mark.parametrize("name", [name for names in NAMES.values() for name in names])
def test_the_trunk_maps_pictures_to_pooled_features(name: str) -> None:
    trunk, preprocessing = load_backbone(name, pretrained=False)
    assert isinstance(trunk, torch.nn.Module)
    check_preprocessing(preprocessing)
    size = preprocessing.size
    with torch.inference_mode():
        features = trunk.eval()(torch.rand(2, 3, size, size))
    assert features.dtype == torch.float32
    assert features.ndim == 2
    assert features.shape[0] == 2
    assert 64 <= features.shape[1] <= 9216
    assert torch.isfinite(features).all()


def check_preprocessing(preprocessing: Preprocessing) -> None:
    assert 32 <= preprocessing.size <= 1024
    assert 0 < preprocessing.crop_fraction <= 1
    assert preprocessing.interpolation in {"nearest", "bilinear", "bicubic", "lanczos"}
    for values in (preprocessing.mean, preprocessing.std):
        assert len(values) == 3
        assert all(0 < value < 1 for value in values)


@pytest.mark.parametrize("family", UNKNOWN)
@pytest.mark.parametrize("pretrained", [True, False])
def test_an_unknown_name_suggests_the_nearest(family: str, pretrained: bool) -> None:
    name, nearest = UNKNOWN[family]
    with pytest.raises(EncoderError) as caught:
        load_backbone(name, pretrained)
    assert nearest in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


def test_a_network_without_a_linear_classifier_is_refused() -> None:
    with pytest.raises(EncoderError, match="no classifier to take off"):
        load_backbone("torchvision/squeezenet1_1", pretrained=False)


@pytest.mark.parametrize(
    ("name", "builder"),
    [
        ("timm/test_resnet", "timm.create_model"),
        ("torchvision/resnet18", "torchvision.models.get_model"),
    ],
)
def test_weights_that_cannot_be_downloaded(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, name: str, builder: str
) -> None:
    def refuse(*args: Any, **kwargs: Any) -> None:
        logging.getLogger("huggingface_hub.utils").warning("Retrying in 1s")
        raise URLError("two\nlines")

    monkeypatch.setattr(builder, refuse)
    with pytest.raises(EncoderError, match=f"weights of '{name}' could not be loaded") as caught:
        load_backbone(name, pretrained=True)
    assert len(str(caught.value).splitlines()) == 1
    assert not caplog.records or name.startswith("torchvision"), "one line is enough"


def test_torchvisions_settings_are_those_of_its_weights() -> None:
    _, preprocessing = load_backbone("torchvision/resnet18", pretrained=False)
    assert preprocessing == Preprocessing(
        size=224,
        crop_fraction=224 / 256,
        interpolation="bilinear",
        mean=(0.485, 0.456, 0.406),
        std=(0.229, 0.224, 0.225),
    )


def test_a_crop_wider_than_the_picture_is_cut_to_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Some of timm's networks ask for 1.15 of the short side, which means a black border."""

    def wide(trunk: torch.nn.Module) -> dict[str, Any]:
        return {**resolve_model_data_config(trunk), "crop_pct": 1.15}

    monkeypatch.setattr("timm.data.resolve_model_data_config", wide)
    _, preprocessing = load_backbone("timm/test_resnet", pretrained=False)
    assert preprocessing.crop_fraction == 1


def test_the_default_takes_the_packaged_weights_in_their_places() -> None:
    packaged = torch.load(tf_efficientnet_lite0.weights_file(), weights_only=True)
    trunk, _ = load_backbone(DEFAULT_BACKBONE, pretrained=True)
    state = trunk.state_dict()
    for theirs, ours in {
        "_conv_stem.weight": "conv_stem.weight",
        "_blocks.0._depthwise_conv.weight": "blocks.0.0.conv_dw.weight",
        "_blocks.15._bn2.running_var": "blocks.6.0.bn3.running_var",
        "_bn1.running_mean": "bn2.running_mean",
    }.items():
        assert torch.equal(packaged[theirs], state[ours])
    # Without the classifier's two the lists run side by side, weight by weight and mean by mean.
    kinds = [name.rpartition(".")[2] for name in packaged]
    assert kinds[:-2] == [name.rpartition(".")[2] for name in state]


@pytest.mark.parametrize("name", ["conv4", "koch", "signet"])
def test_networks_for_grey_pictures_see_no_colour_and_have_no_weights(name: str) -> None:
    trunk, _ = load_backbone(name, pretrained=False)
    grey = torch.rand(2, 1, 105, 105)
    shifted = torch.cat([grey + 0.1, grey, grey - 0.1], dim=1)
    with torch.inference_mode():
        assert torch.allclose(trunk.eval()(grey.expand(-1, 3, -1, -1)), trunk(shifted), atol=1e-4)
    with pytest.raises(EncoderError, match="--weights none"):
        load_backbone(name, pretrained=True)


def test_a_stage_gives_the_means_of_the_maps_after_it() -> None:
    whole, _ = load_backbone(DEFAULT_BACKBONE, pretrained=True)
    cut, _ = load_backbone(f"{DEFAULT_BACKBONE}/stage5", pretrained=True)
    parts: Any = whole.eval()
    pictures = torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        maps = parts.blocks[:5](parts.bn1(parts.conv_stem(pictures)))
        assert torch.allclose(cut.eval()(pictures), maps.mean(dim=(2, 3)), atol=1e-5)


def test_several_stages_stand_side_by_side() -> None:
    several, _ = load_backbone(f"{DEFAULT_BACKBONE}/stages2-4", pretrained=True)
    pictures = torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        found = several.eval()(pictures)
        each = [
            load_backbone(f"{DEFAULT_BACKBONE}/stage{n}", pretrained=True)[0].eval()(pictures)
            for n in (2, 3, 4)
        ]
    assert torch.allclose(found, torch.cat(each, dim=1), atol=1e-5)


def test_a_stage_beside_the_last_layer_is_scaled() -> None:
    pictures = torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    last, stage, both = (
        load_backbone(f"{DEFAULT_BACKBONE}{part}", pretrained=True)[0].eval()
        for part in ("", "/stage5", "/beside5")
    )
    with torch.inference_mode():
        wanted = torch.cat([last(pictures), 0.3 * stage(pictures)], dim=1)
        assert torch.allclose(both(pictures), wanted, atol=1e-5)


def test_stage_0_is_the_layer_before_the_first() -> None:
    whole: Any = load_backbone(DEFAULT_BACKBONE, pretrained=True)[0].eval()
    several, _ = load_backbone(f"{DEFAULT_BACKBONE}/stages0-1", pretrained=True)
    pictures = torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        maps = whole.bn1(whole.conv_stem(pictures))
        found = several.eval()(pictures)[:, : maps.shape[1]]
    assert torch.allclose(found, maps.mean(dim=(2, 3)), atol=1e-5)


@pytest.mark.parametrize(
    "part",
    ["stage0", "stage8", "stages3", "stages4-4", "stages5-2", "stages1-9", "beside0", "beside7"],
)
def test_stages_that_there_are_not(part: str) -> None:
    with pytest.raises(
        EncoderError, match=r"stage1 to stage7, several side by side, as .*0-7, or one "
    ):
        load_backbone(f"{DEFAULT_BACKBONE}/{part}", pretrained=False)

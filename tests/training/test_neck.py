"""The projection while it is trained, and what it becomes: one linear layer."""

import numpy as np
import numpy.typing as npt
import pytest
import torch
from torch import nn

from simsearch.encoder.network import EmbeddingNetwork
from simsearch.metrics import retrieve
from simsearch.training.directions import (
    Labels,
    copy_axes,
    discriminants,
    principal_axes,
    whitening_axes,
)
from simsearch.training.neck import Compression, Neck, folded
from tests.encoder.conftest import PREPROCESSING, small_network

FEATURES = 96


def features(count: int) -> npt.NDArray[np.float32]:
    """Return features that vary much in some directions and little in others."""
    rng = np.random.default_rng(0)
    scaled = rng.normal(size=(count, FEATURES)) * np.geomspace(9, 0.1, FEATURES) + 3
    return scaled.astype(np.float32)


def seeded_neck() -> Neck:
    torch.manual_seed(0)
    return Neck(nn.Linear(FEATURES, 16))


def test_outputs_of_a_batch_have_mean_0_and_variance_1() -> None:
    outputs = seeded_neck()(torch.from_numpy(features(200)))
    assert torch.allclose(outputs.mean(dim=0), torch.zeros(16), atol=1e-5)
    assert ((outputs.std(dim=0) > 0.9) & (outputs.std(dim=0) < 1.01)).all()


def test_a_vector_added_to_all_changes_nothing() -> None:
    """That would be the easy way to collapse."""
    neck, values = seeded_neck(), torch.from_numpy(features(50))
    before = neck(values)
    with torch.no_grad():
        neck.linear.bias.add_(100)
    assert torch.allclose(neck(values), before, atol=1e-3)


@pytest.mark.parametrize("labels", [None, np.arange(200) // 10])
def test_folded_does_what_the_neck_does_after_training(labels: Labels | None) -> None:
    neck = seeded_neck()
    network = EmbeddingNetwork(small_network().trunk, PREPROCESSING, neck).eval()
    values = features(200)
    neck.begin(values, None if labels is None else discriminants(values, labels))
    plain = folded(network)
    generator = torch.Generator().manual_seed(0)
    pictures = torch.randint(0, 256, (3, 64, 64, 3), dtype=torch.uint8, generator=generator)
    with torch.inference_mode():
        assert torch.allclose(plain(pictures), network(pictures), atol=1e-4)
    assert isinstance(plain.projection, nn.Linear)
    assert isinstance(network.projection, Neck), "training goes on with it"
    assert folded(plain) is plain


def labelled(seed: int, shared: npt.NDArray[np.float64]) -> tuple[torch.Tensor, Labels]:
    """Return 30 classes that differ a little, under a large spread that all of them share."""
    rng = np.random.default_rng(seed)
    labels = np.repeat(np.arange(30), 8)
    values = rng.normal(size=(30, FEATURES))[labels] + rng.normal(size=(240, 5)) @ shared
    return torch.from_numpy((values + rng.normal(size=values.shape) * 0.3).astype("f4")), labels


def test_it_begins_with_what_tells_classes_apart() -> None:
    """Classes that it has not seen are found where raw features do not find them."""
    shared = np.random.default_rng(9).normal(size=(5, FEATURES)) * 2
    (values, labels), (unseen, names) = labelled(0, shared), labelled(1, shared)
    neck = Neck(nn.Linear(FEATURES, 48)).eval()
    neck.begin(values.numpy(), discriminants(values.numpy(), labels))

    def map_at_r(vectors: torch.Tensor) -> float:
        unit = nn.functional.normalize(vectors, dim=1).detach().numpy()
        return retrieve(unit, names).means()["map_at_r"]

    assert map_at_r(unseen - unseen.mean(dim=0)) < 0.3
    assert map_at_r(neck(unseen)) > 0.6


def test_it_whitens_what_varies_within_classes() -> None:
    """As numpy's covariance finds it, with the mean variance added to the diagonal."""
    values, labels = labelled(0, np.ones((5, FEATURES)))
    neck = Neck(nn.Linear(FEATURES, FEATURES)).eval()
    neck.begin(values.numpy(), discriminants(values.numpy(), labels))
    centred = values.double().numpy()
    for label in np.unique(labels):
        centred[labels == label] -= centred[labels == label].mean(axis=0)
    within = centred.T @ centred / len(centred)
    within += np.eye(FEATURES) * 0.3 * np.trace(within) / FEATURES
    weight = neck.folded().weight.detach().double().numpy()
    found = weight @ within @ weight.T
    assert found == pytest.approx(np.eye(FEATURES) * found[0, 0], abs=1e-3 * found[0, 0])


@pytest.mark.parametrize("pictures", [4, 5, 200])
def test_few_pictures_fill_few_numbers(pictures: int) -> None:
    neck = seeded_neck().eval()
    values = features(pictures)
    neck.begin(values, discriminants(values, np.arange(pictures) // 2))
    outputs = neck(torch.from_numpy(features(pictures)))
    assert torch.isfinite(outputs).all()
    assert int((outputs.std(dim=0) > 1e-3).sum()) == min(16, pictures - 1)


def test_without_labels_it_does_what_the_layer_did_but_for_the_mean() -> None:
    neck, values = seeded_neck().eval(), torch.from_numpy(features(500))
    neck.begin(values.numpy(), None)
    with torch.inference_mode():
        outputs, plain = neck(values), neck.linear(values)
    centred = plain - plain.mean(dim=0)
    assert torch.allclose(outputs * centred.std() / outputs.std(), centred, atol=1e-2)


def test_settled_it_normalises_with_what_it_is_shown_last() -> None:
    neck, seen, values = seeded_neck(), features(300), features(200) * 3 + 1
    neck(torch.from_numpy(seen))
    neck.eval()
    neck.settle(values)
    with torch.inference_mode():
        outputs = neck(torch.from_numpy(values))
    assert torch.allclose(outputs.mean(dim=0), torch.zeros(16), atol=1e-4)
    assert torch.allclose(outputs.std(dim=0, correction=0), neck.scale, atol=1e-3)


def test_all_principal_axes_keep_distances_and_the_first_most_of_them() -> None:
    values, _ = labelled(0, np.random.default_rng(9).normal(size=(5, FEATURES)))
    axes = principal_axes(values.numpy())
    assert axes.T @ axes == pytest.approx(np.eye(FEATURES), abs=1e-9)
    variances = (values.double().numpy() @ axes).var(axis=0)
    assert (np.diff(variances) <= 1e-9 * variances[0]).all()
    neck = Neck(nn.Linear(FEATURES, FEATURES)).eval()
    neck.begin(values.numpy(), axes)
    with torch.inference_mode():
        distances = torch.cdist(neck(values), neck(values))
    plain = torch.cdist(values, values)
    assert torch.allclose(distances / distances.mean(), plain / plain.mean(), atol=1e-2)


def test_along_whitening_axes_pictures_vary_as_much_in_each_direction() -> None:
    values, _ = labelled(0, np.random.default_rng(9).normal(size=(5, FEATURES)))
    spread = values.double().numpy() @ whitening_axes(values.numpy())
    found = np.cov(spread, rowvar=False, bias=True)
    assert found - np.diag(found.diagonal()) == pytest.approx(0, abs=1e-9)
    assert found.diagonal()[:4] == pytest.approx(1, abs=0.02)
    flat = values.numpy() * (np.arange(FEATURES) > 0)  # one feature never varies
    assert np.isfinite(whitening_axes(flat)).all()
    outputs = flat.astype(np.float64) @ whitening_axes(flat)
    assert outputs.var(axis=0).min() < 1e-6, "what does not vary is not blown up"


def test_copy_axes_quiet_what_copies_differ_in() -> None:
    """As numpy finds it: the covariance of copies, with half its mean on the diagonal, is even."""
    values = features(300)
    draw = np.random.default_rng(1).normal(size=(400, FEATURES)) * np.linspace(0.1, 2, FEATURES)
    within = draw.T @ draw / 400
    axes = copy_axes(values, within)
    noise = within + np.eye(FEATURES) * 0.5 * np.trace(within) / FEATURES
    quiet = axes.T @ noise @ axes
    assert quiet - np.diag(quiet.diagonal()) == pytest.approx(0, abs=1e-9 * quiet.max())
    unit = values / np.linalg.norm(values, axis=1, keepdims=True)
    seen = axes.T @ (unit.T @ unit / 300) @ axes
    assert seen - np.diag(seen.diagonal()) == pytest.approx(0, abs=1e-6 * seen.max())
    ratios = seen.diagonal() / quiet.diagonal()
    assert (np.diff(ratios) <= 1e-6 * ratios[0]).all(), "what tells most apart comes first"
    assert quiet.diagonal()[:40] == pytest.approx(ratios[:40] ** 0.2, rel=1e-3)


def test_without_copies_or_a_feature_the_axes_are_those_of_the_pictures() -> None:
    flat = features(300) * (np.arange(FEATURES) > 0)  # one feature is never there
    axes = copy_axes(flat, np.zeros((FEATURES, FEATURES)))
    assert np.isfinite(axes).all()
    lengths = np.linalg.norm(axes, axis=0)
    directions = axes[:, lengths > 0] / lengths[lengths > 0]
    products = directions.T @ directions
    assert products == pytest.approx(np.eye(len(products)), abs=1e-6)


def compression() -> Compression:
    torch.manual_seed(0)
    return Compression(nn.Linear(FEATURES, 16), Neck(nn.Linear(FEATURES, 8)))


def test_weaker_features_have_the_direction_that_they_had() -> None:
    """About the mean they would not: a blurred copy would be another picture."""
    projection, values = compression().eval(), torch.from_numpy(features(300))
    projection.settle(values.numpy())
    whole, weak = (nn.functional.normalize(projection(part)) for part in (values, 0.4 * values))
    assert torch.allclose(whole, weak, atol=1e-5)


def test_the_neck_is_trained_and_what_comes_before_it_is_measured_and_saved() -> None:
    projection, values = compression(), torch.from_numpy(features(300))
    learning = {name for name, part in projection.named_parameters() if part.requires_grad}
    assert learning == {"neck.linear.weight", "neck.linear.bias", "neck.scale"}
    assert projection.width == 8
    projection.begin(values.numpy())
    projection.settle(values.numpy())
    assert torch.equal(projection.train()(values), projection.neck(values))
    found = projection.eval()(values)
    assert found.shape == (300, 16)
    assert torch.allclose(found, projection.folded()(values))


def test_it_notes_how_copies_differ_from_the_first_of_their_class() -> None:
    projection, labels = compression(), np.array([7, 7, 2, 2, 2])
    values = torch.from_numpy(features(5))
    for _ in range(2000):
        projection.watch(values, labels)
    unit = values.double().numpy()
    unit /= np.linalg.norm(unit, axis=1, keepdims=True)
    apart = np.stack([unit[1] - unit[0], unit[3] - unit[2], unit[4] - unit[2]])
    assert projection.within.numpy() == pytest.approx(apart.T @ apart / 3, abs=1e-5)
    before = projection.within.clone()
    projection.watch(values, np.arange(5))  # no copies
    assert torch.equal(projection.within, before)


def test_features_that_blew_up_are_not_kept_in_mind() -> None:
    """They are for the guard to see, which starts again."""
    projection, values = compression(), torch.from_numpy(features(6))
    projection.watch(values, np.arange(6) // 2)
    projection.settle(values.numpy())
    within, weight = projection.within.clone(), projection.linear.weight.clone()
    values[1, 2] = torch.nan
    projection.watch(values, np.arange(6) // 2)
    projection.settle(values.numpy())
    assert torch.equal(projection.within, within)
    assert torch.equal(projection.linear.weight, weight)

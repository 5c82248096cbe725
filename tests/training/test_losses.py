"""Every loss keeps the contract, and has the value of its paper's formula."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import pytest
import torch
from torch import nn

from simsearch.errors import InputError
from simsearch.training.losses import load_loss, loss_names
from simsearch.training.losses.sigmoid import PairSigmoidLoss
from tests.training.oracles import Batch, clusters, dot, mean, mean_of_nonzero, softplus

NAMES = loss_names()
BY_CLASS = [name for name in NAMES if load_loss(name).CLASSES]
BY_PAIR = [name for name in NAMES if not load_loss(name).CLASSES]
WITH_MARGIN = [name for name in NAMES if load_loss(name).MARGIN is not None]
DIM, CLASSES = 6, 4


def build(name: str) -> nn.Module:
    torch.manual_seed(0)
    return load_loss(name).build(DIM, CLASSES)


def separated(name: str) -> tuple[nn.Module, torch.Tensor, torch.Tensor]:
    """Return a loss that knows its classes, and embeddings at the corners of a simplex."""
    loss, labels = build(name), torch.arange(CLASSES).repeat_interleave(3)
    corners = torch.eye(DIM)[:CLASSES]
    centres = nn.functional.normalize(corners - corners.mean(dim=0))
    for parameter in loss.parameters():
        if parameter.ndim == 2:  # vectors of classes, in rows or columns
            parameter.data = centres if parameter.shape == centres.shape else centres.T.clone()
    return loss, centres[labels], labels


def test_there_are_losses_to_test() -> None:
    assert {"triplet", "contrastive", "arcface", "sigmoid"} <= set(NAMES)


def test_unknown_name_lists_those_that_there_are() -> None:
    with pytest.raises(InputError, match="unknown loss 'magic'") as caught:
        load_loss("magic")
    assert all(name in str(caught.value) for name in NAMES)
    with pytest.raises(InputError):
        load_loss("__init__")


@pytest.mark.parametrize("name", NAMES)
def test_scalar_with_a_gradient_to_embeddings_and_own_weights(name: str) -> None:
    loss = build(name)
    vectors, labels = clusters(1, [4] * CLASSES)
    vectors.requires_grad_()
    value = loss(vectors, labels, None)
    value.backward()
    assert value.shape == ()
    assert value.isfinite()
    assert value > 0
    assert vectors.grad is not None
    assert vectors.grad.isfinite().all()
    assert vectors.grad.norm(dim=1).gt(0).sum() > len(labels) / 2
    assert bool(list(loss.parameters())) or not load_loss(name).CLASSES
    for parameter in loss.parameters():
        assert parameter.grad is not None
        assert parameter.grad.abs().sum() > 0


@pytest.mark.parametrize("name", NAMES)
def test_downhill_pulls_classes_together_and_apart(name: str) -> None:
    loss = build(name)
    start, labels = clusters(2, [4] * CLASSES)
    vectors = start.clone().requires_grad_()
    optimizer = torch.optim.Adam([vectors, *loss.parameters()], 0.05)
    for _ in range(60):
        optimizer.zero_grad()
        loss(nn.functional.normalize(vectors), labels, None).backward()
        optimizer.step()
    before, after = (Batch(nn.functional.normalize(v.detach()), labels) for v in (start, vectors))

    def gap(batch: Batch) -> float:
        triplets = batch.triplets()
        return mean([batch.cosine(a, p) - batch.cosine(a, n) for a, p, n in triplets])

    assert gap(after) > gap(before) + 0.3


@pytest.mark.parametrize("name", NAMES)
def test_separated_classes_cost_next_to_nothing(name: str) -> None:
    loss, vectors, labels = separated(name)
    mixed = labels.roll(1)
    value, confused = loss(vectors, labels, None), loss(vectors, mixed, None)
    assert value < 0.4
    assert confused > 4 * value
    if load_loss(name).MARGIN is not None:
        assert value == pytest.approx(0, abs=1e-6)


# The angular loss scales pairs and leaves negatives as they are; the objective gives unit vectors.
@pytest.mark.parametrize("name", sorted(set(NAMES) - {"angular"}))
def test_length_of_embeddings_changes_nothing(name: str) -> None:
    vectors, labels = clusters(3, [4] * CLASSES)
    lengths = torch.linspace(0.2, 30, len(labels))[:, None]
    scaled = build(name)(vectors * lengths, labels, None)
    assert scaled.item() == pytest.approx(build(name)(vectors, labels, None).item(), rel=1e-4)


@pytest.mark.parametrize("name", WITH_MARGIN)
def test_identical_embeddings_cost_the_margin_and_lead_nowhere(name: str) -> None:
    vectors = nn.functional.normalize(torch.ones(12, DIM)).requires_grad_()
    value = build(name)(vectors, torch.arange(4).repeat(3), None)
    value.backward()
    assert value.item() == pytest.approx(load_loss(name).MARGIN)
    assert vectors.grad is not None
    assert vectors.grad.abs().max() < 1e-6


@dataclass(frozen=True)
class Chosen:
    """What a loss looks at, of a batch; a pair may count more than once."""

    same: list[tuple[int, int]]
    different: list[tuple[int, int]]
    triplets: list[tuple[int, int, int]]


def everything(batch: Batch) -> Chosen:
    rows = range(len(batch.labels))
    return Chosen(
        [(a, p) for a in rows for p in batch.positives(a)],
        [(a, n) for a in rows for n in batch.negatives(a)],
        batch.triplets(),
    )


def mined(triplets: list[tuple[int, int, int]]) -> Chosen:
    return Chosen([(a, p) for a, p, _ in triplets], [(a, n) for a, _, n in triplets], triplets)


def triplet(batch: Batch, chosen: Chosen) -> float:
    """Schroff et al. 2015, margin 0.2."""
    gaps = [batch.distance(a, p) - batch.distance(a, n) for a, p, n in chosen.triplets]
    return mean_of_nonzero([max(0, gap + 0.2) for gap in gaps])


def triplet_soft(batch: Batch, chosen: Chosen) -> float:
    """Hermans et al. 2017, distances sixteen times as long."""
    gaps = [batch.distance(a, p) - batch.distance(a, n) for a, p, n in chosen.triplets]
    return mean([softplus(16 * gap) for gap in gaps])


def contrastive(batch: Batch, chosen: Chosen) -> float:
    """Hadsell, Chopra, LeCun 2006 with plain distances, margin 1; a mean for either kind."""
    pulled = [batch.distance(*pair) for pair in chosen.same]
    pushed = [max(0, 1 - batch.distance(*pair)) for pair in chosen.different]
    return mean(pulled) + mean(pushed)


def angular(batch: Batch, chosen: Chosen) -> float:
    """Wang et al. 2017, alpha 40 degrees: every pair against all negatives."""
    square = math.tan(math.radians(40)) ** 2
    losses = []
    for a, p in chosen.same:
        anchor, positive = batch.vectors[a], batch.others[p]
        middle = [x + y for x, y in zip(anchor, positive, strict=True)]
        exponents = [
            4 * square * dot(middle, batch.others[n]) - 2 * (1 + square) * dot(anchor, positive)
            for n in batch.negatives(a)
        ]
        losses.append(math.log(1 + sum(math.exp(exponent) for exponent in exponents)))
    return mean(losses)


def multi_similarity(batch: Batch, chosen: Chosen) -> float:
    """Wang et al. 2019, alpha 2, beta 50, lambda 0.5."""
    losses = []
    for anchor in range(len(batch.labels)):
        pull = {p for a, p in chosen.same if a == anchor}
        push = {n for a, n in chosen.different if a == anchor}
        near = sum(math.exp(-2 * (batch.cosine(anchor, p) - 0.5)) for p in pull)
        far = sum(math.exp(50 * (batch.cosine(anchor, n) - 0.5)) for n in push)
        losses.append(math.log(1 + near) / 2 + math.log(1 + far) / 50)
    return mean(losses)


def ntxent(batch: Batch, chosen: Chosen) -> float:
    """Sohn 2016, Chen et al. 2020, temperature 0.1: chosen positives, all negatives."""
    losses = []
    for anchor, positive in chosen.same:
        near = math.exp(batch.cosine(anchor, positive) / 0.1)
        far = sum(math.exp(batch.cosine(anchor, n) / 0.1) for n in batch.negatives(anchor))
        losses.append(-math.log(near / (near + far)))
    return mean(losses)


def sigmoid(batch: Batch, chosen: Chosen) -> float:
    """Binary cross-entropy of sigmoid(10 cos - 5), both kinds of pairs counted equally."""

    def probability(a: int, b: int) -> float:
        return 1 / (1 + math.exp(-(10 * batch.cosine(a, b) - 5)))

    same = [-math.log(probability(*pair)) for pair in chosen.same]
    different = [-math.log(1 - probability(*pair)) for pair in chosen.different]
    return mean([mean(part) for part in (same, different) if part])


ORACLES: dict[str, Callable[[Batch, Chosen], float]] = {
    "angular": angular,
    "contrastive": contrastive,
    "multi_similarity": multi_similarity,
    "ntxent": ntxent,
    "sigmoid": sigmoid,
    "triplet": triplet,
    "triplet_soft": triplet_soft,
}
CASES = [(seed, with_reference) for seed in range(3) for with_reference in (False, True)]


def test_every_loss_has_an_oracle() -> None:
    assert sorted(ORACLES) == BY_PAIR
    assert BY_CLASS == ["arcface", "proxy_anchor"], "their oracles stand below"


def case(seed: int, with_reference: bool) -> tuple[torch.Tensor, ...]:
    """Return a batch, with a memory of some of its classes and one more."""
    batch = clusters(seed, [3, 4, 2, 5])
    return (*batch, *clusters(seed + 10, [3, 5, 2, 0, 4])) if with_reference else batch


@pytest.mark.parametrize(("seed", "with_reference"), CASES)
@pytest.mark.parametrize("name", BY_PAIR)
def test_value_over_everything(name: str, seed: int, with_reference: bool) -> None:
    vectors, labels, *reference = case(seed, with_reference)
    batch = Batch(vectors, labels, *reference)
    value = build(name)(vectors, labels, None, *reference)
    assert value.item() == pytest.approx(ORACLES[name](batch, everything(batch)), rel=1e-4)


@pytest.mark.parametrize(("seed", "with_reference"), CASES)
@pytest.mark.parametrize("name", BY_PAIR)
def test_value_over_mined_triplets(name: str, seed: int, with_reference: bool) -> None:
    vectors, labels, *reference = case(seed, with_reference)
    batch = Batch(vectors, labels, *reference)
    every = batch.triplets()
    some = every[:: len(every) // 9]
    columns = tuple(torch.tensor(column) for column in zip(*some, strict=True))
    value = build(name)(vectors, labels, columns, *reference)
    assert value.item() == pytest.approx(ORACLES[name](batch, mined(some)), rel=1e-4)


@pytest.mark.parametrize("name", BY_PAIR)
def test_nothing_to_compare_costs_nothing(name: str) -> None:
    """A batch of one class against an empty choice: 0, and no NaN in the gradient."""
    vectors = clusters(0, [4])[0].requires_grad_()
    nothing = (torch.zeros(0, dtype=torch.int64),) * 3
    value = build(name)(vectors, torch.zeros(4, dtype=torch.int64), nothing)
    assert value.item() == 0
    if value.requires_grad:
        value.backward()
        assert vectors.grad is None or vectors.grad.isfinite().all()


@pytest.mark.parametrize("name", BY_PAIR)
def test_a_batch_of_one_class_breaks_nothing(name: str) -> None:
    """There is no negative: a finite loss and gradient all the same."""
    vectors = clusters(0, [4])[0].requires_grad_()
    value = build(name)(vectors, torch.zeros(4, dtype=torch.int64), None)
    assert value.isfinite()
    if value.requires_grad:
        value.backward()
        assert vectors.grad is None or vectors.grad.isfinite().all()


def test_sigmoid_head_learns_its_scale_and_bias() -> None:
    loss, (vectors, labels) = PairSigmoidLoss(), clusters(0, [4, 4, 4])
    optimizer = torch.optim.Adam(loss.parameters(), 0.1)
    costs = []
    for _ in range(100):
        optimizer.zero_grad()
        cost = loss(vectors, labels)
        cost.backward()
        optimizer.step()
        costs.append(cost.item())
    assert costs[-1] < costs[0] - 0.01
    assert {name for name, _ in loss.named_parameters()} == {"log_scale", "bias"}


@pytest.mark.parametrize("seed", range(3))
def test_arcface_is_a_softmax_with_an_angle_added(seed: int) -> None:
    """Deng et al. 2019, margin 17.2 degrees, scale 30."""
    vectors, labels = clusters(seed, [3, 4, 2, 5])
    loss = build("arcface")
    (weights,) = loss.parameters()
    proxies = nn.functional.normalize(weights.detach().T).tolist()
    losses = []
    for vector, label in zip(vectors.tolist(), labels.tolist(), strict=True):
        cosines = [dot(vector, proxy) for proxy in proxies]
        angle = math.acos(cosines[label]) + math.radians(17.2)
        assert angle <= math.pi, "beyond it, another rule holds"
        cosines[label] = math.cos(angle)
        exponents = [math.exp(30 * cosine) for cosine in cosines]
        losses.append(-math.log(exponents[label] / sum(exponents)))
    assert loss(vectors, labels, None).item() == pytest.approx(mean(losses), rel=1e-4)


@pytest.mark.parametrize("seed", range(3))
def test_proxy_anchor(seed: int) -> None:
    """Kim et al. 2020, margin 0.1, alpha 32; one class has no picture in the batch."""
    vectors, labels = clusters(seed, [3, 4, 0, 5])
    loss = build("proxy_anchor")
    (weights,) = loss.parameters()
    pulls, pushes = [], []
    for number, proxy in enumerate(nn.functional.normalize(weights.detach()).tolist()):
        cosines = list(zip(labels.tolist(), [dot(v, proxy) for v in vectors.tolist()], strict=True))
        own = [cosine for label, cosine in cosines if label == number]
        others = [cosine for label, cosine in cosines if label != number]
        if own:
            pulls.append(math.log(1 + sum(math.exp(-32 * (cosine - 0.1)) for cosine in own)))
        pushes.append(math.log(1 + sum(math.exp(32 * (cosine + 0.1)) for cosine in others)))
    assert loss(vectors, labels, None).item() == pytest.approx(mean(pulls) + mean(pushes), rel=1e-4)

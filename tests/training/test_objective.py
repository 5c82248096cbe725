"""What is minimised: a loss over mined triplets, of the batch and against the memory."""

from collections.abc import Callable

import pytest
import torch

from simsearch.errors import InputError
from simsearch.training.losses import load_loss, loss_names
from simsearch.training.miners import load_miner, miner_names
from simsearch.training.objective import Objective
from tests.training.oracles import Batch, clusters, mean, mean_of_nonzero

DIM = 6
CASES = [(seed, with_memory) for seed in range(4) for with_memory in (False, True)]


def new(loss: str = "triplet", memory: int = 0) -> Objective:
    torch.manual_seed(0)
    return Objective(loss, DIM, 4, memory)


@pytest.mark.parametrize("loss", loss_names())
@pytest.mark.parametrize("mining", miner_names())
def test_every_loss_takes_every_mining(loss: str, mining: str) -> None:
    vectors, labels = clusters(0, [4, 4, 4, 1], dim=DIM)
    vectors.requires_grad_()
    memory = 0 if load_loss(loss).CLASSES else 20
    objective = new(loss, memory)
    for _ in range(2):
        value = objective(vectors, labels, mining)
        value.backward()
        assert value.shape == ()
    assert vectors.grad is not None
    assert vectors.grad.isfinite().all()
    assert vectors.grad.abs().sum() > 0


@pytest.mark.parametrize("loss", loss_names())
def test_length_and_type_of_embeddings_change_nothing(loss: str) -> None:
    vectors, labels = clusters(1, [4, 4, 4, 1], dim=DIM)
    lengths = torch.linspace(0.1, 20, len(labels))[:, None]
    exact = vectors.bfloat16()
    values = [
        new(loss)(embeddings, labels, "batch_all")
        for embeddings in (exact.float() * lengths, exact.float(), exact)
    ]
    assert [value.dtype for value in values] == [torch.float32] * 3
    assert values[1].item() == pytest.approx(values[0].item(), rel=1e-4)
    assert values[2].item() == pytest.approx(values[1].item(), rel=1e-4)


def test_unknown_names() -> None:
    with pytest.raises(InputError, match="unknown loss"):
        new("magic")
    with pytest.raises(InputError, match="unknown mining"):
        new()(*clusters(0, [2, 2], dim=DIM), "magic")


@pytest.mark.parametrize("loss", [name for name in loss_names() if load_loss(name).CLASSES])
def test_classification_refuses_a_memory(loss: str) -> None:
    with pytest.raises(InputError, match=f"loss '{loss}' .*--memory 0"):
        new(loss, memory=8)


def triplet_loss(batch: Batch, triplets: list[tuple[int, int, int]]) -> float:
    return mean_of_nonzero(
        [max(0, batch.distance(a, p) - batch.distance(a, n) + 0.2) for a, p, n in triplets]
    )


def selective_loss(batch: Batch) -> float:
    """Xuan et al. 2020: where the negative is nearer than the positive, only its cosine counts.

    The rest keep the triplet loss; both parts weigh as many anchors as they have.
    """
    pushed, kept = [], []
    for a in range(len(batch.labels)):
        if not batch.positives(a) or not batch.negatives(a):
            continue
        p = max(batch.positives(a), key=lambda other: batch.cosine(a, other))
        n = max(batch.negatives(a), key=lambda other: batch.cosine(a, other))
        if batch.cosine(a, n) > batch.cosine(a, p):
            pushed.append(batch.cosine(a, n))
        else:
            kept.append((a, p, n))
    anchors = len(pushed) + len(kept)
    return sum(pushed) / anchors + len(kept) / anchors * triplet_loss(batch, kept)


@pytest.mark.parametrize("sizes", [[3, 4, 2, 5], [2, 2, 2, 2], [6, 6], [2, 1, 1, 1]])
def test_selective_rule(sizes: list[int]) -> None:
    for seed in range(5):
        vectors, labels = clusters(seed, sizes, dim=DIM)
        value = new()(vectors, labels, "selective")
        assert value.item() == pytest.approx(selective_loss(Batch(vectors, labels)), abs=1e-5)


def test_selective_pushes_a_nearer_negative_away_and_leaves_the_positive() -> None:
    vectors = torch.eye(DIM)[:3].clone()
    vectors[2] = torch.nn.functional.normalize(vectors[0] + 0.5 * vectors[1], dim=0)
    vectors.requires_grad_()
    new()(vectors, torch.tensor([0, 0, 1]), "selective").backward()
    assert vectors.grad is not None
    anchor, positive, negative = vectors.detach()
    # Both anchors see the negative nearer than their positive; neither sees the other.
    for each, gradient in ((anchor, vectors.grad[0]), (positive, vectors.grad[1])):
        assert torch.nn.functional.cosine_similarity(
            gradient, negative - (negative @ each) * each, dim=0
        ) == pytest.approx(1, abs=1e-4)


def oracle_batch_hard(batch: Batch) -> float:
    triplets = []
    for a in range(len(batch.labels)):
        if batch.positives(a) and batch.negatives(a):
            p = max(batch.positives(a), key=lambda other: batch.distance(a, other))
            n = min(batch.negatives(a), key=lambda other: batch.distance(a, other))
            triplets.append((a, p, n))
    return triplet_loss(batch, triplets)


@pytest.mark.parametrize(
    ("mining", "oracle"),
    [
        ("batch_hard", oracle_batch_hard),
        ("batch_all", lambda batch: triplet_loss(batch, batch.triplets())),
        ("selective", selective_loss),
    ],
)
def test_memory_counts_half_and_grows(mining: str, oracle: Callable[[Batch], float]) -> None:
    objective = new(memory=30)
    assert objective.memory is not None
    past: list[tuple[torch.Tensor, torch.Tensor]] = []
    for seed in range(3):
        vectors, labels = clusters(seed, [3, 2, 4, 1], dim=DIM)
        value = objective(vectors * 3, labels, mining).item()
        expected = oracle(Batch(vectors, labels))
        if past:
            held = [torch.cat(column) for column in zip(*past, strict=True)]
            expected = mean([expected, oracle(Batch(vectors, labels, *held))])
        assert value == pytest.approx(expected, abs=1e-5)
        past.append((vectors, labels))
        assert objective.memory.filled == 10 * len(past)
    assert objective.memory.embeddings.norm(dim=1).tolist() == pytest.approx([1] * 30)


def test_a_class_that_only_the_memory_knows_is_a_negative() -> None:
    objective = new(memory=8)
    vectors = torch.eye(DIM)
    objective(vectors[:2], torch.tensor([0, 0]), "batch_hard")
    near = torch.nn.functional.normalize(vectors[:1] + 0.1 * vectors[2:3]).repeat(2, 1)
    near.requires_grad_()
    objective(near, torch.tensor([1, 1]), "batch_hard").backward()
    assert near.grad is not None
    assert near.grad.abs().sum() == 0, "no positive of class 1 to compare with yet"
    near.grad = None
    objective(near, torch.tensor([1, 1]), "batch_hard").backward()
    assert near.grad is not None
    assert near.grad.abs().sum() > 0


@pytest.mark.parametrize("loss", ["triplet", "contrastive", "multi_similarity"])
@pytest.mark.parametrize("sizes", [[3, 4, 2, 5], [1, 1, 1], [5]])
def test_describe(loss: str, sizes: list[int]) -> None:
    margin = {"triplet": 0.2, "contrastive": 1.0, "multi_similarity": 0.2}[loss]
    for seed in range(3):
        vectors, labels = clusters(seed, sizes, dim=DIM)
        batch = Batch(vectors, labels)
        rows = range(len(labels))
        stats = new(loss).describe(torch.tensor(0.7), vectors * 5, labels)
        gaps = [batch.distance(a, n) - batch.distance(a, p) for a, p, n in batch.triplets()]
        assert stats.loss == pytest.approx(0.7)
        assert stats.active == pytest.approx(mean([float(gap < margin) for gap in gaps]))
        assert stats.positive_distance == pytest.approx(
            mean([batch.distance(a, p) for a in rows for p in batch.positives(a)]), abs=1e-5
        )
        assert stats.negative_distance == pytest.approx(
            mean([batch.distance(a, n) for a in rows for n in batch.negatives(a)]), abs=1e-5
        )


def test_share_of_active_triplets_is_of_the_first_128_anchors() -> None:
    vectors, labels = clusters(0, [40, 45, 50], dim=DIM)
    batch = Batch(vectors, labels)
    active = []
    for a in range(128):
        far = [batch.distance(a, p) + 0.2 for p in batch.positives(a)]
        for n in batch.negatives(a):
            distance = batch.distance(a, n)
            active += [distance < limit for limit in far]
    stats = new().describe(torch.tensor(0.0), vectors, labels)
    assert stats.active == pytest.approx(sum(active) / len(active), abs=1e-4)


@pytest.mark.parametrize("mining", miner_names())
def test_mining_is_without_gradient_and_changes_no_embedding(mining: str) -> None:
    vectors, labels = clusters(2, [4, 4, 3], dim=DIM)
    before = vectors.clone()
    load_miner(mining).mine(vectors, labels)
    assert torch.equal(vectors, before)


@pytest.mark.parametrize("memory", [0, 30])
def test_entropy_is_the_mean_log_distance_to_the_nearest_of_another_class(memory: int) -> None:
    batches = [clusters(seed, [4, 4, 3], dim=DIM) for seed in (5, 6)]
    seen: list[tuple[torch.Tensor, int]] = []
    plain, spread = new(memory=memory), Objective("triplet", DIM, 4, memory, entropy=0.7)
    for vectors, labels in batches:
        unit = torch.nn.functional.normalize(vectors)
        own = list(zip(unit, labels.tolist(), strict=True))
        others = own + (seen if memory else [])
        logs = [
            min(float((one - other).norm()) for other, its in others if its != label)
            for one, label in own
        ]
        wanted = torch.tensor(logs).log().mean()
        difference = plain(vectors, labels, "batch_all") - spread(vectors, labels, "batch_all")
        assert float(difference) == pytest.approx(0.7 * float(wanted), abs=1e-4)
        seen += own


def test_entropy_drives_classes_apart_that_keep_the_margin() -> None:
    vectors = torch.tensor([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0], [0.0, 1.0]], requires_grad=True)
    labels = torch.tensor([0, 0, 1, 1])
    Objective("triplet", 2, 2, 0, entropy=1.0)(vectors, labels, "batch_all").backward()
    assert vectors.grad is not None
    assert vectors.grad[0, 1] > 0, "downhill, the first class leaves the second"
    assert vectors.grad[2, 0] > 0

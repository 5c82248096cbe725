"""The guard tells a collapse from everything that only looks bad."""

from dataclasses import replace

import pytest
import torch

from simsearch.training.collapse import CollapseGuard
from simsearch.training.losses import load_loss, loss_names
from simsearch.training.miners import miner_names
from simsearch.training.objective import BatchStats, Objective
from tests.training.oracles import clusters

MARGINS = [0.2, 1.0, None]


def watched(margin: float | None, *stats: BatchStats) -> CollapseGuard:
    guard = CollapseGuard(margin)
    for each in stats:
        guard.watch(each)
    return guard


# As measured: (loss, active, d(a,p), d(a,n)) at the start and the end of sound trainings.
HEALTHY = {
    "small network from scratch": (0.541, 0.57, 1.056, 1.209),
    "its end": (0.332, 0.55, 0.517, 0.704),
    "absurd rate, but alive": (0.203, 0.6, 0.031, 0.093),
    "untrained transformer": (0.231, 0.9, 0.049, 0.066),
    "all that is left is to wait": (0.0, 0.0, 0.012, 1.35),
    "positives found, negatives near": (0.13, 0.8, 0.01, 0.12),
    "near the margin by chance": (0.2, 0.5, 0.9, 0.9),
}


@pytest.mark.parametrize("margin", MARGINS)
@pytest.mark.parametrize("figures", HEALTHY.values(), ids=HEALTHY)
def test_healthy_runs_never_trigger(
    figures: tuple[float, float, float, float], margin: float | None
) -> None:
    assert not watched(margin, *[BatchStats(*figures)] * 50).collapsed


@pytest.mark.parametrize("name", loss_names())
@pytest.mark.parametrize("mining", miner_names())
def test_identical_embeddings_trigger_whatever_the_loss_and_the_mining(
    name: str, mining: str
) -> None:
    torch.manual_seed(0)
    objective = Objective(name, 16, 4, 0)
    guard = CollapseGuard(objective.margin)
    labels = torch.arange(4).repeat(4)
    for batch in range(10):
        assert not guard.collapsed, "a single odd batch is no collapse"
        equal = torch.randn(1, 16).expand(16, 16)
        noise = 1e-5 * torch.randn(16, 16) if batch % 2 else 0
        loss = objective(equal + noise, labels, mining)
        guard.watch(objective.describe(loss, equal + noise, labels))
    assert guard.collapsed


@pytest.mark.parametrize("name", ["triplet", "contrastive"])
def test_nearly_identical_embeddings_trigger_where_they_cost_the_margin(name: str) -> None:
    margin = load_loss(name).MARGIN
    assert margin is not None
    collapsed = BatchStats(margin * 1.004, 1.0, 0.02, 0.021)
    assert watched(margin, *[collapsed] * 10).collapsed
    assert not watched(margin, *[collapsed] * 9).collapsed
    moving = replace(collapsed, loss=margin * 0.9)
    assert not watched(margin, *[moving] * 10).collapsed, "the loss still falls"


@pytest.mark.parametrize("mining", miner_names())
def test_embeddings_too_long_to_be_scaled_trigger(mining: str) -> None:
    """Their length overflows, and as unit vectors they are all zeros."""
    objective = Objective("triplet", 16, 4, 0)
    guard = CollapseGuard(objective.margin)
    labels = torch.arange(4).repeat(4)
    for _ in range(10):
        endless = torch.randn(16, 16) * 1e30
        guard.watch(objective.describe(objective(endless, labels, mining), endless, labels))
    assert guard.collapsed


def test_one_good_batch_among_the_last_ten_is_enough() -> None:
    collapsed, good = BatchStats(0.2, 1, 0, 0), BatchStats(0.4, 0.5, 0.9, 1.2)
    assert not watched(0.2, *[collapsed] * 6, good, *[collapsed] * 3).collapsed
    assert watched(0.2, good, *[collapsed] * 10).collapsed


@pytest.mark.parametrize("loss", [float("nan"), float("inf"), float("-inf")])
@pytest.mark.parametrize("margin", MARGINS)
def test_a_loss_that_is_no_number_triggers_at_once(loss: float, margin: float | None) -> None:
    good = BatchStats(0.4, 0.5, 0.9, 1.2)
    assert watched(margin, good, replace(good, loss=loss)).collapsed


def test_state_goes_on_where_it_was() -> None:
    first = watched(0.2, *[BatchStats(0.2, 1, 0, 0)] * 6)
    again = CollapseGuard(0.2)
    again.load_state_dict(first.state_dict())
    for guard in (first, again):
        for _ in range(3):
            guard.watch(BatchStats(0.2, 1, 0, 0))
        assert not guard.collapsed
        guard.watch(BatchStats(0.2, 1, 0, 0))
        assert guard.collapsed
        guard.clear()
        assert not guard.collapsed


def test_sound_batches_of_an_untrained_objective_never_trigger() -> None:
    for name in loss_names():
        objective = Objective(name, 16, 5, 0)
        guard = CollapseGuard(objective.margin)
        for seed in range(20):
            vectors, labels = clusters(seed, [4] * 5, dim=16)
            guard.watch(
                objective.describe(objective(vectors, labels, "batch_hard"), vectors, labels)
            )
            assert not guard.collapsed


@pytest.mark.parametrize(("batches", "needed"), [(-1, 3), (3, 3), (4, 4), (10, 10), (500, 10)])
def test_it_is_sure_before_training_stops_for_other_reasons(batches: int, needed: int) -> None:
    guard = CollapseGuard(0.2)
    guard.hurry(batches)
    for _ in range(needed):
        assert not guard.collapsed
        guard.watch(BatchStats(0.2, 1.0, 0.0, 0.0))
    assert guard.collapsed

"""Rates: warm-up, cosine, what is left after collapses; new weights learn faster than trained."""

from pathlib import Path
from typing import Any, cast

import pytest

from simsearch.training.job import Job
from simsearch.training.objective import Objective
from simsearch.training.optimizer import new_optimizer, set_rate
from simsearch.training.start import build_network
from tests.training.conftest import changed


def rates(loss: str = "arcface", done: float = 0.05, factor: float = 1, **settings: Any) -> Any:
    """Return the rates by what learns: trunk, projection, loss."""
    config = changed(loss=loss, **settings)
    network, network_config = build_network(changed())
    nothing = cast("Any", None)
    job = Job(
        config, network_config, Path(), nothing, nothing, nothing, nothing, "", nothing, 1, nothing,
        nothing,
    )  # fmt: skip
    objective = Objective(loss, config.dim, 3, 0)
    optimizer = new_optimizer(network, objective, job)
    set_rate(optimizer, done, factor)
    found = {id(p): group["lr"] for group in optimizer.param_groups for p in group["params"]}
    everything = [network.trunk, network.projection, objective]
    assert len(found) == sum(len(list(module.parameters())) for module in everything)
    return [
        {found[id(parameter)] for parameter in module.parameters()} or {None}
        for module in everything
    ]


def highest(**settings: Any) -> list[Any]:
    return [next(iter(each)) for each in rates(**settings)]


def test_a_loss_s_new_weights_beside_trained_ones_learn_ten_times_as_fast() -> None:
    trunk, projection, loss = highest(weights="imagenet")
    assert loss == pytest.approx(10 * trunk)
    assert projection == trunk, "it is fitted before training begins"
    assert trunk == pytest.approx(1e-4, rel=0.02)
    assert highest(weights="encoders/mine", learning_rate=0.5)[0] == pytest.approx(0.5, rel=0.02)


def test_from_scratch_all_learn_alike() -> None:
    trunk, projection, loss = highest(weights="none")
    assert trunk == projection == loss == pytest.approx(1e-3, rel=0.02)
    assert highest(weights="none", loss="triplet")[2] is None, "it has nothing to learn"


def test_warm_up_and_cosine() -> None:
    course = [highest(done=done / 100)[0] for done in range(101)]
    peak = course.index(max(course))
    assert 3 <= peak <= 6
    assert course[:peak] == sorted(course[:peak])
    assert course[peak:] == sorted(course[peak:], reverse=True)
    assert 0 < course[0] < 0.05 * max(course)
    assert course[100] == pytest.approx(1e-5, rel=0.01)
    assert course[50] == pytest.approx(max(course) / 2, rel=0.03)


def test_what_collapses_leave() -> None:
    assert highest(factor=0.25)[0] == pytest.approx(highest()[0] / 4)

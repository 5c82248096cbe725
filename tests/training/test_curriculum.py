"""From easy to hard, unless told otherwise; softer after a collapse."""

import pytest

from simsearch.errors import InputError
from simsearch.training.curriculum import GLOBAL, SEMI_HARD, check_mining, mining_names, stage_of
from simsearch.training.miners import miner_names
from tests.training.conftest import changed

ORDER = ["head", "semi_hard", "batch_hard", "global"]


@pytest.mark.parametrize("epochs", [4, 7, 10, 20, 100])
@pytest.mark.parametrize("weights", ["imagenet", "encoders/mine", "none"])
def test_auto_goes_from_easy_to_hard(weights: str, epochs: int) -> None:
    config = changed(mining="auto", weights=weights, epochs=epochs)
    names = [stage_of(config, epoch, softened=False).name for epoch in range(epochs)]
    assert names == sorted(names, key=ORDER.index)
    assert set(names) == set(ORDER if weights != "none" else ORDER[1:])
    assert names.count("head") == (weights != "none")
    assert names.count("global") >= epochs * 0.4 - 1


def test_only_the_head_learns_first_and_only_the_last_stage_asks_for_confused_classes() -> None:
    config = changed(mining="auto", weights="imagenet", epochs=20)
    stages = [stage_of(config, epoch, softened=False) for epoch in range(20)]
    assert [stage.head_only for stage in stages] == [True] + [False] * 19
    assert {stage.name for stage in stages if stage.confused} == {"global"}
    assert {stage.mining for stage in stages} <= set(miner_names())


@pytest.mark.parametrize("name", miner_names())
def test_a_miner_stays(name: str) -> None:
    stages = {stage_of(changed(mining=name, epochs=9), epoch, False) for epoch in range(9)}
    (stage,) = stages
    assert (stage.name, stage.mining, stage.head_only, stage.confused) == (name, name, False, False)


def test_global_stays() -> None:
    assert {stage_of(changed(mining="global"), epoch, False) for epoch in range(2)} == {GLOBAL}


@pytest.mark.parametrize("name", mining_names())
def test_after_a_collapse_nothing_is_harder_than_semi_hard(name: str) -> None:
    config = changed(mining=name, weights="imagenet", epochs=9)
    assert {stage_of(config, epoch, softened=True) for epoch in range(9)} == {SEMI_HARD}


def test_names() -> None:
    for name in mining_names():
        check_mining(name)
    assert set(mining_names()) == {"auto", "global", *miner_names()}
    with pytest.raises(InputError, match="unknown mining 'magic'; use one of auto, global, batch_"):
        check_mining("magic")

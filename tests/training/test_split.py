"""Split by class: disjoint, seeded, nothing lost."""

from dataclasses import replace

import numpy as np
import pytest

from simsearch.errors import InputError
from simsearch.evaluation.labelled import LabelledPictures
from simsearch.training.split import Split, split_by_class


def made(sizes: list[int], prefix: str = "class") -> LabelledPictures:
    """Return pictures that exist in name only."""
    labels = np.repeat(np.arange(len(sizes)), sizes)
    classes = tuple(f"{prefix}{number:02d}" for number in range(len(sizes)))
    paths = tuple(f"/{classes[label]}/{row}.png" for row, label in enumerate(labels))
    return LabelledPictures(paths, labels, classes, ("a warning",))


def parts(split: Split) -> tuple[LabelledPictures, LabelledPictures, LabelledPictures]:
    return split.train, split.validation, split.calibration


def content(pictures: LabelledPictures) -> set[tuple[str, str]]:
    return {
        (path, pictures.classes[label])
        for path, label in zip(pictures.paths, pictures.labels, strict=True)
    }


@pytest.mark.parametrize("sizes", [[2] * 6, [5, 1, 3, 2, 9, 1, 4, 2, 1], list(range(1, 60))])
@pytest.mark.parametrize("seed", range(5))
def test_disjoint_and_complete(sizes: list[int], seed: int) -> None:
    whole = made(sizes)
    split = split_by_class(whole, seed)
    assert set.union(*map(content, parts(split))) == content(whole)
    assert sum(map(len, parts(split))) == len(whole)
    assert sum(len(part.classes) for part in parts(split)) == len(whole.classes)
    for part in parts(split):
        assert set(part.labels.tolist()) == set(range(len(part.classes)))
        assert (part.sizes() > 1).sum() >= 2
    held = (*split.validation.sizes(), *split.calibration.sizes())
    assert min(held) > 1, "classes of one picture are trained on"
    assert split.single == sizes.count(1)


def test_about_10_percent_are_held_out_each() -> None:
    split = split_by_class(made([3] * 40), 0)
    assert [len(part.classes) for part in parts(split)] == [32, 4, 4]


def test_seeded() -> None:
    whole = made([3] * 40)
    first, again, other = (split_by_class(whole, seed) for seed in (0, 0, 1))
    assert [p.paths for p in parts(first)] == [p.paths for p in parts(again)]
    for one, two in zip(parts(first), parts(other), strict=True):
        assert one.classes != two.classes


def test_validation_of_its_own() -> None:
    whole, apart = made([3] * 20), made([2, 1, 3], "other")
    split = split_by_class(whole, 0, apart)
    assert content(split.validation) == content(apart)
    assert content(split.train) | content(split.calibration) == content(whole)
    assert not content(split.train) & content(split.calibration)
    assert len(split.calibration.classes) == 2


@pytest.mark.parametrize(
    ("sizes", "validation", "mentions"),
    [
        ([9], None, "1 of 1 classes have two pictures or more; .* need 6: add classes or pictures"),
        ([2] * 5, None, "5 of 5 classes"),
        ([2] * 5 + [1] * 50, None, "5 of 55 classes"),
        ([1] * 50, None, "0 of 50 classes"),
        ([2] * 3, [2, 2], "3 of 3 classes .* need 4"),
        ([2] * 9, [2, 1, 1], "validation pictures have fewer than 2 classes of two pictures"),
    ],
)
def test_too_few_classes(sizes: list[int], validation: list[int] | None, mentions: str) -> None:
    with pytest.raises(InputError, match=mentions):
        split_by_class(made(sizes), 0, made(validation, "val") if validation else None)


def test_fewest_that_will_do() -> None:
    assert [len(part.classes) for part in parts(split_by_class(made([2] * 6), 0))] == [2, 2, 2]
    split = split_by_class(made([2] * 4), 0, made([2] * 2, "val"))
    assert [len(part.classes) for part in parts(split)] == [2, 2, 2]


def test_order_of_the_pictures_does_not_matter_to_who_is_held_out() -> None:
    whole = made([3] * 20)
    order = np.random.default_rng(0).permutation(len(whole))
    mixed = replace(
        whole, paths=tuple(whole.paths[row] for row in order), labels=whole.labels[order]
    )
    assert split_by_class(mixed, 0).train.paths == split_by_class(whole, 0).train.paths

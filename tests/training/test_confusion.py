"""Pairs of classes that are added up, and read again class by class."""

import numpy as np

from simsearch.training.confusion import Confusion
from tests.training.confusions import confusion_of, dense


def test_pairs_are_added_up_class_by_class() -> None:
    confusion = Confusion.of_pairs(
        4, np.array([1 * 4 + 3, 0 * 4 + 2, 1 * 4 + 0, 1 * 4 + 3]), np.array([0.5, 1.0, 0.25, 2.0])
    )
    others, weights = confusion.of(1)
    assert (others.tolist(), weights.tolist()) == ([0, 3], [0.25, 2.5])
    assert confusion.of(0)[0].tolist() == [2]
    assert [len(confusion.of(number)[0]) for number in (2, 3)] == [0, 0]


def test_a_table_comes_back() -> None:
    draw = np.random.default_rng(0)
    table = draw.random((7, 7)) * (draw.random((7, 7)) < 0.3)
    assert dense(confusion_of(table)).tolist() == table.tolist()


def test_no_pairs_at_all() -> None:
    empty = Confusion.of_pairs(3, np.zeros(0, np.int64), np.zeros(0))
    assert dense(empty).tolist() == np.zeros((3, 3)).tolist()


def test_as_many_classes_as_people_have_products() -> None:
    classes = 2_000_000  # a table of these would take 32 TB
    pairs = np.array([classes * classes - 2, 5])
    confusion = Confusion.of_pairs(classes, pairs, np.array([1.0, 3.0]))
    assert confusion.of(classes - 1)[0].tolist() == [classes - 2]
    assert confusion.of(0)[1].tolist() == [3.0]

"""Confusions as tables, as tests like them."""

import numpy as np

from simsearch.training.confusion import Confusion, Weights


def dense(confusion: Confusion) -> Weights:
    """Return [classes, classes]."""
    classes = len(confusion.starts) - 1
    table = np.zeros((classes, classes))
    for number in range(classes):
        others, weights = confusion.of(number)
        table[number, others] = weights
    return table


def confusion_of(table: Weights) -> Confusion:
    """Return the confusion that `dense` makes a table of."""
    classes, others = np.nonzero(table)
    return Confusion.of_pairs(len(table), classes * len(table) + others, table[classes, others])

"""Split labelled pictures by class: no class is both trained on and measured."""

from dataclasses import dataclass

import numpy as np

from simsearch.errors import InputError
from simsearch.evaluation.labelled import LabelledPictures, Labels

_HELD_OUT = 0.1  # of the classes with pairs, for validation and again for calibration
_LEAST = 2  # classes that each part needs: one has no different pairs


@dataclass(frozen=True, slots=True)
class Split:
    """Three sets of pictures without a common class.

    Attributes:
        single: classes of one picture; they are trained on, as negatives only.
    """

    train: LabelledPictures
    validation: LabelledPictures
    calibration: LabelledPictures
    single: int


def split_by_class(
    pictures: LabelledPictures, seed: int, validation: LabelledPictures | None = None
) -> Split:
    """Draw classes at random for validation and calibration; the rest is trained on.

    Args:
        validation: pictures to validate on instead of classes drawn from `pictures`.

    Raises:
        InputError: too few classes have two pictures or more, or `validation` has none.
    """
    sizes = pictures.sizes()
    paired = np.flatnonzero(sizes > 1)
    parts = 2 if validation is not None else 3
    held = max(_LEAST, round(_HELD_OUT * len(paired)))
    if len(paired) < parts * _LEAST:
        raise InputError(
            f"{len(paired)} of {len(sizes)} classes have two pictures or more; training, "
            f"validation and calibration need {parts * _LEAST}: add classes or pictures"
        )
    if validation is not None and (validation.sizes() > 1).sum() < _LEAST:
        raise InputError("the validation pictures have fewer than 2 classes of two pictures")
    drawn = np.random.default_rng([seed, 1]).permutation(paired)
    calibration, rest = drawn[:held], drawn[held:]
    held_out = rest[:held] if validation is None else rest[:0]
    train = np.setdiff1d(np.arange(len(sizes)), [*calibration, *held_out])
    return Split(
        train=_of_classes(pictures, train),
        validation=validation or _of_classes(pictures, held_out),
        calibration=_of_classes(pictures, calibration),
        single=int((sizes == 1).sum()),
    )


def _of_classes(pictures: LabelledPictures, classes: Labels) -> LabelledPictures:
    return pictures.take(np.flatnonzero(np.isin(pictures.labels, classes)))

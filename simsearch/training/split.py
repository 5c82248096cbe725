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
    pictures: LabelledPictures,
    seed: int,
    validation: LabelledPictures | None = None,
    calibration: LabelledPictures | None = None,
) -> Split:
    """Draw classes at random for validation and calibration; the rest is trained on.

    Args:
        validation, calibration: pictures to use instead of classes drawn from `pictures`.

    Raises:
        InputError: too few classes have two pictures or more, or those given apart have none.
    """
    sizes = pictures.sizes()
    paired = np.flatnonzero(sizes > 1)
    given = {"validation": validation, "calibration": calibration}
    needed = _LEAST * (3 - sum(apart is not None for apart in given.values()))
    if len(paired) < needed:
        raise InputError(
            f"{len(paired)} of {len(sizes)} classes have two pictures or more; training, "
            f"validation and calibration need {needed}: add classes or pictures"
        )
    for name, apart in given.items():
        if apart is not None and (apart.sizes() > 1).sum() < _LEAST:
            raise InputError(f"the {name} pictures have fewer than 2 classes of two pictures")
    held = max(_LEAST, round(_HELD_OUT * len(paired)))
    drawn = np.random.default_rng([seed, 1]).permutation(paired)
    to_calibrate = drawn[: held if calibration is None else 0]
    rest = drawn[len(to_calibrate) :]
    to_validate = rest[: held if validation is None else 0]
    train = np.setdiff1d(np.arange(len(sizes)), [*to_calibrate, *to_validate])
    return Split(
        train=_of_classes(pictures, train),
        validation=validation or _of_classes(pictures, to_validate),
        calibration=calibration or _of_classes(pictures, to_calibrate),
        single=int((sizes == 1).sum()),
    )


def _of_classes(pictures: LabelledPictures, classes: Labels) -> LabelledPictures:
    return pictures.take(np.flatnonzero(np.isin(pictures.labels, classes)))

"""How far a pair stands out from what else lies near its pictures.

In a crowd of look-alikes, products or portraits, all cosines are high; a copy lies nearer to its
original than the crowd does. That is the margin of Artetxe and Schwenk, 2019
(https://arxiv.org/abs/1811.01136).
"""

import numpy as np
import numpy.typing as npt

from simsearch.index.recipes import Vectors

AMONG = 16  # so many neighbours tell how crowded it is around a picture
_CROWD = 0.85  # cosine; neighbours that lie nearer may be copies, too
Floats = npt.NDArray[np.float64]


def margins(cosines: Floats, beside_a: Vectors, beside_b: Vectors) -> Floats:
    """Return how much nearer pairs lie than the crowd around either picture, -2 to 2.

    Args:
        cosines: float64 [pairs].
        beside_a, beside_b: float32 [pairs], cosine of the `AMONG`-th neighbour of either picture.
    """
    crowds = (np.minimum(beside_a, _CROWD) + np.minimum(beside_b, _CROWD)) / 2
    return np.asarray(cosines - crowds, np.float64)

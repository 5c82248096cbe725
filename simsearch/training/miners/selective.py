"""Easiest positive, hardest negative; the rule of "Hard negative examples are hard, but useful".

Xuan, Stylianou, Liu, Pless 2020: pulling a far positive past a near negative is what makes batches
of hard negatives collapse. So the positive is the nearest one, and where the negative is nearer
still, the objective only pushes it away (see `Objective`).
"""

from functools import partial

from simsearch.training.miners._hardness import mine_by_hardness

mine = partial(mine_by_hardness, "easy", "hard")

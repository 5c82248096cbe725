"""Batch semi-hard mining (Schroff et al. 2015): farthest positive, next negative beyond it."""

from functools import partial

from simsearch.training.miners._hardness import mine_by_hardness

mine = partial(mine_by_hardness, "hard", "semihard")

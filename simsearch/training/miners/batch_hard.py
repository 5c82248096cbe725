"""Batch-hard mining (Hermans et al. 2017): the farthest positive and the nearest negative."""

from functools import partial

from simsearch.training.miners._hardness import mine_by_hardness

mine = partial(mine_by_hardness, "hard", "hard")

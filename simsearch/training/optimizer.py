"""AdamW over the trunk and what is new beside it; warm-up, then a cosine."""

import math

import torch

from simsearch.encoder.network import EmbeddingNetwork
from simsearch.training.job import Job
from simsearch.training.objective import Objective

_NEW_RATE = 10.0  # times the trunk's, for a loss's own weights, drawn at random beside trained ones
_WARM_UP = 0.05  # of all training
_LEAST_RATE = 0.01  # of the highest, at the end of the cosine


def new_optimizer(
    network: EmbeddingNetwork, objective: Objective, job: Job
) -> torch.optim.Optimizer:
    """Return an optimizer; beside a trained trunk, a loss's own weights learn faster."""
    rate = job.learning_rate
    new = rate if job.from_scratch else rate * _NEW_RATE
    modules = [(network.trunk, rate), (network.projection, rate), (objective, new)]
    groups = [
        {"params": [p for p in module.parameters() if p.requires_grad], "lr": rate, "highest": rate}
        for module, rate in modules
    ]
    filled = [group for group in groups if group["params"]]
    return torch.optim.AdamW(filled, weight_decay=job.config.weight_decay)


def set_rate(optimizer: torch.optim.Optimizer, done: float, factor: float) -> None:
    """Set the rates for a moment of training.

    Args:
        done: share of all training, 0 to 1.
        factor: what is left of the rate after collapses.
    """
    rise = min(1.0, (done + 1e-3) / _WARM_UP)
    fall = _LEAST_RATE + (1 - _LEAST_RATE) * (1 + math.cos(math.pi * done)) / 2
    for group in optimizer.param_groups:
        group["lr"] = group["highest"] * rise * fall * factor

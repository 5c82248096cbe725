"""Measures of search and of encoders: pure functions on arrays."""

from simsearch.metrics.open_set import detection_and_identification_rate
from simsearch.metrics.probability import ECE_BINS, brier, cllr, ece
from simsearch.metrics.retrieval import Retrieval, retrieve
from simsearch.metrics.search import recall_at_k
from simsearch.metrics.verification import (
    FALSE_ACCEPTANCE_RATES,
    accuracy_at,
    carried_rates,
    eer,
    roc_auc,
    roc_figures,
    tar_at_far,
    tar_figures,
    threshold_at_far,
)

__all__ = [
    "ECE_BINS",
    "FALSE_ACCEPTANCE_RATES",
    "Retrieval",
    "accuracy_at",
    "brier",
    "carried_rates",
    "cllr",
    "detection_and_identification_rate",
    "ece",
    "eer",
    "recall_at_k",
    "retrieve",
    "roc_auc",
    "roc_figures",
    "tar_at_far",
    "tar_figures",
    "threshold_at_far",
]

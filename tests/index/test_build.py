"""The effort is the cheapest that keeps the promise, judged by exact cosines."""

import faiss
import numpy as np
import numpy.typing as npt
import pytest

from simsearch.index import build as build_module
from simsearch.index.build import build_index
from simsearch.index.recipes import Vectors, load_recipe
from simsearch.records import SearchTuning
from tests.index.vectors import around, clustered, one_row_each, source_of

N = 600
VECTORS = clustered(N, 16, seed=1)
EFFORTS = (1, 2, 4, 8)


class PartlyBlind:
    """Finds a share of the true neighbours that depends on the effort, and lies about scores."""

    metric_type = faiss.METRIC_INNER_PRODUCT
    ntotal = N

    def search(
        self, queries: Vectors, k: int, params: float
    ) -> tuple[Vectors, npt.NDArray[np.int64]]:
        """Replace all but the nearest by the farthest, for all but a share of the queries."""
        cosines = queries @ VECTORS.T
        order = np.argsort(-cosines, axis=1)
        found = order[:, :k].copy()
        blind = round((1 - params) * len(queries))
        found[:blind, 1:] = order[:blind, -k + 1 :]
        return np.full(found.shape, 0.123, np.float32), found


class BlindRecipe:
    """A recipe whose recall at each effort is given."""

    exact = False
    efforts = EFFORTS
    score_error = 1.0

    def __init__(self, recall: dict[int, float]) -> None:
        self._recall = recall

    def train(self, *_: object) -> PartlyBlind:
        """Return the index."""
        return PartlyBlind()

    def add(self, index: PartlyBlind, _: object, gpus: int) -> PartlyBlind:  # noqa: ARG002
        """Return the index."""
        return index

    def search_parameters(self, _index: object, effort: int, _k: int, _selector: object) -> float:
        """Return the recall."""
        return self._recall[effort]


@pytest.mark.parametrize(
    ("recalls", "effort"),
    [
        ((1.0, 1.0, 1.0, 1.0), 1),
        ((0.5, 1.0, 1.0, 1.0), 2),
        ((0.5, 0.9, 0.97, 1.0), 8),
        ((0.5, 0.6, 0.7, 0.8), 8),
        ((0.5, 0.5, 0.5, 1.0), 8),  # no gain, but the promise is not kept either
        ((0.5, 0.992, 0.992, 1.0), 4),  # kept, and more effort does not help
    ],
)
def test_cheapest_sufficient_effort(
    monkeypatch: pytest.MonkeyPatch, recalls: tuple[float, ...], effort: int
) -> None:
    recipe = BlindRecipe(dict(zip(EFFORTS, recalls, strict=True)))
    monkeypatch.setattr(build_module, "load_recipe", lambda _: recipe)
    index = build_index("blind", source_of(VECTORS), one_row_each(N), gpus=0)
    assert index.tuning.effort == effort


def test_exact_recipe_is_not_tuned() -> None:
    assert build_index("flat", source_of(VECTORS), one_row_each(N), gpus=0).tuning == SearchTuning()


def test_postings_are_kept() -> None:
    postings = one_row_each(N)
    assert build_index("flat", source_of(VECTORS), postings, gpus=0).postings is postings


def test_any_of_many_near_identical_vectors_is_a_right_answer() -> None:
    group = around(VECTORS[0], N, 0.001, seed=2)
    index = build_index("hnsw", source_of(group), one_row_each(N), gpus=0)
    assert index.tuning.effort == load_recipe("hnsw").efforts[0]

"""The highest scores of each row, found by looking at the highest of each chunk first."""

import pytest
import torch

from simsearch.search.searchers.tiles import top


@pytest.mark.parametrize("columns", [1, 31, 33, 512, 1000, 5000])
@pytest.mark.parametrize("k", [1, 3, 8, 40])
@pytest.mark.parametrize("levels", [7, 10**6], ids=["ties", "distinct"])
def test_top_is_what_sorting_gives(columns: int, k: int, levels: int) -> None:
    made = torch.Generator().manual_seed(columns * k)
    scores = torch.randint(levels, (20, columns), generator=made) / levels - 0.5
    values, places = top(scores, k)
    assert torch.equal(values, scores.sort(dim=1, descending=True).values[:, :k])
    assert torch.equal(scores.gather(1, places), values)
    assert all(len(set(row)) == len(row) for row in places.tolist()), "no column twice"

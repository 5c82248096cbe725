"""Near-identical pictures under different labels: as negatives, they teach the wrong thing."""

import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from PIL import Image

from simsearch.evaluation.labelled import Labels
from simsearch.search.join import MOST_EACH, gathered, nearest_pairs
from simsearch.search.searchers import SCORE_ERROR
from simsearch.search.searchers.choose import searcher_of
from simsearch.training.mining import Vectors
from simsearch.training.pictures import PictureSet

_SIDE = 24  # pixels of the grey thumbnails that are compared
_NEAR = 0.995  # correlation of two thumbnails
_FLAT = 4.0  # standard deviation of grey values under which a thumbnail says nothing


def near_identical(
    pictures: PictureSet, labels: Labels, workers: int
) -> list[tuple[int, int, float]]:
    """Return pairs of rows of different classes whose pictures look the same, nearest first.

    Pictures are compared by the correlation of small grey thumbnails, whatever the encoder makes of
    them; it is the third value, up to 1.
    """
    with ThreadPoolExecutor(workers) as pool:
        made = pool.map(lambda row: _thumbnail(pictures, row), range(len(pictures)))
        thumbnails = np.stack(list(made))
    rows = np.flatnonzero(thumbnails.any(axis=1))
    if len(rows) < 2:
        return []
    vectors = thumbnails[rows]
    blocks = [(np.arange(len(rows)), vectors)]
    size, dim = vectors.shape
    searcher = searcher_of(size, dim, lambda: blocks, Path(tempfile.gettempdir()))
    pairs, _ = gathered(nearest_pairs(searcher, blocks, MOST_EACH, _NEAR - SCORE_ERROR))
    scores = np.einsum("nd,nd->n", vectors[pairs.a], vectors[pairs.b])
    found = [
        (int(a), int(b), float(score))
        for a, b, score in zip(rows[pairs.a], rows[pairs.b], scores, strict=True)
        if labels[a] != labels[b] and score >= _NEAR
    ]
    return sorted(found, key=lambda pair: -pair[2])


def _thumbnail(pictures: PictureSet, row: int) -> Vectors:
    """Return a picture's grey thumbnail, float32 [side * side], mean 0, length 1; 0 if flat."""
    image = Image.fromarray(pictures.canvas(row)).convert("L").resize((_SIDE, _SIDE))
    values = np.asarray(image, np.float32).ravel()
    values -= values.mean()
    length = np.linalg.norm(values)
    return values / length if length > _FLAT * _SIDE else np.zeros_like(values)

"""Embeddings of real pictures, made once a session."""

from pathlib import Path

import numpy as np
import pytest

from simsearch import Collection
from simsearch.index.recipes import Vectors

FOLDERS = ("photos", "grocery/val", "scenes/buildings", "scenes/forests", "scenes/sea")


@pytest.fixture(scope="session")
def real_vectors(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Vectors:
    """Return the vectors of some 1,900 pictures, float32 [n, dim], one a distinct content."""
    collection = Collection("real", tmp_path_factory.mktemp("home"), device="cpu")
    collection.add(*(shared_data / folder for folder in FOLDERS))
    table = collection.embeddings()
    _, first = np.unique(table.column("content_hash").to_numpy(), return_index=True)
    column = table.column("embedding").combine_chunks()
    half = column.flatten().to_numpy().reshape(len(table), -1)
    vectors: Vectors = half[np.sort(first)].astype(np.float32)
    return vectors

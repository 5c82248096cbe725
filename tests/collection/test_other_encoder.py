"""A collection holds one encoder's vectors: others are refused, --rebuild switches."""

from pathlib import Path

import numpy as np
import pytest

from simsearch import Collection, Preprocessing
from simsearch.config import DEFAULT_ENCODER, NetworkConfig
from simsearch.encoder import checkpoint
from simsearch.encoder.backbones import load_backbone
from simsearch.errors import EncoderMismatchError
from tests.collection.conftest import Library, rows

BACKBONE = "timm/test_efficientnet"


def save_checkpoint(folder: Path, seed: int) -> Path:
    """Write a tiny untrained network as a checkpoint folder."""
    import torch

    from simsearch.encoder.network import EmbeddingNetwork, output_dim

    torch.manual_seed(seed)
    trunk, _ = load_backbone(BACKBONE, pretrained=False)
    preprocessing = Preprocessing(size=64)
    network = EmbeddingNetwork(trunk, preprocessing).eval()
    dim = output_dim(network, preprocessing.size)
    checkpoint.save(folder, network, NetworkConfig(BACKBONE, preprocessing, dim))
    return folder


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a checkpoint folder."""
    return save_checkpoint(tmp_path_factory.mktemp("tiny"), seed=1)


def assert_vectors_are_of(library: Library, encoder: Path) -> None:
    """Compare a library's vectors with those of a collection that had no other encoder before."""
    fresh = Collection("fresh", home=library.collection.folder.parent)
    fresh.add(library.folder, encoder=str(encoder))
    expected = rows(fresh)
    for path, row in rows(library.collection).items():
        assert np.allclose(row.vector, expected[path].vector, atol=0.01)


@pytest.fixture
def indexed(library: Library) -> Library:
    """Return a library of four pictures, indexed with the default encoder."""
    for seed in range(4):
        library.put(f"{seed}.jpg", seed)
    library.sync()
    return library


def test_other_encoder_is_refused_with_the_remedy(indexed: Library, tiny: Path) -> None:
    before = rows(indexed.collection).keys()
    with pytest.raises(EncoderMismatchError, match="--rebuild") as caught:
        indexed.collection.add(indexed.folder, encoder=str(tiny))
    assert DEFAULT_ENCODER in str(caught.value)
    assert indexed.collection.manifest.generation == 1
    assert rows(indexed.collection).keys() == before


def test_own_encoder_may_be_named(indexed: Library) -> None:
    assert indexed.sync(encoder=DEFAULT_ENCODER) == {"unchanged": 4}


def test_rebuild_switches_the_encoder(indexed: Library, tiny: Path) -> None:
    indexed.collection.query(indexed.folder / "0.jpg")
    assert indexed.sync(encoder=str(tiny), rebuild=True) == {"new": 4}
    info = indexed.collection.info()
    assert (info.encoder, info.generation) == (str(tiny.resolve()), 2)
    assert_vectors_are_of(indexed, tiny)
    found = indexed.collection.query(indexed.folder / "0.jpg", include_self=True)
    assert found[0].path == str(indexed.folder / "0.jpg")
    assert found[0].score > 0.99


def test_collections_of_two_encoders_cannot_be_compared(indexed: Library, tiny: Path) -> None:
    other = Collection("other", home=indexed.collection.folder.parent)
    other.add(indexed.folder, encoder=str(tiny))
    with pytest.raises(EncoderMismatchError, match="index both with one") as caught:
        indexed.collection.compare(other)
    assert DEFAULT_ENCODER in str(caught.value)
    assert str(tiny.resolve()) in str(caught.value)


def test_encoder_stays_after_the_switch(indexed: Library, tiny: Path) -> None:
    indexed.sync(encoder=str(tiny), rebuild=True)
    indexed.put("more.jpg", 9)
    assert indexed.sync() == {"new": 1, "unchanged": 4}
    assert indexed.sync(rebuild=True) == {"new": 5}
    assert indexed.collection.info().encoder == str(tiny.resolve())
    with pytest.raises(EncoderMismatchError, match="--rebuild"):
        indexed.collection.add(indexed.folder, encoder=DEFAULT_ENCODER)


def test_checkpoint_with_other_weights_is_another_encoder(library: Library, tmp_path: Path) -> None:
    library.put("0.jpg", 0)
    folder = save_checkpoint(tmp_path / "checkpoint", seed=1)
    library.sync(encoder=str(folder))
    save_checkpoint(folder, seed=2)
    with pytest.raises(EncoderMismatchError, match="--rebuild"):
        library.collection.add(library.folder, encoder=str(folder))
    assert library.sync(encoder=str(folder), rebuild=True) == {"new": 1}
    assert_vectors_are_of(library, folder)


def test_left_over_parts_of_another_encoder_are_not_taken_over(
    library: Library, tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    library.put("0.jpg", 0)
    with monkeypatch.context() as patch:
        patch.delattr("simsearch.collection.committing.index_parts")
        with pytest.raises(NameError):
            library.collection.add(library.folder, encoder=str(tiny))
    assert list(library.collection.folder.glob("embeddings/part-*.parquet"))
    assert library.sync() == {"new": 1}
    assert library.collection.info().dim == 512

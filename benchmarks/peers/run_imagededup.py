"""Times imagededup's CNN encodings of all pictures below a folder; run it with the peers' Python.

Usage: run_imagededup.py FOLDER. The last line of stdout is the result as JSON.
"""

import argparse
import importlib
import socket
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING
from unittest import mock

from _report import cores, report, take_stdout  # type: ignore[import-not-found]

if TYPE_CHECKING:
    from imagededup.methods import CNN  # type: ignore[import-not-found]


def import_torchvision() -> bool:
    """Import torchvision; return whether its compiled operators are there.

    A torchvision made for CUDA cannot load them beside a CPU build of torch, and its import stops
    at the first one missing. The picture transforms and the network used here need none of them,
    so two declarations are enough to let the import pass.
    """
    import torch

    try:
        importlib.import_module("torchvision")
    except RuntimeError:
        for name in [name for name in sys.modules if name.partition(".")[0] == "torchvision"]:
            del sys.modules[name]
        for name in ("nms", "qnms"):
            signature = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
            torch.library.define(f"torchvision::{name}", signature)
        importlib.import_module("torchvision")
        return False
    return True


def build_cnn() -> "tuple[CNN, str]":
    """Return the default CNN, with random weights if no download is possible, and which it has."""
    from imagededup.methods import CNN
    from torchvision import models

    socket.setdefaulttimeout(20)
    try:
        return CNN(), "pretrained"
    except OSError as error:
        print(f"no pretrained weights ({error}): using random ones", file=sys.stderr)
    network = models.mobilenet_v3_small(weights=None)
    with mock.patch.object(models, "mobilenet_v3_small", return_value=network):
        return CNN(), "random"


def main() -> None:
    """Encode the pictures with the default CNN, MobileNetV3-small, on all cores."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder.resolve(strict=True)
    out = take_stdout()

    operators = import_torchvision()
    cnn, weights = build_cnn()
    start = time.perf_counter()
    encodings = cnn.encode_images(folder, recursive=True, num_enc_workers=cores())
    seconds = time.perf_counter() - start

    notes = f"{cnn.device}, {cores()} workers; building the network is not in seconds"
    if weights == "random":
        notes += "; random weights: the speed is right, the encodings mean nothing"
    if not operators:
        notes += "; torchvision's compiled operators are missing and not used"
    report(
        out,
        tool="imagededup",
        images=len(encodings),
        seconds=seconds,
        weights=weights,
        notes=notes,
    )


if __name__ == "__main__":
    main()

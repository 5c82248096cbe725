"""simsearch doctor"""

import platform
import sys
from collections.abc import Iterator
from importlib import metadata

import typer

from simsearch import __version__
from simsearch.cli.options import Json
from simsearch.cli.render import print_json, print_table
from simsearch.errors import SimsearchError

_PACKAGES = [
    "torch",
    "torchvision",
    "timm",
    "openvino",
    "numpy",
    "pillow",
    "pillow-heif",
    "pyarrow",
    "filelock",
    "typer",
    "rich",
]


def command(as_json: Json = False) -> None:
    """Show what this machine offers, and what is wrong with the installation.

    Example: simsearch doctor
    """
    found = list(_examine())
    if as_json:
        print_json([{"what": what, "state": state, "ok": ok} for what, state, ok in found])
    else:
        print_table(
            ("", "what", "state"),
            [["ok" if ok else "PROBLEM", what, state] for what, state, ok in found],
        )
    if not all(ok for _, _, ok in found):
        raise typer.Exit(1)


def _examine() -> Iterator[tuple[str, str, bool]]:
    """Yield (what, state, sound) for everything that a run depends on."""
    version = f"{sys.version.split()[0]}, {platform.system()} {platform.machine()}"
    yield "simsearch", __version__, True
    yield "Python", version, sys.version_info >= (3, 11)
    yield _faiss_wheels()
    yield from _devices()
    yield from _encoder()
    yield from _formats()
    for package in _PACKAGES:
        try:
            yield package, metadata.version(package), True
        except metadata.PackageNotFoundError:
            yield package, f"missing; run: pip install {package}", False


def _faiss_wheels() -> tuple[str, str, bool]:
    wheels = sorted(
        f"{name} {distribution.version}"
        for distribution in metadata.distributions()
        if (name := distribution.metadata["Name"] or "").lower().startswith("faiss")
    )
    shown = ", ".join(wheels)
    if len(wheels) > 1:
        return "faiss", f"{shown} overwrite each other; uninstall all, then install one", False
    try:
        import faiss
    except ImportError as error:
        return "faiss", f"{shown} can't be imported ({error}); reinstall simsearch", False
    return "faiss", f"{shown}: {faiss.get_compile_options().strip()}", True


def _devices() -> Iterator[tuple[str, str, bool]]:
    from simsearch.encoder.device import choose_target, count_cuda_devices
    from simsearch.index.device import count_gpus

    target = choose_target("auto")
    yield "encoder runs on", f"{target.device} through {target.runtime}", True
    yield "NVIDIA GPUs", f"{count_cuda_devices()} for the encoder, {count_gpus()} for faiss", True


def _encoder() -> Iterator[tuple[str, str, bool]]:
    from simsearch.config import DEFAULT_ENCODER
    from simsearch.encoder.resolve import resolve

    try:
        spec = resolve(DEFAULT_ENCODER)
    except SimsearchError as error:
        yield "default encoder", str(error), False
        return
    yield "default encoder", f"{spec.name} ({spec.digest[:12]}), {spec.dim} numbers", True
    try:
        from simsearch.encoder.runtimes.openvino import cached_model, cpu_precision
    except ImportError as error:
        yield "OpenVINO", f"can't be imported ({error}); reinstall simsearch", False
        return
    precision = cpu_precision(spec)
    path = cached_model(spec, precision)
    yield "OpenVINO precision", precision, True
    yield "converted model", str(path) if path.is_file() else "made at the first run", True


def _formats() -> Iterator[tuple[str, str, bool]]:
    from simsearch.images.decode import decodable_formats

    formats = decodable_formats()
    missing = sorted(name for name, decodes in formats.items() if not decodes)
    yield "formats", ", ".join(sorted(set(formats) - set(missing))), True
    if missing:
        yield "formats", f"{', '.join(missing)} do not decode; reinstall pillow, pillow-heif", False

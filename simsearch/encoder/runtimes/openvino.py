"""OpenVINO on the CPU, from a converted model that is cached by weights digest."""

import logging
import os
import platform
import shutil
import sys
import tempfile
import warnings
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import platformdirs

from simsearch.config import EncoderSpec
from simsearch.encoder.checkpoint import find_checkpoint
from simsearch.encoder.ranges import ranges_of
from simsearch.encoder.resolve import build_network
from simsearch.encoder.runtimes import Pixels, Vectors
from simsearch.errors import EncoderError

# OpenVINO reports usage over the network when it is imported and when it converts; with this
# package out of reach it takes its own silent stub instead.
sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
import openvino  # noqa: E402

if TYPE_CHECKING:
    from torch import nn

_log = logging.getLogger("simsearch")
# Raise when EmbeddingNetwork.forward, use_eight_bits or the ranges of a shipped encoder change:
# older converted models are left.
_CONVERSION = 1
_BATCH_SIZE = 4  # larger ones fall out of the caches: 8 ran at half the speed on two cores


class OpenVinoRuntime:
    """A compiled model with a fixed batch size; a short last batch is padded."""

    def __init__(self, compiled: Any, batch_size: int, precision: str) -> None:
        self.batch_size = batch_size
        self.precision = precision
        self._compiled = compiled

    def run(self, batches: Iterable[Pixels]) -> Iterator[Vectors]:
        """See Runtime.run."""
        # One more than the CPU works on at a time, so that the next is ready when one ends.
        in_flight = self._compiled.get_property("OPTIMAL_NUMBER_OF_INFER_REQUESTS") + 1
        idle = [self._compiled.create_infer_request() for _ in range(in_flight)]
        busy: deque[tuple[Any, int]] = deque()
        for batch in batches:
            request = idle.pop() if idle else None
            if request is None:
                request, count = busy.popleft()
                yield self._result(request, count)
            request.start_async({0: self._padded(batch)})
            busy.append((request, len(batch)))
        for request, count in busy:
            yield self._result(request, count)

    def is_slow(self) -> bool:
        """Tell whether the CPU has no AVX2: there, 8 bits take twice the time of float32."""
        kernels = (op.get_rt_info() for op in self._compiled.get_runtime_model().get_ops())
        return any("sse" in str(one["primitiveType"].value) for one in kernels)

    def _padded(self, batch: Pixels) -> Pixels:
        missing = self.batch_size - len(batch)
        return np.pad(batch, ((0, missing), (0, 0), (0, 0), (0, 0))) if missing else batch

    @staticmethod
    def _result(request: Any, count: int) -> Vectors:
        request.wait()
        return np.array(request.get_output_tensor(0).data[:count], dtype=np.float32)


def open_runtime(
    spec: EncoderSpec, device: str, batch_size: int | None, precision: str | None
) -> OpenVinoRuntime:
    """Compile a spec's model; device is always the CPU, a batch size of 1 is tuned for latency.

    Raises:
        EncoderError: its ranges can't be read, or it has none and 'int8' is asked for.
    """
    core = openvino.Core()
    size, batch_size = spec.preprocessing.size, batch_size or _BATCH_SIZE

    def opened(precision: str) -> OpenVinoRuntime:
        model = _read_or_convert(core, spec, precision)
        return _compiled(core, model, size, device, batch_size, precision)

    if precision is not None:
        return opened(precision)
    runtime = opened(cpu_precision(spec))
    return opened("f32") if runtime.precision == "int8" and runtime.is_slow() else runtime


def open_module(module: "nn.Module", size: int, batch_size: int) -> OpenVinoRuntime:
    """Compile a torch module that takes uint8 [n, size, size, 3]; nothing is cached."""
    model = _convert(module, size)
    return _compiled(openvino.Core(), model, size, "cpu", batch_size, cpu_precision(None))


def _compiled(
    core: Any, model: Any, size: int, device: str, batch_size: int, precision: str
) -> OpenVinoRuntime:
    model.reshape([batch_size, size, size, 3])
    settings = {
        # What is on grids of 8 bits is computed in them whatever the hint; the rest in float32.
        "INFERENCE_PRECISION_HINT": "bf16" if precision == "bf16" else "f32",
        "ENABLE_CPU_PINNING": "NO",  # the decoding threads need the same cores
        "PERFORMANCE_HINT": "LATENCY" if batch_size == 1 else "THROUGHPUT",
    }
    return OpenVinoRuntime(
        core.compile_model(model, device.upper(), settings), batch_size, precision
    )


def cpu_precision(spec: EncoderSpec | None) -> str:
    """Return 'bf16' where the CPU computes in it, else 'int8' where the encoder can, else 'f32'."""
    capabilities = openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    if "BF16" in capabilities:
        return "bf16"
    x86 = platform.machine().lower() in ("x86_64", "amd64")  # others were not measured
    return "int8" if x86 and spec is not None and _may_be_coarse(spec) else "f32"


def _may_be_coarse(spec: EncoderSpec) -> bool:
    """Tell whether an encoder runs in 8 bits; a converted model outlives its checkpoint."""
    if find_checkpoint(spec.name) is None:
        return cached_model(spec, "int8").is_file()
    return bool(ranges_of(spec))


def cached_model(spec: EncoderSpec, precision: str) -> Path:
    """Return the path at which a spec's converted model is, or will be, cached."""
    name = f"{spec.digest[:16]}-{spec.fingerprint[:8]}-{_CONVERSION}"
    name += "-int8" if precision == "int8" else ""
    return platformdirs.user_cache_path("simsearch") / "openvino" / name / "model.xml"


def _read_or_convert(core: Any, spec: EncoderSpec, precision: str) -> Any:
    path = cached_model(spec, precision)
    if path.is_file():
        with suppress(RuntimeError):  # damaged: convert again
            return core.read_model(path)
    model = _convert(_network(spec, precision), spec.preprocessing.size)
    try:
        _save(model, path)
    except (OSError, RuntimeError) as error:
        _log.warning(
            "the converted model can't be cached in '%s' (%s); every run will convert it again",
            path.parent,
            getattr(error, "strerror", None) or error,
        )
    return model


def _network(spec: EncoderSpec, precision: str) -> "nn.Module":
    network = build_network(spec)
    if precision == "int8":
        from simsearch.encoder.eight_bit import use_eight_bits

        ranges = ranges_of(spec)
        if not ranges:
            raise EncoderError(f"encoder '{spec.name}' has no ranges.json to compute in 8 bits")
        use_eight_bits(network, ranges)
    return network


def _convert(network: "nn.Module", size: int) -> Any:
    import torch

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the converter still goes through torch.jit.trace
        return openvino.convert_model(
            network,
            example_input=torch.zeros(2, size, size, 3, dtype=torch.uint8),
            input=[(-1, size, size, 3)],
        )


def _save(model: Any, path: Path) -> None:
    """Save under a temporary name, then rename the folder, so that no half model is ever read."""
    path.parent.parent.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(dir=path.parent.parent, prefix="tmp-"))
    try:
        openvino.save_model(model, folder / path.name, compress_to_fp16=False)
        shutil.rmtree(path.parent, ignore_errors=True)  # a damaged one
        os.replace(folder, path.parent)  # noqa: PTH105 - fails if another process was first
    except (OSError, RuntimeError):
        shutil.rmtree(folder, ignore_errors=True)
        if not path.is_file():
            raise

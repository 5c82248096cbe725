"""What GPUs cannot hold or fail to build is refused, or left to the CPU, in one line."""

import faiss
import pytest

from simsearch.errors import DeviceError
from simsearch.index import build, choose, device
from simsearch.index.build import build_index, gpus_for
from simsearch.index.recipes import load_recipe
from tests.index.pretended_gpus import pretend_gpus
from tests.index.vectors import clustered, one_row_each, source_of

GB = 10**9


@pytest.mark.parametrize(("recipe", "gpus"), [("flat", 0), ("hnsw", 0), ("ivf", 2), ("cagra", 2)])
def test_gpus_are_used_by_what_can(monkeypatch: pytest.MonkeyPatch, recipe: str, gpus: int) -> None:
    pretend_gpus(monkeypatch)
    assert gpus_for(recipe, 100_000, 256, gpus=2) == gpus
    assert gpus_for(recipe, 100_000, 256, gpus=0) == 0


def test_too_much_for_the_gpus_is_built_on_the_cpu(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    pretend_gpus(monkeypatch, free=4 * GB)
    assert gpus_for("ivf", 10**6, 256, gpus=1) == 1, "only the centres are there"
    assert not caplog.messages
    assert gpus_for("ivf", 10**11, 1280, gpus=1) == 0
    (message,) = caplog.messages
    assert "GB of GPU memory and 4.0 are free: the index is built on the CPU" in message


def test_what_only_gpus_build_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    pretend_gpus(monkeypatch, free=10 * GB)
    with pytest.raises(DeviceError, match=r"'cagra' needs .* and 10\.0 are free; use another"):
        gpus_for("cagra", 10**8, 256, gpus=1)
    with pytest.raises(DeviceError, match="faiss finds none; use 'hnsw'"):
        build_index("cagra", source_of(clustered(9, 8, 1)), one_row_each(9), gpus=0)


def test_a_gpu_that_fails_leaves_it_to_the_cpu(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("CUDA error 2\nout of memory")

    pretend_gpus(monkeypatch)
    monkeypatch.setattr(faiss, "index_cpu_to_all_gpus", fail, raising=False)
    vectors = clustered(500, 8, 1)
    index = build_index("ivf", source_of(vectors), one_row_each(500), gpus=1)
    assert index.search(vectors[:1], 1)[1].item() == 0
    (message,) = caplog.messages
    assert message == (
        "a GPU failed to build 'ivf': CUDA error 2 out of memory; the index is built on the CPU"
    )
    monkeypatch.setattr(faiss, "GpuIndexCagra", fail)
    with pytest.raises(DeviceError, match="failed to build 'cagra': CUDA error 2 out of memory"):
        build_index("cagra", source_of(vectors), one_row_each(500), gpus=1)


def test_what_fits_is_built_on_the_cpu_where_gpus_do_not(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(choose, "EXACT_UP_TO", 100)
    monkeypatch.setattr(build, "count_gpus", lambda: 1)
    vectors = clustered(2000, 8, 1)
    arguments = source_of(vectors), one_row_each(2000)
    pretend_gpus(monkeypatch)
    name, index = build.build_fitting_index(*arguments)
    assert name == "cagra"
    assert index.search(vectors[:1], 1)[1].item() == 0
    assert not caplog.messages
    pretend_gpus(monkeypatch, free=1)
    name, index = build.build_fitting_index(*arguments)
    assert name == "hnsw"
    assert index.search(vectors[:1], 1)[1].item() == 0
    (message,) = caplog.messages
    assert message.startswith("'cagra' needs 0.0 GB of GPU memory and 0.0 are free")
    assert message.endswith("so 'hnsw' is built, on the CPU")


def test_a_graph_holds_all_vectors() -> None:
    assert load_recipe("cagra").gpu_memory(10**6, 256) > 2 * 10**6 * 256


@pytest.mark.parametrize("name", ["ivf", "ivf_pq_refined", "cagra"])
def test_estimate_grows(name: str) -> None:
    recipe = load_recipe(name)
    assert recipe.gpu_memory(10**6, 256) < recipe.gpu_memory(2 * 10**6, 256)
    assert recipe.gpu_memory(10**6, 256) < recipe.gpu_memory(10**6, 512)


def test_memory_of_the_fullest_gpu_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    assert device.free_gpu_memory() == 0 or torch.cuda.is_available()
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda number: ((5, 3)[number] * GB, 9 * GB))
    assert device.free_gpu_memory() == 3 * GB

"""What `import simsearch` offers, and what it does not load."""

import json
import subprocess
import sys

import pytest

import simsearch

NAMES = [
    "ClassScore",
    "Collection",
    "DuplicateGroup",
    "DuplicatePair",
    "Duplicates",
    "EncoderSpec",
    "Failure",
    "Identification",
    "ImageRecord",
    "Neighbor",
    "Preprocessing",
    "QueryResult",
    "Selection",
    "SimsearchError",
    "SyncReport",
    "Verification",
    "__version__",
    "verify",
]
HEAVY = ["torch", "faiss", "pyarrow", "openvino", "numpy"]
SHOW_MODULES = "import json, simsearch, sys; print(json.dumps(list(sys.modules)))"


def test_list_of_names() -> None:
    assert simsearch.__all__ == NAMES
    assert dir(simsearch) == NAMES
    assert sorted(NAMES) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_every_name_resolves(name: str) -> None:
    value = getattr(simsearch, name)
    assert value.__name__ == name if callable(value) else isinstance(value, str)


def test_star_import_gives_the_list() -> None:
    namespace: dict[str, object] = {}
    exec("from simsearch import *", namespace)
    assert sorted(namespace.keys() - {"__builtins__"}) == NAMES


@pytest.mark.parametrize("name", ["Nothing", "collection_names", "_Row", "api"])
def test_unknown_name(name: str) -> None:
    with pytest.raises(AttributeError, match=f"module 'simsearch' has no attribute '{name}'"):
        getattr(simsearch, name)


def test_import_is_light() -> None:
    done = subprocess.run(
        [sys.executable, "-c", SHOW_MODULES], capture_output=True, text=True, check=True
    )
    loaded = json.loads(done.stdout)
    assert "simsearch" in loaded
    assert [name for name in HEAVY if name in loaded] == []

"""Imports go down only, and everything public says what it does."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import simsearch

PACKAGE = Path(simsearch.__file__).parent
LAYERS = [
    {"errors", "records", "config", "metrics", "digest"},
    {"images", "encoder", "store", "index", "local"},
    {"search"},
    {"collection"},
    {"evaluation"},
    {"training", "bench", "report", "demo", "web", "distributed", "actions"},
    {"cli"},
    {"__main__"},
]
BOTTOM = LAYERS[0]
SEARCH_MAY_SEE = BOTTOM | {"index"}
MODULES = sorted(PACKAGE.rglob("*.py"))
ROOT = PACKAGE / "__init__.py"  # names what it offers and imports it at first use


def name_of(path: Path) -> str:
    """Return a file's module, 'simsearch.store.schema'."""
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def top_level(module: str) -> str:
    """Return 'store' for 'simsearch.store.schema', and 'records' for 'simsearch.Neighbor'."""
    name = module.split(".")[1]
    return simsearch._HOMES.get(name, name).split(".")[0]


def layer_of(name: str) -> int:
    """Return the number of the layer that has a top-level name, counted from the bottom."""
    (layer,) = [number for number, names in enumerate(LAYERS) if name in names]
    return layer


def imports_of(path: Path) -> Iterator[str]:
    """Yield every module of simsearch that a file imports, at the top or inside a function."""
    package = name_of(path) if path.name == "__init__.py" else name_of(path).rpartition(".")[0]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            parents = package.split(".")[: len(package.split(".")) - node.level + 1]
            base = ".".join([*parents, *filter(None, [node.module])]) if node.level else node.module
            names = [f"{base}.{alias.name}" for alias in node.names]
        else:
            continue
        for name in names:
            if name.startswith("simsearch.") and name != "simsearch.__version__":
                yield name


def is_allowed(importer: str, imported: str) -> bool:
    """Tell whether one top-level name may import another."""
    if importer == imported or {importer, imported} <= BOTTOM:
        return True
    if importer == "search":
        return imported in SEARCH_MAY_SEE
    return layer_of(imported) < layer_of(importer)


def test_every_module_has_a_layer() -> None:
    known = set().union(*LAYERS)
    names = {top_level(name_of(path)) for path in MODULES if path != ROOT}
    assert names - known == set(), "put it into a layer of this test and of ARCHITECTURE.md"
    assert names >= {"errors", "store", "search", "collection", "cli"}


@pytest.mark.parametrize("path", [path for path in MODULES if path != ROOT], ids=name_of)
def test_imports_go_down(path: Path) -> None:
    importer = top_level(name_of(path))
    wrong = [name for name in imports_of(path) if not is_allowed(importer, top_level(name))]
    assert wrong == []


@pytest.mark.parametrize(
    ("importer", "imported", "allowed"),
    [
        ("store", "records", True),
        ("store", "store", True),
        ("records", "errors", True),
        ("store", "index", False),
        ("images", "encoder", False),
        ("records", "store", False),
        ("search", "index", True),
        ("search", "store", False),
        ("search", "collection", False),
        ("collection", "search", True),
        ("collection", "report", False),
        ("evaluation", "collection", True),
        ("evaluation", "training", False),
        ("training", "evaluation", True),
        ("training", "report", False),
        ("demo", "collection", True),
        ("demo", "report", False),
        ("actions", "store", True),
        ("actions", "report", False),
        ("cli", "report", True),
        ("report", "cli", False),
    ],
)
def test_the_rules_themselves(importer: str, imported: str, allowed: bool) -> None:
    assert is_allowed(importer, imported) == allowed


def test_all_ways_to_import_are_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "simsearch"
    package.mkdir()
    (package / "sample.py").write_text(
        "import simsearch.a\n"
        "from simsearch import b, Neighbor, __version__\n"
        "from simsearch.c import thing\n"
        "from . import d\n"
        "def function():\n"
        "    from .e import thing\n"
        "import os\n"
    )
    monkeypatch.setattr("tests.test_architecture.PACKAGE", package)
    found = [top_level(name) for name in imports_of(package / "sample.py")]
    assert sorted(found) == ["a", "b", "c", "d", "e", "records"]


def public_nodes(path: Path) -> Iterator[tuple[str, ast.AST]]:
    """Yield the module, its public functions and classes, and the public methods of those."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    yield name_of(path), tree
    pending: list[ast.Module | ast.ClassDef] = [tree]
    while pending:
        for node in pending.pop().body:
            if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                continue
            if node.name.startswith("_"):
                continue
            yield f"{name_of(path)}.{node.name}", node
            if isinstance(node, ast.ClassDef):
                pending.append(node)


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_everything_public_has_a_docstring(path: Path) -> None:
    documented = ast.Module | ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
    missing = [
        name
        for name, node in public_nodes(path)
        if isinstance(node, documented) and not ast.get_docstring(node)
    ]
    assert missing == []

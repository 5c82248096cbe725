"""The recipe of the default encoder, from pictures to a checkpoint, on a tiny folder."""

import csv
import itertools
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw
from safetensors.torch import load_file

from benchmarks.default_encoder import __main__ as recipe
from benchmarks.default_encoder.pictures import make_pictures
from simsearch.encoder import checkpoint
from simsearch.encoder.calibration import read_calibration
from simsearch.encoder.ranges import ranges_of, write_ranges
from simsearch.training.neck import folded
from simsearch.training.start import build_network
from tests.conftest import picture
from tests.training.conftest import changed

CUT_OUTS, LARGE = 24, 3


@pytest.fixture(scope="module")
def share(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return what stands for /usr/share: cut-outs, one of them twice, and large pictures."""
    folder = tmp_path_factory.mktemp("share")
    shapes, large = folder / "openclipart" / "png" / "shapes", folder / "backgrounds" / "gnome"
    for place in (shapes, large):
        place.mkdir(parents=True)
    for number in range(CUT_OUTS):
        seed = number % (CUT_OUTS - 1)
        shape = Image.new("RGBA", (200, 160), (0, 0, 0, 0))
        shape.paste(picture(seed, 120, 100), (40, 30))
        ImageDraw.Draw(shape).ellipse((60, 50, 100 + seed, 90), fill=(10 * seed, 0, 90, 255))
        shape.save(shapes / f"{number:02}.png")
    Image.new("RGBA", (200, 160), (0, 0, 0, 0)).save(shapes / "nothing.png")
    (shapes / "link.png").symlink_to(shapes / "00.png")
    for number in range(LARGE):
        picture(50 + number, 1600, 900).save(large / f"{number}.jpg")
    return folder


@pytest.fixture(scope="module")
def products(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return five products, six photographs of each."""
    folder = tmp_path_factory.mktemp("products")
    for product in range(5):
        (folder / f"product{product}").mkdir()
        for number in range(6):
            pixels = np.asarray(picture(100 + product, 90, 70)).astype(int) + 12 * number
            image = Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))
            image.save(folder / f"product{product}" / f"{number}.png")
    return folder


def test_pictures_are_whole_and_the_same_again(share: Path, tmp_path: Path) -> None:
    made = make_pictures(share, tmp_path / "one", limit=None, seed=0)
    kinds = Counter(path.name.split("-")[0] for path in made)
    assert kinds["cut"] == CUT_OUTS, "but for the one that shows nothing"
    assert kinds["tile"] >= 2 * LARGE
    for path in made:
        with Image.open(path) as image:
            assert max(image.size) <= 512
            assert (image.mode, image.format) == ("RGB", "JPEG")
    again = make_pictures(share, tmp_path / "two", limit=None, seed=0)
    assert [path.read_bytes() for path in made] == [path.read_bytes() for path in again]


def test_tiles_of_one_height_have_nothing_in_common(tmp_path: Path) -> None:
    """Whole in height, thirds and sixths of a picture whose red and green tell the place."""
    side = 2_700
    shades = np.linspace(20, 235, side)
    across, down = np.broadcast_arrays(shades[None, :], shades[:, None])
    noise = np.random.default_rng(0).integers(0, 256, (90, 90)).repeat(30, 0).repeat(30, 1)
    folder = tmp_path / "backgrounds" / "gnome"
    folder.mkdir(parents=True)
    pixels = np.stack([across, down, noise], axis=-1).astype(np.uint8)
    Image.fromarray(pixels).save(folder / "0.jpg", quality=95, subsampling=0)
    places: dict[int, list[tuple[float, ...]]] = {}
    for tile in make_pictures(tmp_path, tmp_path / "made", 1, 0):
        with Image.open(tile) as image:
            red, green = (np.asarray(image)[..., channel] for channel in (0, 1))
        edges = (red[:, 2], red[:, -3], green[2], green[-3])
        left, right, top, bottom = ((float(np.median(e)) - 20) / 215 for e in edges)
        places.setdefault(round(1 / (bottom - top)), []).append((left, right, top, bottom))
    assert places.keys() == {1, 3, 6}
    for there in places.values():
        for one, two in itertools.combinations(there, 2):
            over = min(one[1], two[1]) - max(one[0], two[0])
            beneath = min(one[3], two[3]) - max(one[2], two[2])
            assert min(over, beneath) < 0.03


def test_one_of_two_that_look_alike_is_dropped(share: Path, tmp_path: Path) -> None:
    made = make_pictures(share, tmp_path / "pictures" / "all", limit=None, seed=0)
    twice = {"cut-00000", f"cut-{CUT_OUTS - 1:05}"}
    kept = {path.stem for path in recipe.distinct(made)}
    assert len(kept & twice) == 1


def test_from_pictures_to_a_checkpoint(
    share: Path, products: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, work = tmp_path / "encoder", tmp_path / "work"
    asked = ["--share", share, "--products", products, "--out", out, "--work", work]
    small = ["--epochs", 1, "--size", 64, "--dim", 16, "--device", "cpu"]
    monkeypatch.setattr("sys.argv", ["recipe", *map(str, (*asked, *small))])
    kept: list[Path] = []
    distinct = recipe.distinct

    def watched(pictures: Sequence[Path]) -> list[Path]:
        kept.extend(distinct(pictures))
        return kept

    monkeypatch.setattr(recipe, "distinct", watched)
    recipe.main()
    config = checkpoint.read_config(out)
    assert (config.dim, config.pooling) == (16, "root")
    assert read_calibration(out) is not None
    first, second, mean = (
        load_file(folder / "model.safetensors") for folder in (work / "first", work / "second", out)
    )
    assert {v.dtype for v in mean.values() if v.is_floating_point()} == {torch.float16}
    head = "trunk.conv_head.weight"
    assert not torch.equal(first[head], second[head])
    assert torch.allclose(mean[head].float(), (first[head] + second[head]) / 2, atol=1e-3)
    written = (out / "model.safetensors").stat().st_mtime_ns
    recipe.main()
    assert (out / "model.safetensors").stat().st_mtime_ns == written, "it is done"
    with (work / "train.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    labels = Counter(row["label"] for row in rows)
    assert {label: labels.pop(label) for label in list(labels) if "product/" in label} == {
        f"product/product{number}": 6 for number in range(5)
    }
    assert set(labels.values()) == {1}, "every other picture is a class of its own"
    trained = {Path(row["path"]).stem for row in rows}
    held = {folder.name for folder in (work / "validation").iterdir()}
    assert held
    assert not held & trained
    for folder in (work / "validation").iterdir():
        assert len(list(folder.iterdir())) == recipe.COPIES + 1
    assert {path.stem for path in kept} == held | {
        Path(row["path"]).stem for row in rows if "product/" not in row["label"]
    }


def test_half_the_size_and_what_it_gives_is_the_same(tmp_path: Path) -> None:
    whole, folder = tmp_path / "whole", tmp_path / "encoder"
    network, config = build_network(changed(size=64, dim=16))
    checkpoint.save(whole, folded(network), config)
    write_ranges(whole, {"trunk.conv_stem": (-1.0, 1.0)})
    before, size = checkpoint.load_network(whole), (whole / "model.safetensors").stat().st_size
    recipe.halve(whole, folder)
    assert (folder / "model.safetensors").stat().st_size < 0.6 * size
    assert ranges_of(checkpoint.read_spec(folder)), "they go with the weights"
    pixels = torch.randint(0, 256, (4, 64, 64, 3), generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        one, two = (each(pixels.byte()) for each in (before, checkpoint.load_network(folder)))
    assert two.dtype == torch.float32
    assert torch.cosine_similarity(one, two).min() > 0.9999

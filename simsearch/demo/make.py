"""Lay out a folder of photographs and altered copies, as found in many a picture collection."""

import shutil
from collections.abc import Callable
from importlib.resources import as_file, files
from pathlib import Path

from PIL import Image, ImageDraw

from simsearch.errors import StorageError

_COPIED = 6  # this many of the photographs get copies

Alter = Callable[[Image.Image], Image.Image]


def _smaller(image: Image.Image) -> Image.Image:
    return image.resize((image.width // 2, image.height // 2))


def _cropped(image: Image.Image) -> Image.Image:
    width, height = image.size
    return image.crop((width // 12, height // 12, width - width // 12, height - height // 12))


def _grey(image: Image.Image) -> Image.Image:
    return image.convert("L")


def _captioned(image: Image.Image) -> Image.Image:
    copy = image.copy()
    draw = ImageDraw.Draw(copy)
    draw.rectangle((0, copy.height - 44, copy.width, copy.height), fill="white")
    draw.text((12, copy.height - 36), "found on the internet", fill="black", font_size=24)
    return copy


_ALTERATIONS: tuple[tuple[str, Alter], ...] = (
    ("smaller.jpg", _smaller),
    ("cropped.jpg", _cropped),
    ("grey.png", _grey),
    ("captioned.webp", _captioned),
)


def make_pictures(folder: Path) -> Path:
    """Fill `folder` with the photographs and their copies; return one to query with.

    Raises:
        StorageError: the folder can't be written.
    """
    originals, copies = folder / "originals", folder / "copies"
    try:
        for place in (originals, copies):
            place.mkdir(parents=True, exist_ok=True)
        with as_file(files(__package__) / "pictures") as shipped:
            names = sorted(path.name for path in shipped.glob("*.jpg"))
            for name in names:
                shutil.copyfile(shipped / name, originals / name)
        step = max(1, len(names) // _COPIED)
        chosen = names[::step][:_COPIED]
        for number, name in enumerate(chosen):
            stem = Path(name).stem
            shutil.copyfile(originals / name, copies / f"{stem} (1).jpg")
            with Image.open(originals / name) as image:
                for turn in range(2):
                    suffix, alter = _ALTERATIONS[(number + turn) % len(_ALTERATIONS)]
                    alter(image).save(copies / f"{stem}-{suffix}")
    except OSError as error:
        raise StorageError(
            f"can't write '{folder}': {error.strerror}; choose another place with --out"
        ) from error
    return originals / chosen[0]

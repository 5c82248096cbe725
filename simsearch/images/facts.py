"""What a picture has beside its pixels' number: colours, content, and what a camera wrote."""

import io

import numpy as np
from PIL import Image

from simsearch.errors import PictureError
from simsearch.images.decode import shrink

_MAKE, _MODEL, _EXIF, _TAKEN = 0x010F, 0x0110, 0x8769, 0x9003
_SIDE = 64
_COLOURED = 8.0  # difference of the channels, of 255, in a fiftieth of the pixels
TINY = 32  # pixels of the shorter side under which there is nothing to compare
_CELLS, _CELL = 16, 8  # a side, and pixels of each a side
_TEXTURED, _FEW = 4.0, 0.1  # deviation of a cell's greys, of 255; share of the cells


def is_plain(image: Image.Image) -> bool:
    """Whether a picture is flat, nearly blank or tiny, so that many others look just like it.

    That is: its shorter side is under 32 pixels, or fewer than a tenth of the 16 x 16 parts of the
    picture have any texture.
    """
    if min(image.size) < TINY:
        return True
    side = _CELLS * _CELL
    small = image.convert("L").resize((side, side), Image.Resampling.BOX)
    cells = np.asarray(small, np.float32).reshape(_CELLS, _CELL, _CELLS, _CELL)
    return bool((cells.std(axis=(1, 3)) > _TEXTURED).mean() < _FEW)


def has_colour(data: bytes) -> bool:
    """Whether a picture file has more than greys; False for what is no picture."""
    try:
        pixels = np.asarray(shrink(data, _SIDE), np.float32)
    except PictureError:
        return False
    return bool(np.quantile(np.ptp(pixels, axis=2), 0.98) > _COLOURED)


def has_camera_metadata(data: bytes) -> bool:
    """Whether a picture file still names the camera or the moment it was taken.

    Messengers and sites remove both; False for what is no picture.
    """
    try:
        with Image.open(io.BytesIO(data)) as image:
            exif = image.getexif()
            return bool(exif.get(_MAKE) or exif.get(_MODEL) or exif.get_ifd(_EXIF).get(_TAKEN))
    except Exception:  # noqa: BLE001 - broken metadata are none
        return False

"""What a picture file has beside its pixels' number: colours, and what a camera wrote."""

import io

import numpy as np
from PIL import Image

from simsearch.errors import PictureError
from simsearch.images.decode import shrink

_MAKE, _MODEL, _EXIF, _TAKEN = 0x010F, 0x0110, 0x8769, 0x9003
_SIDE = 64
_COLOURED = 8.0  # difference of the channels, of 255, in a fiftieth of the pixels


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

"""What a camera wrote into a picture file."""

import io

from PIL import Image

_MAKE, _MODEL, _EXIF, _TAKEN = 0x010F, 0x0110, 0x8769, 0x9003


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

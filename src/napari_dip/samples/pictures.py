"""A degraded sample picture for each task, made from the images that scikit-image brings along.

The pictures are small (256 x 256), 8-bit, and the same on every call. Nothing is downloaded.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

_SIDE = 256
"""Width and height of the pictures in pixels."""


@dataclass(frozen=True)
class Sample:
    """A degraded picture, with whatever its task needs.

    Attributes
    ----------
    title
        The name that users see.
    image
        The degraded picture, (y, x, 3) uint8.
    reference
        The picture before it was degraded; None if there is none.
    mask
        (y, x) bool, True where pixels are missing.
    guide
        The picture with flash, (y, x, 3) uint8.
    psf
        The point spread function, (y, x) float32 with a sum of 1.
    settings
        Settings of the task that describe the degradation, such as `sigma`.
    axes
        One letter for each axis of `image`.
    """

    title: str
    image: Array
    reference: Array | None = None
    mask: Array | None = None
    guide: Array | None = None
    psf: Array | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    axes: str = "YXS"


def noisy_photo() -> Sample:
    """A portrait with Gaussian noise (sigma 25 of 255)."""
    clean = _crop("astronaut", 0, 96)
    return Sample("Noisy photo", _noisy(clean, 25), clean, settings={"sigma": 25 / 255})


def compressed_photo() -> Sample:
    """A still life, saved as a JPEG of quality 10."""
    from PIL import Image

    clean = _crop("coffee", 60, 180)
    buffer = io.BytesIO()
    Image.fromarray(clean).save(buffer, "JPEG", quality=10)
    return Sample("JPEG of low quality", np.array(Image.open(buffer)), clean)


def photo_with_text() -> Sample:
    """A cat with text written all over it, and the mask of the letters."""
    from PIL import Image, ImageDraw, ImageFont

    clean = _crop("chelsea", 22, 100)
    canvas = Image.new("1", (_SIDE, _SIDE))
    line = "An image is its own best prior. "
    for row, top in enumerate(range(6, _SIDE, 28)):
        ImageDraw.Draw(canvas).text(
            (4 - 47 * row % 120, top), line * 3, fill=1, font=ImageFont.load_default(size=18)
        )
    mask = np.array(canvas)
    image = np.where(mask[..., None], np.uint8(255), clean)
    return Sample("Photo with text over it", image, clean, mask=mask, settings={"hole": "text"})


def small_photo() -> Sample:
    """A portrait at a quarter of its resolution, 64 x 64 pixels."""
    from PIL import Image

    clean = _crop("astronaut", 0, 96)
    small = Image.fromarray(clean).resize((_SIDE // 4, _SIDE // 4), Image.Resampling.LANCZOS)
    return Sample("Photo of low resolution", np.array(small), clean, settings={"factor": 4})


def blurred_tissue() -> Sample:
    """Stained tissue, blurred by a Gaussian PSF, with noise (sigma 2 of 255), and that PSF."""
    from scipy.ndimage import convolve

    clean = _crop("immunohistochemistry", 100, 100)
    y, x = np.mgrid[-6:7, -6:7]
    psf = np.exp(-(y**2 + x**2) / (2 * 1.8**2))
    psf /= psf.sum()
    blurred = convolve(clean.astype(np.float64), psf[..., None], mode="mirror")
    return Sample(
        "Blurred tissue",
        _noisy(blurred, 2),
        clean,
        psf=psf.astype(np.float32),
        settings={"sigma": 2 / 255},
    )


def photo_to_enhance() -> Sample:
    """A cat whose fur could stand out more; there is no degradation and no reference."""
    return Sample("Photo to enhance", _crop("chelsea", 22, 100), settings={"gain": 2.0})


def flash_pair() -> Sample:
    """A noisy table in warm light, and the same table with flash, simulated from one photo."""
    clean = _crop("coffee", 60, 180).astype(np.float64)
    y, x = np.mgrid[-1 : 1 : _SIDE * 1j, -1 : 1 : _SIDE * 1j]
    lamp = 0.75 - 0.25 * x
    ambient = clean * lamp[..., None] * [1.0, 0.8, 0.55]
    burst = 1.15 - 0.35 * (x**2 + y**2)
    flash = 255 * (clean / 255) ** 0.8 * burst[..., None] * [0.95, 1.0, 1.0]
    return Sample(
        "Photo without flash", _noisy(ambient, 30), _noisy(ambient, 0), guide=_noisy(flash, 2)
    )


SAMPLES: dict[str, Callable[[], Sample]] = {
    "denoise": noisy_photo,
    "dejpeg": compressed_photo,
    "inpaint": photo_with_text,
    "upscale": small_photo,
    "deblur": blurred_tissue,
    "enhance": photo_to_enhance,
    "flash": flash_pair,
}
"""The function that makes the sample of each task, by the name of the task."""


def _crop(name: str, top: int, left: int) -> Array:
    from skimage import data

    return np.ascontiguousarray(getattr(data, name)()[top : top + _SIDE, left : left + _SIDE])


def _noisy(image: Array, sigma: float) -> Array:
    """The image with Gaussian noise, rounded and clipped to 8 bits."""
    noise = np.random.default_rng(0).normal(0, 1, image.shape)
    return np.rint(image + sigma * noise).clip(0, 255).astype(np.uint8)

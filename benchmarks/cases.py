"""Degraded pictures with known truth: what the benchmarks restore, by name.

A case is a kind and a level, written `kind-level`:

    gaussian-25        normal noise of 25 of 255, clipped and rounded to 8 bit
    poisson-30         photon noise, white at 30 photons
    camera-30          photon noise, white at 30 photons, and read noise of 2 photons (16 bit)
    impulse-10         10 % of the pixels black or white ("salt and pepper")
    correlated-25      normal noise of 25 of 255, blurred by one pixel and scaled back
    clean-0            nothing
    jpeg-10            JPEG of quality 10
    blur-2             Gaussian blur of 2 pixels and normal noise of 2 of 255
    blur-2-10          the same with normal noise of 10 of 255
    holes-50           50 % of the pixels missing, each by itself
    text-0             letters over the picture
    hole-0             a square hole of a quarter of the sides
    upscale-4          a quarter of the resolution, by Pillow's Lanczos filter

and `real-0` is a pair of files of one scene, few and many frames, as `load_pairs` finds them.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from conventions import (
    Array,
    bernoulli_mask,
    centre,
    divisible,
    gaussian_noise,
    jpeg,
    load,
    psnr,
    resize,
    super_resolution_psnr,
)
from PIL import Image, ImageDraw
from scipy.ndimage import gaussian_filter

from napari_dip import Deblur, DeJPEG, Denoise, Inpaint, Upscale
from napari_dip.tasks.base import Task


@dataclass(frozen=True)
class Case:
    """One degraded picture, and how a restoration of it is made and scored.

    Attributes
    ----------
    name, picture
        Of the case and of the picture.
    truth, degraded
        The arrays.
    task
        Its settings, as far as they belong to the degradation.
    inputs
        Mask or point spread function.
    score
        (restored, truth) to PSNR in dB.
    """

    name: str
    picture: str
    truth: Array = field(repr=False)
    degraded: Array = field(repr=False)
    task: Task
    inputs: dict[str, Array] = field(default_factory=dict, repr=False)
    score: Callable[[Array, Array], float] = psnr


def make(name: str, picture: str, clean: Array, settings: dict[str, Any], seed: int = 0) -> Case:
    """Degrade a clean 8-bit picture.

    Parameters
    ----------
    name
        The case, `kind-level`.
    picture, clean
        The picture's name and pixels.
    settings
        Further settings of the task, such as its preset.
    seed
        Of the degradation.
    """
    kind, *numbers = name.split("-")
    level = float(numbers[0]) if numbers and numbers[0] else 0.0
    random = np.random.default_rng(seed)
    if kind == "gaussian":
        noisy = gaussian_noise(clean, level, seed)
        return Case(name, picture, clean, noisy, Denoise(sigma=level / 255, **settings))
    if kind in NOISES:
        noisy = NOISES[kind](clean, level, random)
        score = psnr if noisy.dtype == clean.dtype else fitted_psnr
        return Case(name, picture, clean, noisy, Denoise(**settings), score=score)
    if kind == "jpeg":
        return Case(name, picture, clean, jpeg(clean, int(level)), DeJPEG(**settings))
    if kind == "blur":
        psf = _gaussian_psf(level)
        noise = float(numbers[1]) if len(numbers) > 1 else 2.0
        axes = (level, level, 0)[: clean.ndim]
        blurred = gaussian_filter(clean.astype(np.float64), axes, mode="reflect")
        return Case(
            name,
            picture,
            clean,
            _to_8_bit(blurred + random.normal(0, noise, clean.shape)),
            Deblur(sigma=noise / 255, **settings),
            {"psf": psf},
        )
    if kind in HOLES:
        mask, hole = HOLES[kind](clean, level, seed)
        where = mask if clean.ndim == 2 else mask[..., None]
        task = Inpaint(**{"hole": hole, **settings})
        return Case(name, picture, clean, np.where(where, 0, clean), task, {"mask": mask})
    if kind == "upscale":
        truth = divisible(clean, int(level))
        low = resize(truth, 1 / level, Image.Resampling.LANCZOS)
        task = Upscale(factor=int(level), **settings)
        return Case(name, picture, truth, low, task, score=super_resolution_psnr)
    raise SystemExit(f"case: there is no {name}; see benchmarks/cases.py")


def real(picture: str, noisy: Array, truth: Array, settings: dict[str, Any]) -> Case:
    """A pair of real frames; the truth's scale is fitted, as averages are often stretched."""
    score = psnr if picture.endswith(PLAIN) else fitted_psnr
    return Case("real-0", picture, truth, noisy, Denoise(**settings), score=score)


PLAIN = ("_raw1", "_raw3")
"""Frames of the FMD set, whose averages are of the frames' scale: papers score them as they are."""

PAIRS = (
    ("_noisy", "_gt"),
    ("_noisy_16bit", "_target_16bit"),
    ("_avg1", "_avg400"),
    ("_low_snr", "_high_snr"),
    ("_raw1", "_gt"),
    ("_raw3", "_gt"),
)


def load_pairs(folder: Path, names: list[str], crop: int | None) -> dict[str, tuple[Array, Array]]:
    """Noisy frames and their averages, by the ends of their names."""
    from skimage.io import imread

    found = {}
    for file in sorted(folder.iterdir()):
        for few, many in PAIRS:
            other = file.with_stem(file.stem.removesuffix(few) + many)
            name = file.stem if few in PLAIN else file.stem.removesuffix(few)
            if file.stem.endswith(few) and other.exists() and (not names or name in names):
                found[name] = (centre(imread(file), crop), centre(imread(other), crop))
    return found


def fitted_psnr(image: Array, truth: Array) -> float:
    """PSNR after the gain and offset that bring the truth nearest; its peak is the truth's span.

    The fit is to the image, so that it can't flatter by shrinking: the error is divided by gain.
    """
    x, t = image.astype(np.float64).ravel(), truth.astype(np.float64).ravel()
    gain, offset = np.polyfit(t, x, 1)
    error = np.mean(((x - offset) / gain - t) ** 2)
    return float(10 * np.log10((t.max() - t.min()) ** 2 / error))


def _poisson(clean: Array, photons: float, random: np.random.Generator) -> Array:
    return _to_8_bit(random.poisson(clean / 255 * photons) / photons * 255)


def _camera(clean: Array, photons: float, random: np.random.Generator) -> Array:
    counts = random.poisson(clean / 255 * photons) + random.normal(0, 2, clean.shape)
    # Ten counts a photon over an offset of 100, as cameras count.
    return np.clip(np.rint(100 + 10 * counts), 0, 65535).astype(np.uint16)


def _impulse(clean: Array, percent: float, random: np.random.Generator) -> Array:
    hit = random.random(clean.shape) < percent / 100
    return np.where(hit, 255 * (random.random(clean.shape) < 0.5), clean).astype(np.uint8)


def _correlated(clean: Array, sigma: float, random: np.random.Generator) -> Array:
    axes = (1.0, 1.0, 0.0)[: clean.ndim]
    noise = gaussian_filter(random.normal(0, 1, clean.shape), axes)
    return _to_8_bit(clean + noise * (sigma / noise.std()))


NOISES: dict[str, Callable[[Array, float, np.random.Generator], Array]] = {
    "poisson": _poisson,
    "camera": _camera,
    "impulse": _impulse,
    "correlated": _correlated,
    "clean": lambda clean, level, random: clean,
}


def _text(clean: Array, level: float, seed: int) -> tuple[Array, str]:
    height, width = clean.shape[:2]
    page = Image.new("L", (width, height))
    draw = ImageDraw.Draw(page)
    line = "Deep image prior restores what the letters hide. " * (1 + width // 100)
    for i, top in enumerate(range(4, height, 24)):
        draw.text((-17 * (i % 5), top), line, fill=255, font_size=15)
    return np.asarray(page) > 127, "text"


def _hole(clean: Array, level: float, seed: int) -> tuple[Array, str]:
    mask = np.zeros(clean.shape[:2], bool)
    height, width = clean.shape[:2]
    mask[3 * height // 8 : 5 * height // 8, 3 * width // 8 : 5 * width // 8] = True
    return mask, "region"


HOLES: dict[str, Callable[[Array, float, int], tuple[Array, str]]] = {
    "holes": lambda clean, level, seed: (bernoulli_mask(clean, level / 100, seed), "pixels"),
    "text": _text,
    "hole": _hole,
}


def _gaussian_psf(sigma: float) -> Array:
    """A normalised bell out to four standard deviations."""
    radius = int(np.ceil(4 * sigma))
    y, x = np.mgrid[-radius : radius + 1, -radius : radius + 1]
    psf = np.exp(-(y**2 + x**2) / (2 * sigma**2))
    return psf / psf.sum()


def _to_8_bit(values: Array) -> Array:
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)


def chosen(options: argparse.Namespace) -> list[Case]:
    """The real pairs that the options of a benchmark name, or the degraded pictures."""
    if options.pairs:
        pairs = load_pairs(options.pairs, options.image, options.crop)
        return [real(name, *pair, {}) for name, pair in pairs.items()]
    return [
        make(name, picture, clean, {}, options.seed)
        for name in options.case
        for picture, clean in load(options.data, options.image, options.crop).items()
    ]

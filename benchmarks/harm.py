"""Does denoising ever do harm? Inputs of many kinds, and the result beside what was given.

    python benchmarks/harm.py --preset instant --preset fast --save FILE.json

Crops of scikit-image's pictures, 96 x 96 pixels: clean and nearly clean ones, printed pages and
line art, patterns of a camera, single photons, saturated, tiny, correlated noise, a wrong noise
level. Nothing but the last is told. A result that is more than 0.1 dB below its input is marked;
above 45 dB, where nobody sees a difference, none is.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from conventions import Array, machine, save
from scipy.ndimage import gaussian_filter, uniform_filter
from skimage import data

from napari_dip import Denoise, restore
from napari_dip.engine.device import resolve_device

SIDE = 96
HARM = 0.1
"""Decibels below the input from which a result counts as harm."""

UNSEEN = 45.0
"""PSNR from which no difference is seen."""


@dataclass(frozen=True)
class Input:
    """What is given, the truth on the same scale, and settings that are told."""

    name: str
    given: Array
    truth: Array
    settings: dict[str, Any] = field(default_factory=dict)

    def psnr(self, image: Array) -> float:
        """With 8 bits' peak, or that of the counts; 138 dB at most, where nothing differs."""
        peak = 255.0 if self.truth.max() > 20 else float(self.truth.max())
        error = np.mean((image.astype(np.float64) - self.truth) ** 2)
        return float(10 * np.log10(peak**2 / max(error, 1e-9)))


def inputs() -> Iterator[Input]:
    """All inputs, the same on every call."""
    random = np.random.default_rng(0)
    y, x = np.mgrid[:SIDE, :SIDE]
    scenes = {
        "camera": _crop(data.camera(), 100, 150),
        "astronaut": _crop(data.astronaut(), 100, 150),
        "coins": _crop(data.coins(), 100, 150),
        "page": _crop(data.page(), 60, 60),
        "text": _crop(data.text(), 30, 80),
        "line art": _line_art(y, x),
    }
    for name, scene in scenes.items():
        for level, words in ((0, "clean"), (2, "nearly clean"), (15, "sigma 15")):
            yield Input(f"{name}, {words}", _bytes(scene + _normal(random, level, scene)), scene)
    scene = scenes["camera"]
    checkerboard = 10 * (-1.0) ** (y + x)
    yield Input("checkerboard, floats", scene + checkerboard, scene)
    yield Input("checkerboard", _bytes(scene + checkerboard), scene)
    yield Input("alternating columns", _bytes(scene + 10 * (-1.0) ** x), scene)
    yield Input("rows", _bytes(scene + random.normal(0, 10, (SIDE, 1))), scene)
    yield Input("columns", _bytes(scene + random.normal(0, 10, (1, SIDE))), scene)
    both = random.normal(0, 8, (SIDE, 1)) + random.normal(0, 8, scene.shape)
    yield Input("rows and white noise", _bytes(scene + both), scene)
    for name in ("astronaut", "coins", "page", "text"):
        offsets = np.random.default_rng(1).normal(0, 6, (SIDE, 1))
        given = scenes[name] + (offsets[..., None] if scenes[name].ndim == 3 else offsets)
        yield Input(f"{name}, rows", _bytes(given), scenes[name])
    blinds = np.where(y % 12 < 3, 50.0, 200.0)
    rungs = np.repeat(np.random.default_rng(1).integers(0, 256, 24), 4)[:, None] * np.ones(SIDE)
    for name, bars in (("blinds", blinds), ("rungs of any grey", rungs)):
        yield Input(f"{name}, clean", _bytes(bars), bars)
    for peak in (0.1, 0.3, 1, 3, 10):
        counts = random.poisson(scene / 255 * peak)
        yield Input(f"{peak} photons", counts.astype(np.uint8), scene / 255 * peak)
        yield Input(f"{peak} photons, floats", counts.astype(np.float32), scene / 255 * peak)
    bright = scene * 1.6
    noisy = _bytes(bright + _normal(random, 15, scene))
    yield Input("saturated", noisy, np.clip(bright, 0, 255))
    tiny = scene[:20, :20]
    yield Input("20 x 20", _bytes(tiny + _normal(random, 15, tiny)), tiny)
    empty = scenes["astronaut"] * [1, 0, 1]
    yield Input("a channel empty", _bytes(empty + _normal(random, 15, empty) * [1, 0, 1]), empty)
    white = random.normal(0, 1, scene.shape)
    for name, noise in {
        "moving average of 3 x 3": uniform_filter(white, 3),
        "moving average along rows": uniform_filter(white, (1, 5)),
        "blurred by 1 pixel": gaussian_filter(white, 1),
        "1/f": _one_over_f(white),
    }.items():
        yield Input(f"noise: {name}", _bytes(scene + 15 * noise / noise.std()), scene)
    grey = np.full((SIDE, SIDE), 90.0)
    yield Input("constant", _bytes(grey + _normal(random, 10, grey)), grey)
    hit = random.random(scene.shape) < 0.05
    impulses = np.where(hit, 255.0 * (random.random(scene.shape) < 0.5), scene)
    yield Input("impulses, 5 %", _bytes(impulses), scene)
    for true, told in ((8, 25), (25, 8)):
        noisy = _bytes(scene + _normal(random, true, scene))
        yield Input(f"sigma {true}, told {told}", noisy, scene, {"sigma": told / 255})


def _crop(image: Array, top: int, left: int) -> Array:
    return image[top : top + SIDE, left : left + SIDE].astype(np.float64)


def _line_art(y: Array, x: Array) -> Array:
    image = np.full(y.shape, 255.0)
    image[20:22] = image[:, 40] = image[(x + y) % 37 == 0] = 0
    return image


def _normal(random: np.random.Generator, sigma: float, like: Array) -> Array:
    return random.normal(0, sigma, like.shape) if sigma else np.zeros(like.shape)


def _one_over_f(white: Array) -> Array:
    frequency = np.hypot(*np.meshgrid(*(np.fft.fftfreq(n) for n in white.shape)))
    return np.fft.ifft2(np.fft.fft2(white) / np.maximum(frequency, 1 / SIDE)).real


def _bytes(values: Array) -> Array:
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)


def main() -> None:
    """Denoise each input, print the table, keep it if asked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--preset", action="append", help="repeatable; instant and fast")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--save", type=Path, help="keep the results in this JSON file")
    options = parser.parse_args()
    presets = options.preset or ["instant", "fast"]
    device = str(resolve_device(options.device))
    rows = []
    print(f"{'input':28}{'given':>8}" + "".join(f"{preset:>9}" for preset in presets))
    for case in inputs():
        given = case.psnr(case.given)
        row: dict[str, Any] = {"input": case.name, "given": given}
        for preset in presets:
            task = Denoise(preset=preset, **case.settings)
            row[preset] = case.psnr(restore(case.given, task, device=device).image)
        rows.append(row)
        worst = min(row[preset] for preset in presets)
        row["harm"] = worst < min(given, UNSEEN) - HARM
        mark = "  HARM" if row["harm"] else ""
        cells = "".join(f"{row[preset]:9.2f}" for preset in presets)
        print(f"{case.name:28}{given:8.2f}{cells}{mark}", flush=True)
    print(f"harm in {sum(row['harm'] for row in rows)} of {len(rows)}; {machine(device)}")
    if options.save:
        save(options.save, {"rows": rows}, device)


if __name__ == "__main__":
    main()

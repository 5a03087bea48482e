"""Is the noise level right? What is measured, as a multiple of what was added, by picture.

    python benchmarks/noise_level.py --data FOLDER --crop 256 --save FILE.json

Normal noise of 3, 10, 25 and 50 of 255, clipped and rounded to 8 bit; beside it scikit-image's
wavelet estimate. Means over the channels.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from statistics import fmean

import numpy as np
from conventions import Array, gaussian_noise, load, machine, save
from skimage.restoration import estimate_sigma

from napari_dip.noise.level import estimate_noise_level

SIGMAS = (3, 10, 25, 50)
PICTURES = ("camera", "astronaut", "coins", "page", "text", "moon", "brick", "grass", "gravel")


def channels(image: Array) -> list[Array]:
    """The channels of a picture (y, x) or (y, x, c), as floats."""
    planes = image.reshape(*image.shape[:2], -1).astype(np.float64)
    return [planes[..., c] for c in range(planes.shape[2])]


def main() -> None:
    """Measure each picture with each noise, print the ratios, keep them if asked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, help="folder of clean pictures (scikit-image's)")
    parser.add_argument("--crop", type=int, default=256, help="centre crop of this side")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--save", type=Path, help="keep the results in this JSON file")
    options = parser.parse_args()
    names = [] if options.data else list(PICTURES)
    rows = []
    for picture, clean in load(options.data, names, options.crop).items():
        for sigma in SIGMAS:
            noisy = channels(gaussian_noise(clean, sigma, options.seed))
            ours = fmean(map(estimate_noise_level, noisy)) / sigma
            wavelets = fmean(float(estimate_sigma(channel)) for channel in noisy) / sigma
            rows.append({"picture": picture, "sigma": sigma, "ours": ours, "wavelets": wavelets})
            print(f"{picture:14} {sigma:3} ours {ours:.2f}  wavelets {wavelets:.2f}", flush=True)
    for sigma in SIGMAS:
        for method in ("ours", "wavelets"):
            found = [row[method] for row in rows if row["sigma"] == sigma]
            print(
                f"sigma {sigma}, {method}: {min(found):.2f} to {max(found):.2f}, "
                f"median {np.median(found):.2f}"
            )
    if options.save:
        save(options.save, {"seed": options.seed, "rows": rows}, "cpu")
    print(machine("cpu"))


if __name__ == "__main__":
    main()

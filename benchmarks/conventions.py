"""The paper's degradations and its ways to score, shared by the benchmarks.

Needs numpy, Pillow and scikit-image alone.
"""

from __future__ import annotations

import io
import json
import platform
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Array = NDArray[Any]

BUNDLED = ("astronaut", "coffee", "chelsea", "camera")
"""scikit-image's pictures that come with it: the default, so that every machine has data."""


def load(folder: Path | None, names: list[str], crop: int | None) -> dict[str, Array]:
    """Clean 8-bit pictures by name: a folder's, or scikit-image's; centre-cropped if asked."""
    if folder is None:
        import skimage.data

        pictures = {name: getattr(skimage.data, name)() for name in names or BUNDLED}
    else:
        files = sorted(p for p in folder.iterdir() if p.suffix in (".png", ".bmp", ".jpg", ".tif"))
        chosen = [p for p in files if not names or p.stem in names]
        pictures = {p.stem: np.asarray(Image.open(p)) for p in chosen}
    if not pictures:
        raise SystemExit(f"--data: no picture named {', '.join(names)} in {folder}")
    return {name: centre(picture, crop) for name, picture in pictures.items()}


def centre(picture: Array, side: int | None) -> Array:
    """The middle `side` x `side` pixels."""
    if side is None:
        return picture
    top, left = ((n - side) // 2 for n in picture.shape[:2])
    return picture[max(top, 0) :, max(left, 0) :][:side, :side]


def gaussian_noise(clean: Array, sigma: float, seed: int) -> Array:
    """Clean plus normal noise of `sigma` (of 255), clipped and rounded to 8 bit."""
    noise = np.random.default_rng(seed).normal(0, sigma, clean.shape)
    return np.clip(np.rint(clean + noise), 0, 255).astype(np.uint8)


def bernoulli_mask(clean: Array, missing: float, seed: int) -> Array:
    """True where a pixel is missing, each with probability `missing`."""
    return np.random.default_rng(seed).random(clean.shape[:2]) < missing


def jpeg(clean: Array, quality: int) -> Array:
    """What remains after JPEG compression."""
    buffer = io.BytesIO()
    Image.fromarray(clean).save(buffer, "JPEG", quality=quality)
    return np.asarray(Image.open(buffer))


def divisible(clean: Array, factor: int) -> Array:
    """Without the bottom rows and right columns that the factor does not divide."""
    height, width = (n - n % factor for n in clean.shape[:2])
    return clean[:height, :width]


def resize(picture: Array, factor: float, kind: Image.Resampling) -> Array:
    """The picture at `factor` times its size."""
    height, width = (round(n * factor) for n in picture.shape[:2])
    return np.asarray(Image.fromarray(picture).resize((width, height), kind))


def luma(picture: Array) -> Array:
    """Y of studio-range YCbCr (16 to 235) of 8-bit RGB; grey pictures as they are."""
    if picture.ndim == 2:
        return picture.astype(np.float64)
    return picture[..., :3] @ np.array([65.481, 128.553, 24.966]) / 255 + 16


def psnr(image: Array, reference: Array) -> float:
    """PSNR with a peak of 255, over all pixels and channels."""
    error = np.mean(np.square(image.astype(np.float64) - reference))
    return float(10 * np.log10(255**2 / error))


def super_resolution_psnr(image: Array, reference: Array) -> float:
    """The paper's: luma, in a centred box of sides divisible by 32, less a border of 4 and 5 px."""
    height, width = reference.shape[:2]
    rows, columns = height - height % 32, width - width % 32
    top, left = (height - rows) // 2, (width - columns) // 2
    box = np.s_[top + 4 : top + rows - 5, left + 4 : left + columns - 5]
    return psnr(luma(image)[box], luma(reference)[box])


def machine(device: str) -> str:
    """The kind of machine that a figure was measured on."""
    import torch

    if device.startswith("cuda"):
        return torch.cuda.get_device_name(device)
    features = getattr(torch.cpu, "get_capabilities", dict)()
    name = features.get("cpu_name") or platform.processor() or platform.machine()
    return f"{name}, {torch.get_num_threads()} threads"


def save(file: Path, content: dict[str, Any], device: str) -> None:
    """Keep results as JSON, with the machine and the versions that they belong to."""
    import torch

    import napari_dip

    where = {
        "machine": machine(device),
        "torch": torch.__version__,
        "napari_dip": napari_dip.__version__,
    }
    whole = file.with_name(f".{file.name}")
    whole.write_text(json.dumps({**where, **content}, indent=1) + "\n")
    whole.replace(file)

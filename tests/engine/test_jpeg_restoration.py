"""JPEGs restored within what their quantisation allows."""

import io

import numpy as np
import pytest
import torch
from PIL import Image

from napari_dip.engine.jpeg_quantization import (
    JpegQuantization,
    find_quantization,
    to_luma_chroma,
)
from napari_dip.engine.jpeg_restoration import refine_jpeg, restore_jpeg


def bars(channels):
    """Slanted bars, in colour for 3 channels: (channels, 64, 72)."""
    y, x = np.mgrid[:64, :72]
    dark, light = ((60, 70, 80), (200, 190, 180)) if channels == 3 else ((60,), (200,))
    pick = ((y + x) // 6 % 2).astype(bool)
    return np.where(pick, np.array(light)[:, None, None], np.array(dark)[:, None, None])


def compressed(image, quality):
    """Levels (channels, y, x) and their quantisation."""
    pixels = image[0] if len(image) == 1 else np.moveaxis(image, 0, -1)
    file = io.BytesIO()
    Image.fromarray(pixels.astype(np.uint8)).save(file, "JPEG", quality=quality)
    levels = np.array(Image.open(file), np.float32)
    levels = torch.from_numpy(levels[None] if levels.ndim == 2 else np.moveaxis(levels, -1, 0))
    levels = levels.contiguous()
    return levels, find_quantization(levels, torch.ones(levels.shape[1:], dtype=torch.bool))


def luma(image):
    return to_luma_chroma(image)[0]


def rms(x):
    return float(x.square().mean().sqrt())


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("quality", [10, 40])
def test_bars_are_restored(channels, quality):
    truth = torch.from_numpy(bars(channels)).float()
    levels, quantization = compressed(bars(channels), quality)
    restored = restore_jpeg(levels, quantization)
    assert restored.shape == levels.shape
    assert rms(restored - truth) < 0.85 * rms(levels - truth)


def test_a_better_pilot_gives_a_better_result():
    truth = torch.from_numpy(bars(1)).float()
    levels, quantization = compressed(bars(1), 10)
    told, untold = (refine_jpeg(levels, pilot, quantization) for pilot in (truth, levels))
    assert rms(told - truth) < 0.7 * rms(untold - truth)


def test_an_unknown_chroma_is_denoised_without_bounds():
    truth = torch.from_numpy(bars(3)).float()
    levels, quantization = compressed(bars(3), 20)
    known = JpegQuantization((quantization.components[0], None, None))
    restored = restore_jpeg(levels, known)
    assert rms(luma(restored) - luma(truth)) < 0.7 * rms(luma(levels) - luma(truth))
    assert not torch.equal(to_luma_chroma(restored)[1], to_luma_chroma(levels)[1])

"""Noise of patches: its strength, and what neighbouring pixels share of it."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor


@dataclass(frozen=True)
class Noise:
    """Additive noise with the same statistics in all pixels.

    Attributes
    ----------
    sigma
        Standard deviation, above 0.
    correlation
        Autocorrelation by displacement within a slice, (odd, odd), 1 in the middle; None for white
        noise. Different slices share no noise.
    """

    sigma: float
    correlation: Tensor | None = None

    def halved(self) -> Noise:
        """The noise that is left in means of 2 x 2 pixels."""
        if self.correlation is None:
            return Noise(self.sigma / 2)
        line = self.correlation.new_tensor([0.25, 0.5, 0.25])
        table = crop_or_pad(self.correlation, 2 * (max(self.correlation.shape) // 4 + 1))
        means = F.conv2d(table[None, None], (line[:, None] * line)[None, None], padding=1)[0, 0]
        means = means[::2, ::2]
        variance = means[means.shape[0] // 2, means.shape[1] // 2].clamp_min(1e-6)
        return Noise(self.sigma * float(variance.sqrt()), means / variance)

    def drawn(self, like: Tensor) -> Tensor:
        """Noise as correlated, of standard deviation 1, the same at each call.

        Takes an image (channels, z, y, x), returns noise of its shape and on its device.
        """
        white = torch.randn(like.shape, generator=torch.Generator().manual_seed(0)).to(like.device)
        if self.correlation is None:
            return white
        height, width = like.shape[2:]
        radius = (min(height, width) - 1) // 2
        table = crop_or_pad(self.correlation, radius)
        table = F.pad(table, (0, width - len(table), 0, height - len(table)))
        spectrum = torch.fft.rfft2(table.roll((-radius, -radius), (0, 1))).real.clamp_min(0)
        blurred = torch.fft.rfft2(white) * spectrum.sqrt()
        drawn: Tensor = torch.fft.irfft2(blurred, s=(height, width))
        return drawn


def crop_or_pad(table: Tensor, radius: int) -> Tensor:
    """A table by displacement, cropped or padded with zeros to 2 * radius + 1 on each side."""
    y, x = (radius - side // 2 for side in table.shape)
    return F.pad(table, (x, x, y, y))


def between_places(table: Tensor, places: Tensor, rows: int, columns: int) -> Tensor:
    """Values of a table by displacement between places, 0 between those of different slices.

    Parameters
    ----------
    table
        Table by displacement within a slice, (odd, odd), as large as displacements get.
    places
        Places in slices of so many rows and columns, counted row by row and slice by slice:
        (..., n).
    rows, columns
        Numbers of places in a slice.

    Returns
    -------
    Tensor
        (..., n, n).
    """
    middle = table.shape[0] // 2
    row, column = places // columns, places % columns
    dy, dx = (place[..., :, None] - place[..., None, :] for place in (row, column))
    each = places // (rows * columns)
    dz = each[..., :, None] - each[..., None, :]
    dy = (dy - dz * rows).clamp(-middle, middle)
    return table[dy + middle, dx + middle] * (dz == 0)

"""ZS-N2N: a small network that learns to denoise one image from two halves of it. A peer only.

Source: Mansour and Heckel, "Zero-Shot Noise2Noise: efficient image denoising without any data",
CVPR 2023, written from the paper, with its settings.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from conventions import Array
from torch import Tensor, nn

_FEATURES = 48
_ITERATIONS = 2000
_RATE = 1e-3
_HALVED_EVERY = 1000
"""Iterations after which the learning rate is halved."""


def denoise(values: Array, seed: int = 0) -> Array:
    """Denoise an image.

    Parameters
    ----------
    values
        (channels, y, x), about [0, 1].
    seed
        Of the network's first weights.

    Returns
    -------
    numpy.ndarray
        As values, float32.
    """
    torch.manual_seed(seed)
    y = torch.tensor(values, dtype=torch.float32)[None]
    channels = y.shape[1]
    network = nn.Sequential(
        nn.Conv2d(channels, _FEATURES, 3, padding=1),
        nn.LeakyReLU(0.2),
        nn.Conv2d(_FEATURES, _FEATURES, 3, padding=1),
        nn.LeakyReLU(0.2),
        nn.Conv2d(_FEATURES, channels, 1),
    )
    optimizer = torch.optim.Adam(network.parameters(), lr=_RATE)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, _HALVED_EVERY, 0.5)
    first, second = _halves(y)
    for _ in range(_ITERATIONS):
        one, other = first - network(first), second - network(second)
        whole_one, whole_other = _halves(y - network(y))
        residual = F.mse_loss(one, second) + F.mse_loss(other, first)
        consistency = F.mse_loss(one, whole_one) + F.mse_loss(other, whole_other)
        optimizer.zero_grad()
        ((residual + consistency) / 2).backward()
        optimizer.step()
        scheduler.step()
    with torch.no_grad():
        done: Array = (y - network(y))[0].clamp(0, 1).numpy()
    return done


def _halves(y: Tensor) -> tuple[Tensor, Tensor]:
    """Means along either diagonal of 2 x 2 pixels, whose noise is independent."""
    y = F.pad(y, (0, y.shape[3] % 2, 0, y.shape[2] % 2), mode="replicate")
    a, b = y[..., ::2, ::2], y[..., 1::2, 1::2]
    c, d = y[..., 1::2, ::2], y[..., ::2, 1::2]
    return (c + d) / 2, (a + b) / 2

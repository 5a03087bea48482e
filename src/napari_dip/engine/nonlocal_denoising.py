"""Non-local denoising: an image is denoised by its own similar patches, in seconds.

Small patches of an image recur nearby. Each group of similar patches is replaced by linear
combinations of its members, with the weights of the least expected squared error, and every pixel
becomes a weighted mean of all the patches that cover it. The first pass takes the weights from the
noisy patches themselves, by Stein's unbiased risk estimate. Later passes take groups and weights
from a pilot, an estimate that stands in for the clean image: the result of the pass before, or the
result of another method such as a network.

Sources: Herbreteau and Kervrann, NL-Ridge, 2022 (arXiv 2203.00570 and 2212.00422; passes); Dabov,
Foi, Katkovnik and Egiazarian, BM3D and CBM3D, IEEE TIP 2007 and ICIP 2007 (two steps, one grouping
for all channels, aggregation). `patch_groups` has the derivation of the weights.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor

from napari_dip.engine.patch_groups import Noise, Search, denoise_groups, match_patches


@dataclass(frozen=True)
class Pass:
    """Settings of one pass over an image.

    Attributes
    ----------
    patch
        Side of a patch in pixels.
    group
        Number of similar patches that are denoised together.
    step
        Distance in pixels between the reference patches that groups are formed around.
    radius
        Distance in pixels, along each axis, up to which similar patches are searched.
    affine
        Whether the weights of a combination sum to 1; otherwise a combination shrinks towards the
        mean value of its group. One entry for the first channel (luminance), one for the others.
    """

    patch: int = 7
    group: int = 64
    step: int = 4
    radius: int = 18
    affine: tuple[bool, bool] = (False, False)


_REFINING_PASS = Pass(step=5, affine=(True, False))
"""The pass that takes groups and weights from another estimate."""

_PASSES = (
    Pass(group=18, affine=(True, True)),
    _REFINING_PASS,
    Pass(patch=6),
)
"""Passes for weak white noise."""

_QUICK_PASSES = (
    Pass(patch=9, group=24, step=6, affine=(True, True)),
    Pass(group=48, step=5, affine=(True, False)),
)
"""Passes for a preview at weak white noise."""

_STRONG_NOISE_PASSES = (
    Pass(patch=13, group=24, step=5, affine=(True, True)),
    Pass(patch=9, affine=(True, False)),
    Pass(patch=6, group=80),
)
"""Passes for strong or correlated noise."""

_QUICK_STRONG_NOISE_PASSES = (
    Pass(patch=13, group=24, step=6, affine=(True, True)),
    Pass(group=48, step=5),
)
"""Passes for a preview at strong or correlated noise."""

_STRONG_NOISE = 0.12
"""Standard deviation, in units of y, above which noise is strong."""

_FIRST_PASS_NOISE, _FIRST_PASS_CORRELATED_NOISE = 1.08, 1.2
"""Noise that the first pass is told, as a multiple of what it is, white or correlated. Noise that
it leaves looks like structure to the later passes, so that too low an estimate of the noise would
cost decibels; too high an estimate costs texture. Correlated noise is estimated less well."""

_RESOLUTION = 1e-7
"""Weakest noise that is removed, as a fraction of the largest value: float32 has no finer steps."""

_SMALLEST_SIDE = 4
"""Fewest pixels on each side of an image that is denoised."""

_HALVINGS = 2
"""How often an image is halved, to remove noise that is larger than patches."""

_SMALLEST_HALVED_SIDE = 32
"""Fewest pixels on each side of an image that is halved."""

_COARSE_BLUR = 2.0
"""Standard deviation, in pixels of the halved image, of the Gaussian blur of the values that are
taken from the estimate of the halved image."""

_TILE = 128
"""Rows and columns of reference patches that are in memory together."""


@torch.no_grad()
def denoise_nonlocal(
    y: Tensor,
    sigma: float,
    *,
    correlation: Tensor | None = None,
    quick: bool = False,
    opponent: bool = False,
) -> Tensor:
    """Denoise an image by its own similar patches.

    Parameters
    ----------
    y
        Noisy image (channels, y, x), finite, about [0, 1], float; at least 4 pixels on each side.
    sigma
        Standard deviation of the noise in y's units, the same in all channels, 0 or above.
    correlation
        Autocorrelation of correlated noise by displacement: (odd, odd), 1 in the middle, taken for
        0 beyond. White noise if None. See `gaussian_correlation`.
    quick
        Whether to take about half the time, for a preview.
    opponent
        Whether the channels are luminance and opponents already. Otherwise they are turned into
        such or into principal components.

    Returns
    -------
    Tensor
        (channels, y, x), not clipped, with the dtype and device of y.

    Raises
    ------
    ValueError
        If y or correlation has a wrong shape or dtype, or sigma is negative or not finite.

    Examples
    --------
    >>> clean = torch.linspace(0, 1, 32).expand(1, 32, 32)
    >>> noisy = clean + 0.1 * torch.randn(1, 32, 32, generator=torch.Generator().manual_seed(0))
    >>> bool((denoise_nonlocal(noisy, 0.1) - clean).std() < 0.04)
    True
    """
    _check(y, sigma, correlation)
    noise = _noise(y, sigma, correlation)
    if noise is None:
        return y.clone()
    basis = torch.eye(len(y), device=y.device) if opponent else _channel_basis(y)
    passes = _passes(noise, quick)
    return _from_basis(_denoise_at_all_scales(_to_basis(y, basis), noise, passes), basis, y)


@torch.no_grad()
def refine_nonlocal(
    y: Tensor,
    pilot: Tensor,
    sigma: float,
    *,
    correlation: Tensor | None = None,
    opponent: bool = False,
) -> Tensor:
    """Denoise an image in one pass that takes groups and weights from another estimate.

    Parameters
    ----------
    y
        Noisy image, as for `denoise_nonlocal`.
    pilot
        Another estimate of the clean image, such as a network's: (channels, y, x), as y.
    sigma, correlation, opponent
        As for `denoise_nonlocal`.

    Returns
    -------
    Tensor
        (channels, y, x), not clipped, with the dtype and device of y.

    Raises
    ------
    ValueError
        As for `denoise_nonlocal`, or if the pilot's shape differs from that of y.

    Examples
    --------
    >>> clean = torch.linspace(0, 1, 32).expand(1, 32, 32)
    >>> noisy = clean + 0.1 * torch.randn(1, 32, 32, generator=torch.Generator().manual_seed(0))
    >>> bool((refine_nonlocal(noisy, clean, 0.1) - clean).std() < 0.03)
    True
    """
    _check(y, sigma, correlation)
    if pilot.shape != y.shape:
        raise ValueError(
            f"pilot: expected the shape of y {tuple(y.shape)}, got {tuple(pilot.shape)}"
        )
    noise = _noise(y, sigma, correlation)
    if noise is None:
        return y.clone()
    basis = torch.eye(len(y), device=y.device) if opponent else _channel_basis(y)
    guide = _to_basis(pilot.to(y.device), basis)
    return _from_basis(_run_pass(_to_basis(y, basis), guide, noise, _REFINING_PASS), basis, y)


def gaussian_correlation(blur: float) -> Tensor:
    """Autocorrelation of white noise after a Gaussian blur.

    Parameters
    ----------
    blur
        Standard deviation of the blur in pixels, above 0.

    Returns
    -------
    Tensor
        (odd, odd), 1 in the middle.

    Raises
    ------
    ValueError
        If blur is not above 0.

    Examples
    --------
    >>> gaussian_correlation(0.5).shape
    torch.Size([9, 9])
    """
    if not 0 < blur < math.inf:
        raise ValueError(f"blur: expected pixels above 0, got {blur}")
    radius = max(1, math.ceil(4 * blur))
    kernel = torch.exp(-0.5 * (torch.arange(-radius, radius + 1) / blur) ** 2)
    line = F.conv1d(kernel[None, None], kernel[None, None], padding=2 * radius)[0, 0]
    table = line[:, None] * line
    return table / table.max()


def _check(y: Tensor, sigma: float, correlation: Tensor | None) -> None:
    if y.ndim != 3 or len(y) == 0 or min(y.shape[1:]) < _SMALLEST_SIDE:
        raise ValueError(
            f"y: expected (channels, y, x) of at least {_SMALLEST_SIDE} pixels on each side, "
            f"got {tuple(y.shape)}"
        )
    if not y.is_floating_point():
        raise ValueError(f"y: expected a floating point dtype, got {y.dtype}")
    if not 0 <= sigma < math.inf:
        raise ValueError(f"sigma: expected a finite number of 0 or above, got {sigma}")
    if correlation is not None and [side % 2 for side in correlation.shape] != [1, 1]:
        raise ValueError(
            f"correlation: expected an odd number of rows and columns, "
            f"got {tuple(correlation.shape)}"
        )


def _noise(y: Tensor, sigma: float, correlation: Tensor | None) -> Noise | None:
    """The noise to remove, not above the range of y; None if it is too weak to be represented."""
    low, high = (float(end) for end in torch.aminmax(y))
    sigma = min(sigma, high - low)
    if sigma <= _RESOLUTION * max(-low, high):
        return None
    table = None if correlation is None else correlation.to(y.device, torch.float32)
    return Noise(sigma, table)


def _passes(noise: Noise, quick: bool) -> tuple[Pass, ...]:
    if noise.sigma > _STRONG_NOISE or noise.correlation is not None:
        return _QUICK_STRONG_NOISE_PASSES if quick else _STRONG_NOISE_PASSES
    return _QUICK_PASSES if quick else _PASSES


def _channel_basis(y: Tensor) -> Tensor:
    """Orthonormal rows, which keep the noise white, the strongest first: (channels, channels).

    Colours turn into luminance and two opponents, the discrete cosine transform of three values.
    Other channels turn into their principal components.
    """
    channels = len(y)
    if channels == 3:
        a, b, c = math.sqrt(1 / 3), math.sqrt(1 / 2), math.sqrt(1 / 6)
        rows = torch.tensor([[a, a, a], [b, 0, -b], [c, -2 * c, c]], dtype=torch.float64)
    else:
        smooth = F.avg_pool2d(y[None].float(), 2)[0].flatten(1).cpu().double()
        _, vectors = torch.linalg.eigh(torch.cov(smooth).reshape(channels, channels))
        rows = vectors.T.flip(0)
    return rows.to(y.device, torch.float32)


def _to_basis(image: Tensor, basis: Tensor) -> Tensor:
    return torch.einsum("ij,jyx->iyx", basis, image.to(torch.float32))


def _from_basis(planes: Tensor, basis: Tensor, y: Tensor) -> Tensor:
    """Planes in the channels and the dtype of y."""
    return torch.einsum("ij,iyx->jyx", basis, planes).to(y.dtype)


def _denoise_at_all_scales(
    noisy: Tensor, noise: Noise, passes: Sequence[Pass], halvings: int = _HALVINGS
) -> Tensor:
    """Denoise an image (channels, y, x) in several passes.

    Patches are too small to tell noise that is much larger than they are. In the image at half the
    size, this noise is weaker and smaller, so that the blurred values are taken from there. Source
    of the idea: Facciolo, Pierazzo and Morel, "Conservative scale recomposition for multiscale
    denoising", SIAM J. Imaging Sciences 2017.
    """
    coarse = None
    if halvings and min(noisy.shape[1:]) >= _SMALLEST_HALVED_SIDE:
        coarse = _denoise_at_all_scales(_half(noisy), noise.halved(), passes, halvings - 1)
    pilot: Tensor | None = None
    estimate = noisy
    for settings in passes:
        told = _for_first_pass(noise) if pilot is None else noise
        estimate = _run_pass(noisy, pilot, told, settings)
        if coarse is not None:
            missing = _blur((coarse - _half(estimate))[:, None])
            larger = F.interpolate(missing, scale_factor=2.0, mode="bilinear")[:, 0]
            estimate = estimate + larger[:, : noisy.shape[1], : noisy.shape[2]]
        pilot = estimate
    return estimate


def _for_first_pass(noise: Noise) -> Noise:
    is_white = noise.correlation is None
    factor = _FIRST_PASS_NOISE if is_white else _FIRST_PASS_CORRELATED_NOISE
    return replace(noise, sigma=factor * noise.sigma)


def _half(planes: Tensor) -> Tensor:
    """Means of 2 x 2 pixels: (channels, y, x) to half the size, rounded up."""
    even = F.pad(planes[None], (0, planes.shape[2] % 2, 0, planes.shape[1] % 2), mode="replicate")
    half: Tensor = F.avg_pool2d(even, 2)[0]
    return half


def _blur(planes: Tensor) -> Tensor:
    """Gaussian blur of `_COARSE_BLUR` pixels: (channels, 1, y, x)."""
    radius = math.ceil(3 * _COARSE_BLUR)
    places = torch.arange(-radius, radius + 1, dtype=planes.dtype, device=planes.device)
    kernel = torch.exp(-0.5 * (places / _COARSE_BLUR) ** 2)
    kernel = kernel / kernel.sum()
    padded = F.pad(planes, (radius,) * 4, mode="reflect")
    in_rows = F.conv2d(padded, kernel[None, None, None])
    blurred: Tensor = F.conv2d(in_rows, kernel[None, None, :, None])
    return blurred


def _run_pass(noisy: Tensor, pilot: Tensor | None, noise: Noise, settings: Pass) -> Tensor:
    """Denoise an image (channels, y, x) in one pass."""
    height, width = noisy.shape[1:]
    patch = min(settings.patch, height, width)
    # Mirrored pixels make the last reference patches touch the border.
    margins = [min(-(side - patch) % settings.step, side - 1) for side in (height, width)]
    noisy = _mirror(noisy, margins)
    pilot = None if pilot is None else _mirror(pilot, margins)
    rows, columns = (side - patch + 1 for side in noisy.shape[1:])
    radius = min(settings.radius, max(rows, columns) - 1)
    group = min(settings.group, min(rows, radius + 1) * min(columns, radius + 1))
    settings = replace(settings, patch=patch, radius=radius, group=group)

    total, weight = torch.zeros_like(noisy), torch.zeros_like(noisy)
    for box, search in _tiles(rows, columns, settings):
        guide = None if pilot is None else pilot[:, *box]
        values, weights = _denoise_tile(noisy[:, *box], guide, noise, search, settings.affine)
        total[:, *box] += values
        weight[:, *box] += weights
    return (total / weight.clamp_min(1e-12))[:, :height, :width]


def _mirror(image: Tensor, margins: Sequence[int]) -> Tensor:
    """Pixels mirrored at the lower and right borders, by margins along y and x."""
    return F.pad(image[None], (0, margins[1], 0, margins[0]), mode="reflect")[0]


def _tiles(rows: int, columns: int, settings: Pass) -> Iterator[tuple[tuple[slice, slice], Search]]:
    """Boxes of an image, in pixels, and the reference patches whose search windows they hold."""
    patch, step, radius = settings.patch, settings.step, settings.radius
    reach = _TILE * step
    for top in range(0, rows, reach):
        for left in range(0, columns, reach):
            box, start, count = [], [], []
            for corner, places in ((top, rows), (left, columns)):
                begin, end = max(corner - radius, 0), min(corner + reach + radius, places)
                box.append(slice(begin, end + patch - 1))
                start.append(corner - begin)
                count.append(math.ceil((min(corner + reach, places) - corner) / step))
            yield (
                (box[0], box[1]),
                Search(
                    patch, settings.group, step, radius, (start[0], start[1]), (count[0], count[1])
                ),
            )


def _denoise_tile(
    noisy: Tensor, pilot: Tensor | None, noise: Noise, search: Search, affine: tuple[bool, bool]
) -> tuple[Tensor, Tensor]:
    """Sums of weighted values and of weights over the groups of a tile: (channels, y, x)."""
    guide = noisy if pilot is None else pilot
    compared = guide[:1] if len(guide) == 3 else guide
    groups = match_patches(compared, search, noise if pilot is None else None)
    total, weight = torch.zeros_like(noisy), torch.zeros_like(noisy)
    for channel, plane in enumerate(noisy):
        clean = None if pilot is None else pilot[channel]
        total[channel], weight[channel] = denoise_groups(
            plane, clean, groups, noise, search, affine[min(channel, 1)]
        )
    return total, weight

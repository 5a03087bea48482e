"""Non-local denoising: an image is denoised by its own similar patches, in seconds.

Small patches of an image recur nearby. Each group of similar patches is replaced by linear
combinations of its members, with the weights of the least expected squared error, and every pixel
becomes a weighted mean of all the patches that cover it. The first pass takes the weights from the
noisy patches themselves, by Stein's unbiased risk estimate. Later passes take groups and weights
from a pilot, an estimate that stands in for the clean image: the result of the pass before, or the
result of another method such as a network.

Patches of a volume are searched in neighbouring slices too. They are cubes where neighbouring
slices are alike, and lie in one slice where they are not: the volume itself decides, see
`_choose_passes`.

Sources: Herbreteau and Kervrann, NL-Ridge, 2022 (arXiv 2203.00570 and 2212.00422; passes); Dabov,
Foi, Katkovnik and Egiazarian, BM3D and CBM3D, IEEE TIP 2007 and ICIP 2007 (two steps, one grouping
for all channels, aggregation); Maggioni et al., BM4D, IEEE TIP 2013 (cubes). `patch_groups` has the
derivation of the weights. The file is long for the two public functions share all of it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import torch
import torch.nn.functional as F
from torch import Tensor

from napari_dip.engine.nonlocal_passes import (
    CUBE_PASSES,
    FLAT_CUBE_PASSES,
    QUICK_PASSES,
    QUICK_STRONG_NOISE_PASSES,
    REFINING_PASS,
    SLICE_PASSES,
    STRONG_NOISE_PASSES,
    WEAK_NOISE_PASSES,
    Pass,
)
from napari_dip.engine.patch_groups import denoise_groups
from napari_dip.engine.patch_matching import Search, match_patches
from napari_dip.engine.patch_noise import Noise

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

_CHOICE_BOX = (16, 48, 48)
"""Largest part of a volume, along z, y and x, that the passes are chosen by."""

_PERTURBATION = 0.5
"""Noise that is added for this choice, in units of the noise."""

_VOLUME_TILE = (8, 32, 32)
"""Reference patches of a volume that are in memory together, along z, y and x."""


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
        Noisy image (channels, y, x) or volume (channels, z, y, x), finite, about [0, 1], float; at
        least 4 pixels along y and x.
    sigma
        Standard deviation of the noise in y's units, the same in all channels, 0 or above.
    correlation
        Autocorrelation of correlated noise by displacement within a plane: (odd, odd), 1 in the
        middle, taken for 0 beyond and between slices. White noise if None. See
        `gaussian_correlation`.
    quick
        Whether to take about half the time, for a preview.
    opponent
        Whether the channels are luminance and opponents already. Otherwise they are turned into
        such or into principal components.

    Returns
    -------
    Tensor
        As y, not clipped, with its dtype and device.

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
    noisy = _to_basis(y, basis)
    passes = _passes(noisy, noise, quick)
    return _from_basis(_denoise_at_all_scales(noisy, noise, passes), basis, y)


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
        Another estimate of the clean image, such as a network's, as y.
    sigma, correlation, opponent
        As for `denoise_nonlocal`.

    Returns
    -------
    Tensor
        As y, not clipped, with its dtype and device.

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
    noisy, guide = _to_basis(y, basis), _to_basis(pilot.to(y.device), basis)
    settings = REFINING_PASS if noisy.shape[1] == 1 else _passes(noisy, noise, False)[1]
    return _from_basis(_run_pass(noisy, guide, noise, settings), basis, y)


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
    if y.ndim not in (3, 4) or 0 in y.shape or min(y.shape[-2:]) < _SMALLEST_SIDE:
        raise ValueError(
            f"y: expected (channels, y, x) or (channels, z, y, x) of at least {_SMALLEST_SIDE} "
            f"pixels along y and x, got {tuple(y.shape)}"
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


def _passes(noisy: Tensor, noise: Noise, quick: bool) -> tuple[Pass, ...]:
    if noisy.shape[1] > 1:
        passes = _choose_passes(noisy[:1], noise)
        return passes[:-1] if quick else passes
    if noise.sigma > _STRONG_NOISE or noise.correlation is not None:
        return QUICK_STRONG_NOISE_PASSES if quick else STRONG_NOISE_PASSES
    return QUICK_PASSES if quick else WEAK_NOISE_PASSES


def _choose_passes(noisy: Tensor, noise: Noise) -> tuple[Pass, ...]:
    """The passes that denoise a volume (1, z, y, x) best, in the box of it that varies most.

    The box is split into two noisy boxes whose noise is independent. The squared difference of one,
    denoised, and the other is the squared error but for a constant. Source of the pairs: Pang et
    al., "Recorrupted-to-Recorrupted", CVPR 2021.
    """
    box = noisy[:, *_box_of_most_variance(noisy[0])]
    draw = noise.drawn(box)
    one = box + _PERTURBATION * noise.sigma * draw
    other = box - noise.sigma / _PERTURBATION * draw
    told = replace(noise, sigma=noise.sigma * math.sqrt(1 + _PERTURBATION**2))

    def risk(passes: tuple[Pass, ...]) -> float:
        done = _denoise_at_all_scales(one, told, passes[:-1], halvings=0)
        return float((done - other).double().square().mean())

    return min((CUBE_PASSES, FLAT_CUBE_PASSES, SLICE_PASSES), key=risk)


def _box_of_most_variance(volume: Tensor) -> tuple[slice, ...]:
    """The box of a volume (z, y, x), of `_CHOICE_BOX` or less, whose values vary most."""
    sides = [min(most, side) for most, side in zip(_CHOICE_BOX, volume.shape, strict=True)]
    strides = [(side + 1) // 2 for side in sides]
    centred = (volume - volume.mean())[None, None]
    means, squares = (F.avg_pool3d(v, sides, strides)[0, 0] for v in (centred, centred.square()))
    variance = squares - means.square()
    index = int(variance.argmax())
    _, rows, columns = variance.shape
    corner = (index // (rows * columns), index // columns % rows, index % columns)
    return tuple(
        slice(place * stride, place * stride + side)
        for place, stride, side in zip(corner, strides, sides, strict=True)
    )


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
        smooth = F.avg_pool2d(y.float(), 2).flatten(1).cpu().double()
        _, vectors = torch.linalg.eigh(torch.cov(smooth).reshape(channels, channels))
        rows = vectors.T.flip(0)
    return rows.to(y.device, torch.float32)


def _to_basis(image: Tensor, basis: Tensor) -> Tensor:
    """An image (channels, *space) as (channels, z, y, x), with channels in a basis."""
    volume = image if image.ndim == 4 else image[:, None]
    return torch.einsum("ij,jzyx->izyx", basis, volume.to(torch.float32))


def _from_basis(volume: Tensor, basis: Tensor, y: Tensor) -> Tensor:
    """A volume in the channels, the shape and the dtype of y."""
    return torch.einsum("ij,izyx->jzyx", basis, volume).to(y.dtype).view(y.shape)


def _denoise_at_all_scales(
    noisy: Tensor, noise: Noise, passes: Sequence[Pass], halvings: int = _HALVINGS
) -> Tensor:
    """Denoise an image (channels, z, y, x) in several passes.

    Patches are too small to tell noise that is much larger than they are. In the image at half the
    size, this noise is weaker and smaller, so that the blurred values are taken from there. Source
    of the idea: Facciolo, Pierazzo and Morel, "Conservative scale recomposition for multiscale
    denoising", SIAM J. Imaging Sciences 2017.
    """
    coarse = None
    if halvings and min(noisy.shape[2:]) >= _SMALLEST_HALVED_SIDE:
        coarse = _denoise_at_all_scales(_half(noisy), noise.halved(), passes, halvings - 1)
    pilot: Tensor | None = None
    estimate = noisy
    for settings in passes:
        told = _for_first_pass(noise) if pilot is None else noise
        estimate = _run_pass(noisy, pilot, told, settings)
        if coarse is not None:
            missing = _blur((coarse - _half(estimate)).flatten(0, 1)[:, None])
            larger = F.interpolate(missing, scale_factor=2.0, mode="bilinear")
            larger = larger[:, 0, : noisy.shape[2], : noisy.shape[3]]
            estimate = estimate + larger.view_as(noisy)
        pilot = estimate
    return estimate


def _for_first_pass(noise: Noise) -> Noise:
    is_white = noise.correlation is None
    factor = _FIRST_PASS_NOISE if is_white else _FIRST_PASS_CORRELATED_NOISE
    return replace(noise, sigma=factor * noise.sigma)


def _half(image: Tensor) -> Tensor:
    """Means of 2 x 2 pixels: (channels, z, y, x) to half the size along y and x, rounded up."""
    even = F.pad(image, (0, image.shape[3] % 2, 0, image.shape[2] % 2), mode="replicate")
    return F.avg_pool2d(even, 2)


def _blur(planes: Tensor) -> Tensor:
    """Gaussian blur of `_COARSE_BLUR` pixels: (planes, 1, y, x)."""
    radius = math.ceil(3 * _COARSE_BLUR)
    places = torch.arange(-radius, radius + 1, dtype=planes.dtype, device=planes.device)
    kernel = torch.exp(-0.5 * (places / _COARSE_BLUR) ** 2)
    kernel = kernel / kernel.sum()
    padded = F.pad(planes, (radius,) * 4, mode="reflect")
    in_rows = F.conv2d(padded, kernel[None, None, None])
    blurred: Tensor = F.conv2d(in_rows, kernel[None, None, :, None])
    return blurred


def _run_pass(noisy: Tensor, pilot: Tensor | None, noise: Noise, settings: Pass) -> Tensor:
    """Denoise an image (channels, z, y, x) in one pass."""
    slices, height, width = noisy.shape[1:]
    patch, depth = min(settings.patch, height, width), min(settings.depth, slices)
    # Mirrored pixels make the last reference patches touch the border.
    margins = [min(-(side - patch) % settings.step, side - 1) for side in (height, width)]
    margins.insert(0, min(-(slices - depth) % settings.slice_step, slices - 1))
    noisy = _mirror(noisy, margins)
    pilot = None if pilot is None else _mirror(pilot, margins)
    whole = Search.over(
        noisy.shape[1:],
        patch,
        settings.group,
        settings.step,
        settings.radius,
        depth,
        settings.slice_step,
        settings.slice_radius,
    )
    tile = (1, _TILE, _TILE) if slices == 1 else _VOLUME_TILE
    total, weight = torch.zeros_like(noisy), torch.zeros_like(noisy)
    for box, search in whole.tiles(noisy.shape[1:], tile):
        guide = None if pilot is None else pilot[:, *box]
        values, weights = _denoise_tile(noisy[:, *box], guide, noise, search, settings.affine)
        total[:, *box] += values
        weight[:, *box] += weights
    return (total / weight.clamp_min(1e-12))[:, :slices, :height, :width]


def _mirror(image: Tensor, margins: Sequence[int]) -> Tensor:
    """Pixels mirrored at the far borders, by margins along z, y and x."""
    z, y, x = margins
    return F.pad(image[None], (0, x, 0, y, 0, z), mode="reflect")[0]


def _denoise_tile(
    noisy: Tensor, pilot: Tensor | None, noise: Noise, search: Search, affine: tuple[bool, bool]
) -> tuple[Tensor, Tensor]:
    """Sums of weighted values and of weights over the groups of a tile: (channels, z, y, x)."""
    guide = noisy if pilot is None else pilot
    compared = guide[:1] if len(guide) == 3 else guide
    groups = match_patches(compared, search, noise if pilot is None else None)
    total, weight = torch.zeros_like(noisy), torch.zeros_like(noisy)
    for channel, image in enumerate(noisy):
        clean = None if pilot is None else pilot[channel]
        total[channel], weight[channel] = denoise_groups(
            image, clean, groups, noise, search, affine[min(channel, 1)]
        )
    return total, weight

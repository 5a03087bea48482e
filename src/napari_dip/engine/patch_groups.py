"""Groups of similar patches: the weights that denoise them together.

Derivation. The columns of Y = X + W are the k patches of n pixels of a group, W is noise with
E[W'W] = N, and the estimate is Y T. Its risk is ||X T - X||² + trace(T' N T), which
T = (X'X + N)^-1 X'X minimises. Without X, E[Y'Y] = X'X + N gives T = I - (Y'Y)^-1 N. White noise
has N = n sigma² I, for patches that overlap too, since two patches never hold one pixel at the same
place. Correlated noise has N_ij = n sigma² rho(p_i - p_j), with rho the autocorrelation and p_i the
place of patch i. There, combinations of the pixels of a patch do more than combinations of patches:
A Y with A = X X' (X X' + k S)^-1 has the least risk ||A X - X||² + k trace(A S A') for noise of
covariance S within a patch. Patches may be cubes of a volume.

The arrays hold patches as rows: Y' of this derivation.

Sources: Herbreteau and Kervrann, "Towards a unified view of unsupervised non-local methods for
image denoising: the NL-Ridge approach", 2022 (arXiv 2203.00570 and 2212.00422; groups, weights of
patches); Lebrun, Buades and Morel, "A nonlocal Bayesian image denoising algorithm", SIAM J. Imaging
Sciences 2013 (weights of pixels).
"""

from __future__ import annotations

import torch
from torch import Tensor

from napari_dip.engine.patch_matching import Search, rows_of_patches, sum_patches
from napari_dip.engine.patch_noise import Noise, between_places, crop_or_pad

_BATCH = 256
"""Number of groups that are denoised together: few enough for a processor's cache."""

_OFFSET = 4.0
"""Constant, in units of sigma, that is added to patches whose weights should sum to 1. Weights with
another sum would change the constant, which is so large that their risk is high."""

_RIDGE = 2e-5
"""Ridge that keeps a matrix positive definite, as a fraction of the mean of its diagonal."""

_LEAST_RIDGE = 1e-9
"""Smallest ridge, as a fraction of the energy of the noise, for groups that are all zero."""

_LEAST_VARIANCE = 1e-3
"""Variance that is added to that of an estimate, in units of sigma², to bound its weight."""


def denoise_groups(
    noisy: Tensor,
    pilot: Tensor | None,
    groups: Tensor,
    noise: Noise,
    search: Search,
    affine: bool,
) -> tuple[Tensor, Tensor]:
    """Denoise the patches of all groups in one channel.

    A patch that is in several groups has several estimates. The weight of each is the inverse of
    the variance of the noise that is left in it.

    Parameters
    ----------
    noisy
        Noisy channel (z, y, x); a plane is one slice.
    pilot
        Another estimate of it (z, y, x), which gives the weights of combinations; None if the noisy
        patches do.
    groups
        Places of the patches (references, group), from `match_patches`.
    noise
        Noise of the noisy channel.
    search
        Search that the groups come from.
    affine
        Whether the weights of a combination sum to 1.

    Returns
    -------
    tuple of Tensor
        Sums over all estimates of a pixel: of weighted values, and of weights
        (z, y, x).
    """
    y = rows_of_patches(noisy, search)
    x = None if pilot is None else rows_of_patches(pilot, search)
    rows, columns = (side - search.patch + 1 for side in noisy.shape[1:])
    table = None
    if noise.correlation is not None:
        table = crop_or_pad(noise.correlation, max(2 * search.radius, search.patch))
    values, weights = torch.zeros_like(y), y.new_zeros(len(y))
    for members in torch.split(groups, _BATCH):
        places = members.flatten()
        z = y[places].view(*members.shape, -1)
        guide = None if x is None else x[places].view(*members.shape, -1)
        if guide is None:
            shared = None if table is None else between_places(table, members, rows, columns)
            estimate, variance = _combine_without_pilot(z, noise.sigma, shared, affine)
        elif table is None:
            estimate, variance = _combine_patches(z, guide, noise.sigma, affine)
        else:
            pixels = torch.arange(search.depth * search.patch**2, device=y.device)
            shared = between_places(table, pixels, search.patch, search.patch)
            estimate, variance = _combine_pixels(z, guide, noise.sigma, shared)
        weight = 1 / (variance + _LEAST_VARIANCE)
        values.index_add_(0, places, (estimate * weight[..., None]).flatten(0, 1))
        weights.index_add_(0, places, weight.flatten())
    every_pixel = weights[:, None].expand_as(values)
    return sum_patches(values, noisy, search), sum_patches(every_pixel, noisy, search)


def _combine_without_pilot(
    y: Tensor, sigma: float, correlation: Tensor | None, affine: bool
) -> tuple[Tensor, Tensor]:
    """Combine patches by the weights of the least unbiased risk estimate.

    Takes noisy groups (groups, patches, pixels), and the correlation of their noise between patches
    (groups, patches, patches) or None for white noise. Returns estimates like y, and the sums of
    their squared weights (groups, patches).
    """
    baseline = y.mean((1, 2), keepdim=True) - (_OFFSET * sigma if affine else 0)
    z = y - baseline
    count, pixels = z.shape[1:]
    one = torch.eye(count, device=y.device)
    energy = pixels * sigma**2
    gram = z @ z.mT
    ridge = (_RIDGE * _mean_diagonal(gram)).clamp_min(_LEAST_RIDGE * energy)
    noise = energy * (one if correlation is None else correlation)
    removed = _solve(gram + ridge * one, noise.expand_as(gram))
    # Noise alone gives a mean of pixels / (pixels - count - 1). A higher mean shows that the noise
    # is weaker in this group than sigma, as in saturated or empty places.
    most = pixels / max(pixels - count - 1, 1)
    removed = removed * (most / _mean_diagonal(removed).clamp_min(most))
    weights = one - removed
    return baseline + weights.mT @ z, weights.square().sum(1)


def _combine_patches(y: Tensor, pilot: Tensor, sigma: float, affine: bool) -> tuple[Tensor, Tensor]:
    """Combine patches by the weights of least risk if the pilot were the clean image.

    Takes groups with white noise and the same groups of the pilot (groups, patches, pixels).
    Returns estimates like y, and the sums of their squared weights (groups, patches).
    """
    baseline = pilot.mean((1, 2), keepdim=True) - (_OFFSET * sigma if affine else 0)
    z, x = y - baseline, pilot - baseline
    count, pixels = z.shape[1:]
    size = min(count, pixels)
    ridge = pixels * sigma**2 + _RIDGE * x.square().sum((1, 2))[:, None, None] / size
    diagonal = ridge * torch.eye(size, device=y.device)
    if count <= pixels:
        gram = x @ x.mT
        weights = _solve(gram + diagonal, gram)
        return baseline + weights.mT @ z, weights.square().sum(1)
    # The same with a smaller matrix: Y (X'X + c)^-1 X'X = Y X' (XX' + c)^-1 X.
    gram = x.mT @ x
    solved = _solve(gram + diagonal, x.mT)
    return baseline + ((z.mT @ x) @ solved).mT, (solved * (gram @ solved)).sum(1)


def _combine_pixels(
    y: Tensor, pilot: Tensor, sigma: float, correlation: Tensor
) -> tuple[Tensor, Tensor]:
    """Combine the pixels of each patch, for correlated noise.

    Takes noisy groups and the same groups of the pilot (groups, patches, pixels), and the
    correlation of the noise between the pixels of a patch (pixels, pixels). Returns estimates like
    y, and the variance of their noise in units of sigma² (groups, patches).
    """
    baseline = pilot.mean(1, keepdim=True)
    z, x = y - baseline, pilot - baseline
    count, pixels = z.shape[1:]
    gram = x.mT @ x
    ridge = _RIDGE * x.square().sum((1, 2))[:, None, None] / pixels
    noise = count * sigma**2 * correlation + ridge * torch.eye(pixels, device=y.device)
    weights = _solve(gram + noise, gram)
    variance = ((weights.mT @ correlation) * weights.mT).sum((1, 2)).clamp_min(0) / pixels
    return baseline + z @ weights, variance[:, None].expand(-1, count)


def _mean_diagonal(matrices: Tensor) -> Tensor:
    """Mean of the diagonal of each matrix: (n, 1, 1)."""
    return matrices.diagonal(dim1=1, dim2=2).mean(1)[:, None, None]


def _solve(matrix: Tensor, right: Tensor) -> Tensor:
    """Solutions of positive definite systems; zero where rounding has made a matrix singular."""
    factor, failed = torch.linalg.cholesky_ex(matrix)
    solution: Tensor = torch.cholesky_solve(right, factor)
    return solution.masked_fill(failed[:, None, None] > 0, 0.0)

"""Groups of similar patches: finding them, and the weights that denoise them together.

Derivation. The columns of Y = X + W are the k patches of n pixels of a group, W is noise with
E[W'W] = N, and the estimate is Y T. Its risk is ||X T - X||² + trace(T' N T), which
T = (X'X + N)^-1 X'X minimises. Without X, E[Y'Y] = X'X + N gives T = I - (Y'Y)^-1 N. White noise
has N = n sigma² I, for patches that overlap too, since two patches never hold one pixel at the same
place. Correlated noise has N_ij = n sigma² rho(p_i - p_j), with rho the autocorrelation and p_i the
place of patch i. There, combinations of the pixels of a patch do more than combinations of patches:
A Y with A = X X' (X X' + k S)^-1 has the least risk ||A X - X||² + k trace(A S A') for noise of
covariance S within a patch.

The arrays hold patches as rows: Y' of this derivation.

Sources: Herbreteau and Kervrann, "Towards a unified view of unsupervised non-local methods for
image denoising: the NL-Ridge approach", 2022 (arXiv 2203.00570 and 2212.00422; groups, weights of
patches); Lebrun, Buades and Morel, "A nonlocal Bayesian image denoising algorithm", SIAM J. Imaging
Sciences 2013 (weights of pixels).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

_BLOCK = 8
"""Rows and columns of reference patches whose search windows are compared in one product."""

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


@dataclass(frozen=True)
class Noise:
    """Additive noise with the same statistics in all pixels.

    Attributes
    ----------
    sigma
        Standard deviation, above 0.
    correlation
        Autocorrelation by displacement, (odd, odd), 1 in the middle; None for white noise.
    """

    sigma: float
    correlation: Tensor | None = None

    def halved(self) -> Noise:
        """The noise that is left in means of 2 x 2 pixels."""
        if self.correlation is None:
            return Noise(self.sigma / 2)
        line = self.correlation.new_tensor([0.25, 0.5, 0.25])
        table = _crop_or_pad(self.correlation, 2 * (max(self.correlation.shape) // 4 + 1))
        means = F.conv2d(table[None, None], (line[:, None] * line)[None, None], padding=1)[0, 0]
        means = means[::2, ::2]
        variance = means[means.shape[0] // 2, means.shape[1] // 2].clamp_min(1e-6)
        return Noise(self.sigma * float(variance.sqrt()), means / variance)


@dataclass(frozen=True)
class Search:
    """A grid of reference patches, and where patches similar to them are searched.

    Attributes
    ----------
    patch
        Side of a patch in pixels.
    group
        Number of patches in a group; the reference patch is one of them.
    step
        Distance in pixels between neighbouring reference patches.
    radius
        Largest distance in pixels, along each axis, from a reference patch to its similar patches.
    start
        Row and column of the upper left reference patch.
    count
        Number of reference patches along y and x.
    """

    patch: int
    group: int
    step: int
    radius: int
    start: tuple[int, int]
    count: tuple[int, int]


def match_patches(guide: Tensor, search: Search, noise: Noise | None) -> Tensor:
    """Find the patches that are most similar to each reference patch.

    Parameters
    ----------
    guide
        Image (channels, y, x) whose patches are compared, by the sum of squared differences.
    search
        Reference patches and the places searched.
    noise
        Noise of the guide; None if it is clean. Neighbouring patches that share correlated
        noise look more similar than they are; this is corrected.

    Returns
    -------
    Tensor
        Places of the patches, counted row by row: (references, group).
    """
    step, radius, side = search.step, search.radius, 2 * search.radius + 1
    columns = guide.shape[2] - search.patch + 1
    bands, across = (-(-n // _BLOCK) for n in search.count)
    features, norms = _search_windows(guide, search, bands, across)
    shared = None
    if noise is not None and noise.correlation is not None:
        energy = 2 * len(guide) * search.patch**2 * noise.sigma**2
        shared = energy * _crop_or_pad(noise.correlation, radius).flatten()
    each = torch.arange(_BLOCK, device=guide.device)
    in_column = each + torch.arange(across, device=guide.device)[:, None] * _BLOCK
    groups = []
    for band in range(bands):
        distances = _distances(features[:, band], norms[band], step, radius)
        if shared is not None:
            distances += shared
        distances[..., side**2 // 2] = -math.inf
        near = distances.topk(search.group, largest=False, sorted=False).indices
        in_row = each + band * _BLOCK
        row = search.start[0] + in_row[:, None, None] * step + near // side - radius
        column = search.start[1] + in_column[:, None, :, None] * step + near % side - radius
        inside = (in_row < search.count[0])[:, None] & (in_column < search.count[1])[:, None, :]
        groups.append((row * columns + column)[inside])
    return torch.cat(groups)


def reference_places(search: Search, columns: int) -> Tensor:
    """Places of the reference patches, in the order of the groups of `match_patches`.

    Parameters
    ----------
    search
        Reference patches and the places searched.
    columns
        Number of patches in a row of the image.

    Returns
    -------
    Tensor
        Places of the reference patches, counted row by row: (references,).
    """
    bands, across = (-(-n // _BLOCK) for n in search.count)
    in_row = torch.arange(bands * _BLOCK).view(bands, 1, _BLOCK, 1)
    in_column = torch.arange(across * _BLOCK).view(1, across, 1, _BLOCK)
    row, column = (
        start + search.step * each
        for start, each in zip(search.start, (in_row, in_column), strict=True)
    )
    return (row * columns + column)[(in_row < search.count[0]) & (in_column < search.count[1])]


def _search_windows(
    guide: Tensor, search: Search, bands: int, across: int
) -> tuple[Tensor, Tensor]:
    """The patches around each block of reference patches, and their squared norms.

    Blocks are `_BLOCK` reference patches on a side. Shapes: (features, bands, across, y, x) and
    (bands, across, y, x).
    """
    rows, columns = (side - search.patch + 1 for side in guide.shape[1:])
    centred = (guide - guide.mean())[:, None]
    features = F.unfold(centred, search.patch).reshape(-1, rows, columns)
    stride = _BLOCK * search.step
    span = stride - search.step + 2 * search.radius + 1
    borders = []
    for axis, blocks, size in ((1, across, columns), (0, bands, rows)):
        before = search.radius - search.start[axis]
        borders += [before, max((blocks - 1) * stride + span - before - size, 0)]
    norms = F.pad(features.square().sum(0), borders, value=math.inf)
    features = F.pad(features, borders)
    features = features.unfold(1, span, stride).unfold(2, span, stride)
    norms = norms.unfold(0, span, stride).unfold(1, span, stride)
    return features[:, :bands, :across], norms[:bands, :across]


def _distances(features: Tensor, norms: Tensor, step: int, radius: int) -> Tensor:
    """Squared distances of reference patches to the patches around them, less their own norm.

    Takes (features, blocks, y, x) and (blocks, y, x), returns (blocks, rows, columns, places).
    """
    blocks, span = norms.shape[:2]
    side = 2 * radius + 1
    centre = slice(radius, span - radius, step)
    references = features[:, :, centre, centre].permute(1, 2, 3, 0)
    distances = torch.baddbmm(
        norms.reshape(blocks, 1, -1),
        references.reshape(blocks, _BLOCK**2, -1),
        features.transpose(0, 1).reshape(blocks, len(features), -1),
        alpha=-2,
    )
    # The window of each reference patch is cut out of the window of its block.
    strides = (_BLOCK**2 * span**2, _BLOCK * span**2 + step * span, span**2 + step, span, 1)
    cut = distances.as_strided((blocks, _BLOCK, _BLOCK, side, side), strides)
    return cut.reshape(blocks, _BLOCK, _BLOCK, side**2)


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
        Noisy channel (y, x).
    pilot
        Another estimate of it (y, x), which gives the weights of combinations; None if the noisy
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
        Sums over all estimates of a pixel: of weighted values, and of weights (y, x).
    """
    y = _extract_patches(noisy, search.patch)
    x = None if pilot is None else _extract_patches(pilot, search.patch)
    columns = noisy.shape[1] - search.patch + 1
    table = None
    if noise.correlation is not None:
        table = _crop_or_pad(noise.correlation, max(2 * search.radius, search.patch))
    values, weights = torch.zeros_like(y), y.new_zeros(len(y))
    for members in torch.split(groups, _BATCH):
        places = members.flatten()
        z = y[places].view(*members.shape, -1)
        guide = None if x is None else x[places].view(*members.shape, -1)
        if guide is None:
            shared = None if table is None else _between_places(table, members, columns)
            estimate, variance = _combine_without_pilot(z, noise.sigma, shared, affine)
        elif table is None:
            estimate, variance = _combine_patches(z, guide, noise.sigma, affine)
        else:
            pixels = torch.arange(search.patch**2, device=y.device)
            shared = _between_places(table, pixels, search.patch)
            estimate, variance = _combine_pixels(z, guide, noise.sigma, shared)
        weight = 1 / (variance + _LEAST_VARIANCE)
        values.index_add_(0, places, (estimate * weight[..., None]).flatten(0, 1))
        weights.index_add_(0, places, weight.flatten())
    shape, every_pixel = (noisy.shape[0], noisy.shape[1]), weights[:, None].expand_as(values)
    return _sum_patches(values, shape, search.patch), _sum_patches(every_pixel, shape, search.patch)


def _extract_patches(plane: Tensor, patch: int) -> Tensor:
    """All patches of a plane (y, x), row by row: (places, pixels)."""
    return F.unfold(plane[None, None], patch)[0].T.contiguous()


def _sum_patches(patches: Tensor, shape: tuple[int, int], patch: int) -> Tensor:
    """Sum of all patches (places, pixels), each at its place, as a plane of a shape (y, x)."""
    return F.fold(patches.T[None], shape, patch)[0, 0]


def _crop_or_pad(table: Tensor, radius: int) -> Tensor:
    """A table by displacement, cropped or padded with zeros to 2 * radius + 1 on each side."""
    y, x = (radius - side // 2 for side in table.shape)
    return F.pad(table, (x, x, y, y))


def _between_places(table: Tensor, places: Tensor, columns: int) -> Tensor:
    """Values of a table by displacement between places (..., n), row by row: (..., n, n)."""
    middle = table.shape[0] // 2
    row, column = places // columns, places % columns
    dy, dx = (place[..., :, None] - place[..., None, :] for place in (row, column))
    return table[dy + middle, dx + middle]


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

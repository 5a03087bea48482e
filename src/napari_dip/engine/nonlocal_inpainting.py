"""Non-local inpainting: missing pixels are predicted from the known pixels of similar patches.

Small patches of an image recur nearby. The patches that are similar to one patch have a mean and a
covariance, and a Gaussian with these predicts the missing pixels of the patch from its known ones,
as their conditional mean. Every missing pixel becomes a weighted mean of the predictions of all
patches that cover it. Both the similar patches and their statistics come from the image as it is
filled so far, so that a few passes from a smooth fill are needed. Patches of a volume are cubes, or
lie in one slice: known voxels that are held out choose.

Sources: Lebrun, Buades and Morel, "A nonlocal Bayesian image denoising algorithm", SIAM J. Imaging
Sciences 2013 (a Gaussian for each group of similar patches); Yu, Sapiro and Mallat, "Solving
inverse problems with piecewise linear estimators", IEEE TIP 2012 (missing pixels as the conditional
mean, passes that alternate between Gaussians and predictions).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from napari_dip.engine.patch_matching import (
    Search,
    match_patches,
    reference_places,
    rows_of_patches,
    sum_patches,
)

_GROUP = 64
"""Patches in a group."""


@dataclass(frozen=True)
class _Patches:
    """Sides of patches, and how far similar ones are searched.

    Attributes
    ----------
    side, radius
        Side of a patch, and reach of the search, in pixels.
    depth, slice_step, slice_radius
        Slices of a patch, between reference patches, and up to which similar ones are searched.
    """

    side: int = 7
    radius: int = 12
    depth: int = 1
    slice_step: int = 1
    slice_radius: int = 0


_IN_PLANES = _Patches()

_IN_VOLUMES = (_Patches(5, 7, 3, 2, 3), _Patches(7, 7, slice_radius=2))
"""Cubes, and patches of one slice, for slices that are less alike: held-out pixels choose."""

_STEP, _THOROUGH_STEP = 2, 1
"""Distance in pixels between reference patches: of all passes, and of thorough ones."""

_THOROUGH_PASSES = 3
"""Number of last passes that are thorough."""

_PASSES = ((0.03, 2.0), (0.02, 1.6), (0.01, 1.6), (0.005, 1.6), (0.003, 1.0), (0.003, 1.0))
"""Tolerance of each pass, and the length of its step.

The tolerance is a standard deviation in units of y, up to which a prediction need not explain the
known pixels: large while the covariances come from a poor fill. A step longer than 1 goes beyond
the prediction; the passes then converge sooner."""

_TOLERANCES = (0.003, 0.01, 0.03, 0.06, 0.12)
"""Tolerances tried for the last passes: the larger ones are for noisy images."""

_AS_GOOD = 0.98
"""Smallest tolerance that is taken: its error is at most that of the best, divided by this."""

_HELD_OUT = 0.1
"""Fraction of the known pixels that are held out to choose the tolerance."""

_WINDOW, _WINDOW_SLICES, _WINDOW_OF_SLICES = 128, 12, 48
"""Side in pixels of the part of a plane in which the tolerance is chosen; slices and side of that
of a volume."""

_TILE, _VOLUME_TILE = (1, 64, 64), (8, 32, 32)
"""Reference patches, along z, y and x, of a plane and of a volume that are in memory together."""

_BATCH = 256
"""Number of groups whose equations are solved together: few enough for a processor's cache."""

_LEAST_VARIANCE = 1e-6
"""Variance in units of y² that is added to that of a prediction, to bound its weight."""

_RIDGE = 1e-8
"""Variance in units of y² that keeps the equations solvable."""

_BEYOND = 0.1
"""How far beyond the range of the known pixels a pass may go, as a fraction of that range."""


@torch.no_grad()
def fill_nonlocal(y: Tensor, observed: Tensor, start: Tensor, *, thorough: bool = False) -> Tensor:
    """Fill the missing pixels of an image from its own similar patches.

    Parameters
    ----------
    y
        Image (channels, y, x) or volume (channels, z, y, x), about [0, 1], float; any finite values
        where pixels are missing.
    observed
        Known pixels, as y, bool.
    start
        The image with its holes filled somehow, as y.
    thorough
        Whether to take about half as long again, for a slightly better image.

    Returns
    -------
    Tensor
        As y; known pixels are those of y. It is the start where nothing or everything is missing,
        or where a side is shorter than a patch.

    Examples
    --------
    >>> x = torch.arange(32.0)
    >>> clean = (0.5 + 0.5 * torch.sin(x + x[:, None]))[None]
    >>> known = torch.rand(clean.shape, generator=torch.Generator().manual_seed(0)) > 0.3
    >>> filled = fill_nonlocal(clean * known, known, torch.where(known, clean, 0.5))
    >>> bool((filled - clean).abs().max() < 0.2)
    True
    """
    x = torch.where(observed, y, start)
    if observed.all() or not observed.any() or min(y.shape[-2:]) < _IN_PLANES.side:
        return x
    if y.ndim == 3:
        return _fill(y[:, None], observed[:, None], x[:, None], (_IN_PLANES,), thorough)[:, 0]
    deep_enough = [patches for patches in _IN_VOLUMES if patches.depth <= y.shape[1]]
    return _fill(y, observed, x, deep_enough, thorough)


def _fill(
    y: Tensor, observed: Tensor, x: Tensor, kinds: Sequence[_Patches], thorough: bool
) -> Tensor:
    """Fill an image (channels, z, y, x) with the kind of patches that is best for it."""
    found = [_least_tolerance(y, observed, x, kind) for kind in kinds]
    best = min(range(len(kinds)), key=lambda i: found[i][1])
    least, patches = found[best][0], kinds[best]
    passes = [(max(tolerance, least), length) for tolerance, length in _PASSES]
    if not thorough:
        return _run_passes(y, observed, x, passes, patches)
    x = _run_passes(y, observed, x, passes[:-_THOROUGH_PASSES], patches)
    return _run_passes(y, observed, x, passes[-_THOROUGH_PASSES:], patches, _THOROUGH_STEP)


def _run_passes(
    y: Tensor,
    observed: Tensor,
    x: Tensor,
    passes: Sequence[tuple[float, float]],
    patches: _Patches,
    step: int = _STEP,
) -> Tensor:
    """Passes of a tolerance and a length of the step each, from the image x as filled so far."""
    low, high = (float(end) for end in torch.aminmax(y[observed]))
    beyond = _BEYOND * (high - low)
    for tolerance, length in passes:
        predicted = _predict(y, observed, x, tolerance, patches, step)
        x = torch.where(observed, y, x + length * (predicted - x))
        x = x.clamp(low - beyond, high + beyond)
    return x


def _least_tolerance(
    y: Tensor, observed: Tensor, x: Tensor, patches: _Patches
) -> tuple[float, float]:
    """The tolerance for an image's noise, which predicts known pixels best, and the error of these.

    They are pixels of the window that has most known ones, and are held out of the prediction.
    """
    window = _window_of_most(observed.all(0))
    y, observed, x = (image[:, *window] for image in (y, observed, x))
    draw = torch.rand(y.shape[1:], generator=torch.Generator().manual_seed(0)).to(y.device)
    held_out = observed & (draw < _HELD_OUT)
    observed = observed & ~held_out
    if not (held_out.any() and observed.any()):
        return _TOLERANCES[0], 0.0
    x = torch.where(held_out, _local_mean(y, observed), x)
    x = _run_passes(y, observed, x, _PASSES[:2], patches)
    errors: list[float] = []
    for tolerance in _TOLERANCES:
        predicted = _run_passes(y, observed, x, [(tolerance, 1.0)], patches)
        errors.append(float((predicted - y)[held_out].square().mean()))
        if errors[-1] > min(errors):
            break
    good = (t for t, e in zip(_TOLERANCES, errors, strict=False) if _AS_GOOD * e <= min(errors))
    return next(good), min(errors)


def _window_of_most(known: Tensor) -> tuple[slice, ...]:
    """The window with most known pixels: a place in an image (z, y, x), in its middle slices."""
    slices = min(len(known), _WINDOW_SLICES)
    above = (len(known) - slices) // 2
    most = _WINDOW if len(known) == 1 else _WINDOW_OF_SLICES
    sides = [min(most, side) for side in known.shape[1:]]
    strides = [(side + 1) // 2 for side in sides]
    middle = known[above : above + slices].float().mean(0)
    shares = F.avg_pool2d(middle[None, None], sides, strides)[0, 0]
    row, column = divmod(int(shares.argmax()), shares.shape[1])
    top, left = row * strides[0], column * strides[1]
    return (
        slice(above, above + slices),
        slice(top, top + sides[0]),
        slice(left, left + sides[1]),
    )


def _local_mean(y: Tensor, observed: Tensor) -> Tensor:
    """Mean of the known pixels around each pixel; the mean of all where there are none."""
    known = observed.to(y.dtype)
    total, count = (F.avg_pool2d(image, 5, 1, 2) for image in (y * known, known))
    return torch.where(count > 0, total / count.clamp_min(1e-6), y[observed].mean())


def _predict(
    y: Tensor, observed: Tensor, x: Tensor, tolerance: float, patches: _Patches, step: int
) -> Tensor:
    """One pass: each missing pixel as the mean of its predictions, from the image x as filled."""
    slices, height, width = y.shape[1:]
    # Mirrored pixels make the last reference patches touch the border.
    margins = [-(side - patches.side) % step for side in (height, width)]
    margins.insert(0, min(-(slices - patches.depth) % patches.slice_step, slices - 1))
    y, known, x = (_mirror(image, margins) for image in (y, observed.to(y.dtype), x))
    whole = Search.over(
        y.shape[1:],
        patches.side,
        _GROUP,
        step,
        patches.radius,
        patches.depth,
        patches.slice_step,
        patches.slice_radius,
    )
    total, weight = torch.zeros_like(y), torch.zeros_like(y)
    for box, search in whole.tiles(y.shape[1:], _TILE if slices == 1 else _VOLUME_TILE):
        if known[:, *box].all():
            continue
        values, weights = _predict_tile(y[:, *box], known[:, *box], x[:, *box], tolerance, search)
        total[:, *box] += values
        weight[:, *box] += weights
    predicted = torch.where(weight > 0, total / weight.clamp_min(1e-12), x)
    return predicted[:, :slices, :height, :width]


def _mirror(image: Tensor, margins: list[int]) -> Tensor:
    """Pixels mirrored at the far borders, by margins along z, y and x."""
    z, y, x = margins
    return F.pad(image[None], (0, x, 0, y, 0, z), mode="reflect")[0]


def _predict_tile(
    y: Tensor, known: Tensor, x: Tensor, tolerance: float, search: Search
) -> tuple[Tensor, Tensor]:
    """Sums of weighted predictions and of weights over a tile's patches: (channels, z, y, x)."""
    groups = match_patches(x, search, None)
    rows, columns = (side - search.patch + 1 for side in x.shape[2:])
    references = reference_places(search, rows, columns).to(x.device)
    sums = [
        _predict_channel(images, references, groups, tolerance, search)
        for images in zip(y, known, x, strict=True)
    ]
    total, weight = zip(*sums, strict=True)
    return torch.stack(total), torch.stack(weight)


def _predict_channel(
    images: tuple[Tensor, Tensor, Tensor],
    references: Tensor,
    groups: Tensor,
    tolerance: float,
    search: Search,
) -> tuple[Tensor, Tensor]:
    """The same for one channel, (z, y, x), from places of reference patches and of their groups."""
    y, known, x = (rows_of_patches(image, search) for image in images)
    values, weights = torch.zeros_like(y), torch.zeros_like(y)
    missing = (known[references] < 1).sum(1)
    # Patches with about as many missing pixels are predicted together, for smaller equations.
    order = missing.argsort(stable=True)[int((missing == 0).sum()) :]
    for start in range(0, len(order), _BATCH):
        batch = order[start : start + _BATCH]
        fewest, most = int(missing[batch[0]]), int(missing[batch[-1]])
        own = references[batch, None]
        pixels = known[own[:, 0]].argsort(dim=1, stable=True)  # missing ones first
        prediction, variance = _conditional_mean(
            y[own, pixels],
            known[own, pixels],
            x[groups[batch]].gather(2, pixels[:, None].expand(-1, groups.shape[1], -1)),
            (fewest, most),
            tolerance,
        )
        certainty = 1 / (variance + tolerance**2 / 2 + _LEAST_VARIANCE)
        values[own, pixels[:, :most]] = prediction * certainty
        weights[own, pixels[:, :most]] = certainty
    return sum_patches(values, images[0], search), sum_patches(weights, images[0], search)


def _conditional_mean(
    y: Tensor, known: Tensor, similar: Tensor, missing: tuple[int, int], tolerance: float
) -> tuple[Tensor, Tensor]:
    """Predict the missing pixels of patches from their known pixels.

    Takes patches and their known pixels as 1 or 0, (patches, pixels), the patches similar to each,
    (patches, group, pixels), and the least and largest number of missing pixels. The missing pixels
    of each patch come first. Returns predictions and their variances, (patches, largest number).
    """
    least, most = missing
    mean = similar.mean(1)
    centred = similar - mean[:, None]
    covariance = centred.mT @ centred / similar.shape[1]
    known = known[:, least:]
    from_known = covariance[:, least:, :most] * known[:, :, None]
    # Rows and columns of missing pixels are those of the identity: they take no part.
    diagonal = known * tolerance**2 + (1 - known) + _RIDGE
    within = covariance[:, least:, least:] * known[:, :, None] * known[:, None]
    factor, _ = torch.linalg.cholesky_ex(within + torch.diag_embed(diagonal))
    difference = (y - mean)[:, least:] * known
    right = torch.cat((from_known, difference[:, :, None]), 2)
    solved = torch.linalg.solve_triangular(factor, right, upper=False)
    weights, residual = solved[:, :, :-1], solved[:, :, -1:]
    prediction = mean[:, :most] + (weights * residual).sum(1)
    variance = covariance.diagonal(dim1=1, dim2=2)[:, :most] - weights.square().sum(1)
    return prediction, variance.clamp_min(0)

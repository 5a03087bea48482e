"""Non-local inpainting: missing pixels are predicted from the known pixels of similar patches.

Small patches of an image recur nearby. The patches that are similar to one patch have a mean and a
covariance, and a Gaussian with these predicts the missing pixels of the patch from its known ones,
as their conditional mean. Every missing pixel becomes a weighted mean of the predictions of all
patches that cover it. Both the similar patches and their statistics come from the image as it is
filled so far, so that a few passes from a smooth fill are needed.

Sources: Lebrun, Buades and Morel, "A nonlocal Bayesian image denoising algorithm", SIAM J. Imaging
Sciences 2013 (a Gaussian for each group of similar patches); Yu, Sapiro and Mallat, "Solving
inverse problems with piecewise linear estimators", IEEE TIP 2012 (missing pixels as the conditional
mean, passes that alternate between Gaussians and predictions).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from napari_dip.engine.patch_matching import Search, match_patches, reference_places

_PATCH, _GROUP, _RADIUS = 7, 64, 12
"""Side of a patch in pixels, patches in a group, and reach of the search in pixels."""

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

_WINDOW = 128
"""Side in pixels of the part of an image in which the tolerance is chosen."""

_TILE = 64
"""Rows and columns of reference patches that are in memory together."""

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
        Image (channels, y, x), about [0, 1], float; any finite values where pixels are missing.
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
    if observed.all() or not observed.any() or min(y.shape[1:]) < _PATCH:
        return x
    least = _least_tolerance(y, observed, x)
    passes = [(max(tolerance, least), length) for tolerance, length in _PASSES]
    if not thorough:
        return _run_passes(y, observed, x, passes)
    x = _run_passes(y, observed, x, passes[:-_THOROUGH_PASSES])
    return _run_passes(y, observed, x, passes[-_THOROUGH_PASSES:], _THOROUGH_STEP)


def _run_passes(
    y: Tensor,
    observed: Tensor,
    x: Tensor,
    passes: Sequence[tuple[float, float]],
    step: int = _STEP,
) -> Tensor:
    """Passes of a tolerance and a length of the step each, from the image x as filled so far."""
    low, high = (float(end) for end in torch.aminmax(y[observed]))
    beyond = _BEYOND * (high - low)
    for tolerance, length in passes:
        predicted = _predict(y, observed, x, tolerance, step)
        x = torch.where(observed, y, x + length * (predicted - x))
        x = x.clamp(low - beyond, high + beyond)
    return x


def _least_tolerance(y: Tensor, observed: Tensor, x: Tensor) -> float:
    """The tolerance for an image's noise: the one that predicts known pixels best.

    They are pixels of the window that has most known ones, and are held out of the prediction.
    """
    window = _window_of_most(observed.all(0))
    y, observed, x = (image[:, *window] for image in (y, observed, x))
    draw = torch.rand(y.shape[1:], generator=torch.Generator().manual_seed(0)).to(y.device)
    held_out = observed & (draw < _HELD_OUT)
    observed = observed & ~held_out
    if not (held_out.any() and observed.any()):
        return _TOLERANCES[0]
    x = torch.where(held_out, _local_mean(y, observed), x)
    x = _run_passes(y, observed, x, _PASSES[:2])
    errors: list[float] = []
    for tolerance in _TOLERANCES:
        predicted = _run_passes(y, observed, x, [(tolerance, 1.0)])
        errors.append(float((predicted - y)[held_out].square().mean()))
        if errors[-1] > min(errors):
            break
    good = (t for t, e in zip(_TOLERANCES, errors, strict=False) if _AS_GOOD * e <= min(errors))
    return next(good)


def _window_of_most(known: Tensor) -> tuple[slice, slice]:
    """The window with most known pixels: a place in an image (y, x)."""
    sides = [min(_WINDOW, side) for side in known.shape]
    strides = [(side + 1) // 2 for side in sides]
    shares = F.avg_pool2d(known[None, None].float(), sides, strides)[0, 0]
    row, column = divmod(int(shares.argmax()), shares.shape[1])
    top, left = row * strides[0], column * strides[1]
    return slice(top, top + sides[0]), slice(left, left + sides[1])


def _local_mean(y: Tensor, observed: Tensor) -> Tensor:
    """Mean of the known pixels around each pixel; the mean of all where there are none."""
    known = observed.to(y.dtype)
    total, count = (F.avg_pool2d(image, 5, 1, 2) for image in (y * known, known))
    return torch.where(count > 0, total / count.clamp_min(1e-6), y[observed].mean())


def _predict(y: Tensor, observed: Tensor, x: Tensor, tolerance: float, step: int) -> Tensor:
    """One pass: each missing pixel as the mean of its predictions, from the image x as filled."""
    height, width = y.shape[1:]
    # Mirrored pixels make the last reference patches touch the border.
    margins = [-(side - _PATCH) % step for side in (height, width)]
    y, known, x = (_mirror(image, margins) for image in (y, observed.to(y.dtype), x))
    total, weight = torch.zeros_like(y), torch.zeros_like(y)
    for box, search in _tiles(known, step):
        values, weights = _predict_tile(y[:, *box], known[:, *box], x[:, *box], tolerance, search)
        total[:, *box] += values
        weight[:, *box] += weights
    return torch.where(weight > 0, total / weight.clamp_min(1e-12), x)[:, :height, :width]


def _mirror(image: Tensor, margins: list[int]) -> Tensor:
    """Pixels mirrored at the lower and right borders, by margins along y and x."""
    return F.pad(image[None], (0, margins[1], 0, margins[0]), mode="reflect")[0]


def _tiles(known: Tensor, step: int) -> Iterator[tuple[tuple[slice, slice], Search]]:
    """Boxes of an image, in pixels, and the reference patches whose search windows they hold.

    Boxes whose reference patches are known altogether are left out.
    """
    places = [side - _PATCH + 1 for side in known.shape[1:]]
    radius = min(_RADIUS, max(places) - 1)
    group = min(_GROUP, min(places[0], radius + 1) * min(places[1], radius + 1))
    reach = _TILE * step
    for corner in ((y, x) for y in range(0, places[0], reach) for x in range(0, places[1], reach)):
        ends = [min(c + reach, n) for c, n in zip(corner, places, strict=True)]
        inner = [slice(c, e + _PATCH - 1) for c, e in zip(corner, ends, strict=True)]
        if known[:, *inner].all():
            continue
        begins = [max(c - radius, 0) for c in corner]
        box = [
            slice(b, min(e + radius, n) + _PATCH - 1)
            for b, e, n in zip(begins, ends, places, strict=True)
        ]
        start = (0, corner[0] - begins[0], corner[1] - begins[1])
        count = [math.ceil((e - c) / step) for c, e in zip(corner, ends, strict=True)]
        search = Search(_PATCH, group, step, radius, start, (1, count[0], count[1]))
        yield (box[0], box[1]), search


def _predict_tile(
    y: Tensor, known: Tensor, x: Tensor, tolerance: float, search: Search
) -> tuple[Tensor, Tensor]:
    """Sums of weighted predictions and of weights over the patches of a tile: (channels, y, x)."""
    groups = match_patches(x[:, None], search, None)
    references = reference_places(search, *(side - _PATCH + 1 for side in x.shape[1:])).to(x.device)
    sums = [
        _predict_channel(*planes, references, groups, tolerance)
        for planes in zip(y, known, x, strict=True)
    ]
    total, weight = zip(*sums, strict=True)
    return torch.stack(total), torch.stack(weight)


def _predict_channel(
    y: Tensor, known: Tensor, x: Tensor, references: Tensor, groups: Tensor, tolerance: float
) -> tuple[Tensor, Tensor]:
    """The same for one channel, (y, x), from places of reference patches and of their groups."""
    y_patches, known_patches, x_patches = (_extract_patches(plane) for plane in (y, known, x))
    values, weights = torch.zeros_like(y_patches), torch.zeros_like(y_patches)
    missing = (known_patches[references] < 1).sum(1)
    # Patches with about as many missing pixels are predicted together, for smaller equations.
    order = missing.argsort(stable=True)[int((missing == 0).sum()) :]
    for start in range(0, len(order), _BATCH):
        batch = order[start : start + _BATCH]
        fewest, most = int(missing[batch[0]]), int(missing[batch[-1]])
        own = references[batch, None]
        pixels = known_patches[own[:, 0]].argsort(dim=1, stable=True)  # missing ones first
        prediction, variance = _conditional_mean(
            y_patches[own, pixels],
            known_patches[own, pixels],
            x_patches[groups[batch]].gather(2, pixels[:, None].expand(-1, groups.shape[1], -1)),
            (fewest, most),
            tolerance,
        )
        certainty = 1 / (variance + tolerance**2 / 2 + _LEAST_VARIANCE)
        values[own, pixels[:, :most]] = prediction * certainty
        weights[own, pixels[:, :most]] = certainty
    return _sum_patches(values, y.shape), _sum_patches(weights, y.shape)


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


def _extract_patches(plane: Tensor) -> Tensor:
    """All patches of a plane (y, x), row by row: (places, pixels)."""
    return F.unfold(plane[None, None], _PATCH)[0].T.contiguous()


def _sum_patches(patches: Tensor, shape: torch.Size) -> Tensor:
    """Sum of all patches (places, pixels), each at its place, as a plane of a shape (y, x)."""
    return F.fold(patches.T[None], shape, _PATCH)[0, 0]

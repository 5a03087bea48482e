"""The quantisation of a JPEG, found from its pixels: grid, chroma sampling and steps.

A JPEG keeps each block of 8 x 8 samples as integer multiples of steps, one for each of the block's
64 cosine coefficients. After decompression the coefficients still lie near these multiples, which
tells the steps; and the coefficient of the uncompressed image lies within half a step of its
multiple, which bounds every estimate of that image (quantisation constraint set).

The file is longer than others because grid, sampling and steps are one search.

Sources: Fan and de Queiroz, IEEE TIP 2003 (steps from pixels, by maximum likelihood); Rosenholtz
and Zakhor, ICIP 1991 (constraint set); ITU-T T.81, annex K (tables); ITU-T T.871 (colours).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

BLOCK_SIDE = 8
"""Side of a block in samples."""

_LARGEST_STEP = 255

_MIDDLE = 128.0
"""Level that is zero before the cosine transform."""

_LUMA_STEPS = (
    (16, 11, 10, 16, 24, 40, 51, 61),
    (12, 12, 14, 19, 26, 58, 60, 55),
    (14, 13, 16, 24, 40, 57, 69, 56),
    (14, 17, 22, 29, 51, 87, 80, 62),
    (18, 22, 37, 56, 68, 109, 103, 77),
    (24, 35, 55, 64, 81, 104, 113, 92),
    (49, 64, 78, 87, 103, 121, 120, 101),
    (72, 92, 95, 98, 112, 100, 103, 99),
)
"""The standard's example of steps for luma, which most programs scale by a quality."""

_CHROMA_CORNER = ((17, 18, 24, 47), (18, 21, 26, 66), (24, 26, 56, 99), (47, 66, 99, 99))
"""The same for chroma; all other steps are 99."""

_ROUNDING, _ROUNDING_ALONG_AXES, _ROUNDING_OF_MEANS = 0.3, 0.5, 2.0
"""Standard deviation of a coefficient around its multiple, from the rounding of pixel values: in
general, for waves along one axis, and for a block's mean. Pixels that are alike are rounded alike,
so that the error of smooth waves is larger."""

_OUTLIERS = 0.02
"""Fraction of coefficients that may lie anywhere, for instance where values were clipped."""

_OFF_GRID = 4.0
"""Distance from its multiple, in units of the rounding, at which a coefficient is not one, because
its block was clipped or cut."""

_ENOUGH_EVIDENCE = 50.0
"""Log-likelihood ratio, against no quantisation, from which steps are believed."""

_COST_OF_A_STEP = 8.0
"""Log-likelihood ratio that a step of its own has to bring, over one of a standard table."""

_ENOUGH_EXPLAINED = 0.35
"""Fraction of coefficients on multiples from which the expected steps of chroma are believed. On a
wrong grid it is below 0.2."""

_FEWEST_BLOCKS = 6
"""Number of blocks without clipped values that are enough to do without the others."""

_MOST_BLOCKS = 2048
"""Number of blocks that are enough to find steps."""

_SEARCHED_SIDE = 512
"""Side of the middle part of an image that is enough to find the grid."""

_SAMPLINGS = ((2, 2), (1, 2), (1, 1), (2, 1))
"""Pixels along y and x in a sample of chroma."""

_TINY = 1e-12

_UNSAMPLING_STEPS = 14
"""Corrections until upsampled chroma is explained by its samples."""


@dataclass(frozen=True)
class Component:
    """Luma or a chroma of a JPEG: its blocks, and what is known of their coefficients.

    Attributes
    ----------
    sampling
        Pixels along y and x in a sample.
    start
        Row and column of the first pixel of a whole block, from 0 to 8 * sampling - 1.
    steps
        Quantisation steps of the coefficients, (8, 8).
    centres
        Coefficients as they were kept, (rows, columns, 8, 8); blocks cover the whole image.
    lower, upper
        Bounds of the coefficients of the uncompressed image, likewise; infinite where no pixel
        tells them.
    deviation
        Expected rms error of the component, in levels.
    """

    sampling: tuple[int, int]
    start: tuple[int, int]
    steps: Tensor
    centres: Tensor
    lower: Tensor
    upper: Tensor
    deviation: float

    def to(self, device: torch.device) -> Component:
        """The same with its tensors on a device."""
        names = ("steps", "centres", "lower", "upper")
        return replace(self, **{name: getattr(self, name).to(device) for name in names})

    def samples(self, plane: Tensor) -> Tensor:
        """Means of the pixels (y, x) of each sample, padded to whole blocks."""
        top, left, bottom, right = _margins(plane.shape, self.sampling, self.start)
        padded = F.pad(plane[None, None], (left, right, top, bottom), mode="replicate")
        means: Tensor = F.avg_pool2d(padded, self.sampling)[0, 0]
        return means

    def coefficients(self, plane: Tensor) -> Tensor:
        """Coefficients of a plane (y, x): (rows, columns, 8, 8)."""
        return _to_coefficients(self.samples(plane))

    def change(self, plane: Tensor, by: Tensor) -> Tensor:
        """The plane (y, x) whose coefficients differ by (rows, columns, 8, 8)."""
        top, left, _, _ = _margins(plane.shape, self.sampling, self.start)
        samples = _from_coefficients(by)
        for axis, factor in enumerate(self.sampling):
            samples = samples.repeat_interleave(factor, axis)
        return plane + samples[top : top + plane.shape[0], left : left + plane.shape[1]]

    def constrain(self, plane: Tensor, deviation: float) -> Tensor:
        """The expected image, given an estimate and the bounds.

        Parameters
        ----------
        plane
            The estimate (y, x), in levels.
        deviation
            Standard deviation of the error of its coefficients, above 0. The larger it is, the
            further are coefficients from their bounds.
        """
        found = self.coefficients(plane)
        wanted = _truncated_mean(found, deviation, self.lower, self.upper)
        return self.change(plane, wanted - found)


@dataclass(frozen=True)
class JpegQuantization:
    """What the pixels of a JPEG tell of its compression.

    Attributes
    ----------
    components
        Luma; for a colour image also Cb and Cr, None where their steps could not be found.
    """

    components: tuple[Component | None, ...]

    def to(self, device: torch.device) -> JpegQuantization:
        """The same with its tensors on a device."""
        return JpegQuantization(tuple(each and each.to(device) for each in self.components))


def find_quantization(image: Tensor, observed: Tensor) -> JpegQuantization | None:
    """Find how an image was quantised by a JPEG.

    Parameters
    ----------
    image
        Grey or RGB levels from 0 to 255, (1 or 3, y, x), float32. It may have been cropped, but
        not resized.
    observed
        Known pixels, (y, x), bool.

    Returns
    -------
    JpegQuantization or None
        None if the image is not an 8-bit JPEG, or one of so high a quality that rounding hides it.

    Raises
    ------
    ValueError
        If the image has another number of channels or of axes.

    Examples
    --------
    >>> y, x = torch.meshgrid(torch.arange(48.0), torch.arange(48.0), indexing="ij")
    >>> waves = 128 + 90 * torch.sin(y / 5) * torch.cos(x / 7)
    >>> find_quantization(waves[None], torch.ones(48, 48, dtype=torch.bool)) is None
    True
    """
    if image.ndim != 3 or len(image) not in (1, 3):
        raise ValueError(f"image: expected (1 or 3, y, x), got {tuple(image.shape)}")
    if min(image.shape[1:]) < 2 * BLOCK_SIDE:
        return None
    planes = to_luma_chroma(image)
    valid = observed & ((image > 0.5) & (image < 254.5)).all(0)
    start = _find_grid(planes[0])
    luma = _Steps.likeliest(
        _informative_coefficients(planes[:1], valid, (1, 1), start), (1, 1), start
    )
    if luma is None:
        return None
    components: list[Component | None] = [luma.component(planes[0], observed)]
    if len(planes) == 3:
        chroma = _find_chroma(planes[1:], valid, luma)
        for plane in planes[1:]:
            components.append(None if chroma is None else chroma.component(plane, observed))
    return JpegQuantization(tuple(components))


def to_luma_chroma(image: Tensor) -> Tensor:
    """RGB (3, y, x) as Y, Cb, Cr, or grey (1, y, x) as Y; all from -128 to 128."""
    image = image - _MIDDLE
    if len(image) != 3:
        return image
    red, _, blue = image
    luma = torch.einsum("c,cyx->yx", image.new_tensor([0.299, 0.587, 0.114]), image)
    return torch.stack([luma, (blue - luma) / 1.772, (red - luma) / 1.402])


def from_luma_chroma(planes: Tensor) -> Tensor:
    """The inverse of `to_luma_chroma`."""
    if len(planes) != 3:
        return planes + _MIDDLE
    luma, cb, cr = planes
    red, blue = luma + 1.402 * cr, luma + 1.772 * cb
    return torch.stack([red, (luma - 0.299 * red - 0.114 * blue) / 0.587, blue]) + _MIDDLE


@dataclass(frozen=True)
class _Steps:
    """Steps that explain the coefficients of one or two planes, and how well they do.

    `quality` is that of the nearest standard table.
    """

    sampling: tuple[int, int]
    start: tuple[int, int]
    steps: Tensor
    evidence: float
    quality: int

    @classmethod
    def likeliest(
        cls, coefficients: Tensor, sampling: tuple[int, int], start: tuple[int, int]
    ) -> _Steps | None:
        """The likeliest steps for (blocks, 64); None without enough evidence."""
        likelihood = torch.stack(
            [_log_ratio(coefficients, step).sum(0) for step in range(1, _LARGEST_STEP + 1)], 1
        )
        steps, evidence, quality = _likeliest_steps(likelihood)
        if evidence < _ENOUGH_EVIDENCE:
            return None
        return cls(sampling, start, steps, evidence, quality)

    def component(self, plane: Tensor, observed: Tensor) -> Component:
        """What these steps tell of a plane (y, x)."""
        margins = _margins(plane.shape, self.sampling, self.start)
        found = _to_coefficients(_unsampled(plane, self.sampling, self.start, margins))
        steps = self.steps.to(plane)
        multiples = (found / steps).round()
        off = (found - multiples * steps).abs() > _OFF_GRID * _rounding(steps)
        centres = torch.where(off, found, multiples * steps)
        known = Component(
            self.sampling, self.start, steps, centres, centres, centres, 0.0
        ).coefficients(observed.to(plane))
        unknown = (known[..., :1, :1] < BLOCK_SIDE - 1e-3).expand_as(centres)
        half = (steps / 2).expand_as(centres)
        return Component(
            self.sampling,
            self.start,
            steps,
            centres,
            (centres - half).masked_fill(unknown, -math.inf),
            (centres + half).masked_fill(unknown, math.inf),
            _expected_error(multiples, steps),
        )


def _margins(
    shape: Sequence[int], sampling: tuple[int, int], start: tuple[int, int]
) -> tuple[int, int, int, int]:
    """Pixels above, left, below and right of an image that make its blocks whole."""
    before, after = [], []
    for side, factor, first in zip(shape, sampling, start, strict=True):
        size = BLOCK_SIDE * factor
        before.append(-first % size if first == 0 else size - first)
        after.append(-(side + before[-1]) % size)
    return before[0], before[1], after[0], after[1]


def _unsampled(
    plane: Tensor,
    sampling: tuple[int, int],
    start: tuple[int, int],
    margins: tuple[int, int, int, int],
) -> Tensor:
    """The samples that a plane (y, x) was linearly interpolated from, padded to whole blocks."""
    top, left, bottom, right = margins
    pixels = F.pad(plane[None, None], (left, right, top, bottom), mode="replicate")
    samples = F.avg_pool2d(pixels, sampling)
    if sampling != (1, 1):
        for _ in range(_UNSAMPLING_STEPS):
            scales = [float(factor) for factor in sampling]
            again = F.interpolate(samples, scale_factor=scales, mode="bilinear")
            samples = samples + F.avg_pool2d(pixels - again, sampling)
    result: Tensor = samples[0, 0]
    return result


def _whole_blocks(
    plane: Tensor, sampling: tuple[int, int], start: tuple[int, int], is_mask: bool = False
) -> Tensor:
    """The whole blocks of samples in a plane (y, x): (n, 8, 8)."""
    y, x = (min(first, side) for first, side in zip(start, plane.shape, strict=True))
    inside = plane[y:, x:]
    height, width = (
        side - side % (BLOCK_SIDE * factor)
        for side, factor in zip(inside.shape, sampling, strict=True)
    )
    inside = inside[:height, :width]
    if inside.numel() == 0:
        return plane.new_zeros(0, BLOCK_SIDE, BLOCK_SIDE)
    if is_mask:
        samples = F.avg_pool2d(inside[None, None], sampling)[0, 0]
    else:
        samples = _unsampled(inside, sampling, (0, 0), (0, 0, 0, 0))
    blocks = samples.unfold(0, BLOCK_SIDE, BLOCK_SIDE).unfold(1, BLOCK_SIDE, BLOCK_SIDE)
    return blocks.flatten(0, 1)


def _cosines(like: Tensor) -> Tensor:
    """The orthonormal discrete cosine transform of 8 values, (8, 8)."""
    place = torch.arange(BLOCK_SIDE)
    table = torch.cos(math.pi * (2 * place + 1) * place[:, None] / (2 * BLOCK_SIDE)) / 2
    table[0] /= math.sqrt(2)
    return table.to(like)


def _to_block_coefficients(blocks: Tensor) -> Tensor:
    cosines = _cosines(blocks)
    return cosines @ blocks @ cosines.T


def _to_coefficients(samples: Tensor) -> Tensor:
    """Whole blocks of a plane (y, x) as coefficients (rows, columns, 8, 8)."""
    blocks = samples.unfold(0, BLOCK_SIDE, BLOCK_SIDE).unfold(1, BLOCK_SIDE, BLOCK_SIDE)
    return _to_block_coefficients(blocks)


def _from_coefficients(coefficients: Tensor) -> Tensor:
    """The inverse of `_to_coefficients`."""
    cosines = _cosines(coefficients)
    blocks = (cosines.T @ coefficients @ cosines).transpose(1, 2)
    return blocks.flatten(2, 3).flatten(0, 1)


def _find_grid(luma: Tensor) -> tuple[int, int]:
    """Row and column, from 0 to 7, where blocks begin: there most coefficients are zero."""
    corner = [max(0, side - _SEARCHED_SIDE) // 2 for side in luma.shape]
    corner = [first - first % BLOCK_SIDE for first in corner]
    part = luma[corner[0] :, corner[1] :][:_SEARCHED_SIDE, :_SEARCHED_SIDE]

    def zeros(start: tuple[int, int]) -> float:
        found = _to_block_coefficients(_whole_blocks(part, (1, 1), start))
        return float((found.abs() < 2 * _ROUNDING).float().mean())

    return max(((y, x) for y in range(BLOCK_SIDE) for x in range(BLOCK_SIDE)), key=zeros)


def _find_chroma(planes: Tensor, valid: Tensor, luma: _Steps) -> _Steps | None:
    """The sampling and the steps of both chroma planes (2, y, x).

    A program that scales the standard's table for luma does so with that for chroma. If this table
    explains the samples of no grid, each grid is tried with all tables.
    """
    found = {
        grid: _informative_coefficients(planes, valid, *grid) for grid in _chroma_grids(luma.start)
    }
    steps = _scaled(_standard_tables()[1])[luma.quality - 1].to(planes.device)
    totals = {
        grid: float(_log_ratio(coefficients, steps.flatten()).sum())
        for grid, coefficients in found.items()
    }
    grid = max(totals, key=lambda grid: totals[grid])
    if _explained(found[grid], steps.flatten()) > _ENOUGH_EXPLAINED:
        return _Steps(*grid, steps.float(), totals[grid], luma.quality)
    tried = (_Steps.likeliest(coefficients, *grid) for grid, coefficients in found.items())
    return max(
        (steps for steps in tried if steps is not None),
        key=lambda steps: steps.evidence * math.prod(steps.sampling),  # for as many pixels
        default=None,
    )


def _chroma_grids(start: tuple[int, int]) -> Iterator[tuple[tuple[int, int], tuple[int, int]]]:
    """Each way in which chroma can be sampled, and where its blocks can begin."""
    for sampling in _SAMPLINGS:
        ways = (
            range(first, BLOCK_SIDE * factor, BLOCK_SIDE)
            for first, factor in zip(start, sampling, strict=True)
        )
        for y, x in itertools.product(*ways):
            yield sampling, (y, x)


def _informative_coefficients(
    planes: Tensor, valid: Tensor, sampling: tuple[int, int], start: tuple[int, int]
) -> Tensor:
    """Coefficients of whole blocks of planes (n, y, x), without those that clipping has changed.

    Blocks with a pixel that is not valid (y, x) are left out, as long as there are others. Blocks
    that are alike, as in drawings, tell no more than one. Shape: (blocks, 64).
    """
    blocks = torch.cat([_whole_blocks(plane, sampling, start) for plane in planes])
    is_valid = _whole_blocks(valid.float(), sampling, start, is_mask=True) > 0.999
    is_valid = is_valid.flatten(1).all(1).repeat(len(planes))
    if is_valid.sum() >= _FEWEST_BLOCKS:
        blocks = blocks[is_valid]
    blocks = blocks[:: max(1, math.ceil(len(blocks) / _MOST_BLOCKS))]
    _, first = np.unique(blocks.flatten(1).round().cpu().numpy(), axis=0, return_index=True)
    blocks = blocks[torch.from_numpy(np.sort(first)).to(blocks.device)]
    return _to_block_coefficients(blocks).flatten(1)


def _rounding(like: Tensor) -> Tensor:
    """Standard deviation of each coefficient from the rounding of pixels, (8, 8)."""
    table = like.new_full((BLOCK_SIDE, BLOCK_SIDE), _ROUNDING)
    table[0], table[:, 0] = _ROUNDING_ALONG_AXES, _ROUNDING_ALONG_AXES
    table[0, 0] = _ROUNDING_OF_MEANS
    return table


def _log_ratio(coefficients: Tensor, steps: Tensor | int) -> Tensor:
    """Log-likelihood ratio of quantisation by steps, (64,) or one, for (blocks, 64).

    The alternative is a coefficient that lies anywhere between two multiples. Coefficients that
    are zero fit every step, and tell nothing.
    """
    rounding = _rounding(coefficients).flatten()
    distance = (coefficients - steps * (coefficients / steps).round()) / rounding
    density = torch.exp(-0.5 * distance.square()) / (rounding * math.sqrt(2 * math.pi))
    ratio = torch.log((1 - _OUTLIERS) * steps * density + _OUTLIERS)
    return ratio * (coefficients.abs() > _OFF_GRID * rounding)


def _explained(coefficients: Tensor, steps: Tensor) -> float:
    """Fraction of the coefficients (blocks, 64) other than zero that are multiples of steps."""
    limit = _OFF_GRID * _rounding(coefficients).flatten()
    tells = coefficients.abs() > limit
    is_multiple = (coefficients - steps * (coefficients / steps).round()).abs() <= limit
    return float((is_multiple & tells).sum() / tells.sum().clamp_min(1))


def _likeliest_steps(likelihood: Tensor) -> tuple[Tensor, float, int]:
    """The likeliest steps, from the log-likelihood ratio of each step at each frequency (64, 255).

    They are a standard table, or steps of their own; those of the latter that no coefficient
    tells are taken from the nearest standard table. Returns the steps (8, 8), their log-likelihood
    ratio, and the quality of the nearest standard table.
    """
    tables = torch.cat([_scaled(base) for base in _standard_tables()]).to(likelihood.device)
    totals = likelihood.gather(1, tables.flatten(1).T - 1).sum(0)
    best = int(totals.argmax())
    own, places = likelihood.max(1)
    told = own > _COST_OF_A_STEP
    total = float((own - _COST_OF_A_STEP)[told].sum())
    if total <= totals[best]:
        return tables[best].float(), float(totals[best]), best % 100 + 1
    steps = places + 1
    distances = (tables.flatten(1)[:, told] / steps[told]).log().abs().mean(1)
    nearest = int(distances.argmin())
    steps = torch.where(told, steps, tables[nearest].flatten())
    return steps.view(BLOCK_SIDE, BLOCK_SIDE).float(), total, nearest % 100 + 1


def _standard_tables() -> tuple[Tensor, Tensor]:
    """The tables of the standard for luma and chroma, which most programs scale: (8, 8)."""
    chroma = torch.full((BLOCK_SIDE, BLOCK_SIDE), 99)
    chroma[:4, :4] = torch.tensor(_CHROMA_CORNER)
    return torch.tensor(_LUMA_STEPS), chroma


def _scaled(table: Tensor) -> Tensor:
    """A table for each quality from 1 to 100, as the IJG's library scales it: (100, 8, 8)."""
    percent = [5000 // quality if quality < 50 else 200 - 2 * quality for quality in range(1, 101)]
    scaled = (table * torch.tensor(percent)[:, None, None] + 50) // 100
    return scaled.clamp(1, _LARGEST_STEP)


def _expected_error(multiples: Tensor, steps: Tensor) -> float:
    """Expected rms of the quantisation's error.

    The coefficients' distribution is taken for Laplace's, with a width that falls as a power of
    the frequency; both are those of the greatest likelihood of the multiples.
    """
    place = torch.arange(BLOCK_SIDE).to(steps)
    frequency = (place[:, None].square() + place.square()).sqrt().flatten()[1:]
    size, multiples = steps.flatten()[1:], multiples.flatten(0, 1).flatten(1)[:, 1:].abs()
    zeros = (multiples == 0).float().mean(0)
    beyond = (multiples - 0.5).clamp_min(0).mean(0)
    powers = torch.arange(0.0, 2.41, 0.2).to(steps)[:, None, None]
    widths = torch.logspace(-0.5, 2.5, 40).to(steps)[:, None]
    half = frequency**powers / widths * size / 2
    likelihood = zeros * torch.log(-torch.expm1(-half) + _TINY) - 2 * half * beyond
    likelihood += (1 - zeros) * torch.log(-torch.expm1(-2 * half) + _TINY)
    likelihood = likelihood.sum(-1)
    chosen = int(likelihood.argmax())
    power, width = powers.flatten()[chosen // len(widths)], widths.flatten()[chosen % len(widths)]
    rate = frequency**power / width
    half = rate * size / 2
    # The variance of a coefficient that is kept as zero, and of one that is not.
    left = torch.exp(-half)
    inner = 2 / rate**2 * (1 - left * (1 + half + half**2 / 2)) / (1 - left)
    whole = (rate * size).clamp(max=60)
    outer = 1 / rate**2 - size**2 * torch.exp(-whole) / (1 - torch.exp(-whole)) ** 2
    variance = zeros * inner + (1 - zeros) * torch.minimum(outer.clamp_min(0), size**2 / 12)
    total = variance.sum() + steps[0, 0] ** 2 / 12
    return float((total / BLOCK_SIDE**2).sqrt())


def _truncated_mean(mean: Tensor, deviation: float, lower: Tensor, upper: Tensor) -> Tensor:
    """Mean of a normal distribution that is cut off at bounds."""
    below, above = (lower - mean) / deviation, (upper - mean) / deviation
    flipped = below + above < 0  # the same on the other side, for a distribution cut on the right
    near, far = torch.where(flipped, -above, below), torch.where(flipped, -below, above)
    root = math.sqrt(2)
    gap = -torch.expm1(-(far - near).clamp_min(0) * (far + near) / 2)
    # With the mean outside, all terms are divided by exp(-near² / 2), which could vanish.
    outside = near.clamp_min(0)
    tails = torch.special.erfcx(outside / root) - (1 - gap) * torch.special.erfcx(
        far.clamp_max(1e6).clamp_min(0) / root
    )
    beyond = gap / tails.clamp_min(1e-20)
    inside = near.clamp_max(0)
    mass = torch.erf(far / root) - torch.erf(inside / root)
    within = (torch.exp(-(inside**2) / 2) - torch.exp(-(far**2) / 2)) / mass.clamp_min(1e-20)
    moved = math.sqrt(2 / math.pi) * torch.where(near > 0, beyond, within)
    moved = torch.where(torch.isinf(lower) | torch.isinf(upper), 0.0, moved)
    moved = torch.where(flipped, -moved, moved)
    return torch.clamp(mean + deviation * moved, lower, upper)

"""Point spread functions as they are measured: on a background, noisy, off the middle.

A deconvolution takes every value of its PSF for light. So a background, which is not light of the
spot, blurs the estimate of everything; and a spot off the middle displaces the result.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_dip.data.reading import Note, NoteKind
from napari_dip.errors import UserError

Array = NDArray[Any]
Floats = NDArray[np.float64]

_LEAST_LIGHT = 0.01
"""Part of a PSF's sum from which a background counts."""

_MOST_BACKGROUND = 0.5
"""Background, as a part of the peak, from which it is the PSF itself, as that of a box is."""

_FLAT = 0.1
"""Difference of the outermost values in the corners from those further in, as a part of them, up to
which they are a background. The flank of a spot that is cut off is steeper."""

_FEW = 16
"""Number of values in the corners below which their spread is no measure of the noise."""

_CORNER = 4
"""Part of a side, as a divisor, that belongs to a corner."""

_CLEAR = 4.0
"""Standard deviations of the noise from which smoothed values are light."""

_LEAST_SPOT = 0.02
"""Light of a part that lies apart, as a part of the brightest one's, from which it is no noise."""

_MOST_NEGATIVE = 0.1
"""Sum of the negative values, as a part of the positive ones', up to which they are taken for
noise."""

_ROUNDING = 1e-6
"""The same, up to which they come from rounding."""

_KEPT_LIGHT = 0.999
"""Part of the light that stays where a PSF is cropped."""

_OFF_CENTRE = 0.3
"""Distance of a spot from the middle pixel, in pixels, from which it is moved. A spot in the middle
of an even number of pixels is half a pixel off."""

_FAITHFUL = 0.02
"""Largest change of a PSF, as a part of its peak, when it is moved by part of a pixel and back.
Sharper ones can't be moved so."""


def mended_psf(psf: Array, sides: Sequence[int], letters: str) -> tuple[Array, list[Note]]:
    """Check a point spread function, and mend what measuring it has left.

    A clean PSF in the middle of its array is returned as it is, value by value. Otherwise the
    background is subtracted, noise around the spot is removed, an FFT's order is undone, the spot
    is moved to the middle, and what is larger than the image is cropped.

    Parameters
    ----------
    psf
        The values, bool, integer or floating point, of any scale.
    sides, letters
        Lengths and letters of the image's axes of space.

    Returns
    -------
    values
        The PSF, with one axis for each axis of space; not negative, its centre the middle pixel
        (side // 2 on each axis).
    notes
        What was changed, and what is doubtful.

    Raises
    ------
    UserError
        When it can't be a point spread function; the message says why.

    Examples
    --------
    >>> spot = np.zeros((9, 9))
    >>> spot[3:6, 4:7] = 1, 2, 1
    >>> values, notes = mended_psf(spot + 0.1, (64, 64), "YX")
    >>> for note in notes:
    ...     print(note)
    psf: a background of 0.1 is subtracted, which was 40 % of its sum
    psf: its spot is moved to the middle, by 1 pixel along X
    """
    notes: list[Note] = []
    plain = _numbers(_without_spare_axes(_grey(psf, len(sides), notes), sides, letters), notes)
    values = _in_order(_scaled(plain), letters, notes)
    mended = _without_noise(_without_background(values, plain, notes), notes)
    mended = _centred(mended, letters, notes)
    is_large = any(k > n for k, n in zip(plain.shape, sides, strict=True))
    if notes or is_large:
        mended = _cropped(mended, sides, letters)
    if is_large:
        shape = " x ".join(map(str, mended.shape))
        notes.append(_changed(f"it is larger than the image and cropped to its light, {shape}"))
    if np.count_nonzero(mended) == 1:
        notes.append(Note(NoteKind.ASSUMED, "psf", "it is a single point, so no blur is undone"))
    return mended, notes


def _changed(text: str) -> Note:
    return Note(NoteKind.CHANGED, "psf", text)


def _grey(psf: Array, count: int, notes: list[Note]) -> Array:
    """A PSF in colour, which has one axis more than the image's `count` axes, as grey values."""
    is_colour = psf.ndim == count + 1 and psf.shape[-1] in (3, 4) and min(psf.shape[:-1]) > 4
    if not is_colour or psf.dtype.kind not in "biuf":
        return psf
    notes.append(_changed("it is in colour, and the mean of its colours is taken"))
    return np.asarray(psf[..., :3].mean(axis=-1))


def _without_spare_axes(psf: Array, sides: Sequence[int], letters: str) -> Array:
    """A PSF without those axes of length 1 that the image does not have."""
    shape = psf.shape
    spare = psf.ndim - len(sides)
    for axis in [i for i, n in enumerate(shape) if n == 1][: max(spare, 0)][::-1]:
        psf = psf[(slice(None),) * axis + (0,)]
    if psf.ndim == len(sides):
        return psf
    remedy = f"give one axis for each, {letters}"
    if psf.ndim == 3 and len(sides) == 2:
        remedy = f"give the plane that is in focus, such as psf[{shape[0] // 2}]"
    elif psf.ndim == 2 and len(sides) == 3:
        remedy = "to undo the same blur in each slice, give it the shape (1, y, x)"
    raise UserError(
        f"psf: it has {psf.ndim} axes of shape {shape}, but the image has {len(sides)} of space "
        f"({letters}); {remedy}"
    )


def _numbers(psf: Array, notes: list[Note]) -> Array:
    """A PSF as real numbers.

    Raises
    ------
    UserError
        When it has other values, or none that could be light.
    """
    if psf.dtype.kind == "b":
        notes.append(
            Note(NoteKind.ASSUMED, "psf", "its values are true and false, taken for 1 and 0")
        )
        psf = psf.astype(np.uint8)
    if psf.dtype.kind == "c":
        raise UserError(
            "psf: its values are complex, as an optical transfer function's; give its inverse "
            "Fourier transform"
        )
    if psf.dtype.kind not in "iuf":
        raise UserError(f"psf: its values are {psf.dtype}; give real numbers")
    if psf.size == 0:
        raise UserError(f"psf: it is empty (shape {psf.shape})")
    missing = int(psf.size - np.isfinite(psf).sum())
    if missing:
        raise UserError(
            f"psf: {missing} of its {psf.size} values are not finite numbers; set them to 0"
        )
    if not psf.any():
        raise UserError("psf: every value is 0; give a point spread function")
    if psf.max() <= 0:
        raise UserError("psf: no value is above 0; give a point spread function")
    return psf


def _scaled(psf: Array) -> Array:
    """The values, as float64 of a magnitude near 1 if they would leave the range of float32."""
    largest = float(np.abs(psf).max())
    if 1e-30 < largest < 1e30:
        return psf
    return psf.astype(np.float64) / largest


def _corners(shape: Sequence[int], divisor: int = 1) -> NDArray[np.bool_]:
    """Where an array's corners lie, or their outermost parts: their sides by `divisor`."""
    corners = np.ones(shape, bool)
    for axis, n in enumerate(shape):
        if n > 1:
            depth = -(-min(max(2, n // _CORNER), n // 2) // divisor)
            at = np.arange(n)
            is_near = np.minimum(at, n - 1 - at) < depth
            corners &= is_near.reshape([-1 if i == axis else 1 for i in range(len(shape))])
    return corners


def _level_and_noise(values: Floats) -> tuple[float, float]:
    """The mean of values without those far from most, and the standard deviation of the rest."""
    middle = float(np.median(values))
    spread = 1.4826 * float(np.median(np.abs(values - middle)))
    if not spread:  # most are equal, as where few photons were counted
        middle, spread = float(values.mean()), float(values.std())
    usual = values[np.abs(values - middle) <= 3 * spread]
    return float(usual.mean()), float(usual.std())


def _without_background(psf: Array, plain: Array, notes: list[Note]) -> Array:
    """A PSF without the background that its corners show."""
    values = psf.astype(np.float64)
    corners, ends = _corners(psf.shape), _corners(psf.shape, 2)
    outermost, further_in = values[ends], values[corners & ~ends]
    if not further_in.size:
        return psf
    level, noise = _level_and_noise(values[corners])
    out, further = _level_and_noise(outermost)[0], _level_and_noise(further_in)[0]
    light = abs(float(values.sum()))
    uncertainty = 4 * noise * math.sqrt(1 / outermost.size + 1 / further_in.size)
    if outermost.size < _FEW:  # too few to tell noise from a flank
        uncertainty = min(uncertainty, abs(level) / 2)
    is_flat = abs(further - out) <= max(_FLAT * abs(level), uncertainty)
    chance = 4 * noise / math.sqrt(int(corners.sum()))
    counts = abs(level) > max(_LEAST_LIGHT * light / psf.size, chance)
    if not (is_flat and counts) or level > _MOST_BACKGROUND * float(values.max()):
        return psf
    scale = float(np.abs(plain.astype(np.float64)).max()) / float(np.abs(values).max())
    share = f", which was {100 * level * psf.size / light:.2g} % of its sum" if level > 0 else ""
    notes.append(_changed(f"a background of {level * scale:.3g} is subtracted{share}"))
    return values - level


def _without_noise(psf: Array, notes: list[Note]) -> Array:
    """A PSF without the noise around its spot, and without negative values.

    Raises
    ------
    UserError
        When it is not a spot with a little noise.
    """
    from scipy.ndimage import gaussian_filter

    values = psf.astype(np.float64)
    positive, negative = float(values[values > 0].sum()), -float(values[values < 0].sum())
    if negative <= _ROUNDING * positive:
        return np.maximum(psf, 0) if negative else psf
    corners = values[_corners(psf.shape)]
    noise = _level_and_noise(corners)[1] if corners.size >= _FEW else 0.0
    # The mean of the negative half of white noise, with as much again for chance.
    explained = noise * psf.size * math.sqrt(2 / math.pi)
    if negative > explained + _MOST_NEGATIVE * positive:
        share = f"{100 * negative / (negative + positive):.3g} %"
        raise UserError(
            f"psf: {share} of its light is negative, too much for noise; give a point spread "
            "function, which only gathers light"
        )
    if noise:
        # What is left of white noise when a Gaussian of one pixel smooths it.
        long = [n > 1 for n in psf.shape]
        left = noise * (4 * math.pi) ** (-sum(long) / 4)
        smooth = gaussian_filter(values, [float(is_long) for is_long in long], mode="reflect")
        values = np.where(_spots(smooth, _CLEAR * left, long), values, 0)
    if not (values > 0).any():
        raise UserError("psf: there is no spot above its noise; give a point spread function")
    notes.append(_changed("noise around its spot and negative values are set to 0"))
    return np.maximum(values, 0)


def _spots(smooth: Floats, threshold: float, long: Sequence[bool]) -> NDArray[np.bool_]:
    """Where smoothed values are light and not peaks of the noise, and one pixel around."""
    from scipy.ndimage import binary_dilation, label, sum_labels

    square = np.ones([1 + 2 * is_long for is_long in long])
    parts, count = label(smooth > threshold, square)
    lights = np.asarray(sum_labels(smooth, parts, np.arange(1, count + 1)))
    bright = 1 + np.flatnonzero(lights > _LEAST_SPOT * lights.max(initial=0))
    spots: NDArray[np.bool_] = binary_dilation(np.isin(parts, bright), square)
    return spots


def _in_order(psf: Array, letters: str, notes: list[Note]) -> Array:
    """A PSF with its spot in one piece, where the order of an FFT has it in the corners."""
    axes = [axis for axis in range(psf.ndim) if _begins_at_corner(psf, axis)]
    if not axes:
        return psf
    along = "along " + " and ".join(letters[axis] for axis in axes)
    notes.append(_changed(f"it begins with the middle of its spot, as for an FFT; shifted {along}"))
    return np.fft.fftshift(psf, axes)


def _begins_at_corner(psf: Array, axis: int) -> bool:
    """Whether a spot's middle is at the first pixel of an axis, and its other half at the end."""
    n = psf.shape[axis]
    if n < 4:
        return False
    others = tuple(i for i in range(psf.ndim) if i != axis)
    above = np.maximum(psf.astype(np.float64) - np.median(psf), 0)
    profile = above.sum(axis=others)
    here, beyond = profile[1], profile[-1]
    if not profile.any() or profile.argmax() != 0 or min(here, beyond) < 0.5 * max(here, beyond):
        return False
    return _spread(np.fft.fftshift(profile)) < 0.5 * _spread(profile)


def _spread(profile: Floats) -> float:
    """The variance of a profile's positions."""
    at = np.arange(len(profile))
    weights = profile / profile.sum()
    return float((weights * (at - (weights * at).sum()) ** 2).sum())


def _centred(psf: Array, letters: str, notes: list[Note]) -> Array:
    """A PSF with the centre of its light at the middle pixel."""
    from scipy.ndimage import center_of_mass, shift

    middle = np.array([n // 2 for n in psf.shape])
    off = np.array(center_of_mass(psf.astype(np.float64))) - middle
    if np.abs(off).max() < _OFF_CENTRE:
        return psf
    moves = np.where(np.abs(off) < _OFF_CENTRE, 0.0, -off)
    whole = np.rint(moves).astype(int)
    room = int(np.abs(whole).max()) + 1
    padded = np.pad(psf.astype(np.float64), [(room if n > 1 else 0,) * 2 for n in psf.shape])
    moved = np.roll(padded, whole, range(psf.ndim))
    part = moves - whole
    part[np.abs(part) < _OFF_CENTRE] = 0
    done = whole.astype(float)
    if part.any():
        wide = np.pad(moved, [(4 if n > 1 else 0,) * 2 for n in psf.shape])
        there = shift(wide, part, order=5, mode="constant")
        back = shift(there, -part, order=5, mode="constant")
        if np.abs(back - wide).max() <= _FAITHFUL * wide.max():
            moved, done = np.maximum(there, 0), moves
            part[:] = 0
    if done.any():
        notes.append(_changed(f"its spot is moved to the middle, by {_along(done, letters)}"))
    if part.any():
        text = "its middle lies between pixels, so the result is displaced by "
        text += f"{_along(part, letters)}; give an odd number of pixels to avoid that"
        notes.append(Note(NoteKind.ASSUMED, "psf", text))
    return moved if done.any() else psf


def _along(moves: Floats, letters: str) -> str:
    """Distances in words, such as "4 pixels along X"."""
    words = []
    for letter, move in zip(letters, np.abs(moves), strict=True):
        if move:
            words.append(f"{move:.2g} {'pixel' if move == 1 else 'pixels'} along {letter}")
    return " and ".join(words)


def _cropped(psf: Array, sides: Sequence[int], letters: str) -> Array:
    """A PSF without the pixels at its border that are dark, with the same middle.

    Raises
    ------
    UserError
        When what is bright is larger than the image.
    """
    values = psf.astype(np.float64)
    total, box = values.sum(), []
    is_larger = any(k > n for k, n in zip(psf.shape, sides, strict=True))
    # Where the PSF fits into the image, only pixels without any light go.
    spare = (1 - _KEPT_LIGHT) / psf.ndim * total if is_larger else 0.0
    for axis, n in enumerate(psf.shape):
        profile = values.sum(axis=tuple(i for i in range(psf.ndim) if i != axis))
        middle, reach = n // 2, n // 2
        while reach:
            inside = profile[max(0, middle - reach + 1) : middle + reach].sum()
            if total - inside > spare * (1 + 1e-9) + 1e-12 * total:
                break
            reach -= 1
        box.append(slice(max(0, middle - reach), min(n, middle + reach + 1)))
    cropped = np.ascontiguousarray(psf[tuple(box)])
    if any(k > n for k, n in zip(cropped.shape, sides, strict=True)):
        wide, image = (" x ".join(map(str, shape)) for shape in (cropped.shape, sides))
        raise UserError(
            f"psf: its light reaches over {wide} pixels ({letters}), more than the image's "
            f"{image}; give a larger part of the image, or crop the PSF to its bright part"
        )
    return cropped

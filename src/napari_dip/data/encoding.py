"""Conversion of the user's arrays (image, mask, guide, PSF) to a fit's tensors, and back.

The result is returned in the image's dtype, axes and value range.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_dip.data.axes import (
    CHANNELS,
    SAMPLES_WITH_ALPHA,
    SPACE_LETTERS,
    check_axes,
    guess_axes,
    with_alpha,
)
from napari_dip.data.masks import check_mask_dtype, read_mask, spread_note
from napari_dip.data.psf import mended_psf
from napari_dip.data.reading import Note
from napari_dip.data.value_range import (
    IntensityRange,
    intensity_range_of,
    value_limits,
    value_range,
)
from napari_dip.errors import UserError

if TYPE_CHECKING:
    from torch import Tensor

Array = NDArray[Any]

_LEAST_SIDE = 16
"""Least side of an image along y and x, in pixels."""

_FINE_NOISE = 3.0
"""Noise, in data values, below which rounding a denoised image to whole numbers costs more than 0.1
dB: what is left of such noise is less than two values."""

_MOST_BEYOND = 0.25
"""Distance from [0, 1] to which values outside it (hot and dead pixels) are clipped."""


@dataclass(frozen=True)
class Encoding:
    """The relation between the user's array and the tensor that is fitted.

    Attributes
    ----------
    axes, shape, dtype
        Axes, shape and dtype of the user's array.
    black, white
        The user's values that 0 and 1 stand for, (channels,).
    alpha
        Transparency of an RGBA or grey-alpha image, (*space); it is not fitted.
    limits
        Limits of the returned values: the dtype's, or [0, 1] for floats within them.
    """

    axes: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    black: NDArray[np.float64]
    white: NDArray[np.float64]
    alpha: Array | None
    limits: tuple[float, float]

    @property
    def space(self) -> str:
        """The axes that are fitted as space: YX or ZYX."""
        return _space(self.axes, self.shape)

    @property
    def span(self) -> float:
        """The user's units in one unit of the tensor (its mean over channels)."""
        return float(np.mean(self.white - self.black))

    @property
    def is_nominal(self) -> bool:
        """Whether black and white are those of an integer dtype, as a photograph's are."""
        if self.dtype.kind not in "ui":
            return False
        info = np.iinfo(self.dtype)
        return bool((self.black == info.min).all() and (self.white == info.max).all())

    def needs_fractions(self, noise: float) -> bool:
        """Whether rounding a denoised image costs more than 0.1 dB.

        It does where noise is weak in whole numbers, as in counts of few photons. A picture that
        fills the range of its dtype is for looking at, and stays as it is.

        Parameters
        ----------
        noise
            Standard deviation of the noise that was removed, in data values; 0 if it was none.
        """
        return self.dtype.kind in "ui" and not self.is_nominal and 0 < noise < _FINE_NOISE

    def with_fractions(self) -> Encoding:
        """The same with results in floating point."""
        return replace(self, dtype=np.dtype(np.float32 if self.dtype.itemsize < 4 else np.float64))

    @property
    def sides(self) -> tuple[int, ...]:
        """The lengths of the axes of space."""
        return tuple(self.shape[self.axes.index(a)] for a in self.space)

    def decode(self, x: Tensor, *, relative: bool = False) -> Array:
        """Convert a tensor (channels, *space) to an array in the user's axes, dtype and values.

        The tensor may have other sides than the user's array (super-resolution). With `relative`,
        the tensor is a difference of images, and the array is signed, float32.
        """
        values = np.moveaxis(x.detach().cpu().double().numpy(), 0, -1)
        space = values.shape[:-1]
        if relative:
            return self._lay_out((values * (self.white - self.black)).astype(np.float32))
        values = self.black + values * (self.white - self.black)
        if self.dtype.kind in "ui":
            values = np.rint(values)
        values = np.clip(values, *self.limits).astype(self.dtype)
        if self.alpha is not None:
            values = np.concatenate([values, _zoom(self.alpha, space)[..., None]], axis=-1)
        return self._lay_out(values)

    def decoded_shape(self, space: Sequence[int]) -> tuple[int, ...]:
        """The shape of the array that `decode` makes of a tensor (channels, *space)."""
        sides = dict(zip(self.space, space, strict=True))
        channels = {a: n for a, n in zip(self.axes, self.shape, strict=True) if a in CHANNELS}
        return tuple({**sides, **channels}.get(a, 1) for a in self.axes)

    def decode_mask(self, observed: Tensor) -> NDArray[np.bool_]:
        """Convert a mask (channels, *space) to an array that broadcasts with the user's."""
        values = np.moveaxis(observed.cpu().numpy(), 0, -1)
        if self.alpha is not None:
            values = np.concatenate([values, np.ones_like(values[..., :1])], axis=-1)
        return self._lay_out(values)

    def match(self, mask: Array) -> Array | None:
        """Convert an array with the image's shape, with or without channels, to (c, *space).

        c is 1 or the number of channels. The result is None if the shape is another.
        """
        channel = next((a for a in self.axes if a in CHANNELS), "")
        without = self.axes.replace(channel, "")
        sides = dict(zip(self.axes, self.shape, strict=True))
        if mask.shape == tuple(sides[a] for a in without):
            values, _ = _channels_last(mask, without)
        elif mask.shape == self.shape:
            values, _ = _channels_last(mask, self.axes)
        elif mask.shape == self.sides:
            values = mask[..., None]
        else:
            return None
        return np.moveaxis(values, -1, 0)

    def _lay_out(self, values: Array) -> Array:
        """Bring (*space, channels) into the user's order of axes."""
        channel = next((a for a in self.axes if a in CHANNELS), "")
        if not channel:
            values = values[..., 0]
        present = self.space + channel
        for name in self.axes:
            if name not in present:
                values, present = values[None], name + present
        return np.ascontiguousarray(values.transpose([present.index(a) for a in self.axes]))


def encode(
    image: Array,
    axes: str | None = None,
    intensity_range: IntensityRange | None = None,
    *,
    alpha: bool | None = None,
) -> tuple[Tensor, Tensor, Encoding]:
    """Convert an array to the form that is fitted.

    Parameters
    ----------
    image
        Integers or floats; NaN and infinity mark missing pixels.
    axes
        One letter for each axis: X, Y, Z, C (channels with ranges of their own) or S (samples of
        a colour, which share one range; of 2 or 4 the last is transparency); guessed if not given.
    intensity_range
        Range of the whole image if `image` is a tile of it; measured if not given.
    alpha
        Whether the last of 2 or 4 samples is transparency; as `axes` says if not given.

    Returns
    -------
    y
        Values, (channels, *space), float32, about [0, 1]; 0 for missing pixels.
    observed
        Known pixels, (channels, *space), bool.
    encoding
        Converts results back.

    Raises
    ------
    UserError
        When the image is too small, empty, constant, or not of real numbers.

    Examples
    --------
    >>> image = np.arange(768, dtype=np.uint16).reshape(16, 16, 3)
    >>> y, observed, encoding = encode(image)
    >>> y.shape, encoding.axes, np.array_equal(encoding.decode(y), image)
    (torch.Size([3, 16, 16]), 'YXS', True)
    """
    import torch

    image = np.asarray(image)
    if image.dtype.kind not in "uif":
        raise UserError(f"image: {image.dtype} values can't be restored; convert to real numbers")
    if image.size == 0:
        raise UserError(f"image: it is empty (shape {image.shape})")
    axes = (axes or guess_axes(image.shape, alpha)).upper()
    if alpha is not None:
        axes = with_alpha(axes, image.shape, alpha)
    check_axes(axes, image.shape)
    sides = dict(zip(axes, image.shape, strict=True))
    if min(sides["Y"], sides["X"]) < _LEAST_SIDE:
        raise UserError(
            f"image: {sides['X']} x {sides['Y']} pixels is too small; "
            f"at least {_LEAST_SIDE} a side are needed"
        )
    values, transparency = _channels_last(image, axes)
    dtype = values.dtype
    values = values.astype(np.float64)
    finite = np.isfinite(values)
    if not finite.any():
        raise UserError("image: it has no finite pixel")
    if intensity_range is None:
        intensity_range = intensity_range_of(values, finite, shared=_share_a_range(axes))
        if intensity_range.lowest == intensity_range.highest:
            value = intensity_range.lowest[0]
            raise UserError(f"image: every pixel is {value:g}; there is nothing to restore")
    black, white = value_range(intensity_range, dtype, values.shape[-1])
    limits = value_limits(dtype, intensity_range)
    encoding = Encoding(axes, image.shape, dtype, black, white, transparency, limits)
    scaled = np.clip((values - black) / (white - black), -_MOST_BEYOND, 1 + _MOST_BEYOND)
    scaled[~finite] = 0
    y = torch.from_numpy(np.moveaxis(scaled, -1, 0).astype(np.float32))
    observed = torch.from_numpy(np.ascontiguousarray(np.moveaxis(finite, -1, 0)))
    return y, observed, encoding


def measure_intensity_range(image: Array, axes: str) -> IntensityRange | None:
    """The intensity range of an image or a tile; None if it has no finite pixel."""
    values = _channels_last(image, axes)[0].astype(np.float64)
    finite = np.isfinite(values)
    return intensity_range_of(values, finite, shared=_share_a_range(axes)) if finite.any() else None


def _share_a_range(axes: str) -> bool:
    return "S" in axes or "C" not in axes


def _space(axes: str, shape: Sequence[int]) -> str:
    """The axes that are fitted as space: YX, or ZYX if there is more than one slice."""
    sides = dict(zip(axes, shape, strict=True))
    return "".join(a for a in SPACE_LETTERS if a in "YX" or sides.get(a, 1) > 1)


def _channels_last(image: Array, axes: str) -> tuple[Array, Array | None]:
    """The image as (*space, channels), and its transparency (*space), if it has any."""
    space = list(_space(axes, image.shape))
    channel = [a for a in axes if a in CHANNELS]
    rest = [a for a in axes if a not in space + channel]
    order = [axes.index(a) for a in rest + space + channel]
    values = image.transpose(order)[(0,) * len(rest)]
    if not channel:
        return values[..., None], None
    if channel == ["S"] and values.shape[-1] in SAMPLES_WITH_ALPHA:
        return values[..., :-1], values[..., -1]
    return values, None


def _zoom(alpha: Array, space: Sequence[int]) -> Array:
    """The transparency at other sides."""
    if alpha.shape == tuple(space):
        return alpha
    from skimage.transform import resize

    zoomed = resize(alpha, tuple(space), order=1, preserve_range=True)
    values: Array = np.rint(zoomed) if alpha.dtype.kind in "ui" else zoomed
    return values.astype(alpha.dtype)


def mask_tensor(mask: Array, encoding: Encoding) -> tuple[Tensor, list[Note]]:
    """Convert a mask to missing pixels, (1 or channels, *space), bool, and say what was assumed.

    Raises
    ------
    UserError
        When its values can't mark pixels, or its shape is not the image's.
    """
    import torch

    check_mask_dtype(mask.dtype)
    notes: list[Note] = []
    marked = encoding.match(mask)
    if marked is None:
        marked, notes = _mask_of_another_shape(mask, encoding)
    if marked.dtype != bool:
        marked, found = read_mask(marked, f"C{encoding.space}")
        notes = [*notes, *found]
    return torch.from_numpy(np.ascontiguousarray(marked)), notes


def _mask_of_another_shape(mask: Array, encoding: Encoding) -> tuple[Array, list[Note]]:
    """A mask (1, *space) from one in colour, with pages of its own, or of one plane of a stack."""
    pages = mask.reshape([n for n in mask.shape if n > 1])
    if (matched := encoding.match(pages)) is not None:
        return matched, []
    if pages.ndim > 2 and pages.shape[:-1] == encoding.sides and pages.shape[-1] in (2, 3, 4):
        marked, notes = read_mask(pages, f"{encoding.space}S")
        return marked[None], notes
    if pages.shape == encoding.sides[1:]:
        return np.broadcast_to(pages, (1, *encoding.sides)), [spread_note(encoding.space[0])]
    remedy = "make it as large as the image"
    if pages.shape[::-1] == encoding.sides:
        remedy = "its rows are columns; transpose it"
    raise UserError(f"mask: its shape {mask.shape} is not the image's {encoding.shape}; {remedy}")


def guide_tensor(
    guide: Array,
    encoding: Encoding,
    axes: str | None = None,
    intensity_range: IntensityRange | None = None,
) -> Tensor:
    """Convert a guide to (1, channels, *space); the parameters are those of `encode`."""
    try:
        if axes is None and guide.shape == encoding.shape:
            axes = encoding.axes
        y, _, _ = encode(guide, axes, intensity_range)
    except UserError as error:
        raise UserError(str(error).replace("image:", "guide:", 1)) from error
    if tuple(y.shape[1:]) != encoding.sides:
        raise UserError(
            f"guide: its shape {guide.shape} does not match the image's {encoding.shape}; "
            "align and crop the two images to one size"
        )
    return y[None]


def psf_tensor(psf: Array, encoding: Encoding, space: tuple[int, ...]) -> tuple[Tensor, list[Note]]:
    """Convert a point spread function to (*sides), float32, and say what was changed.

    Raises
    ------
    UserError
        When it can't be one.
    """
    import torch

    values, notes = mended_psf(psf, space, encoding.space)
    return torch.from_numpy(values.astype(np.float32)), notes

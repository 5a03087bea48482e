"""Preprocessing of a classifier's images: their size, and the normalisation of their values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from napari_dip.errors import UserError

if TYPE_CHECKING:
    from torch import Tensor


_MEAN, _STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Mean and standard deviation of ImageNet, used by nearly every RGB classifier."""

_LUMINANCE = (0.2126, 0.7152, 0.0722)
"""Weights of red, green and blue in the luminance (ITU-R BT.709)."""


@dataclass(frozen=True)
class Placement:
    """The place of a prepared image in the image that it was made from.

    Attributes
    ----------
    scale
        Size of a pixel along y and x, in pixels of the source.
    offset
        The centre of the first pixel along y and x, in pixels of the source (whose first pixel has
        its centre at 0).
    """

    scale: tuple[float, float]
    offset: tuple[float, float]


@dataclass(frozen=True)
class Preprocessing:
    """The size and normalisation of a classifier's input.

    Attributes
    ----------
    size
        Sides of the classifier's input in pixels (y and x, or one number for both).
    mean, std
        Mean and standard deviation of each channel of an image in [0, 1]; the input is
        (image - mean) / std. They have an entry for each channel.
    margin
        Size of the resized image, relative to `size`, before its middle is cropped: 256 / 224 for
        most of torchvision's classifiers.

    Examples
    --------
    >>> import numpy as np
    >>> preprocessing = Preprocessing(24, mean=(0.5,), std=(0.5,))
    >>> preprocessing.prepare(np.eye(60)[:40]).shape
    torch.Size([1, 1, 24, 24])
    """

    size: int | tuple[int, int] = 224
    mean: tuple[float, ...] = _MEAN
    std: tuple[float, ...] = _STD
    margin: float = 1.0

    def __post_init__(self) -> None:
        try:
            sides = (self.size,) * 2 if isinstance(self.size, int) else tuple(self.size)
            object.__setattr__(self, "size", (int(sides[0]), int(sides[1])))
            for name in ("mean", "std"):
                values = getattr(self, name)
                values = (values,) if isinstance(values, (int, float)) else values
                object.__setattr__(self, name, tuple(float(v) for v in values))
        except (TypeError, ValueError, IndexError):
            raise UserError(f"preprocessing: {self} can't be used; see Preprocessing") from None
        if min(self.sides) < 1 or len(sides) != 2:
            raise UserError(f"size: {self.size} must be one number or two, each at least 1")
        if len(self.mean) != len(self.std) or not self.mean:
            raise UserError(
                f"mean: {len(self.mean)} entries, but std has {len(self.std)}; "
                "give both one entry for each channel"
            )
        if min(self.std) <= 0 or not self.margin >= 1:
            raise UserError("preprocessing: std must be above 0, and margin at least 1")

    @classmethod
    def of(cls, given: Any) -> Self:
        """Make a preprocessing from what a user's function returned.

        Parameters
        ----------
        given
            A `Preprocessing`, a mapping with some of its fields, or one of torchvision's presets
            (`weights.transforms()`).

        Raises
        ------
        UserError
            When it is none of these.
        """
        if isinstance(given, cls):
            return given
        if isinstance(given, Mapping):
            known = {f.name for f in fields(cls)}
            if unknown := set(given) - known:
                raise UserError(
                    f"preprocessing: {', '.join(map(str, sorted(unknown)))} is none of "
                    f"{', '.join(sorted(known))}"
                )
            return cls(**given)
        if all(hasattr(given, name) for name in ("crop_size", "resize_size", "mean", "std")):
            crop, resize = given.crop_size[-1], given.resize_size[-1]
            return cls(crop, tuple(given.mean), tuple(given.std), max(resize / crop, 1.0))
        raise UserError(
            f"preprocessing: {type(given).__name__} is none; give Preprocessing(size, mean, std), "
            "a dict of those, or torchvision's weights.transforms()"
        )

    @property
    def sides(self) -> tuple[int, int]:
        """The input's sides, y and x."""
        assert isinstance(self.size, tuple)  # see __post_init__
        return self.size

    @property
    def channels(self) -> int:
        """The input's channels."""
        return len(self.mean)

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """The shape of the input for one image."""
        return (1, self.channels, *self.sides)

    def normalise(self, x: Tensor) -> Tensor:
        """The classifier's input for images (N, channels, y, x) in [0, 1]."""
        column = (1, -1, 1, 1)
        mean, std = x.new_tensor(self.mean).view(column), x.new_tensor(self.std).view(column)
        return (x - mean) / std

    def placement(self, space: tuple[int, int]) -> Placement:
        """The place of the classifier's input in an image with the sides `space`."""
        resized, start = self._frame(space)
        scale = [n / new for n, new in zip(space, resized, strict=True)]
        offset = [(first + 0.5) * s - 0.5 for first, s in zip(start, scale, strict=True)]
        return Placement((scale[0], scale[1]), (offset[0], offset[1]))

    def prepare(self, image: NDArray[Any], axes: str | None = None) -> Tensor:
        """Bring an image of any size and dtype to the classifier's size, in [0, 1].

        Parameters
        ----------
        image
            A grey or colour image; pixels that are not finite are filled in.
        axes
            Y, X and C or S, one letter for each axis; guessed if not given.

        Returns
        -------
        Tensor
            (1, channels, *sides), float32.

        Raises
        ------
        UserError
            When it is a stack, or has other channels than the classifier takes.
        """
        import torch.nn.functional as F

        from napari_dip.data.encoding import encode
        from napari_dip.tasks.measurement import fill_missing

        y, observed, encoding = encode(image, axes)
        if len(encoding.space) > 2:
            raise UserError("image: a classifier takes one plane; give one slice of the stack")
        x = self._match_channels(fill_missing(y[None], observed[None]).clamp(0, 1))
        resized, start = self._frame((x.shape[2], x.shape[3]))
        x = F.interpolate(x, size=resized, mode="bilinear", antialias=True)
        for axis, (first, side) in enumerate(zip(start, self.sides, strict=True), start=2):
            x = x.narrow(axis, first, side)
        return x.contiguous()

    def picture(self, x: Tensor) -> NDArray[np.float32]:
        """An image (channels, y, x) in [0, 1] as an array: (y, x, 3), (y, x), or as it is."""
        values: NDArray[np.float32] = x.detach().cpu().clamp(0, 1).float().numpy()
        if self.channels == 3:
            return np.ascontiguousarray(np.moveaxis(values, 0, -1))
        return np.squeeze(values, 0) if self.channels == 1 else values

    def _frame(self, space: tuple[int, int]) -> tuple[list[int], list[int]]:
        """The sides to which an image is resized, and the first pixels of its cropped middle."""
        zoom = max(self.margin * side / n for side, n in zip(self.sides, space, strict=True))
        resized = [max(side, round(zoom * n)) for side, n in zip(self.sides, space, strict=True)]
        return resized, [(new - side) // 2 for side, new in zip(self.sides, resized, strict=True)]

    def _match_channels(self, x: Tensor) -> Tensor:
        import torch

        given = x.shape[1]
        if given == self.channels:
            return x
        if given == 1:
            return x.expand(-1, self.channels, -1, -1)
        if given == 3 and self.channels == 1:
            return torch.einsum("nchw,c->nhw", x, x.new_tensor(_LUMINANCE))[:, None]
        raise UserError(
            f"image: it has {given} channels, and the classifier takes {self.channels}; "
            "give a grey image, or one with as many"
        )

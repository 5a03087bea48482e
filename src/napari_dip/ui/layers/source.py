"""From layers to arrays, and back to layers that lie where they belong.

A `LayerSource` is made when a run begins. It holds no layer, so later changes of the layer do not
matter. Its pixels are read later, on the run's thread.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.utils.transforms import Affine
from numpy.typing import NDArray

from napari_dip.data.axes import Axes
from napari_dip.data.reading import ReadingRecord
from napari_dip.errors import UserError
from napari_dip.ui.layers.crop import Crop
from napari_dip.ui.layers.kwargs import UNKNOWN, appearance_of, transform_kwargs, unit_factors
from napari_dip.ui.layers.provenance import readings_of

if TYPE_CHECKING:
    from napari.components import Dims
    from napari.layers import Image, Labels, Layer


_AXIS_LETTERS = {"t": "T", "time": "T", "z": "Z", "c": "C", "channel": "C"}
"""The letter of an axis by its label, in lower case."""

_UNNAMED_AXES = "ZTC"
"""The letters of axes without such a label, from the last axis to the first."""

_OTHER_AXES = "TPQRUVW"
"""Letters for axes that are neither space nor colour, where the slice on display is taken."""


@dataclass(frozen=True)
class LayerSource:
    """A box of an Image layer that is to be restored.

    Attributes
    ----------
    name
        The layer's name.
    data
        The layer's array at its finest level, not read yet.
    shape
        The shape of that array, without the samples of a colour.
    start, stop
        The box in pixels, along each axis of `shape`.
    space
        The two or three axes that are fitted. Along the others the box is one pixel wide, or they
        are loop axes.
    rgb
        Whether a last axis holds the samples of a colour.
    transform
        From the layer's pixels to its physical coordinates, before `affine`.
    world, appearance
        Keywords of a layer in the same coordinates (affine, units, axis labels), and of one that
        looks the same.
    readings
        The reading records of the files that the layer comes from, if they are known.
    """

    name: str
    data: Any = field(repr=False)
    shape: tuple[int, ...]
    start: tuple[int, ...]
    stop: tuple[int, ...]
    space: tuple[int, ...]
    rgb: bool
    transform: Affine = field(repr=False)
    world: dict[str, Any] = field(repr=False)
    appearance: dict[str, Any] = field(repr=False)
    readings: tuple[ReadingRecord, ...] = ()

    @property
    def axes(self) -> str:
        """A letter for each axis of the array, as `restore` takes them."""
        others = iter(_OTHER_AXES)
        names = dict(zip(self.space, "ZYX"[-len(self.space) :], strict=True))
        axes = "".join(names.get(axis) or next(others) for axis in range(len(self.shape)))
        return axes + "S" * self.rgb

    @property
    def sides(self) -> tuple[int, ...]:
        """The lengths of the axes of space."""
        return tuple(self.stop[axis] - self.start[axis] for axis in self.space)

    @property
    def crop(self) -> Crop:
        """The pixels in the box."""
        slices = (slice(a, b) for a, b in zip(self.start, self.stop, strict=True))
        return Crop(self.data, tuple(slices))

    @property
    def origin(self) -> dict[str, Any]:
        """The layer and its box, as JSON values for the metadata of what is made from it."""
        return {
            "layer": self.name,
            "start": list(self.start),
            "stop": list(self.stop),
            "axes": self.axes,
        }

    def one_frame(self, start: Sequence[int], loop_axes: Sequence[int]) -> LayerSource:
        """The part of the source at one place of its loop axes."""
        first, last = list(self.start), list(self.stop)
        for axis in loop_axes:
            first[axis] = self.start[axis] + start[axis]
            last[axis] = first[axis] + 1
        return replace(self, start=tuple(first), stop=tuple(last))

    def calibrated_axes(self, letters: str) -> Axes:
        """The axes with these letters, their scale, origin and units; a file has no rotation."""
        place, samples = self.layer_kwargs(), len(letters) - len(self.shape)
        units = ("" if str(unit) == UNKNOWN else str(unit) for unit in self.world["units"])
        return Axes(
            letters,
            (*map(float, place["scale"]), *(1.0,) * samples),
            (*units, *("",) * samples),
            (*map(float, place["translate"]), *(0.0,) * samples),
        )

    def layer_kwargs(self, factors: Sequence[int] | int = 1) -> dict[str, Any]:
        """Keywords of a layer that puts a restored array exactly over its source.

        Parameters
        ----------
        factors
            How many times finer the array is than the source along the axes of space. Pixel
            centres are at whole numbers, so a finer grid begins (1 - 1/factor)/2 pixels earlier.
        """
        finer = np.ones(len(self.shape))
        finer[list(self.space)] = factors
        origin = np.asarray(self.start) + (1 / finer - 1) / 2
        return {
            **transform_kwargs(self.transform),
            "scale": self.transform.scale / finer,
            "translate": self.transform(origin),
            "rgb": self.rgb,
            **self.world,
            **self.appearance,
        }


def source_from_layer(
    layer: Image, dims: Dims, *, volume: bool = False, loop: bool = False
) -> LayerSource:
    """What a layer shows, as a source.

    Parameters
    ----------
    layer, dims
        The layer, and the viewer's sliders.
    volume
        Take the volume that contains the slice on display, instead of the slice.
    loop
        Take all slices or volumes; the other axes are loop axes.

    Raises
    ------
    UserError
        When the layer has no such slice or volume.
    """
    data = finest_level(layer)
    shape = tuple(int(n) for n in data.shape[: layer.ndim])
    space = space_of(layer, dims, volume=volume)
    position = slice_position(layer, dims)
    start, stop = [0] * layer.ndim, list(shape)
    for axis in set(range(layer.ndim)) - set(space) if not loop else ():
        start[axis] = int(np.clip(position[axis], 0, shape[axis] - 1))
        stop[axis] = start[axis] + 1
    return LayerSource(
        name=layer.name,
        data=data,
        shape=shape,
        start=tuple(start),
        stop=tuple(stop),
        space=space,
        rgb=bool(layer.rgb),
        transform=Affine(
            scale=layer.scale, translate=layer.translate, rotate=layer.rotate, shear=layer.shear
        ),
        world={
            "affine": np.array(layer.affine.affine_matrix),
            "units": tuple(layer.units),
            "axis_labels": tuple(layer.axis_labels),
        },
        appearance=appearance_of(layer),
        readings=readings_of(layer),
    )


def cropped(source: LayerSource, start: Sequence[int], stop: Sequence[int]) -> LayerSource:
    """The part of a source in a box that is given for its axes of space.

    Raises
    ------
    UserError
        When the box and the image have nothing in common.
    """
    first, last = list(source.start), list(source.stop)
    for axis, a, b in zip(source.space, start, stop, strict=True):
        first[axis], last[axis] = max(first[axis], int(a)), min(last[axis], int(b))
        if last[axis] <= first[axis]:
            raise UserError(f"region: it lies outside of {source.name!r}; move it over the image")
    return replace(source, start=tuple(first), stop=tuple(last))


def input_from_layer(
    layer: Image | Labels,
    source: LayerSource,
    role: str,
    factors: Sequence[int] | int = 1,
    *,
    flat: bool = False,
) -> Crop:
    """The box of a guide, a reference or a mask that belongs to a source.

    Parameters
    ----------
    layer
        A layer of the image's shape, or of the shape of its last axes.
    source
        What is restored.
    role
        What the layer is used as, for the message.
    factors
        How many times larger the layer has to be along the axes of space.
    flat
        Leave out the axes that are not space.

    Raises
    ------
    UserError
        When the layer has another shape.
    """
    data = finest_level(layer)
    shape = tuple(int(n) for n in data.shape[: layer.ndim])
    grow = np.ones(len(source.shape), int)
    grow[list(source.space)] = factors
    expected = tuple(int(n * f) for n, f in zip(source.shape, grow, strict=True))
    missing = len(expected) - len(shape)
    if missing < 0 or shape != expected[missing:] or min(source.space) < missing:
        raise UserError(
            f"{role}: {layer.name!r} has the shape {shape}, but {expected} is needed for "
            f"{source.name!r}; choose a layer of that shape"
        )
    box: list[slice | int] = [
        slice(a * f, b * f) for a, b, f in zip(source.start, source.stop, grow, strict=True)
    ]
    if flat:
        box = [b if i in source.space else source.start[i] for i, b in enumerate(box)]
    return Crop(data, tuple(box[missing:]))


def finest_level(layer: Layer) -> Any:
    """A layer's array, not read yet; of a pyramid its finest level."""
    return layer.data[0] if getattr(layer, "multiscale", False) else layer.data


def axis_letters(name: str, labels: Sequence[str], space: Sequence[int], *, rgb: bool) -> str:
    """A letter for each axis of a layer's array.

    Parameters
    ----------
    name
        The layer's name, for the message.
    labels
        The labels of its axes.
    space
        The axes that are fitted or shown as space.
    rgb
        Whether one more axis holds the samples of a colour.

    Raises
    ------
    UserError
        When the layer has more axes than there are letters.
    """
    letters = dict(zip(space, "ZYX"[-len(space) :], strict=True))
    known = [_letter_of(str(label).lower()) for label in labels]
    if len(space) == 3 and known[space[0]] == "T":
        letters[space[0]] = "T"  # a short movie: time is the third dimension
    others = [axis for axis in range(len(labels)) if axis not in space]
    for axis in others:
        if known[axis] and known[axis] not in letters.values():
            letters[axis] = known[axis]
    free = [a for a in _UNNAMED_AXES if a not in letters.values()]
    for axis in reversed(others):
        if axis not in letters:
            if not free:
                raise UserError(
                    f"image: expected at most {len(_UNNAMED_AXES)} axes besides space, got "
                    f"{len(others)} in {name!r}; take a part of it"
                )
            letters[axis] = free.pop(0)
    return "".join(letters[axis] for axis in range(len(labels))) + "S" * rgb


def _letter_of(label: str) -> str:
    """The letter of an axis by its label in lower case; empty if that says nothing."""
    is_letter = len(label) == 1 and "a" <= label <= "z" and label not in "yxsiq"
    return _AXIS_LETTERS.get(label, label.upper() if is_letter else "")


def space_of(layer: Image, dims: Dims, *, volume: bool) -> tuple[int, ...]:
    """The layer's axes that are on display (2), or that make its volume (3), in their order."""
    wanted = 3 if volume else 2
    offset = dims.ndim - layer.ndim
    axes = tuple(sorted(int(axis) - offset for axis in dims.order[-wanted:]))
    if layer.ndim < wanted or min(axes) < 0:
        kind = "volume" if volume else "slice on display"
        raise UserError(f"image: {layer.name!r} has no {kind}; choose another layer or view")
    return axes


def slice_position(layer: Layer, dims: Dims) -> NDArray[np.int64]:
    """The pixel of a layer at the position of the viewer's sliders."""
    point = np.asarray(dims.point[-layer.ndim :], float)
    point = point * unit_factors(dims.units, layer.units)
    return np.rint(layer.world_to_data(point)).astype(np.int64)


def plane_kwargs(
    source: LayerSource, start: Sequence[float], scale: Sequence[float], *, rgb: bool
) -> dict[str, Any]:
    """Keywords of a layer of a plane that lies over a source at another resolution.

    Parameters
    ----------
    source
        What the plane lies over; the plane has its axes of space.
    start
        The centre of the plane's first pixel, in pixels of the source's layer.
    scale
        Side of the plane's pixels, in pixels of the source.
    rgb
        Whether the plane is in colour.
    """
    axes = list(source.space)
    transform = source.transform.set_slice(axes)
    frame = Affine(affine_matrix=source.world["affine"]).set_slice(axes)
    return {
        **transform_kwargs(transform),
        "scale": transform.scale * np.asarray(scale),
        "translate": transform(np.asarray(start, float)),
        "affine": frame.affine_matrix,
        "units": tuple(source.world["units"][axis] for axis in axes),
        "axis_labels": tuple(source.world["axis_labels"][axis] for axis in axes),
        "rgb": rgb,
    }

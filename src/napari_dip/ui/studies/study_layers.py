"""The layers that show a study's pictures: one stack with named slices, or a layer for each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_dip.studies.study import StudyPicture
from napari_dip.ui.layers.kwargs import displayable, stack_kwargs
from napari_dip.ui.layers.provenance import KEY
from napari_dip.ui.run.preview import Preview
from napari_dip.ui.studies.slice_names import SLICES, slice_names

if TYPE_CHECKING:
    from napari import Viewer
    from napari.layers import Image


class StudyLayers:
    """A study's layers, made when there is something to show.

    Parameters
    ----------
    viewer
        The viewer that gets the layers.
    name
        Name of the stack, or the end of each layer's name.
    kwargs
        Keywords of a layer of one picture, such as those of `LayerSource.layer_kwargs`.
    axis
        Label of the stack's axis: what the pictures differ in.
    side_by_side
        Whether each picture is a layer of its own in napari's grid, instead of a slice of a stack.
    source_layer
        The layer that the pictures lie over, if any.
    """

    def __init__(
        self,
        viewer: Viewer,
        name: str,
        kwargs: dict[str, Any],
        *,
        axis: str,
        side_by_side: bool = False,
        source_layer: Image | None = None,
    ) -> None:
        self._viewer, self._name, self._kwargs, self._axis = viewer, name, kwargs, axis
        self._side_by_side, self._source_layer = side_by_side, source_layer
        self._previews: dict[str, Preview] = {}
        self._shown: tuple[NDArray[Any], ...] = ()
        self._had_grid = viewer.canvas.grid.enabled
        self._names = slice_names(viewer)

    def show(
        self, pictures: tuple[StudyPicture, ...], metadata: dict[str, Any], *, is_last: bool = False
    ) -> None:
        """Show the pictures as they are now; a deleted layer comes back with the last ones."""
        if self._side_by_side:
            for picture in pictures:
                self._show_one(picture, metadata, is_last)
        else:
            self._show_stack(pictures, metadata, is_last)

    def label(self, **entries: Any) -> None:
        """Change entries of the layers' metadata."""
        for layer in self._layers():
            layer.metadata = {KEY: {**layer.metadata.get(KEY, {}), **entries}}

    def discard(self) -> None:
        """Remove the layers, and the grid if there was none before."""
        for preview in self._previews.values():
            preview.discard()
        self._viewer.canvas.grid.enabled = self._had_grid

    def _layers(self) -> list[Image]:
        return [p.layer for p in self._previews.values() if p.layer is not None]

    def _show_one(self, picture: StudyPicture, metadata: dict[str, Any], is_last: bool) -> None:
        made = {KEY: {**metadata[KEY], "picture": picture.name, **picture.scores}}
        if picture.name not in self._previews:
            # A cell of the grid only has room for the beginning of a name.
            name = f"{picture.name} · {self._name}"
            below = next(iter(reversed(self._layers())), self._source_layer)
            preview = Preview(self._viewer.layers, below, name, self._kwargs)
            self._previews[picture.name] = preview
            preview.show(displayable(picture.image), made)
            assert preview.layer is not None  # it has just been shown
            preview.layer.name_overlay.visible = True
            grid = self._viewer.canvas.grid
            grid.stride, grid.shape, grid.enabled = 1, (-1, -1), True
            self._bring_into_view()
        preview = self._previews[picture.name]
        (preview.finish if is_last else preview.show)(displayable(picture.image), made)
        if is_last and preview.layer is not None and preview.layer.name == preview.name:
            preview.layer.name = f"{picture.caption} · {self._name}"

    def _show_stack(
        self, pictures: tuple[StudyPicture, ...], metadata: dict[str, Any], is_last: bool
    ) -> None:
        made = {KEY: {**metadata[KEY], SLICES: [picture.caption for picture in pictures]}}
        if self._name not in self._previews:
            kwargs = stack_kwargs(self._kwargs, self._axis)
            preview = Preview(self._viewer.layers, self._source_layer, self._name, kwargs)
            self._previews[self._name] = preview
        preview = self._previews[self._name]
        images = tuple(picture.image for picture in pictures)
        data = None if preview.layer is None else preview.layer.data
        is_new = len(images) != len(self._shown) or any(
            a is not b for a, b in zip(images, self._shown, strict=True)
        )
        follows = not preview.is_deleted and (
            preview.layer is None or self._is_at_the_end(preview.layer)
        )
        if is_new or data is None:
            data = displayable(np.stack(images))
        (preview.finish if is_last else preview.show)(data, made)
        assert preview.layer is not None  # it has just been shown
        if follows and len(images) != len(self._shown):
            self._go_to(preview.layer, len(images) - 1)
        if not self._shown:
            self._bring_into_view()
        self._shown = images
        self._names.follow(preview.layer)

    def _bring_into_view(self) -> None:
        """Reset the view for layers that lie over no other, or for a new grid."""
        if self._source_layer is None or (self._side_by_side and not self._had_grid):
            self._viewer.reset_view()

    def _axis_of(self, layer: Image) -> int:
        """Return the viewer's axis along which a stack's pictures lie."""
        return int(self._viewer.dims.ndim - layer.ndim)

    def _is_at_the_end(self, layer: Image) -> bool:
        """Return whether the newest picture is on display; then the slider follows the next."""
        return bool(self._viewer.dims.point[self._axis_of(layer)] >= len(layer.data) - 1)

    def _go_to(self, layer: Image, index: int) -> None:
        self._viewer.dims.set_point(self._axis_of(layer), index)

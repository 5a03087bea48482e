"""The layer in which a run shows its image, from the first preview to the result."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Image
from numpy.typing import NDArray

if TYPE_CHECKING:
    from napari.components import LayerList


DIFFERENCES = ("detail", "uncertainty")
"""Images of a result that are no pictures, but differences between some."""


class Preview:
    """A layer over a run's source, made when there is something to show.

    It is held as an object: names change, and another layer may have this one's. People may
    delete it while the run goes on.

    Parameters
    ----------
    layers
        The viewer's.
    source_layer
        What it lies over, if anything.
    name, kwargs
        The layer's name, and its keywords: `LayerSource.layer_kwargs` puts it over its source.
    """

    def __init__(
        self, layers: LayerList, source_layer: Image | None, name: str, kwargs: dict[str, Any]
    ) -> None:
        self.layer: Image | None = None
        self.name, self.kwargs = name, kwargs
        self._layers, self._source_layer = layers, source_layer

    @property
    def is_deleted(self) -> bool:
        return self.layer is not None and self.layer not in self._layers

    def show(self, image: Any, metadata: dict[str, Any]) -> None:
        """Show an image; a layer that was deleted does not come back before the end."""
        if self.layer is None:
            self.layer = self.add(image, metadata)
            return
        if self.layer.data is not image:
            # Assigned, never written in place; its limits are the source's and stay.
            self.layer.data = image
        self.layer.metadata = metadata

    def refresh(self, metadata: dict[str, Any]) -> None:
        """Show what has become of an array that grows."""
        if self.layer is None or self.is_deleted:
            return
        self.layer.refresh()
        # Others that look at the layer are told, as when an array is assigned; assigning this one
        # again would show its coarsest level first.
        self.layer.events.data(value=self.layer.data)
        self.layer.metadata = metadata

    def finish(self, image: Any, metadata: dict[str, Any]) -> None:
        """Show the result, in a new layer if the preview was deleted."""
        if self.is_deleted:
            self.layer = None
        self.show(image, metadata)

    def add_further(self, name: str, image: NDArray[Any], metadata: dict[str, Any]) -> Image:
        """A further image of the result in the same place, hidden: its detail, its uncertainty.

        One whose values are not the source's, but differences of them, is shown in grey with
        limits of its own.
        """
        looks: dict[str, Any] = {}
        if name in DIFFERENCES:
            if self.kwargs["rgb"]:
                image = image[..., :3].mean(axis=-1)
            low, high = float(np.nanmin(image)), float(np.nanmax(image))
            looks = {"rgb": False, "colormap": "gray", "gamma": 1.0}
            looks["contrast_limits"] = (low, high if high > low else low + 1)
        return self.add(image, metadata, name=f"{self.name} {name}", visible=False, **looks)

    def discard(self) -> None:
        """Remove the layer."""
        if self.layer is not None and not self.is_deleted:
            self._layers.remove(self.layer)
        self.layer = None

    def add(self, image: Any, metadata: dict[str, Any], **changes: Any) -> Image:
        """A further layer in the same place; with a name that no other layer has."""
        kwargs = {"name": self.name, **self.kwargs, **changes}
        layer = Image(image, metadata=metadata, **kwargs)
        below = [x for x in (self.layer, self._source_layer) if x in self._layers]
        if below:
            self._layers.insert(self._layers.index(below[0]) + 1, layer)
        else:
            self._layers.append(layer)
        return layer

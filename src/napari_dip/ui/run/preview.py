"""The layer in which a run shows its image, from the first preview to the result."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from weakref import ReferenceType, WeakKeyDictionary, ref

import numpy as np
from napari.layers import Image
from numpy.typing import NDArray

if TYPE_CHECKING:
    from napari.components import LayerList


_DIFFERENCES = ("detail", "uncertainty")
"""Images of a result whose values are differences between images."""


_sources: WeakKeyDictionary[Image, ReferenceType[Image]] = WeakKeyDictionary()
"""The source of each preview and result of this session, whatever they are named now."""


class Preview:
    """A layer over a run's source, made when there is something to show.

    The layer is held as an object: names change, and another layer may have the same name. People
    may delete it during the run. It lies over earlier results of the same source, which are hidden
    until the run is cancelled.

    Parameters
    ----------
    layers
        The viewer's layers.
    source_layer
        The layer that it lies over, if any.
    name, kwargs
        The layer's name and its keywords: `LayerSource.layer_kwargs` puts it over its source.
    """

    def __init__(
        self, layers: LayerList, source_layer: Image | None, name: str, kwargs: dict[str, Any]
    ) -> None:
        self.layer: Image | None = None
        self.name, self.kwargs = name, kwargs
        self._layers, self._source_layer = layers, source_layer
        self._data: Any = None
        self._hidden: list[Image] = []

    @property
    def is_deleted(self) -> bool:
        """Whether the layer was made and then deleted."""
        return self.layer is not None and self.layer not in self._layers

    def show(self, data: Any, metadata: dict[str, Any], *, grows: bool = False) -> None:
        """Show an image or a pyramid's levels; a deleted layer does not come back before the end.

        Parameters
        ----------
        data
            The layer's data. Other data than at the last call replace it.
        metadata
            The layer's metadata.
        grows
            The data may have changed in place: draw them again.
        """
        if self.layer is None:
            earlier = self._earlier_results()
            self._hidden += [layer for layer in earlier if layer.visible]
            for layer in earlier:
                layer.visible = False
            self.layer = self.add(data, metadata)
            if self._source_layer is not None:
                _sources[self.layer] = ref(self._source_layer)
        elif self.is_deleted:
            return
        elif data is not self._data:
            # Assigned, never written in place; the contrast limits are the source's and stay.
            self.layer.data = data
        elif grows:
            self.layer.refresh()
            # Listeners are told, as when an array is assigned. Assigning a pyramid once more would
            # show its coarsest level first.
            self.layer.events.data(value=self.layer.data)
        self._data, self.layer.metadata = data, metadata

    def finish(self, data: Any, metadata: dict[str, Any]) -> None:
        """Show the result, in a new layer if the preview was deleted."""
        if self.is_deleted:
            self.layer = None
        self.show(data, metadata, grows=True)

    def add_further(self, name: str, image: NDArray[Any], metadata: dict[str, Any]) -> Image:
        """Add a further image of the result in the same place, hidden: its detail, for example.

        An image of differences between values is shown in grey with contrast limits of its own.
        """
        appearance: dict[str, Any] = {}
        if name in _DIFFERENCES:
            if self.kwargs["rgb"]:
                image = image[..., :3].mean(axis=-1)
            low, high = float(np.nanmin(image)), float(np.nanmax(image))
            appearance = {"rgb": False, "colormap": "gray", "gamma": 1.0}
            appearance["contrast_limits"] = (low, high if high > low else low + 1)
        return self.add(image, metadata, name=f"{self.name} {name}", visible=False, **appearance)

    def discard(self) -> None:
        """Remove the layer, and show what it has hidden."""
        if self.layer is not None and not self.is_deleted:
            self._layers.remove(self.layer)
        self.layer = None
        for layer in self._hidden:
            layer.visible = True
        self._hidden = []

    def _earlier_results(self) -> list[Image]:
        """Previews and results of the same source that are there already, the lowest first."""
        source = self._source_layer
        if source is None:
            return []
        known = [layer for layer in self._layers if isinstance(layer, Image) and layer in _sources]
        return [layer for layer in known if _sources[layer]() is source]

    def add(
        self, image: Any, metadata: dict[str, Any], *, below: bool = False, **changes: Any
    ) -> Image:
        """Add a further layer over or below the preview; keywords replace those of the preview."""
        kwargs = {"name": self.name, **self.kwargs, **changes}
        layer = Image(image, metadata=metadata, **kwargs)
        candidates = (self.layer, *reversed(self._earlier_results()), self._source_layer)
        neighbours = [x for x in candidates if x in self._layers]
        if neighbours:
            is_under = below and neighbours[0] is self.layer
            self._layers.insert(self._layers.index(neighbours[0]) + (not is_under), layer)
        else:
            self._layers.append(layer)
        return layer

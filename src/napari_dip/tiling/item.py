"""A tile as an item of a run: its values go to a file of its own, to be blended later."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from napari_dip.data.grid import Tile
from napari_dip.files.atomic import replacing
from napari_dip.restoration.result import Restoration, Update
from napari_dip.restoration.series import FittedFrame, warm_start
from napari_dip.scheduling.item import Item, uninterrupted
from napari_dip.tiling.plan import TilingPlan

Array = NDArray[Any]

OnUpdate = Callable[[Update], object]
"""Called with the state of a fit, now and then."""


def _ignore(update: Update) -> None:
    """Nobody watches the fit."""


@dataclass(frozen=True)
class TileItem(Item):
    """A tile of an image.

    Attributes
    ----------
    image_name
        Name of the image.
    plan
        The plan that all tiles share.
    tile
        Where it lies in the image.
    folder
        Where its values go.
    previous
        The same tile of the frame before, if this one starts from its weights.
    on_update
        Called during the fit, for tiles that stay in this process.
    """

    image_name: str
    plan: TilingPlan
    tile: Tile
    folder: Path
    previous: Tile | None = None
    on_update: OnUpdate = field(default=_ignore, repr=False, compare=False)

    @property
    def name(self) -> str:
        return f"{self.image_name} {self.label}"

    @property
    def after(self) -> str:
        previous = self._previous
        return previous.name if previous else ""

    @property
    def _previous(self) -> TileItem | None:
        return None if self.previous is None else replace(self, tile=self.previous, previous=None)

    @property
    def label(self) -> str:
        """Where the tile begins along each axis, such as "t0-y64-x0"."""
        pairs = zip(self.plan.source.axes.lower(), self.tile.start, strict=True)
        return "-".join(f"{letter}{start}" for letter, start in pairs if letter not in "s")

    @property
    def values(self) -> Path:
        """File of the restored values."""
        return self.folder / f"{self.label}.npy"

    @property
    def report(self) -> Path:
        """File of the report."""
        return self.folder / f"{self.label}.json"

    @property
    def weights(self) -> Path:
        """File of the weights, which the next frame needs."""
        return self.folder / f"{self.label}.pt"

    def finished(self) -> dict[str, Any] | None:
        # Its values, which were written before, may be in the result already.
        try:
            report: dict[str, Any] = json.loads(self.report.read_text())
        except (OSError, ValueError):
            return None
        return report

    def run(self, should_stop: Callable[[], bool]) -> dict[str, Any]:
        values = self._read()
        report: dict[str, Any] = {"seed": self.plan.request.seed}
        if self._has_nothing_to_do(values):
            report |= {"iterations": 0, "seconds": 0.0, "stop_reason": "nothing to do"}
        else:
            result = self._restored(values, should_stop)
            values = self.with_loop_axes(result.image)
            full = result.report()
            report |= {n: full[n] for n in ("iterations", "seconds", "stop_reason", "device")}
        values = values.astype(self.plan.dtype or values.dtype, copy=False)
        _save(self.values, lambda file: np.save(file, values))
        with replacing(self.report) as temporary:
            temporary.write_text(json.dumps(report) + "\n")
        if previous := self._previous:  # kept until now: a run that is killed here needs them again
            previous.weights.unlink(missing_ok=True)
        return report | {"source": str(self.plan.source.path)}

    def with_loop_axes(self, image: Array) -> Array:
        """A fitted image with the tile's axes that the fit does not have."""
        return image.reshape(self.tile.scaled(self.plan.factors).shape)

    def _read(self) -> Array:
        with self.plan.source.open() as image:
            return image.read(self.tile.slices)

    def _guide(self) -> Array | None:
        guide: Array | None = self.plan.source.inputs_of(self.tile).get("guide")
        return guide

    def _restored(self, values: Array, should_stop: Callable[[], bool]) -> Restoration:
        """Fit the tile, from the weights of the frame before unless there is a cut."""
        import torch

        if not self.plan.request.is_warm_started:
            job = self.plan.job(self.tile, values)
            return uninterrupted(job, should_stop, self.on_update, estimate_error=False)
        task, previous = self.plan.group(self.tile).task, self._previous
        start = warm_start(task, previous.fitted() if previous else None, values, self._guide())
        job = self.plan.job(self.tile, values, start.task)
        result = uninterrupted(
            job,
            should_stop,
            self.on_update,
            weights=start.weights,
            keep_weights=True,
            estimate_error=False,
        )
        learned = [dict(run) for run in result.weights]
        _save(self.weights, lambda file: torch.save(learned, file))
        return result

    def fitted(self) -> FittedFrame | None:
        """The tile with the weights that its fit left; None if there are none."""
        import torch

        if not self.weights.exists():
            return None
        weights = tuple(torch.load(self.weights, weights_only=True))
        return FittedFrame(self._read(), weights, self._guide())

    def _has_nothing_to_do(self, values: Array) -> bool:
        """Whether the tile has no finite pixel, or the task fills missing ones and none is."""
        finite = np.isfinite(values)
        if set(self.plan.factors) != {1}:
            return False
        if not finite.any():
            return True
        inputs = self.plan.source.inputs_of(self.tile)
        is_complete = bool(finite.all()) and not inputs.get("mask", np.zeros(1)).any()
        return is_complete and self.plan.group(self.tile).task.fills_missing


def _save(path: Path, save: Callable[[BinaryIO], object]) -> None:
    """Write a file whole or not at all, by way of memory: savers tell little of a full disk."""
    with replacing(path) as temporary:
        buffer = BytesIO()
        save(buffer)
        temporary.write_bytes(buffer.getbuffer())

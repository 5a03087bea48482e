"""One block, as a batch does it: its values go to a file of its own, to be blended later."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from napari_dip.data.grid import Tile
from napari_dip.files.atomic import replacing
from napari_dip.restoration.result import Restoration, Update
from napari_dip.restoration.series import FittedFrame, warm_start
from napari_dip.scheduling.item import Item, to_the_end
from napari_dip.tiling.plan import TilingPlan

Array = NDArray[Any]


OnUpdate = Callable[[Update], object]
"""Called with what a fit has come to, now and then."""


def unwatched(update: Update) -> None:
    """Nobody looks."""


@dataclass(frozen=True)
class TileItem(Item):
    """A block of a picture.

    Attributes
    ----------
    picture
        What the picture is called.
    plan
        What it shares with the others.
    block
        Which one.
    folder
        For its values.
    before
        The same block of the frame before, from whose weights it starts.
    """

    picture: str
    plan: TilingPlan
    block: Tile
    folder: Path
    before: Tile | None = None

    @property
    def name(self) -> str:
        return f"{self.picture} {self.label}"

    @property
    def after(self) -> str:
        before = self._before
        return before.name if before else ""

    @property
    def _before(self) -> TileItem | None:
        return None if self.before is None else replace(self, block=self.before, before=None)

    @property
    def label(self) -> str:
        """Where it begins, along each axis."""
        pairs = zip(self.plan.source.axes.lower(), self.block.start, strict=True)
        return "-".join(f"{letter}{start}" for letter, start in pairs if letter not in "s")

    @property
    def values(self) -> Path:
        return self.folder / f"{self.label}.npy"

    @property
    def report(self) -> Path:
        return self.folder / f"{self.label}.json"

    @property
    def weights(self) -> Path:
        return self.folder / f"{self.label}.pt"

    def finished(self) -> dict[str, Any] | None:
        # Its values, which were written before, may be in the result already.
        try:
            report: dict[str, Any] = json.loads(self.report.read_text())
        except (OSError, ValueError):
            return None
        return report

    def run(self, should_stop: Callable[[], bool], watch: OnUpdate = unwatched) -> dict[str, Any]:
        values = self._read()
        report: dict[str, Any] = {"seed": self.plan.seed}
        if self._has_nothing_to_do(values):
            report |= {"iterations": 0, "seconds": 0.0, "stop_reason": "nothing to do"}
        else:
            result = self._restored(values, should_stop, watch)
            values = self.laid_out(result.image)
            told = result.report()
            report |= {n: told[n] for n in ("iterations", "seconds", "stop_reason", "device")}
        _save(self.values, lambda file: np.save(file, values))
        with replacing(self.report) as temporary:
            temporary.write_text(json.dumps(report) + "\n")
        if before := self._before:  # kept until now: a run that is killed here needs them again
            before.weights.unlink(missing_ok=True)
        return report | {"source": str(self.plan.source.path)}

    def laid_out(self, image: Array) -> Array:
        """What was fitted, with the axes that the fit does not have."""
        return image.reshape(self.block.scaled(self.plan.factors).shape)

    def _read(self) -> Array:
        with self.plan.source.open() as picture:
            return picture.read(self.block.slices)

    def _guide(self) -> Array | None:
        guide: Array | None = self.plan.source.beside(self.block).get("guide")
        return guide

    def _restored(
        self, values: Array, should_stop: Callable[[], bool], watch: OnUpdate
    ) -> Restoration:
        """The fit, from the weights of the frame before if it is a series without a cut here."""
        import torch

        if not self.plan.warm:
            return to_the_end(self.plan.job(self.block, values), should_stop, on_progress=watch)
        task = self.plan.group(self.block).task
        before = self._before
        start = warm_start(task, before.fitted() if before else None, values, self._guide())
        job = self.plan.job(self.block, values, start.task)
        result = to_the_end(
            job, should_stop, on_progress=watch, weights=start.weights, keep_weights=True
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
        """Whether a block is empty, or has nothing that is to be filled."""
        finite = np.isfinite(values)
        if set(self.plan.factors) != {1}:
            return False
        if not finite.any():
            return True
        given = self.plan.source.beside(self.block)
        is_complete = bool(finite.all()) and not given.get("mask", np.zeros(1)).any()
        return is_complete and self.plan.group(self.block).task.name == "inpaint"


def _save(path: Path, save: Callable[[BinaryIO], object]) -> None:
    """Write a file whole or not at all, by way of memory: savers tell little of a full disk."""
    with replacing(path) as temporary:
        buffer = BytesIO()
        save(buffer)
        temporary.write_bytes(buffer.getbuffer())

"""`restore_large`: an image of any size on disk, tile by tile, into an OME-Zarr."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Self

from napari_dip.data.axes import plan_axes
from napari_dip.data.reading import Note, ReadingRecord
from napari_dip.errors import UserError
from napari_dip.files.inputs import InputFiles
from napari_dip.files.lazy import open_lazily
from napari_dip.files.targets import check_targets
from napari_dip.restoration.result import Result
from napari_dip.scheduling.cluster import connect
from napari_dip.scheduling.item import Outcome, Status
from napari_dip.scheduling.runner import run_items
from napari_dip.scheduling.worker import run_in_process
from napari_dip.tasks.base import Task
from napari_dip.tiling.mosaic import Mosaic
from napari_dip.tiling.plan import MosaicRequest, TilingOptions
from napari_dip.tiling.source import TiledSource


@dataclass(frozen=True)
class TiledRestoration(Result):
    """The result of a restoration tile by tile.

    Attributes
    ----------
    output
        The OME-Zarr with the restored image.
    done, count
        Number of tiles that are finished, and of all tiles.
    failures
        Why tiles could not be restored, one message for each.
    stop_reason
        "budget" (all tiles are finished), "failed" (some tiles) or "cancelled".
    iterations, seconds, device
        The work of this run, and where it was done; tiles of an earlier run do not count.
    notes, readings
        What was left out, changed or assumed; and the records of the files that were read.
    filled
        As in `Restoration`.

    Examples
    --------
    >>> from pathlib import Path
    >>> from napari_dip import TiledRestoration
    >>> result = TiledRestoration(Path("a.zarr"), 8, 9, ("no room",), "failed", 70, 9.5, "cpu")
    >>> result.is_complete, result.report()["output"]
    (False, 'a.zarr')
    """

    output: Path
    done: int
    count: int
    failures: tuple[str, ...]
    stop_reason: str
    iterations: int
    seconds: float
    device: str
    notes: tuple[Note, ...] = ()
    readings: tuple[ReadingRecord, ...] = ()
    filled: float | None = None

    @classmethod
    def of(
        cls, output: Path, outcomes: Sequence[Outcome], count: int, seconds: float, device: str
    ) -> Self:
        """The result of a run whose `count` tiles ended with these outcomes."""
        done = sum(outcome.status in (Status.DONE, Status.KEPT) for outcome in outcomes)
        failures = tuple(o.error for o in outcomes if o.status is Status.FAILED)
        fitted = [o.report for o in outcomes if o.status is Status.DONE and o.report]
        unfinished = "failed" if failures else "cancelled"
        return cls(
            output=output,
            done=done,
            count=count,
            failures=failures,
            stop_reason="budget" if done == count else unfinished,
            iterations=sum(report["iterations"] for report in fitted),
            seconds=seconds,
            device=next((r["device"] for r in reversed(fitted) if "device" in r), device),
        )

    def report(self) -> dict[str, Any]:
        values = asdict(self) | {"output": str(self.output), "failures": list(self.failures)}
        values["notes"] = [note.to_dict() for note in self.notes]
        values["reading"] = [record.to_dict() for record in self.readings]
        del values["readings"]
        return values


def plan_mosaic(
    source: str | os.PathLike[str],
    output: Path,
    task: Task,
    *,
    axes: str | None,
    inputs: InputFiles,
    tiling: TilingOptions,
    resume: bool,
    overwrite: bool,
    series: int | None = None,
    **options: Any,
) -> Mosaic:
    """Prepare an image to be restored tile by tile.

    Parameters and errors are those of `restore_large`; `options` are further fields of
    `MosaicRequest`: name, data_range, seed, device, strict.
    """
    typed_output, output = output, output.absolute()
    unfinished = output.with_name(f"{output.name}.parts")
    read_from = [("image", Path(source)), *inputs.paths.items()]
    check_targets([("output", output), ("output", unfinished)], read_from)
    with open_lazily(source, None if axes is None else axes.upper(), series=series) as image:
        letters, shape = image.axes.letters, image.shape
        if image.dtype.kind not in "uif":
            raise UserError(
                f"image: {image.dtype} values can't be restored; convert to real numbers"
            )
    axis_plan = plan_axes(letters, shape, tiling.loop_axes)
    length = dict(zip(letters, shape, strict=True))
    side = tiling.tile_side(is_volume=length.get(axis_plan.depth, 1) > 1)
    request = MosaicRequest(
        source=TiledSource(Path(source).absolute(), letters, axis_plan, inputs.absolute(), series),
        output=output,
        task=task,
        tile=side,
        overlap=tiling.overlap_of(side),
        warm_start=tiling.warm_start,
        typed={
            str(Path(path).absolute()): str(path)
            for path in (source, typed_output, *inputs.paths.values())
        },
        **options,
    )
    return Mosaic.open(request, resume=resume, overwrite=overwrite)


def restore_large(
    source: str | os.PathLike[str],
    output: str | os.PathLike[str],
    task: Task,
    *,
    axes: str | None = None,
    mask: str | os.PathLike[str] | None = None,
    guide: str | os.PathLike[str] | None = None,
    psf: str | os.PathLike[str] | None = None,
    mask_keeps: bool = False,
    series: int | None = None,
    tiling: TilingOptions = TilingOptions(),
    data_range: float | None = None,
    seed: int = 0,
    device: str = "auto",
    strict: bool = False,
    workers: int | None = None,
    scheduler: str | None = None,
    resume: bool = False,
    overwrite: bool = False,
    on_start: Callable[[str], object] = lambda words: None,
    on_notes: Callable[[Sequence[Note]], object] = lambda notes: None,
    on_outcome: Callable[[Outcome, Mosaic], object] = lambda outcome, mosaic: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> TiledRestoration:
    """Restore an image of any size with the memory of one tile.

    Value range, noise and settings are decided once, for the whole image. Tiles overlap and fade
    into each other, and the result can be looked at while it grows. Frames, slices or channels
    that are fitted one by one are tiles too.

    Parameters
    ----------
    source
        A Zarr array, an OME-Zarr image, or any image file; of Zarrs and TIFFs only the tiles that
        are needed are read.
    output
        The OME-Zarr to write, a folder whose name ends in .zarr.
    task
        The task with its settings.
    axes
        A letter for each axis, of T, C, Z, Y, X and S, if the file does not tell.
    mask, guide, psf
        Files of the inputs; mask and guide may be Zarrs too.
    mask_keeps
        The mask marks the pixels that are known instead of those that are missing.
    series
        Which of several images in the file, from 1 on; the first, with a note, if not given.
    tiling
        How the image is divided.
    data_range, seed, device, strict
        As in `restore`.
    workers, scheduler
        As in `restore_many`; without either, tiles are restored one after another in this
        process, without dask.
    resume
        Go on with a run that was ended: finished tiles are not restored again.
    overwrite
        Replace a result that exists.
    on_start
        Called once with how the axes are fitted, in words.
    on_notes
        Called once, before that, with what was left out, changed or assumed, if there is any.
    on_outcome
        Called for each tile as it ends.
    should_stop
        Asked all along; true ends the run, which can be resumed.

    Returns
    -------
    TiledRestoration
        Finished and failed tiles; its `is_complete` tells whether all are finished.

    Raises
    ------
    UserError
        When something can't be used, before anything is written.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import numpy as np, tifffile
    >>> from napari_dip import Denoise, TilingOptions, restore_large
    >>> folder = Path(tempfile.mkdtemp())
    >>> image = np.random.default_rng(0).integers(0, 255, (40, 64), dtype=np.uint8)
    >>> tifffile.imwrite(folder / "in.tif", image)
    >>> result = restore_large(
    ...     folder / "in.tif",
    ...     folder / "out.ome.zarr",
    ...     Denoise(iterations=2, filters=(4,)),
    ...     tiling=TilingOptions(tile=40),
    ...     device="cpu",
    ... )
    >>> result.is_complete, result.done, result.output.name
    (True, 2, 'out.ome.zarr')
    """
    output = Path(output)
    if output.suffix.lower() != ".zarr":
        raise UserError(f"output: {output.name} is no OME-Zarr; name it {output.stem}.ome.zarr")
    typed_output, output = output, output.absolute()
    began = time.monotonic()
    outcomes: list[Outcome] = []
    with ExitStack() as stack:
        client = None
        if not (workers is None and scheduler is None):
            client = stack.enter_context(connect(scheduler, workers=workers, device=device))
        mosaic = plan_mosaic(
            source,
            typed_output,
            task,
            axes=axes,
            inputs=InputFiles(mask, guide, psf, mask_keeps),
            tiling=tiling,
            data_range=data_range,
            seed=seed,
            device=device,
            series=series,
            strict=strict,
            resume=resume,
            overwrite=overwrite,
        )
        plan = mosaic.plan
        if plan.notes:
            on_notes(plan.notes)
        if mosaic.is_complete:
            count = len(mosaic.grid)
            nothing = TiledRestoration.of(output, (), 0, time.monotonic() - began, device)
            return replace(nothing, done=count, count=count, **plan.told)
        items = list(mosaic.items.values())
        on_start(f"{mosaic.words}, {len(items)} tiles")
        run = run_in_process if client is None else partial(run_items, client)
        for outcome in run(items, resume=resume, should_stop=should_stop):
            outcomes.append(mosaic.take(outcome))
            on_outcome(outcomes[-1], mosaic)
    result = TiledRestoration.of(output, outcomes, len(items), time.monotonic() - began, device)
    return replace(result, **plan.told)

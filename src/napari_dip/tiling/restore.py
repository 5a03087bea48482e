"""`restore_large`: a picture on disk, block by block or frame by frame, into an OME-Zarr."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from napari_dip.data.axes import plan_axes
from napari_dip.errors import UserError
from napari_dip.files.lazy import open_lazily
from napari_dip.scheduling.cluster import connect
from napari_dip.scheduling.item import Outcome
from napari_dip.scheduling.runner import run_items
from napari_dip.scheduling.worker import run_in_process
from napari_dip.tasks.base import InputName, Task
from napari_dip.tiling.mosaic import Mosaic
from napari_dip.tiling.source import TiledPicture

OVERLAP = 1 / 8
"""The part of a block's sides that neighbours share, if nobody says."""


BLOCK = 1024


BLOCK_3D = 256


LEAST = 32
"""Pixels along y and x of a block that a network can say something about."""


Paths = Mapping[InputName, "str | os.PathLike[str]"]


def plan_mosaic(
    source: str | os.PathLike[str],
    output: Path,
    task: Task,
    *,
    name: str = "",
    axes: str | None = None,
    each: str | None = None,
    block: int | None = None,
    overlap: int | None = None,
    sides: Paths | None = None,
    mask_keeps: bool = False,
    data_range: float | None = None,
    seed: int = 0,
    device: str = "auto",
    warm: bool = True,
    resume: bool = False,
    overwrite: bool = False,
) -> Mosaic:
    """A picture that is ready to be restored; parameters and errors as in `restore_large`."""
    with open_lazily(source, None if axes is None else axes.upper()) as picture:
        letters, shape = picture.axes.letters, picture.shape
    fitting = plan_axes(letters, shape, each)
    given = {side: Path(path).absolute() for side, path in (sides or {}).items()}
    path = Path(source).absolute()
    where = TiledPicture(path, letters, fitting, given, mask_keeps)
    length = dict(zip(letters, shape, strict=True))
    is_volume = length.get(fitting.depth, 1) > 1
    size = block or (BLOCK_3D if is_volume else BLOCK)
    if size < LEAST:
        raise UserError(f"block: {size} pixels are too few; {LEAST} are the least")
    return Mosaic(
        where,
        output,
        task,
        name=name,
        block=size,
        overlap=int(size * OVERLAP) if overlap is None else overlap,
        data_range=data_range,
        seed=seed,
        device=device,
        warm=warm,
        resume=resume,
        overwrite=overwrite,
    )


def restore_large(
    source: str | os.PathLike[str],
    output: str | os.PathLike[str],
    task: Task,
    *,
    axes: str | None = None,
    each: str | None = None,
    block: int | None = None,
    overlap: int | None = None,
    sides: Paths | None = None,
    mask_keeps: bool = False,
    data_range: float | None = None,
    seed: int = 0,
    device: str = "auto",
    warm: bool = True,
    workers: int | None = None,
    scheduler: str | None = None,
    resume: bool = False,
    overwrite: bool = False,
    on_start: Callable[[str], object] = lambda words: None,
    on_outcome: Callable[[Outcome, Mosaic], object] = lambda outcome, mosaic: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> bool:
    """Restore a picture of any size, in memory for one block.

    Its value range, noise and settings are decided once, for the whole; blocks overlap and fade
    into each other; and the result is there to be looked at as it grows. Axes whose entries are
    fitted one by one are gone through in the same way.

    Parameters
    ----------
    source
        A Zarr array, an OME-Zarr image, or any file; of TIFFs and Zarr only what is needed is read.
    output
        The OME-Zarr to write, a folder that ends in .zarr.
    task
        What to do.
    axes
        Letters for the axes, if the file does not tell: T, C, Z, Y, X, S.
    each
        The axes whose entries are fitted one by one: T if not given, "" for none.
    block
        Its pixels along y and x: 1024, or 256 in 3-D, where it has 64 slices at most.
    overlap
        Pixels that neighbours share, an eighth of the block if not given.
    sides, mask_keeps
        Files of mask and guide (also Zarr) and PSF.
    data_range, seed, device
        As in `restore`.
    warm
        Each frame (or slice, where slices are fitted one by one) starts from the weights of the
        one before, and takes a fraction of the iterations.
    workers, scheduler
        As in `restore_many`; without either, blocks are done one after another, without dask.
    resume
        Go on with a run that was ended: finished blocks are not done again.
    overwrite
        Replace a result that exists.
    on_start
        Called once with how the axes are fitted, in words.
    on_outcome
        Called for each block as it ends.
    should_stop
        Asked all along; true ends the run, which can be resumed.

    Returns
    -------
    bool
        Whether all is done.

    Raises
    ------
    UserError
        When something can't be used, before anything is written.
    """
    output = Path(output).absolute()
    if output.suffix.lower() != ".zarr":
        raise UserError(f"output: {output.name} is no OME-Zarr; name it {output.stem}.ome.zarr")
    with ExitStack() as stack:
        client = None
        if not (workers is None and scheduler is None):
            client = stack.enter_context(connect(scheduler, workers=workers, device=device))
        mosaic = plan_mosaic(
            source,
            output,
            task,
            axes=axes,
            each=each,
            block=block,
            overlap=overlap,
            sides=sides,
            mask_keeps=mask_keeps,
            data_range=data_range,
            seed=seed,
            device=device,
            warm=warm,
            resume=resume,
            overwrite=overwrite,
        )
        if mosaic.is_complete:
            return True
        items = list(mosaic.items.values())
        on_start(f"{mosaic.words}, {len(items)} blocks")
        run = run_in_process if client is None else partial(run_items, client)
        for outcome in run(items, resume=resume, should_stop=should_stop):
            on_outcome(mosaic.take(outcome), mosaic)
    return mosaic.is_complete

"""A task on a picture in blocks or frame by frame: what the commands do where OUT is a Zarr."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from napari_dip.axes import axes_from_text
from napari_dip.command_options import INTERRUPTED, SIDES, SOME_FAILED, flag
from napari_dip.errors import UserError

if TYPE_CHECKING:
    from napari_dip.batch.items import Outcome
    from napari_dip.blocks.mosaic import Mosaic
    from napari_dip.tasks.base import Side, Task

CUTS = ("each", "block", "overlap")


def cut_options() -> list[click.Parameter]:
    """How a picture is divided."""
    return [
        click.Option(
            ["--each"],
            metavar="LETTERS",
            help="Axes whose entries are fitted one by one, such as T or TZ; T if not given, "
            "'none' for a fit of all frames in 3-D.",
        ),
        click.Option(
            ["--block"],
            type=int,
            metavar="N",
            help="Pixels along y and x that are fitted at once; 1024, or 256 in 3-D.",
        ),
        click.Option(
            ["--overlap"],
            type=int,
            metavar="N",
            help="Pixels that blocks have in common; an eighth of a block.",
        ),
        click.Option(
            ["--warm/--cold"],
            default=True,
            show_default=True,
            help="Start each frame from the last one's weights, or afresh.",
        ),
    ]


def large_options() -> list[click.Parameter]:
    """What a command of one picture has beside, for an OUT that is a Zarr."""
    resume = flag("--resume", "OUT.zarr: go on with a run that was ended.")
    options = cut_options()
    for option in options:
        if isinstance(option, click.Option):
            option.help = f"OUT.zarr: {option.help}"
    return [*options, resume]


def cuts(given: dict[str, Any]) -> dict[str, Any]:
    """The division that was asked for."""
    chosen = {name: given[name] for name in (*CUTS, "warm")}
    return chosen | {"each": axes_from_text(chosen["each"])}


def is_large(output: Path, given: dict[str, Any]) -> bool:
    """Whether a result goes to a Zarr.

    Raises
    ------
    UserError
        When it does not, yet something was asked for that only a Zarr can have.
    """
    if output.suffix.lower() == ".zarr":
        for name in ("parts", "reference", "report"):
            if given.get(name):
                raise UserError(f"{name}: a picture in blocks has none; leave it out")
        return True
    for name in (*CUTS, "resume"):
        if given[name]:
            raise UserError(f"{name}: it needs a result in blocks; name it {output.stem}.ome.zarr")
    return False


def restore_in_blocks(task: Task, given: dict[str, Any]) -> None:
    """Carry out a command whose OUT is a Zarr."""
    from napari_dip.batch.items import Status
    from napari_dip.large import restore_large
    from napari_dip.terminal import interruptible

    counts: dict[Status, int] = {}

    def tell(outcome: Outcome, mosaic: Mosaic) -> None:
        counts[outcome.status] = counts.get(outcome.status, 0) + 1
        place = f"[{sum(counts.values())}/{len(mosaic.items)}] {outcome.name}: "
        if outcome.status is Status.FAILED:
            click.echo(f"{place}failed: {outcome.error}", err=True)
        elif outcome.status is not Status.UNFINISHED:
            click.echo(f"{place}{outcome.status}")

    output: Path = given["output"]
    sides: dict[Side, Path] = {side: given[side] for side in SIDES if given.get(side) is not None}
    with interruptible() as interrupted:
        done = restore_large(
            given["image"],
            output,
            task,
            sides=sides,
            mask_keeps=given.get("mask_keeps", False),
            overwrite=given["force"],
            on_start=lambda words: click.echo(f"{given['image']}: {words}"),
            on_outcome=tell,
            should_stop=interrupted,
            **{name: given[name] for name in ("axes", "data_range", "seed", "device", "resume")},
            **cuts(given),
        )
    context = click.get_current_context()
    if done:
        click.echo(f"{output}: done")
    elif counts.get(Status.FAILED):
        click.echo("napari-dip: some blocks failed; try them again with --resume", err=True)
        context.exit(SOME_FAILED)
    else:
        click.echo("napari-dip: interrupted; go on with --resume", err=True)
        context.exit(INTERRUPTED)

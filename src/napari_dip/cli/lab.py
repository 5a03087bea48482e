"""The prior lab's commands: one for each study, made from its settings."""

from __future__ import annotations

import inspect
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from napari_dip.cli.options import (
    DEVICE,
    FILE,
    INTERRUPTED,
    SEED,
    Command,
    chosen,
    file_option,
    flag,
    settings_options,
)
from napari_dip.studies.lab.base import Study
from napari_dip.studies.lab.registry import STUDIES
from napari_dip.studies.lab.run import prepare_study
from napari_dip.tasks.base import INPUT_HELP

if TYPE_CHECKING:
    from napari_dip.studies.study import StudyResult


def study_command(study: type[Study]) -> Command:
    """The command that makes a study's pictures; its options are the study's settings."""
    summary, _, rest = (inspect.getdoc(study) or "").replace("`", "").partition("\n")
    return Command(
        study.name,
        params=[*_files(study), *settings_options(study), SEED, DEVICE],
        callback=partial(_run, study),
        help=summary + rest,
        short_help=summary,
    )


def _files(study: type[Study]) -> list[click.Parameter]:
    params: list[click.Parameter] = []
    if "image" in study.accepts:
        params.append(click.Argument(["image"], metavar="IN", type=FILE))
    params.append(
        file_option(
            "-o",
            "--output",
            metavar="OUT",
            required=True,
            help="A .tif gets a stack with a name for each slice, a .png one figure.",
        )
    )
    if "mask" in study.accepts:
        params.append(file_option("--mask", help=f"For inpainting. {INPUT_HELP['mask']}"))
        params.append(flag("--mask-keeps", "The mask is zero where pixels are missing instead."))
    if "reference" in study.accepts:
        params.append(file_option("--reference", help="The true image, for PSNR and SSIM."))
    return [
        *params,
        file_option("--report", help="Write settings, scores and curves there, as JSON."),
        flag("--force", "Replace files that exist."),
    ]


def _run(study: type[Study], **given: Any) -> None:
    from napari_dip.cli.progress import run_study_job
    from napari_dip.files.atomic import check_destination
    from napari_dip.files.image_file import read_image
    from napari_dip.files.inputs import InputFiles
    from napari_dip.studies.files import (
        check_study_destination,
        write_curves,
        write_report,
        write_study,
    )

    output, report, force = given["output"], given["report"], given["force"]
    settings = study.from_dict(chosen(study, given))
    image = read_image(given["image"]) if given.get("image") else None
    check_study_destination(output, like=image, overwrite=force)
    beside = _curves(output) if study.interleaved else ()
    for path in (*beside, *([report] if report else [])):
        check_destination(path, overwrite=force)
    inputs = InputFiles(mask=given.get("mask"), mask_keeps=bool(given.get("mask_keeps")))
    reference = given.get("reference")
    job = prepare_study(
        settings,
        None if image is None else image.data,
        axes=None if image is None else image.axes,
        mask=inputs.read_all().get("mask"),
        reference=None if reference is None else read_image(reference).data,
        device=given["device"],
        seed=given["seed"],
    )
    result = run_study_job(job)
    write_study(output, result, like=image, overwrite=force)
    if beside:
        write_curves(*beside, result)
    if report:
        write_report(report, result)
    click.echo(f"{output}: {told(result)}")
    if result.stop_reason == "cancelled":
        click.echo(f"napari-dip: interrupted; {output} is how far it had come", err=True)
        click.get_current_context().exit(INTERRUPTED)


def _curves(output: Path) -> tuple[Path, Path]:
    """Where the loss curves go: a figure and a table beside the pictures."""
    stem = output.name.partition(".")[0]
    return output.with_name(f"{stem}_curves.png"), output.with_name(f"{stem}_curves.csv")


def told(result: StudyResult) -> str:
    """How a study went: a line, and one for each picture that has something to tell."""
    lines = [f"{len(result.pictures)} pictures in {result.seconds:.1f} s"]
    width = max(len(name) for name in result.names)
    for picture in result.pictures:
        known = [f"{value:.4g} {name.upper()}" for name, value in picture.scores.items()]
        if picture.curve:
            known.append(f"loss {picture.curve[-1][1]:.2e} after {picture.iterations}")
        if known:
            lines.append(f"  {picture.name:<{width}}  {', '.join(known)}")
    return "\n".join(lines)


COMMANDS = tuple(study_command(study) for study in STUDIES.values())

"""The commands that look inside a classifier: `invert`, `maximize`, and `layers` to choose from."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import replace
from functools import partial
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
from napari_dip.errors import UserError
from napari_dip.studies.classifiers.settings import Invert, Maximize, Visualization

if TYPE_CHECKING:
    from napari_dip.studies.classifiers.classifier import Classifier
    from napari_dip.studies.study import StudyJob, StudyResult


AXES = click.Option(
    ["--axes"],
    metavar="LETTERS",
    help="What the axes of IN are if its file doesn't tell right: Y, X and C or S.",
)


def _model() -> list[click.Parameter]:
    """Which classifier, and what it asks of its images."""
    return [
        click.Option(
            ["--model"],
            metavar="NAME|FILE|MODULE:FUNCTION",
            required=True,
            help="One of torchvision's classifiers (alexnet, vgg16, vgg19, resnet50, ...), a "
            "torch.export or TorchScript file, or a Python function that returns a module, or a "
            "module and its preprocessing. TorchScript and Python are code: load what you trust.",
        ),
        file_option(
            "--weights",
            help="State dict for a torchvision classifier; its pretrained weights are downloaded "
            "on first use if none is given.",
        ),
        click.Option(
            ["--size"],
            type=int,
            metavar="N",
            help="Sides of the images that it takes, in pixels, if --model doesn't tell.",
        ),
        click.Option(
            ["--mean"], metavar="X,...", help="Mean of each channel, for images in [0, 1]."
        ),
        click.Option(["--std"], metavar="X,...", help="Standard deviation of each channel."),
    ]


def _look_command(look: type[Visualization], prepare: Callable[..., StudyJob]) -> Command:
    summary, _, rest = (inspect.getdoc(look) or "").replace("`", "").partition("\n")
    image: list[click.Parameter] = []
    if look is Invert:
        image.append(click.Argument(["image"], metavar="IN", type=FILE))
    output = file_option(
        "-o",
        "--output",
        metavar="OUT",
        required=True,
        help="A .tif gets a stack with a name for each slice, a .png one figure.",
    )
    report = file_option("--report", help="Write settings, scores and curves there, as JSON.")
    force = flag("--force", "Replace files that exist.")
    own = [output, *_model(), *settings_options(look), report, force]
    return Command(
        look.name,
        params=[*image, *own, *([AXES] if image else []), SEED, DEVICE],
        callback=partial(_run, look, prepare),
        help=summary + rest,
        short_help=summary,
    )


def _inversion(settings: Invert, given: dict[str, Any]) -> StudyJob:
    from napari_dip.files.image_file import read_image
    from napari_dip.studies.classifiers.visualize import prepare_inversion

    image = read_image(given["image"])
    return prepare_inversion(
        image.data,
        _classifier(given),
        settings,
        axes=given["axes"] or image.axes,
        device=given["device"],
        seed=given["seed"],
    )


def _maximization(settings: Maximize, given: dict[str, Any]) -> StudyJob:
    from napari_dip.studies.classifiers.visualize import prepare_maximization

    return prepare_maximization(_classifier(given), settings, device=given["device"], seed=given["seed"])


def _run(look: type[Visualization], prepare: Callable[..., StudyJob], **given: Any) -> None:
    from napari_dip.cli.progress import run_study_job
    from napari_dip.files.atomic import check_destination
    from napari_dip.studies.files import check_study_destination, write_report, write_study

    output, report, force = given["output"], given["report"], given["force"]
    settings = look.from_dict(chosen(look, given))
    check_study_destination(output, like=None, overwrite=force)
    if report:
        check_destination(report, overwrite=force)
    result = run_study_job(prepare(settings, given))
    write_study(output, _as_bytes(result), overwrite=force)
    if report:
        write_report(report, result)
    click.echo(f"{output}: {told(result)}")
    if result.stop_reason == "cancelled":
        click.echo(f"napari-dip: interrupted; {output} is how far it had come", err=True)
        click.get_current_context().exit(INTERRUPTED)


def _classifier(given: dict[str, Any]) -> Classifier:
    from napari_dip.studies.classifiers.loading import load_classifier

    return load_classifier(
        given["model"],
        weights=given["weights"],
        size=given["size"],
        mean=_numbers("mean", given["mean"]),
        std=_numbers("std", given["std"]),
    )


def _numbers(name: str, text: str | None) -> tuple[float, ...] | None:
    try:
        return None if text is None else tuple(map(float, text.split(",")))
    except ValueError:
        raise UserError(f"{name}: {text!r} is not numbers, such as 0.485,0.456,0.406") from None


def _as_bytes(result: StudyResult) -> StudyResult:
    """The pictures with 8 bits, as most programs show them."""
    import numpy as np

    return replace(
        result,
        pictures=tuple(
            replace(p, image=np.rint(255 * p.image).astype(np.uint8)) for p in result.pictures
        ),
    )


def told(result: StudyResult) -> str:
    """How it went: a line, and one for each picture."""
    lines = [f"{len(result.pictures)} pictures in {result.seconds:.1f} s"]
    width = max(map(len, result.names))
    for picture in result.pictures:
        known = [f"{name} {value:.4g}" for name, value in picture.scores.items()]
        loss = picture.curve[-1][1]
        end = f"loss {loss:.3g} after {picture.iterations} iterations"
        lines.append(f"  {picture.name:<{width}}  {', '.join([*known, end])}")
    return "\n".join(lines)


def _layers(**given: Any) -> None:
    classifier = _classifier(given)
    width = max(map(len, classifier.layers))
    for name, layer in classifier.layers.items():
        click.echo(f"{name:<{width}}  {' x '.join(map(str, layer.shape))}")


COMMANDS = (
    _look_command(Invert, _inversion),
    _look_command(Maximize, _maximization),
    Command(
        "layers",
        params=_model(),
        callback=_layers,
        help="List a classifier's layers.\n\nBeside each is the shape of what it gives.",
    ),
)

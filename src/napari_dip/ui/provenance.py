"""How a restored layer came about, for its metadata, and back to settings."""

from __future__ import annotations

from functools import cache
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from napari_dip import __version__
from napari_dip.errors import UserError
from napari_dip.tasks import task_from_dict

if TYPE_CHECKING:
    from napari.layers import Layer

    from napari_dip.results import Restoration
    from napari_dip.tasks import Task
    from napari_dip.ui.divided_run import DividedRun
    from napari_dip.ui.layers import Source
    from napari_dip.ui.worker import Request

KEY = "napari-dip"
"""Where in a layer's metadata it is."""

LIBRARIES = ("torch", "numpy", "scikit-image", "napari")


def provenance(
    request: Request,
    iteration: int,
    result: Restoration | None = None,
    *,
    stop_reason: str | None = None,
) -> dict[str, Any]:
    """A layer's metadata.

    Parameters
    ----------
    request
        What was asked for.
    iteration
        Which iteration the layer shows; it may be an earlier one than the result's.
    result
        How the fit ended, if it has.
    stop_reason
        Why there is no more, if there is no result.
    """
    task = request.task
    if result is None:
        report = {
            "task": task.name,
            "settings": task.to_dict(),
            "seed": request.seed,
            "device": request.device,
            "stop_reason": stop_reason,
        }
    else:
        report = result.report()
        if iteration != result.iterations:
            # They are the last iteration's, not this one's.
            report = {k: v for k, v in report.items() if k not in ("psnr", "ssim")}
            report["stop_reason"] = "chosen"
    return _labelled(report, request, iteration)


def provenance_of_parts(
    run: DividedRun, iteration: int | None = None, *, stop_reason: str | None = None
) -> dict[str, Any]:
    """The metadata of a layer that was restored part by part.

    Parameters
    ----------
    run
        Which does it, or did it.
    iteration
        Which iteration of one part the layer shows; the iterations of all parts if not given.
    stop_reason
        Why there is no more, if the run does not tell.
    """
    request, result, mosaic = run.request, run.result, run.mosaic
    task = request.asked.task
    if mosaic is not None and mosaic.items:
        task = next(iter(mosaic.plan.groups.values())).task
    report = {
        "task": task.name,
        "settings": task.to_dict(),
        "seed": request.asked.seed,
        "device": request.asked.device if result is None else result.device,
        "stop_reason": stop_reason,
        "division": request.division.words,
        "output": None if mosaic is None else str(mosaic.output),
    }
    if result is not None:
        stop_reason = stop_reason or result.stop_reason
        report |= {"parts": [result.done, result.count], "seconds": result.seconds}
        report |= {"stop_reason": stop_reason if iteration is None else "chosen"}
        iteration = result.iterations if iteration is None else iteration
    return _labelled(report, request.asked, iteration)


def _labelled(report: dict[str, Any], request: Request, iteration: int | None) -> dict[str, Any]:
    return {
        KEY: {
            **report,
            "iterations": iteration,
            "source": origin(request.source),
            "beside": dict(request.names),
            "versions": {"napari-dip": __version__, **versions()},
        }
    }


def origin(source: Source) -> dict[str, Any]:
    """Which layer's box something was made from."""
    return {
        "layer": source.name,
        "start": list(source.start),
        "stop": list(source.stop),
        "axes": source.axes,
    }


@cache  # it reads files, and previews are labelled several times a second
def versions() -> dict[str, str]:
    """The versions of what a layer was made with."""
    return {name: version(name) for name in LIBRARIES}


def task_of(layer: Layer) -> Task:
    """The settings that a restored layer was made with.

    Raises
    ------
    UserError
        When it is not a restored layer.
    """
    made = layer.metadata.get(KEY)
    if not isinstance(made, dict) or "task" not in made:
        raise UserError(f"layer: {layer.name!r} was not made here; select a restored layer")
    return task_from_dict({"task": made["task"], **made.get("settings", {})})

"""The metadata of a restored layer: how it came about."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari_dip._version import __version__
from napari_dip.ui.layers.provenance import KEY, origin, versions

if TYPE_CHECKING:
    from napari_dip.restoration.result import Restoration
    from napari_dip.ui.restore.request import RestoreRequest
    from napari_dip.ui.restore.tiled_run import TiledRun


def provenance(
    request: RestoreRequest,
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
    run: TiledRun, iteration: int | None = None, *, stop_reason: str | None = None
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


def _labelled(
    report: dict[str, Any], request: RestoreRequest, iteration: int | None
) -> dict[str, Any]:
    return {
        KEY: {
            **report,
            "iterations": iteration,
            "source": origin(request.source),
            "beside": dict(request.names),
            "versions": {"napari-dip": __version__, **versions()},
        }
    }

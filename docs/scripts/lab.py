"""Make the prior lab's pictures: samples, impedance, priors, architectures, stopping points.

    python docs/scripts/lab.py [NAME ...]

The pictures are small and the fits short, so that all of it takes some minutes on one core: enough
to see the point, not the best that these methods can do. Scores are measured as the script runs.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from skimage import data

from napari_dip.files.figures import side_by_side
from napari_dip.studies.files import write_study
from napari_dip.studies.lab.base import Study
from napari_dip.studies.lab.compare_architectures import CompareArchitectures
from napari_dip.studies.lab.compare_priors import ComparePriors
from napari_dip.studies.lab.impedance import Impedance
from napari_dip.studies.lab.prior_samples import Samples
from napari_dip.studies.lab.run import run_study
from napari_dip.studies.lab.stopping_points import StoppingPoints
from napari_dip.studies.study import StudyResult

IMAGES = Path(__file__).parents[1] / "images" / "lab"
SIDE, LARGEST = 128, (1400, 1400)
CROPS = {"astronaut": (64, 160), "chelsea": (86, 164), "coffee": (124, 244)}
Array = NDArray[Any]


def crop(name: str) -> Array:
    """A part of a bundled picture, (y, x, 3) uint8."""
    top, left = CROPS[name]
    whole: Array = getattr(data, name)()
    return np.ascontiguousarray(whole[top : top + SIDE, left : left + SIDE])


def made(study: Study, image: Array | None = None, **given: Any) -> StudyResult:
    """Run a study, and say what came of it."""
    result = run_study(study, image, **given)
    print(f"{study.name}: {result.seconds:.0f} s")
    for picture in result.pictures:
        loss = picture.curve[-1][1] if picture.curve else float("nan")
        print(f"  {picture.caption:40} {picture.iterations:5} loss {loss:.5f}")
    return result


def save(result: StudyResult, name: str) -> None:
    """The figure of a study."""
    with figure(name) as path:
        write_study(path, result, overwrite=True)


@contextmanager
def figure(name: str) -> Iterator[Path]:
    """Name a PNG to be written, of which the page gets a smaller JPEG."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "figure.png"
        yield path
        with Image.open(path) as drawn:
            drawn.thumbnail(LARGEST)
            drawn.convert("RGB").save(IMAGES / f"{name}.jpg", quality=85)


def samples() -> None:
    """What the prior looks like."""
    both = made(Samples(count=2, size=SIDE))
    panels = {p.name: p.image for p in both.pictures}
    order = [n for k in (1, 2) for n in panels if n.endswith(f"weights {k}")]
    short = {n.replace(", weights", "\nweights"): panels[n] for n in order}
    with figure("samples") as path:
        side_by_side(short, path, columns=len(order) // 2)


def impedance() -> None:
    """Why it denoises: the curves on three pictures."""
    from matplotlib.figure import Figure

    plots = Figure(figsize=(11, 3.4), layout="constrained")
    for axes, name in zip(plots.subplots(1, 3, sharey=True), CROPS, strict=True):
        result = made(Impedance(iterations=100), crop(name))
        for picture in result.pictures:
            axes.semilogy(*zip(*picture.curve, strict=True), label=picture.name)
        axes.set(title=name, xlabel="iteration")
        if name == "chelsea":
            save(result, "impedance_pictures")
    plots.axes[0].set_ylabel("loss")
    plots.axes[-1].legend(loc="lower left", fontsize=8)
    plots.savefig(IMAGES / "impedance.png", dpi=110)


def upscale() -> None:
    """Which prior, for super-resolution by 4."""
    truth = crop("astronaut")
    size = (SIDE // 4, SIDE // 4)
    small = np.array(Image.fromarray(truth).resize(size, Image.Resampling.LANCZOS))
    save(made(ComparePriors(task="upscale", factor=4), small, reference=truth), "upscale")


def denoise() -> None:
    """Which prior, for noise of sigma 25."""
    truth = crop("coffee")
    noise = 25 * np.random.default_rng(0).standard_normal(truth.shape)
    noisy = np.rint(truth + noise).clip(0, 255).astype(np.uint8)
    study = ComparePriors(task="denoise", sigma=25 / 255)
    save(made(study, noisy, reference=truth), "denoise")


def hole() -> Array:
    """Two holes, (y, x) bool."""
    mask = np.zeros((SIDE, SIDE), bool)
    mask[20:48, 20:52] = mask[76:112, 70:98] = True
    return mask


def inpaint() -> None:
    """Which prior, for large holes."""
    study = ComparePriors(task="inpaint", iterations=300)
    save(made(study, crop("chelsea"), mask=hole(), reference=crop("chelsea")), "inpaint")


def architectures() -> None:
    """Which architecture, for large holes."""
    names = ("hourglass-2", "hourglass-4", "hourglass-6", "skip-5", "unet-5")
    study = CompareArchitectures(
        task="inpaint", architectures=names, inputs=("noise",), iterations=200, width=32
    )
    save(made(study, crop("chelsea"), mask=hole(), reference=crop("chelsea")), "architectures")


def stops() -> None:
    """Detail by stopping point."""
    save(made(StoppingPoints(stops=(20, 60, 180, 540)), crop("chelsea")), "stops")


FIGURES: dict[str, Callable[[], None]] = {
    f.__name__: f for f in (samples, impedance, upscale, denoise, inpaint, architectures, stops)
}


if __name__ == "__main__":
    IMAGES.mkdir(parents=True, exist_ok=True)
    for chosen in sys.argv[1:] or FIGURES:
        FIGURES[chosen]()

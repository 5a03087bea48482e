"""Make the pictures of "Look inside a classifier": digits inverted, classes maximised, the dock.

    python docs/scripts/classifier.py [invert] [maximize]
    xvfb-run -a -s "-screen 0 1600x1000x24" python docs/scripts/classifier.py dock

The classifier is docs/examples/digits_classifier.py, trained as the script runs, and everything
that a figure's title says is measured then, too. It takes minutes.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_dip import Invert, Maximize, invert, maximize
from napari_dip.files.figures import side_by_side
from napari_dip.studies.study import StudyResult

DOCS = Path(__file__).parents[1]
sys.path.insert(0, str(DOCS / "examples"))

from digits_classifier import digits, digits_classifier  # noqa: E402

LAYERS = ("conv1", "conv2", "conv3", "fc1", "output")
PRIORS = ("deep", "tv", "none")
TITLES = {"deep": "deep prior", "tv": "TV prior", "none": "no prior"}
CLASSES = (0, 3, 5, 6, 8)


def inverted() -> StudyResult:
    """What each layer keeps of a digit, by each prior."""
    images, labels = digits()
    image = images[np.flatnonzero(labels == 3)[0]]
    result = invert(image, digits_classifier(), Invert(layers=LAYERS, prior=PRIORS))
    panels = {}
    for prior in PRIORS:
        panels[f"given ({TITLES[prior]})"] = as_colour(image)
        for layer in LAYERS:
            picture = result[f"{layer} {prior}"]
            title = f"{layer}, {prior}: {picture.scores['psnr']:.1f} dB"
            panels[title] = as_colour(picture.image)
    side_by_side(panels, DOCS / "images" / "invert.png", columns=len(LAYERS) + 1)
    return result


def maximised() -> StudyResult:
    """What excites classes, by each prior."""
    result = maximize(digits_classifier(), Maximize(unit=CLASSES, prior=PRIORS))
    panels = {}
    for prior in PRIORS:
        for index in CLASSES:
            picture = result[f"{index} {prior}"]
            title = f"{index}, {prior}: {picture.scores['activation']:.1f}"
            panels[title] = as_colour(picture.image)
    side_by_side(panels, DOCS / "images" / "maximize.png", columns=len(CLASSES))
    return result


def docked() -> StudyResult:
    """The dock in napari, with a digit that was inverted."""
    import os
    import time

    import napari
    from PIL import Image
    from qtpy.QtWidgets import QApplication

    from napari_dip.ui.docks import ClassifierDock
    from napari_dip.ui.run.model import Action

    os.chdir(DOCS / "examples")
    images, labels = digits()
    viewer = napari.Viewer(title="napari", show=True)
    viewer.window._qt_window.resize(1500, 950)
    dock: ClassifierDock
    _, dock = viewer.window.add_plugin_dock_widget(
        "napari-dip", "Deep Image Prior: Look inside a classifier"
    )
    viewer.add_image(images[np.flatnonzero(labels == 3)[0]], name="digit")

    def until(is_so: Callable[[], bool]) -> None:
        while not is_so():
            QApplication.processEvents()
            time.sleep(0.05)

    dock.choose("invert", viewer.layers[0], model="digits_classifier:digits_classifier")
    dock.asked.emit(Action.LOAD)
    model = dock.controller.model
    until(lambda: model.classifier is not None)
    dock.tick("conv1", "conv2", "conv3", "output")
    dock.visualization_edited.emit(model.visualization.replace(iterations=150))
    dock.show_visualization(model.visualization)
    dock.asked.emit(Action.RUN)
    until(lambda: not model.phase.is_active)
    viewer.dims.set_point(0, 2)
    viewer.reset_view()
    end = time.monotonic() + 1
    until(lambda: time.monotonic() > end)
    shot = viewer.screenshot(canvas_only=False, flash=False)
    picture = Image.fromarray(shot[..., :3]).resize((1200, 760), Image.Resampling.LANCZOS)
    picture.save(DOCS / "images" / "napari" / "classifier.jpg", quality=85)
    result = dock.controller._session.run.result
    viewer.close()
    return result


def tell(result: StudyResult) -> None:
    """Say what a result's pictures reach."""
    for picture in result.pictures:
        print(picture.name, {k: round(v, 3) for k, v in picture.scores.items()})
    print(f"{result.seconds:.0f} s")


def as_colour(image: NDArray[np.float32]) -> NDArray[np.float32]:
    """Grey as colour: then 0 is black and 1 is white in every panel."""
    return np.repeat(image[..., None], 3, axis=-1)


FIGURES = {"invert": inverted, "maximize": maximised, "dock": docked}


if __name__ == "__main__":
    for name in sys.argv[1:] or ("invert", "maximize"):
        tell(FIGURES[name]())

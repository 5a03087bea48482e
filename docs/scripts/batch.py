"""A picture of the Batch dock after a run over six pictures, for docs/napari.md.

xvfb-run -a -s "-screen 0 1600x1000x24" python docs/scripts/batch.py docs/images/napari
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

import napari
import numpy as np
from PIL import Image
from qtpy.QtWidgets import QApplication
from skimage.data import camera

from napari_dip import Denoise
from napari_dip.ui.run.model import Action
from napari_dip.ui.widgets.rows import Rows

SIZE, SHOWN = (1500, 950), (1200, 760)
PATIENCE = 1800


def pictures(folder: Path) -> Path:
    """Six noisy crops of one picture, and a file that is none."""
    folder.mkdir()
    rng = np.random.default_rng(0)
    for number in range(6):
        crop = camera()[60 * number : 60 * number + 128, 180:308]
        noisy = np.clip(crop + rng.normal(0, 25, crop.shape), 0, 255)
        Image.fromarray(noisy.astype(np.uint8)).save(folder / f"field-{number}.png")
    (folder / "field-6.png").write_bytes(b"cut short")
    return folder


def main(images: Path) -> None:
    """Fill the form, run, open a result, and save the window."""
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        viewer = napari.Viewer(title="napari", show=True)
        viewer.window._qt_window.resize(*SIZE)
        _, dock = viewer.window.add_plugin_dock_widget("napari-dip", "Deep Image Prior: Batch")
        dock.add_images([str(pictures(place / "plate"))])
        fields = {name: x for rows in dock.findChildren(Rows) for name, x in rows.widgets.items()}
        fields["output"].value = place / "clean"
        fields["workers"].value = 1
        model = dock.controller.model
        model.tasks = {**model.tasks, "denoise": Denoise(iterations=100)}
        dock.show_task(model.tasks["denoise"])
        dock.asked.emit(Action.RUN)
        deadline = time.monotonic() + PATIENCE
        while model.phase.is_active and time.monotonic() < deadline:
            QApplication.processEvents()
            time.sleep(0.02)
        dock.chosen.emit("field-2.png")
        viewer.open(place / "plate" / "field-2.png", plugin="napari")
        viewer.layers[1].name = "field-2, noisy"
        viewer.canvas.grid.enabled = True
        viewer.reset_view()
        QApplication.processEvents()
        shot = Image.fromarray(viewer.window.screenshot(canvas_only=False, flash=False))
        shot.convert("RGB").resize(SHOWN).save(images / "batch.jpg", quality=85)
        viewer.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]))

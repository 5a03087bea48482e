"""Drive the plugin through a story for each task and save pictures of the whole window.

    xvfb-run -a -s "-screen 0 1600x1000x24" python docs/scripts/screenshots.py docs/images/napari

With `--iterations 40` it is quick; without, the presets' own budgets are used.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import napari
import numpy as np
from PIL import Image
from qtpy.QtWidgets import QApplication, QProgressBar, QPushButton, QSlider, QWidget
from skimage.data import camera

from napari_dip.tasks.base import Task
from napari_dip.tasks.denoise import Denoise
from napari_dip.tasks.registry import TASKS
from napari_dip.ui.compare.layer_table import LayerTable
from napari_dip.ui.run.model import Action, StackScope
from napari_dip.ui.widgets.rows import Rows

SIZE, SHOWN = (1500, 950), (1200, 760)
PLUGIN, DOCK = "napari-dip", "Deep Image Prior: Restore"
LAB = "Deep Image Prior: Prior lab"
ROLES = {"mask": "Missing", "guide": "Photo with flash", "psf": "Point spread function"}
PATIENCE = 3600


class Story:
    """A viewer with the dock and a task's sample."""

    def __init__(
        self, task: str, folder: Path, iterations: int | None, dock_name: str = DOCK
    ) -> None:
        self.task, self.folder, self.iterations = task, folder, iterations
        self.viewer = napari.Viewer(title="napari", show=True)
        self.viewer.window._qt_window.resize(*SIZE)
        _, dock = self.viewer.window.add_plugin_dock_widget(PLUGIN, dock_name)
        self.dock: Any = dock
        self.model = self.dock.controller.model

    def open_sample(self) -> None:
        """The sample, chosen in the form with all that goes with it."""
        layers = self.viewer.open_sample(PLUGIN, self.task)
        self.viewer.layers.selection.active = layers[0]
        self.ask(Action.FROM_LAYER)
        names = {layer.name: layer for layer in layers}
        for role in TASKS[self.task].accepts:
            if ROLES[role] in names:
                self.dock.choose(**{role: names[ROLES[role]]})
        self.dock.choose(reference=names.get("Original"))
        self.choose_iterations()

    def open_stack(self, scope: StackScope) -> None:
        """The sample that the story is of, to be denoised to this scope."""
        noisy = self.viewer.open_sample(PLUGIN, self.task)[0]
        self.dock.choose("denoise", image=noisy)
        field(self.dock, "scope").value = scope
        self.fill(Denoise(iterations=self.iterations))
        live(3)

    def choose_iterations(self) -> None:
        """Those that were asked for, if any were."""
        if self.iterations is not None:
            self.fill(self.model.task.replace(iterations=self.iterations))

    def fill(self, task: Task) -> None:
        """Settings, in place of those that were used last."""
        self.model.task = task
        self.dock.show_task(task)

    def ask(self, action: Action) -> None:
        """Press a button."""
        self.dock.asked.emit(action)

    def run(self, picture: str, half_way: str = "") -> None:
        """Run to the end and take the pictures that have a name."""
        self.ask(Action.RUN)
        assert self.model.phase.is_active, self.model.message
        bar = self.dock.findChild(QProgressBar, "progress")
        if half_way:
            self.until(lambda: bar.value() > bar.maximum() / 2 > 0)
            self.save(half_way)
        self.until(lambda: not self.model.phase.is_active)
        if picture:
            self.save(picture)

    def until(self, done: Callable[[], bool]) -> None:
        """Let the window live until something is so."""
        limit = time.monotonic() + PATIENCE
        while not done():
            assert time.monotonic() < limit, "this takes too long"
            live(0.05)

    def save(self, name: str) -> None:
        """A picture of the whole window, as it is seen."""
        live(0.5)
        window = Image.fromarray(self.viewer.screenshot(canvas_only=False, flash=False)[..., :3])
        window.thumbnail(SHOWN)
        window.save(self.folder / f"{name}.jpg", quality=85)

    def close(self) -> None:
        """Away with the window."""
        self.viewer.close()
        live(0.2)


def live(seconds: float) -> None:
    """Let windows draw and react."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        QApplication.processEvents()
        time.sleep(0.01)


def tell(task: str, folder: Path, iterations: int | None) -> None:
    """The story of a task."""
    story = Story(task, folder, iterations)
    story.open_sample()
    live(3)  # the memory estimate arrives
    story.run(task, half_way="running" if task == "denoise" else "")
    story.close()


def tell_painting(folder: Path, iterations: int | None) -> None:
    """Paint over what disturbs, and inpaint it."""
    story = Story("enhance", folder, iterations)  # a cat without text
    story.open_sample()
    story.dock.changed.emit("name", "inpaint")
    settings: dict[str, Any] = {"hole": "text", "iterations": iterations}
    story.model.task = story.model.task.replace(**settings)
    story.dock.show_task(story.model.task)
    story.ask(Action.NEW_MASK)
    mask = story.model.mask
    mask.brush_size = 7
    for x in range(30, 220, 3):
        mask.paint((60 + x // 3, x), 1)
        mask.paint((200 - x // 4, x), 1)
    story.save("painting")
    story.run("")
    mask.visible = False
    story.save("painted")
    story.close()


def tell_timeline(folder: Path, iterations: int | None) -> None:
    """Go back to an earlier iteration and keep it; compare the two."""
    story = Story("denoise", folder, iterations)
    story.open_sample()
    story.run("")
    slider = story.dock.findChild(QSlider)
    slider.setValue(slider.maximum() // 3)
    story.ask(Action.KEEP)
    story.save("timeline")
    slider.setValue(slider.maximum())
    final = story.viewer.layers["Noisy photo [denoise]"]
    early = next(x for x in story.viewer.layers if x.name.startswith(f"{final.name} "))
    _, compare = story.viewer.window.add_plugin_dock_widget(PLUGIN, "Deep Image Prior: Compare")
    story.viewer.window.remove_dock_widget(story.dock)
    compare.findChild(LayerTable).choose([early, final])
    field(compare, "reference").value = story.viewer.layers["Original"]
    for button, picture in (("Side by side", "side-by-side"), ("Curtain", "curtain")):
        press(compare, button)
        press(compare, "Scores")
        live(3)
        story.save(picture)
    press(compare, "Line profile")
    live(3)
    story.save("profile")
    story.close()


def tell_lab(folder: Path, iterations: int | None) -> None:
    """Watch a network resist noise."""
    story = Story("enhance", folder, iterations, LAB)
    whole = story.viewer.open_sample(PLUGIN, "enhance")[0]
    cat = story.viewer.add_image(whole.data[64:192, 64:192], name="Cat")
    story.viewer.layers.remove(whole)
    story.dock.choose("impedance", image=cat)
    story.model.study = story.model.study.replace(iterations=iterations or 100)
    story.dock.show_study(story.model.study, True)
    story.run("", half_way="lab")
    story.close()


def tell_volume(folder: Path, iterations: int | None) -> None:
    """A stack in 3-D, seen from the side, beside what was given."""
    story = Story("stack", folder, iterations)
    story.open_stack(StackScope.VOLUME)
    story.run("")
    story.viewer.layers.remove("Original")
    grid = story.viewer.canvas.grid
    grid.enabled, grid.shape = True, (2, 1)
    story.viewer.dims.order = (1, 0, 2)
    story.viewer.reset_view()
    story.save("volume")
    story.close()


def tell_series(folder: Path, iterations: int | None) -> None:
    """A movie frame after frame, seen half way, and an earlier iteration of a frame."""
    story = Story("movie", folder, iterations)
    story.open_stack(StackScope.SLICES)
    story.run("", half_way="series")
    story.close()


def tell_tiles(folder: Path, iterations: int | None) -> None:
    """A large image fills in tile by tile."""
    story = Story("denoise", folder, iterations)
    noise = np.random.default_rng(0).normal(0, 25, (1024, 1024))
    noisy = np.clip(np.pad(camera(), 256, mode="symmetric") + noise, 0, 255).astype(np.uint8)
    slide = story.viewer.add_image(noisy, name="Slide", scale=(0.5, 0.5), units="um")
    story.dock.choose("denoise", image=slide)
    field(story.dock, "tile_size").value = 384
    story.fill(Denoise(iterations=iterations))
    live(3)
    story.run("", half_way="tiles")
    story.close()


def field(dock: QWidget, name: str) -> Any:
    """The widget of a dock's field."""
    return next(x.widgets[name] for x in dock.findChildren(Rows) if name in x.widgets)


def press(widget: QWidget, text: str) -> None:
    """Click a button by what is written on it."""
    button = next(x for x in widget.findChildren(QPushButton) if x.text() == text)
    button.click()


STORIES: dict[str, Callable[[Path, int | None], None]] = {
    "painting": tell_painting,
    "timeline": tell_timeline,
    "lab": tell_lab,
    "volume": tell_volume,
    "series": tell_series,
    "tiles": tell_tiles,
}


def main() -> None:
    """Tell the stories that were asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--iterations", type=int)
    parser.add_argument("--stories", nargs="+", default=[*TASKS, *STORIES])
    chosen = parser.parse_args()
    chosen.folder.mkdir(parents=True, exist_ok=True)
    for name in chosen.stories:
        if name in STORIES:
            STORIES[name](chosen.folder, chosen.iterations)
        else:
            tell(name, chosen.folder, chosen.iterations)


if __name__ == "__main__":
    main()

"""The dock "Deep Image Prior: Compare"."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from magicgui.widgets import ComboBox
from napari.layers import Image
from qtpy.QtCore import QEvent, QTimer
from qtpy.QtWidgets import QLabel, QVBoxLayout, QWidget

from napari_dip.errors import UserError
from napari_dip.ui.compare.comparison import Comparison, Mode
from napari_dip.ui.compare.display_watch import DisplayWatch
from napari_dip.ui.compare.displayed_slice import displayed_slice
from napari_dip.ui.compare.layer_table import LETTERS, LayerTable
from napari_dip.ui.compare.mode_buttons import (
    AS_BEFORE,
    DIFFERENCE,
    FLICKER_KEY,
    LINE,
    SCORES,
    ModeButtons,
)
from napari_dip.ui.compare.profile import read_profiles
from napari_dip.ui.compare.profile_plot import ProfilePlot
from napari_dip.ui.compare.reads import BackgroundReads
from napari_dip.ui.compare.scores import Score, score
from napari_dip.ui.widgets.rows import Rows

if TYPE_CHECKING:
    from napari import Viewer


READS = ("curtain", "difference", "scores", "profile")
"""The kinds of reads in the background."""

MINIMUM_WIDTH = 320
"""Least width of the dock in pixels."""

HINT = "Tick two or more layers. Curtain and Difference take A and B, the first two."

MODE_HINTS = {
    Mode.SIDE_BY_SIDE: "Side by side, from the lowest layer up; zooming and panning move all.",
    Mode.FLICKER: f"{FLICKER_KEY} in the image, or the button, shows the next layer.",
    Mode.CURTAIN: "Drag the vertical line: A is to its left, B to its right.",
}
"""What to do in each mode."""

LINE_HINT = "Drag an end of the profile's line; the plot below shows its values."


class QtCompareView(QWidget):
    """The dock: a table of layers, buttons, a message and a plot.

    It reads values in the background; of each kind of read only the newest counts.

    Parameters
    ----------
    viewer
        The viewer whose layers are compared.
    """

    def __init__(self, viewer: Viewer) -> None:
        super().__init__()
        self._viewer = viewer
        self.comparison = Comparison(viewer)
        self.comparison.changed.connect(self._show_mode)
        self._reads = BackgroundReads(READS, self)
        self._reads.checked.connect(self._show_note)
        # The dock follows layers that come, go and change only when napari is done with them.
        self._soon = QTimer(self)
        self._soon.setObjectName("follow layers")
        self._soon.setSingleShot(True)
        self._soon.timeout.connect(self._catch_up)
        self._is_stale = False
        self._note = ""
        self._table, self._rows, self._plot = LayerTable(), Rows(), ProfilePlot()
        self._reference = ComboBox(
            name="reference",
            label="Reference",
            tooltip="The true image, if it is known: PSNR and SSIM are measured against it",
            nullable=True,
            choices=lambda _: self._images(),
        )
        self._rows.add(self._reference)
        self._reference.changed.connect(self._expire)
        self._message = QLabel()
        self._message.setObjectName("message")
        self._message.setWordWrap(True)
        self._mode_buttons = ModeButtons()
        self._mode_buttons.pressed.connect(self._press)
        self._mode_buttons.moved.connect(self.comparison.move_curtain)
        self._actions: dict[str, Callable[[], Any]] = {
            Mode.SIDE_BY_SIDE: self.comparison.side_by_side,
            Mode.FLICKER: self.comparison.flip,
            Mode.CURTAIN: self._draw_curtain,
            DIFFERENCE: self._subtract,
            LINE: self._toggle_line,
            SCORES: self._score,
            AS_BEFORE: self.comparison.end,
        }
        self._lay_out()
        self._table.ticked.connect(self._choose)
        self._watch = DisplayWatch(viewer)
        self._watch.changed.connect(self._expire)
        self._take_key()
        self.reset_choices()
        self._choose_first()
        self._show_mode()

    def reset_choices(self, event: Any = None) -> None:
        """List the viewer's layers; napari connects this method to their events."""
        self._reference.reset_choices()
        self._table.show_layers(self._images())
        self._soon.start()

    def event(self, event: QEvent) -> bool:
        # A dock that is closed gets no closeEvent: napari only removes its widget.
        if event.type() == QEvent.Type.ParentChange and self.parent() is None:
            self._close()
        return bool(super().event(event))

    def _lay_out(self) -> None:
        self.setMinimumWidth(MINIMUM_WIDTH)
        self._table.setMinimumHeight(110)
        self._table.setMaximumHeight(150)
        layout = QVBoxLayout(self)
        for widget in (self._table, self._rows, self._mode_buttons, self._message, self._plot):
            layout.addWidget(widget)
        layout.addStretch()

    def _images(self) -> list[Image]:
        layers = (layer for layer in self._viewer.layers if isinstance(layer, Image))
        return [layer for layer in layers if not Comparison.is_temporary(self._viewer, layer)]

    def _choose_first(self) -> None:
        """Tick the selected images, or else the two topmost visible ones."""
        images = self._images()
        selected = [layer for layer in images if layer in self._viewer.layers.selection]
        visible = [layer for layer in images if layer.visible]
        self._table.choose(selected if len(selected) > 1 else visible[-2:])

    def _press(self, name: str) -> None:
        """Do what a button says, and show what came of it."""
        self._note = ""
        self._take_key()
        try:
            self._follow()
            self._note = self._actions[name]() or self._note
        except UserError as error:
            self._note = f"⚠ {error}"
        self._show_mode()

    def _show_mode(self) -> None:
        compare = self.comparison
        has_line = compare.line is not None
        self._mode_buttons.show_comparison(compare)
        self._plot.setVisible(has_line)
        hints = [MODE_HINTS[compare.mode]] if compare.mode else []
        if shown := compare.shown:
            hints = [f"{LETTERS[compare.layers.index(shown)]}: {shown.name}. {hints[0]}"]
        if has_line and compare.mode is not Mode.SIDE_BY_SIDE:
            hints.append(LINE_HINT)
        note = self._note or " ".join(hints) or HINT
        self._message.setText("Reading ..." if self._reads.are_late else note)

    # Following layers, slices and pixels

    def _choose(self, layers: tuple[Image, ...]) -> None:
        self._watch.watch(layers)
        self._expire()

    def _expire(self, event: Any = None) -> None:
        """Note that the values that were read belong to another slice, layer or state."""
        self._is_stale = True
        self._table.show_scores(())
        self._reads.drop("scores")
        self._soon.start()

    def _catch_up(self) -> None:
        try:
            self._follow()
        except UserError as error:
            self.comparison.end()
            self._note = f"⚠ {error}"
        self._show_mode()

    def _follow(self) -> None:
        compare, is_stale = self.comparison, self._is_stale
        self._is_stale = False
        compare.tidy()
        if self._table.chosen != compare.layers:
            self._reads.start("curtain", compare.choose(self._table.chosen))
        elif is_stale:
            self._reads.start("curtain", compare.refresh())
        if is_stale:
            self._read_line()

    # Reading in the background

    def _show_note(self, note: str) -> None:
        self._note = note or self._note
        self._show_mode()

    def _draw_curtain(self) -> None:
        self._reads.start("curtain", self.comparison.draw_curtain())

    def _subtract(self) -> None:
        self._reads.start("difference", self.comparison.subtract())

    def _toggle_line(self) -> None:
        compare = self.comparison
        if compare.line is not None:
            compare.remove_line()
            return
        compare.draw_line().moved.connect(self._read_line)
        self._read_line()

    def _read_line(self) -> None:
        line = self.comparison.line
        if line is None:
            return
        cuts, unit = line.cuts(self._table.chosen), line.unit
        show = self._plot.show_profiles
        self._reads.start("profile", lambda: partial(show, read_profiles(cuts, unit)))

    def _score(self) -> None:
        layers, reference = self._table.chosen, self._reference.value
        if not layers:
            raise UserError("scores: tick an Image layer")
        images = tuple(displayed_slice(layer, self._viewer.dims) for layer in layers)
        truth = None if reference is None else displayed_slice(reference, self._viewer.dims)
        self._reads.start("scores", lambda: partial(self._show_scores, score(images, truth)))

    def _show_scores(self, scores: tuple[Score, ...]) -> str:
        self._table.show_scores(scores)
        return next((f"⚠ scores: {score.why}" for score in scores if score.why), "")

    # The key, and the end

    def _take_key(self) -> None:
        """Bind the key to this dock: of several docks the one that was used last has it."""
        self._viewer.bind_key(FLICKER_KEY, self._flip, overwrite=True)

    def _flip(self, _viewer: Viewer) -> None:
        self._press(Mode.FLICKER)

    def _close(self) -> None:
        """Put everything back and stop following the viewer; closing twice is fine."""
        self.comparison.end()
        bound = self._viewer.bind_key(FLICKER_KEY, None)
        if bound is not None and bound != self._flip:
            self._viewer.bind_key(FLICKER_KEY, bound)
        self._watch.end()
        self._reads.stop()
        self._soon.stop()

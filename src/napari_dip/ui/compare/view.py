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
from napari_dip.ui.compare.background import BackgroundReads
from napari_dip.ui.compare.comparison import Comparison, Mode
from napari_dip.ui.compare.display_watch import DisplayWatch
from napari_dip.ui.compare.layer_table import LETTERS, LayerTable
from napari_dip.ui.compare.mode_buttons import AS_BEFORE, DIFFERENCE, KEY, LINE, SCORES, ModeButtons
from napari_dip.ui.compare.picture import picture_of
from napari_dip.ui.compare.profile import read_profiles
from napari_dip.ui.compare.profile_plot import ProfilePlot
from napari_dip.ui.compare.scores import Score, score
from napari_dip.ui.widgets.rows import Rows

if TYPE_CHECKING:
    from napari import Viewer


ERRANDS = ("curtain", "difference", "scores", "profile")


MINIMUM_WIDTH = 320


HINT = "Tick two or more layers. Curtain and difference take A and B, the first two."


TOLD = {
    Mode.SIDE_BY_SIDE: "Side by side, from the lowest layer up; zooming and panning move all.",
    Mode.FLICKER: f"{KEY} in the picture, or the button, shows the next layer.",
    Mode.CURTAIN: "Drag the upright line: A is left of it, B right.",
}
"""What to do in each mode."""


TOLD_LINE = "Drag an end of the profile's line; its values are below."


class QtCompareView(QWidget):
    """Choose layers and ways to look at them.

    What is read is read beside the window, by errands of several kinds, and of each kind only the
    newest counts.
    """

    def __init__(self, viewer: Viewer) -> None:
        super().__init__()
        self._viewer = viewer
        self.comparison = Comparison(viewer)
        self.comparison.changed.connect(self._show_mode)
        self._errands = BackgroundReads(ERRANDS, self)
        self._errands.looked.connect(self._hear)
        # What follows from layers that come, go and change waits until napari is done with them.
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.timeout.connect(self._catch_up)
        self._is_stale = False
        self._note = ""
        self._table, self._rows, self._plot = LayerTable(), Rows(), ProfilePlot()
        self._reference = ComboBox(
            name="reference",
            label="Reference",
            tooltip="The true image, if it is known: PSNR and SSIM are told",
            nullable=True,
            choices=lambda _: self._images(),
        )
        self._rows.add(self._reference)
        self._reference.changed.connect(self._expire)
        self._message = QLabel()
        self._message.setWordWrap(True)
        self._ways = ModeButtons()
        self._ways.pressed.connect(self._press)
        self._ways.moved.connect(self.comparison.move_curtain)
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
        """Follow the layers; napari connects this to their events."""
        self._reference.reset_choices()
        self._table.show_layers(self._images())
        self._soon.start()

    def event(self, event: QEvent) -> bool:
        # A dock that is closed gets no closeEvent: napari takes its widget out.
        if event.type() == QEvent.Type.ParentChange and self.parent() is None:
            self._close()
        return bool(super().event(event))

    def _lay_out(self) -> None:
        self.setMinimumWidth(MINIMUM_WIDTH)
        self._table.setMinimumHeight(110)
        self._table.setMaximumHeight(150)
        layout = QVBoxLayout(self)
        for widget in (self._table, self._rows, self._ways, self._message, self._plot):
            layout.addWidget(widget)
        layout.addStretch()

    def _images(self) -> list[Image]:
        layers = (layer for layer in self._viewer.layers if isinstance(layer, Image))
        return [layer for layer in layers if not Comparison.is_makeshift(self._viewer, layer)]

    def _choose_first(self) -> None:
        """Tick the selected images, or else the two that are on top of what is visible."""
        images = self._images()
        selected = [layer for layer in images if layer in self._viewer.layers.selection]
        visible = [layer for layer in images if layer.visible]
        self._table.choose(selected if len(selected) > 1 else visible[-2:])

    def _press(self, name: str) -> None:
        """Act, and say what came of it."""
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
        self._ways.show_comparison(compare)
        self._plot.setVisible(has_line)
        told = [TOLD[compare.mode]] if compare.mode else []
        if shown := compare.shown:
            told = [f"{LETTERS[compare.layers.index(shown)]}: {shown.name}. {told[0]}"]
        if has_line and compare.mode is not Mode.SIDE_BY_SIDE:
            told.append(TOLD_LINE)
        note = self._note or " ".join(told) or HINT
        self._message.setText("Reading ..." if self._errands.are_late else note)

    # Following layers, slices and pixels

    def _choose(self, layers: tuple[Image, ...]) -> None:
        self._watch.watch(layers)
        self._expire()

    def _expire(self, event: Any = None) -> None:
        """What was read is of another slice, of pixels that have changed, or of other layers."""
        self._is_stale = True
        self._table.show_scores(())
        self._errands.drop("scores")
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
            self._errands.send("curtain", compare.choose(self._table.chosen))
        elif is_stale:
            self._errands.send("curtain", compare.refresh())
        if is_stale:
            self._read_line()

    # What is read beside the window

    def _hear(self, note: str) -> None:
        self._note = note or self._note
        self._show_mode()

    def _draw_curtain(self) -> None:
        self._errands.send("curtain", self.comparison.draw_curtain())

    def _subtract(self) -> None:
        self._errands.send("difference", self.comparison.subtract())

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
        self._errands.send("profile", lambda: partial(show, read_profiles(cuts, unit)))

    def _score(self) -> None:
        layers, reference = self._table.chosen, self._reference.value
        if not layers:
            raise UserError("scores: tick an Image layer")
        pictures = tuple(picture_of(layer, self._viewer.dims) for layer in layers)
        truth = None if reference is None else picture_of(reference, self._viewer.dims)
        self._errands.send("scores", lambda: partial(self._show_scores, score(pictures, truth)))

    def _show_scores(self, scores: tuple[Score, ...]) -> str:
        self._table.show_scores(scores)
        return next((f"⚠ scores: {figures.why}" for figures in scores if figures.why), "")

    # The key, and the end

    def _take_key(self) -> None:
        """Be the dock whose layers flicker: of several it is the one that was used last."""
        self._viewer.bind_key(KEY, self._flip, overwrite=True)

    def _flip(self, _viewer: Viewer) -> None:
        self._press(Mode.FLICKER)

    def _close(self) -> None:
        """Put everything back and listen to nothing any more; closing twice is fine."""
        self.comparison.end()
        taken = self._viewer.bind_key(KEY, None)
        if taken is not None and taken != self._flip:
            self._viewer.bind_key(KEY, taken)
        self._watch.end()
        self._errands.stop()
        self._soon.stop()

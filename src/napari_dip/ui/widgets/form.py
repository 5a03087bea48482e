"""The form of a task, made from its settings."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import Field, fields
from functools import partial
from typing import Any

from magicgui.widgets import CheckBox, ComboBox, FloatSpinBox, LineEdit, SpinBox
from magicgui.widgets.bases import ValueWidget
from psygnal import Signal
from qtpy.QtWidgets import QVBoxLayout, QWidget

from napari_dip.errors import UserError
from napari_dip.tasks.settings import SettingKind, Settings, kinds
from napari_dip.ui.widgets.rows import Rows, folded

PRESET = "preset"
"""Text of a field that is left to the preset."""

NO_LIMIT = 10**9
"""Range of a number that has no limit."""


class TaskForm(QWidget):
    """The everyday settings of a task or a study, and the others folded under "Advanced"."""

    edited = Signal(object)
    """(Settings): all settings, after one was changed."""
    invalid = Signal(str)
    """(text): why the form can't be used; empty if it can."""

    def __init__(self) -> None:
        super().__init__()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        self._task: Settings | None = None
        self._errors: dict[str, str] = {}
        self._everyday, self._advanced = Rows(), Rows()
        self._everyday.setObjectName("everyday")
        self._advanced.setObjectName("advanced")
        layout.addWidget(self._everyday)
        layout.addWidget(folded("Advanced", self._advanced))

    def show_task(self, task: Settings, leave_out: Collection[str] = ()) -> None:
        """Show settings, except those that have widgets elsewhere in the dock."""
        self._task, self._errors = task, {}
        self._everyday.clear()
        self._advanced.clear()
        for field in fields(task):
            if field.name in leave_out:
                continue
            widget = widget_for(task, field)
            widget.changed.connect(partial(self._edit, field.name))
            (self._advanced if field.metadata["advanced"] else self._everyday).add(widget)
        self.invalid.emit("")

    def _edit(self, name: str, value: Any) -> None:
        assert self._task is not None  # there are no widgets before
        try:
            self._task = self._task.replace(**{name: from_widget(self._task, name, value)})
            self._errors.pop(name, None)
            self.edited.emit(self._task)
        except UserError as error:
            self._errors[name] = str(error)
        self.invalid.emit("; ".join(self._errors.values()))


def widget_for(task: Settings, field: Field[Any]) -> ValueWidget[Any]:
    """Make the widget of one setting, with its range, help and value."""
    kind, value = kinds(type(task))[field.name], getattr(task, field.name)
    common: dict[str, Any] = {
        "name": field.name,
        "label": field.name.replace("_", " ").capitalize(),
        "tooltip": field.metadata["help"],
    }
    if _is_text(kind):
        widget = LineEdit(value=_as_text(value), **common)
        widget.native.setPlaceholderText(PRESET)
        widget.native.setCursorPosition(0)  # shows the beginning of a long text
        return widget
    if kind.choices or (kind.scalar is bool and kind.optional):
        choices: list[tuple[str, Any]] = [(choice, choice) for choice in kind.choices]
        choices = choices or [("yes", True), ("no", False)]
        if kind.optional:
            choices.insert(0, (PRESET, None))
        return ComboBox(choices=choices, value=value, **common)
    if kind.scalar is bool:
        return CheckBox(value=value, **common)
    least, most = field.metadata["least"], field.metadata["most"]
    most = NO_LIMIT if most is None else most
    if kind.scalar is float:
        least = -NO_LIMIT if least is None else least
        return FloatSpinBox(value=value, min=least, max=most, step=0.1, **common)
    return SpinBox(value=value, min=int(least), max=int(most), **common)


def from_widget(task: Settings, name: str, value: Any) -> Any:
    """Convert a widget's value to the setting's.

    Raises
    ------
    UserError
        When a text can't be converted.
    """
    kind = kinds(type(task))[name]
    if _is_text(kind):
        return type(task).parse(name, value.strip())
    return value


def _is_text(kind: SettingKind) -> bool:
    """Return whether a setting is typed: several values, or a number that may be left out."""
    return kind.many or (kind.scalar in (int, float) and kind.optional)


def _as_text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, tuple):
        return ",".join(map(str, value))
    return f"{value:.6g}"

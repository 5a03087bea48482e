"""The form that is made from a task's settings."""

from dataclasses import fields

import pytest
from superqt import QCollapsible

from napari_dip.tasks.denoise import Denoise
from napari_dip.tasks.enhance import EnhanceDetail
from napari_dip.tasks.inpaint import Inpaint
from napari_dip.tasks.registry import TASKS
from napari_dip.tasks.upscale import Upscale
from napari_dip.ui.widgets.form import TaskForm, from_widget, widget_for

from ..find import fields as all_fields
from ..find import find


@pytest.fixture
def form(qtbot):
    form = TaskForm()
    qtbot.addWidget(form)
    return form


@pytest.mark.parametrize("task", TASKS.values())
def test_every_setting_of_every_task_has_a_widget_with_help(form, task):
    form.show_task(task())
    assert set(all_fields(form)) == {f.name for f in fields(task)}
    assert all(widget.tooltip for widget in all_fields(form).values())


def test_everyday_settings_come_first_and_the_others_are_folded_away(form):
    form.show_task(Denoise())
    everyday = ["preset", "iterations", "runs", "uncertainty", "stop", "sigma", "gain"]
    assert list(all_fields(form, "everyday")) == everyday
    assert "filters" in all_fields(form, "advanced")
    assert not find(form, QCollapsible).isExpanded()


OTHER_VALUES = {
    **Denoise().replace(iterations=7, sigma=0.1, filters=(8, 16), precision="auto").to_dict(),
    "fresh_noise": False,
    "upsampling": ("nearest", "bilinear"),
    "learning_rate": 3e-4,
}


@pytest.mark.parametrize("task", [Denoise(), Denoise(**OTHER_VALUES), Inpaint(hole="text")])
def test_widgets_show_a_tasks_values_and_give_them_back(qtbot, task):
    for field in fields(task):
        widget = widget_for(task, field)
        value = from_widget(task, field.name, widget.value)
        assert value == pytest.approx(getattr(task, field.name)), field.name
        widget.close()


def test_an_edit_is_emitted_as_a_whole_task(form):
    form.show_task(Denoise())
    heard = []
    form.edited.connect(heard.append)
    all_fields(form)["iterations"].value = "120"
    all_fields(form)["sigma"].value = "25/255"
    all_fields(form)["filters"].value = "8, 16"
    all_fields(form)["preset"].value = "paper"
    expected = Denoise(iterations=120, sigma=25 / 255, filters=(8, 16), preset="paper")
    assert heard[-1] == expected


def test_an_empty_field_takes_the_presets_value(form):
    form.show_task(Denoise(iterations=120))
    heard = []
    form.edited.connect(heard.append)
    all_fields(form)["iterations"].value = ""
    assert heard == [Denoise()]


def test_an_invalid_value_is_reported_until_it_is_corrected(form):
    form.show_task(Denoise())
    errors, edited = [], []
    form.invalid.connect(errors.append)
    form.edited.connect(edited.append)
    all_fields(form)["iterations"].value = "0"
    all_fields(form)["sigma"].value = "x"
    assert "iterations: 0 is below" in errors[-1]
    assert "sigma: 'x' is not" in errors[-1]
    assert not edited
    all_fields(form)["iterations"].value = "3"
    assert "iterations" not in errors[-1]
    all_fields(form)["sigma"].value = ""
    assert errors[-1] == ""
    assert edited[-1] == Denoise(iterations=3)


def test_number_fields_have_the_settings_range(form):
    form.show_task(Upscale())
    factor = all_fields(form)["factor"]
    assert (factor.min, factor.max, factor.value) == (2, 32, 4)
    form.show_task(EnhanceDetail())
    assert all_fields(form)["gain"].min == 0

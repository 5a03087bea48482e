"""The form that is derived from a task's settings."""

from dataclasses import fields

import pytest

from napari_dip.tasks.denoise import Denoise
from napari_dip.tasks.enhance import EnhanceDetail
from napari_dip.tasks.inpaint import Inpaint
from napari_dip.tasks.registry import TASKS
from napari_dip.tasks.upscale import Upscale
from napari_dip.ui.widgets.form import TaskForm, from_widget, widget_for


@pytest.fixture
def form(qtbot):
    form = TaskForm()
    qtbot.addWidget(form)
    return form


def widgets(form):
    return form._everyday.widgets | form._advanced.widgets


@pytest.mark.parametrize("task", TASKS.values())
def test_every_setting_of_every_task_has_a_widget_with_help(form, task):
    form.show_task(task())
    assert set(widgets(form)) == {f.name for f in fields(task)}
    assert all(widget.tooltip for widget in widgets(form).values())


def test_everyday_settings_come_first_and_the_others_are_folded_away(form):
    form.show_task(Denoise())
    everyday = ["preset", "iterations", "runs", "uncertainty", "stop", "sigma", "gain"]
    assert list(form._everyday.widgets) == everyday
    assert "filters" in form._advanced.widgets
    assert not form._more.isExpanded()


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
    widgets(form)["iterations"].value = "120"
    widgets(form)["sigma"].value = "25/255"
    widgets(form)["filters"].value = "8, 16"
    widgets(form)["preset"].value = "paper"
    expected = Denoise(iterations=120, sigma=25 / 255, filters=(8, 16), preset="paper")
    assert heard[-1] == expected


def test_an_emptied_field_is_left_to_the_preset(form):
    form.show_task(Denoise(iterations=120))
    heard = []
    form.edited.connect(heard.append)
    widgets(form)["iterations"].value = ""
    assert heard == [Denoise()]


def test_what_is_wrong_is_said_until_it_is_mended(form):
    form.show_task(Denoise())
    said, edited = [], []
    form.invalid.connect(said.append)
    form.edited.connect(edited.append)
    widgets(form)["iterations"].value = "0"
    widgets(form)["sigma"].value = "x"
    assert "iterations: 0 is below" in said[-1]
    assert "sigma: 'x' is not" in said[-1]
    assert not edited
    widgets(form)["iterations"].value = "3"
    assert "iterations" not in said[-1]
    widgets(form)["sigma"].value = ""
    assert said[-1] == ""
    assert edited[-1] == Denoise(iterations=3)


def test_numbers_are_ranged(form):
    form.show_task(Upscale())
    factor = widgets(form)["factor"]
    assert (factor.min, factor.max, factor.value) == (2, 32, 4)
    form.show_task(EnhanceDetail())
    assert widgets(form)["gain"].min == 0

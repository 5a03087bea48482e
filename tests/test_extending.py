"""Tasks, networks, rules and studies from outside the package; and what the package's own need.

The code is that of docs/extending.md.
"""

import importlib
import os
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from click.testing import CliRunner

import napari_dip
from napari_dip import Denoise, UserError, prepare, restore, run_study, task_from_dict
from napari_dip.cli.main import main
from napari_dip.engine.networks import NETWORKS, Network
from napari_dip.engine.stopping import STOPPING_RULES, StoppingRule
from napari_dip.files.image_file import read_image, write_image
from napari_dip.samples.pictures import SAMPLES
from napari_dip.studies.lab.registry import STUDIES
from napari_dip.tasks.base import Task
from napari_dip.tasks.registry import TASKS
from napari_dip.tasks.settings import kinds

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "extending.md").read_text()
REGISTRIES = {
    "tasks": (TASKS, "deinterlace", "Deinterlace"),
    "networks": (NETWORKS, "plain", "PlainNetwork"),
    "stopping_rules": (STOPPING_RULES, "plateau", "Plateau"),
    "studies": (STUDIES, "compare-widths", "CompareWidths"),
}
QUICK = {"iterations": 4, "filters": (4, 4)}
LONG = {"iterations": 100}


def blocks(language: str) -> str:
    return "\n\n".join(re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL))


@pytest.fixture
def image():
    y, x = np.mgrid[:24, :20]
    return (100 + 50 * np.sin(x / 5) + 30 * np.cos(y / 4)).astype(np.uint8)


@pytest.fixture
def package(tmp_path, monkeypatch):
    """The page's package, imported: its classes are registered until the test ends."""
    (tmp_path / "my_package.py").write_text(blocks("python"))
    monkeypatch.syspath_prepend(tmp_path)
    yield importlib.import_module("my_package")
    del sys.modules["my_package"]
    for registry, name, _ in REGISTRIES.values():
        registry.unregister(name)


def test_a_registered_task_restores(package: ModuleType, image):
    task = package.Deinterlace(keep="odd", **QUICK)
    assert not prepare(image, task).measurement.observed[..., ::2, :].any()
    result = restore(image, task, device="cpu")
    assert result.image.shape == image.shape
    made = {"task": "deinterlace", **result.report()["settings"]}
    assert task_from_dict(made) == result.task


def test_a_registered_network_and_rule_are_used_by_any_task(package: ModuleType, image):
    # At this rate nothing is learned, so the residual stays.
    task = Denoise(network="plain", stop="plateau", learning_rate=1e-6, **QUICK | LONG)
    job = prepare(image, task, device="cpu")
    settings = job.task.fit_settings(job.measurement)
    assert isinstance(settings.stopping, package.Plateau)
    result = restore(image, task, device="cpu")
    assert (result.stop_reason, result.image.shape) == ("rule", image.shape)


def test_a_registered_study_runs(package: ModuleType, image):
    study = package.CompareWidths(widths=(2, 4), iterations=2)
    assert run_study(study, image, device="cpu").names == ("2 filters", "4 filters")


@pytest.mark.usefixtures("package")
def test_what_is_registered_is_offered_by_forms_and_the_command_line(tmp_path, image):
    assert "plain" in kinds(Denoise)["network"].choices
    assert "plateau" in kinds(Denoise)["stop"].choices
    commands = main.list_commands(None)
    assert {"deinterlace", "compare-widths"} <= set(commands)
    write_image(tmp_path / "frame.png", image)
    arguments = ["--keep", "odd", "--iterations", "2", "--device", "cpu", "--stop", "plateau"]
    arguments += ["--set", "network=plain", "--set", "filters=4"]
    output = tmp_path / "whole.tif"
    result = CliRunner().invoke(
        main,
        ["deinterlace", str(tmp_path / "frame.png"), "-o", str(output), *arguments],
    )
    assert result.exit_code == 0, result.output
    assert output.exists()
    text = CliRunner().invoke(main, ["deinterlace", "--help"]).output
    assert "Fill every second row" in text
    assert "plateau" in text


@pytest.mark.usefixtures("package")
def test_what_is_registered_is_in_the_docks_forms():
    pytest.importorskip("psygnal")
    from napari_dip.ui.restore.model import RestoreModel

    assert RestoreModel(name="deinterlace").task == TASKS["deinterlace"]()


def test_what_is_not_registered_is_refused_with_the_names_that_are(image):
    with pytest.raises(UserError, match=r"^network: 'plain' is not one of skip, unet, resnet, pix"):
        Denoise(network="plain")
    with pytest.raises(UserError, match=r"^stop: 'plateau' is not one of auto, budget, sigma, "):
        Denoise(stop="plateau")


IN_ANOTHER_PROCESS = """
import sys
from napari_dip.cli.main import main
main(sys.argv[1:])
"""


def test_entry_points_of_an_installed_package_are_found(tmp_path, image):
    code = re.sub(r"@\w+\.register\n", "", blocks("python"))
    (tmp_path / "my_package.py").write_text(code)
    about = tmp_path / "my_package-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: my-package\nVersion: 1.0\n")
    groups = blocks("toml").replace('[project.entry-points."', "[").replace('"]', "]")
    (about / "entry_points.txt").write_text(groups.replace('"', ""))
    write_image(tmp_path / "frame.png", image)
    command = "deinterlace frame.png -o whole.tif --set network=plain --stop plateau "
    command += "--iterations 2 --set filters=4 --device cpu"
    result = subprocess.run(
        [sys.executable, "-c", IN_ANOTHER_PROCESS, *command.split()],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stderr
    assert read_image(tmp_path / "whole.tif").data.shape == image.shape


class NoTask:
    name = "no-task"


class BareTask(Task):
    pass


class OtherInputs(Denoise):
    """Needs what it does not accept."""

    name, title, needs = "other", "Other", ("psf",)


class NoNetwork(Network):
    pass


class NoRule(StoppingRule):
    name = "no-rule"


@pytest.mark.parametrize(
    ("registry", "entry", "said"),
    [
        (TASKS, NoTask, "task: expected a subclass of Task, got <class"),
        (TASKS, BareTask, "task: BareTask has no name and no title and no preset_values"),
        (TASKS, OtherInputs, "task: OtherInputs.accepts must name inputs .* and all of its needs"),
        (NETWORKS, NoTask, "network: expected a subclass of Network"),
        (NETWORKS, NoNetwork, "network: NoNetwork has no name and no forward and no docstring"),
        (STOPPING_RULES, NoTask, "stopping_rule: expected a subclass of StoppingRule"),
        (STOPPING_RULES, NoRule, "stopping_rule: NoRule has no start and no docstring"),
        (STOPPING_RULES, STOPPING_RULES["sigma"], None),
    ],
)
def test_a_class_that_lacks_something_is_told_what(registry, entry, said):
    if said is None:
        assert registry.register(entry) is entry
        return
    with pytest.raises(UserError, match=f"^{said}"):
        registry.register(entry)
    assert entry.name not in registry if hasattr(entry, "name") else True


# What the package's own tasks have beside their class


def entries_of(name: str) -> dict[str, bool]:
    manifest = (ROOT / "src" / "napari_dip" / "napari.yaml").read_text()
    navigation = (ROOT / "mkdocs.yml").read_text()
    return {
        "a sample in samples/pictures.py": name in SAMPLES,
        "a command in napari.yaml": f"id: napari-dip.restore_{name}\n" in manifest,
        "a menu entry in napari.yaml": f"command: napari-dip.restore_{name}\n" in manifest,
        "a function in ui/docks.py": f"ui.docks:{name}\n" in manifest,
        "a sample's entry in napari.yaml": f"command: napari-dip.sample_{name}\n" in manifest,
        "a page in docs/tasks": (ROOT / "docs" / "tasks" / f"{name}.md").exists(),
        "a line in mkdocs.yml": f"tasks/{name}.md\n" in navigation,
        "a name in napari_dip/__init__.py": TASKS[name].__name__ in napari_dip.__all__,
        "an example in its docstring": ">>> " in (TASKS[name].__doc__ or ""),
    }


@pytest.mark.parametrize("name", TASKS)
def test_the_packages_own_tasks_have_all_that_goes_with_them(name):
    missing = [what for what, is_there in entries_of(name).items() if not is_there]
    assert missing == [], f"{name} lacks {', '.join(missing)}"


def test_what_a_task_lacks_is_found(package):
    missing = [what for what, is_there in entries_of("deinterlace").items() if not is_there]
    assert len(missing) == len(entries_of("deinterlace"))


@pytest.mark.parametrize("name", STOPPING_RULES)
def test_the_packages_own_rules_are_on_the_page_about_stopping(name):
    assert f"`--stop {name}`" in (ROOT / "docs" / "stopping.md").read_text()


@pytest.mark.parametrize("name", NETWORKS)
def test_the_packages_own_networks_are_on_the_page_about_settings(name):
    (line,) = re.findall(r"\| `network` \|.*", (ROOT / "docs" / "settings.md").read_text())
    assert name in line

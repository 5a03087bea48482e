"""The house as a whole: what may be imported where, one name for one thing, and its plan.

The engine and the restoration run where napari, Qt and dask can't be imported. What decides in a
dock (model, controller, run) is imported without Qt. import-linter checks the floors.
"""

import ast
import re
import runpy
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SRC = ROOT / "src" / "napari_dip"

QT = ("qtpy", "PyQt5", "PyQt6", "PySide2", "PySide6", "superqt", "pyqtgraph")
BLOCKED = ("napari", *QT, "magicgui", "psygnal", "vispy", "dask", "distributed")


def block(names: tuple[str, ...]) -> str:
    """Code after which these can't be imported, whether they are installed or not."""
    return f"""
import sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {names}:
            raise ModuleNotFoundError(name)

sys.meta_path.insert(0, Absent())
"""


RESTORE = """
import numpy as np
import torch

import napari_dip.engine.fit
from napari_dip.restoration.restore import restore
from napari_dip.tasks.registry import TASKS

torch.set_num_threads(1)
image = np.random.default_rng(0).random((16, 16))
for task in TASKS.values():
    side = {"guide": image, "psf": np.ones((3, 3)), "mask": image > 0.9}
    wanted = {*task.needs, "mask"}
    given = {name: side[name] for name in wanted}
    result = restore(image, task(iterations=2, filters=(4,)), **given)
    assert np.isfinite(result.image).all()
"""


def run(script: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)


def test_every_task_restores_without_napari_qt_and_dask():
    result = run(block(BLOCKED) + RESTORE)
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("name", BLOCKED)
def test_the_block_holds(name):
    result = run(f"{block(BLOCKED)}\nimport {name}")
    assert f"ModuleNotFoundError: {name}" in result.stderr


def test_the_restoration_imports_no_front_end():
    result = run(
        f"{RESTORE}\nprint(*sorted(name.partition('.')[0] for name in __import__('sys').modules))"
    )
    assert result.returncode == 0, result.stderr
    imported = set(result.stdout.split())
    assert {"torch", "numpy"} <= imported
    assert not imported & {*BLOCKED, "click", "matplotlib", "tifffile"}


def test_what_decides_in_the_dock_imports_no_qt():
    pytest.importorskip("napari")
    result = run(f"{block(QT)}\nimport napari_dip.ui.restore.controller, napari_dip.ui.samples")
    assert result.returncode == 0, result.stderr


def modules():
    return sorted(SRC.rglob("*.py"))


def test_no_two_public_classes_have_one_name():
    homes = defaultdict(list)
    for path in modules():
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                homes[node.name].append(str(path.relative_to(SRC)))
    assert len(homes) > 100
    assert {name: places for name, places in homes.items() if len(places) > 1} == {}


def test_no_two_public_constants_have_one_name():
    homes = defaultdict(list)
    for path in modules():
        for node in ast.parse(path.read_text()).body:
            targets = getattr(node, "targets", None) or [getattr(node, "target", None)]
            names = [t.id for t in targets if isinstance(t, ast.Name)]
            for name in names:
                if re.fullmatch(r"[A-Z][A-Z0-9_]+", name):
                    homes[name].append(str(path.relative_to(SRC)))
    assert len(homes) > 50
    assert {name: places for name, places in homes.items() if len(places) > 1} == {}


def test_at_most_six_modules_are_loose_at_the_top_level():
    loose = {path.name for path in SRC.glob("*.py")}
    assert {"__init__.py", "errors.py", "_version.py"} <= loose
    assert len(loose) <= 6


def test_the_architecture_page_draws_the_tree_as_it_is():
    script = runpy.run_path(str(ROOT / "docs" / "scripts" / "architecture.py"))
    page = (ROOT / "docs" / "architecture.md").read_text()
    assert script["drawn"](page) == script["tree"](), "run python docs/scripts/architecture.py"
    folders = {path.parent.name for path in SRC.glob("*/__init__.py")}
    assert folders == set(script["FLOORS"])


def test_tests_are_in_the_folders_of_what_they_test():
    for path in (ROOT / "tests").rglob("test_*.py"):
        folder = path.relative_to(ROOT / "tests").parent
        assert (SRC / folder).is_dir(), f"{path}: there is no {folder} in src"

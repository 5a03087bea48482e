"""The engine and the restoration run where napari, Qt and dask can't be imported.

What decides in the dock (model, controller, run) is imported without Qt.
"""

import subprocess
import sys

import pytest

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

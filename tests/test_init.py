"""What importing the package brings along: little, and nothing of napari or Qt."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

import napari_dip

FRONT_ENDS = ("napari", "qtpy", "PyQt6", "PySide6", "magicgui", "superqt", "dask", "distributed")


def run(script: str) -> str:
    """Run a script in a fresh process and give what it prints."""
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    return result.stdout


def imported_by(statement: str) -> set[str]:
    return set(run(f"import sys; {statement}; print(*sys.modules)").split())


def test_importing_the_package_brings_no_heavy_library():
    heavy = {"torch", "numpy", "scipy", "skimage", "matplotlib", *FRONT_ENDS}
    assert not heavy & imported_by("import napari_dip")
    assert "numpy" in heavy & imported_by("import numpy")  # this test can fail


# Imports every module of the package but the ui, where the named libraries can't be imported.
IMPORT_ALL_WITHOUT = """
import importlib, pkgutil, sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {names}:
            raise ModuleNotFoundError(name)

sys.meta_path.insert(0, Absent())

import napari_dip
for module in pkgutil.walk_packages(napari_dip.__path__, "napari_dip."):
    if not module.name.startswith("napari_dip.ui"):
        importlib.import_module(module.name)
for name in napari_dip.__all__:
    getattr(napari_dip, name)
"""


def test_all_but_the_ui_works_where_napari_qt_and_dask_are_absent():
    run(IMPORT_ALL_WITHOUT.format(names=FRONT_ENDS))


def test_an_import_of_an_absent_library_would_be_noticed():
    with pytest.raises(AssertionError, match="ModuleNotFoundError: torch"):
        run(IMPORT_ALL_WITHOUT.format(names=("torch",)))


def test_names_of_earlier_versions_still_work():
    assert napari_dip.SuperResolve is napari_dip.Upscale
    with pytest.raises(AttributeError, match="no attribute 'Upscales'"):
        _ = napari_dip.Upscales


def test_the_api_page_lists_each_public_name_once():
    page = Path(__file__).parents[1] / "docs" / "api.md"
    listed = re.findall(r"^::: napari_dip\.(\w+)$", page.read_text(), re.MULTILINE)
    assert sorted(listed) == sorted(set(napari_dip.__all__) - {"__version__"})

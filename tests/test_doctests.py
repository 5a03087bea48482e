"""Examples in docstrings run as they stand, and every public name has one."""

import doctest
import importlib
import pkgutil

import pytest

import napari_dip

NAMES = [
    module.name
    for module in pkgutil.walk_packages(napari_dip.__path__, "napari_dip.")
    if not module.name.startswith("napari_dip.ui")  # which needs Qt, and has none
]


@pytest.mark.parametrize("name", ["napari_dip", *NAMES])
def test_examples_run(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = doctest.testmod(
        importlib.import_module(name), optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    )
    assert result.failed == 0


@pytest.mark.parametrize("name", [n for n in napari_dip.__all__ if n != "__version__"])
def test_every_public_name_has_an_example(name):
    assert ">>> " in (getattr(napari_dip, name).__doc__ or "")

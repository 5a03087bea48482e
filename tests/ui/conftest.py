"""Tests of the plugin: left out as a whole where napari is not installed (see test_environment)."""

import os
import sys
from importlib.util import find_spec

import pytest

HAS_DISPLAY = not sys.platform.startswith("linux") or bool(
    os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
)
if not HAS_DISPLAY:
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

PACKAGES = (
    "xvfb xauth libegl1 libgl1 libgl1-mesa-dri libxkbcommon-x11-0 libxcb-cursor0 libxcb-icccm4 "
    "libxcb-image0 libxcb-keysyms1 libxcb-render-util0 libxcb-shape0 libxcb-xinerama0 libdbus-1-3"
)
"""What a bare Debian lacks for a window."""

HAS_NAPARI, HAS_PYTEST_QT = (find_spec(name) is not None for name in ("napari", "pytestqt"))

collect_ignore_glob: list[str] = []
if not HAS_NAPARI:
    collect_ignore_glob += ["test_[!e]*.py"]
if not (HAS_NAPARI and HAS_PYTEST_QT):
    collect_ignore_glob += ["views/*", "test_widgets.py"]


@pytest.fixture(autouse=True)
def _own_settings(tmp_path):
    """What a test remembers is forgotten, and what a person has remembered is left alone."""
    if "qtpy" in sys.modules:
        from qtpy.QtCore import QSettings

        ini, user = QSettings.Format.IniFormat, QSettings.Scope.UserScope
        QSettings.setPath(ini, user, str(tmp_path))


@pytest.fixture
def window():
    """Leave out, or fail, a test of a whole viewer where nothing can be drawn."""
    if not HAS_DISPLAY:
        reason = f"no display; apt-get install {PACKAGES}, and run the tests under xvfb-run"
        if os.environ.get("NAPARI_DIP_REQUIRE_GUI") == "1":
            pytest.fail(reason)
        pytest.skip(reason)

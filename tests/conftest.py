"""What tests of several modules share, and whether this machine can run those of the plugin."""

import os
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import NoReturn

import dask
import numpy as np
import pytest
import torch
from hypothesis import settings

# No test's outcome depends on how busy the machine is, or on what earlier runs found.
settings.register_profile("project", deadline=None, derandomize=True, database=None)
settings.load_profile("project")

UI = Path(__file__).parent / "ui"

# What several folders of tests share; workers of a cluster import it by these names, too.
sys.path.insert(0, str(Path(__file__).parent / "support"))

PACKAGES = (
    "xvfb xauth libegl1 libgl1 libgl1-mesa-dri libxkbcommon-x11-0 libxcb-cursor0 libxcb-icccm4 "
    "libxcb-image0 libxcb-keysyms1 libxcb-render-util0 libxcb-shape0 libxcb-xinerama0 libdbus-1-3"
)
"""What a bare Debian lacks for a window."""

PROBE = """
from qtpy.QtGui import QOpenGLContext
from qtpy.QtWidgets import QApplication

application = QApplication([])
print("draws" if QOpenGLContext().create() else "does not draw")
"""
"""In a process of its own: Qt aborts where it can't start."""


def _probe() -> tuple[str, str, str]:
    """Why there are no layers, no widgets and no windows; nothing where there are."""
    missing = [name for name in ("napari", "pytestqt", "qtpy", "pyqtgraph") if not find_spec(name)]
    if missing:
        return (f"not installed: {', '.join(missing)}; pip install 'napari-dip[test]'",) * 3
    if sys.platform.startswith("linux") and not {"DISPLAY", "WAYLAND_DISPLAY"} & set(os.environ):
        os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    probe = subprocess.run([sys.executable, "-c", PROBE], capture_output=True, text=True)
    if probe.returncode:
        said = re.findall(r"^(?:[\w.]+Error|qt\.qpa.*?): .*", probe.stderr, re.M)
        return ("", *(f"Qt does not start ({'; '.join(said)}); apt-get install {PACKAGES}",) * 2)
    if "draws" not in probe.stdout.split("\n"):
        return "", "", f"nothing to draw on; apt-get install {PACKAGES} and use xvfb-run"
    return "", "", ""


NO_LAYERS, NO_WIDGETS, NO_WINDOW = _probe()

# Under its entry point's name it would be imported, and fail, before there is a probe; that name
# is blocked in pyproject.toml.
pytest_plugins = ["clusters", *([] if NO_WIDGETS else ["pytestqt.plugin"])]


def leave_out(reason: str) -> NoReturn:
    """Skip, or fail where nothing may be left out."""
    if os.environ.get("NAPARI_DIP_REQUIRE_GUI") == "1":
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason, allow_module_level=True)


class PluginTests(pytest.Module):
    """Tests that perhaps can't even be imported here."""

    def collect(self) -> Iterable[pytest.Item | pytest.Collector]:
        if NO_LAYERS:
            leave_out(NO_LAYERS)
        try:
            return super().collect()
        except self.CollectError:
            leave_out(NO_WIDGETS)


def pytest_pycollect_makemodule(
    module_path: Path, parent: pytest.Collector
) -> pytest.Module | None:
    if NO_WIDGETS and UI in module_path.parents:
        return PluginTests.from_parent(parent, path=module_path)
    return None


if NO_WIDGETS:

    @pytest.fixture
    def qtbot() -> NoReturn:
        """In place of pytest-qt's, on which the viewer's fixture depends too."""
        leave_out(NO_WIDGETS)


@pytest.fixture
def window():
    """For a test of a whole viewer, which draws."""
    if NO_WINDOW:
        leave_out(NO_WINDOW)


@pytest.fixture(autouse=True, scope="session")
def _one_thread():
    """Networks this small lose more time to threads than they win."""
    torch.set_num_threads(1)


@pytest.fixture(autouse=True)
def _no_cluster_unasked():
    """Dask arrays are computed here: the worker of `here` leaves its client as the default."""
    with dask.config.set(scheduler="threads"):
        yield


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture
def picture():
    """A smooth picture with an edge, 24 x 20, from 0.2 to 0.8."""
    y, x = np.mgrid[:24, :20]
    waves = 0.5 + 0.2 * np.sin(y / 4) * np.cos(x / 3)
    return np.where(x > 12, waves + 0.1, waves - 0.1)


@pytest.fixture(scope="module")
def here() -> Iterator[str]:
    """The address of a cluster in this very process, where things can be replaced.

    It ends with the module that uses it: its thread draws from `random` twice a second (dask
    samples sizes of objects), and Hypothesis blames that on whichever strategy is running.
    """
    from distributed import LocalCluster

    with LocalCluster(
        n_workers=1,
        threads_per_worker=2,
        processes=False,
        protocol="tcp://",
        host="127.0.0.1",
        dashboard_address="127.0.0.1:0",
    ) as cluster:
        yield cluster.scheduler_address

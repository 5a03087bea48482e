"""Where Qt can't start, tests that need it are left out with a reason, or fail if they must not."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
NEEDS_QT = [HERE / "run" / "test_view.py", HERE / "test_app.py"]


@pytest.fixture
def broken_qt(tmp_path):
    """What Python finds instead of a Qt whose system libraries are missing."""
    for name in ("qtpy", "PyQt5", "PyQt6", "PySide2", "PySide6"):
        error = "libEGL.so.1: cannot open shared object file"
        (tmp_path / f"{name}.py").write_text(f"raise ImportError({error!r})\n")
    return {"PYTHONPATH": os.pathsep.join([str(tmp_path), *sys.path])}


def pytest_elsewhere(environment):
    """A test run of its own, over a few files that need Qt and one that does not."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    return subprocess.run(
        [*command, *NEEDS_QT, HERE / "run" / "test_timeline.py"],
        cwd=HERE.parents[1],
        env={**os.environ, "NAPARI_DIP_REQUIRE_GUI": "0", **environment},
        capture_output=True,
        text=True,
    )


def test_without_qts_libraries_tests_are_skipped_with_the_packages_to_install(broken_qt):
    result = pytest_elsewhere(broken_qt)
    assert result.returncode == 0, result.stdout
    assert "libEGL.so.1: cannot open shared object file" in result.stdout
    assert "apt-get install xvfb xauth libegl1" in result.stdout
    assert "passed" in result.stdout  # what needs no Qt


def test_where_a_window_is_required_the_same_is_a_failure(broken_qt):
    result = pytest_elsewhere({**broken_qt, "NAPARI_DIP_REQUIRE_GUI": "1"})
    assert result.returncode != 0
    assert "apt-get install xvfb xauth libegl1" in result.stdout


@pytest.mark.usefixtures("qtbot")  # it takes a Qt that loads
def test_a_qt_that_would_abort_does_not_end_the_tests():
    result = pytest_elsewhere({"QT_QPA_PLATFORM": "none-of-them"})
    assert result.returncode == 0, result.stdout
    assert "Could not find the Qt platform plugin" in result.stdout
    assert "skipped" in result.stdout

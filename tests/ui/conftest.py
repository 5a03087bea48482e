"""What tests of the plugin share.

Without napari this file is loaded too, and then none of its fixtures is used.
"""

import sys

import pytest


@pytest.fixture(autouse=True)
def _own_settings(tmp_path, monkeypatch):
    """What a test remembers is forgotten, and what a person has remembered is left alone."""
    from napari import settings

    # as napari's own fixture `plugin_settings`, which would take the plugins away
    monkeypatch.setattr(settings, "_CFG_PATH", str(tmp_path / "settings.yaml"))
    settings._clear_plugin_settings_cache()
    if "qtpy" in sys.modules:
        from qtpy.QtCore import QSettings

        ini, user = QSettings.Format.IniFormat, QSettings.Scope.UserScope
        QSettings.setPath(ini, user, str(tmp_path))


@pytest.fixture(autouse=True)
def _end_runs():
    """No run outlives its test."""
    from .fakes import ending_runs

    with ending_runs():
        yield

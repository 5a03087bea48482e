"""Says why tests of the plugin are left out, or fails where they must not be."""

import os
from importlib.util import find_spec

import pytest


def test_what_the_plugin_needs_is_installed():
    missing = [name for name in ("napari", "pytestqt", "pyqtgraph") if not find_spec(name)]
    if missing:
        reason = f"not installed: {', '.join(missing)}; pip install 'napari-dip[test-gui]'"
        if os.environ.get("NAPARI_DIP_REQUIRE_GUI") == "1":
            pytest.fail(reason)
        pytest.skip(reason)

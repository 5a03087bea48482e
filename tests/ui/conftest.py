"""Tests of the plugin: left out as a whole where napari is not installed (see test_environment)."""

from importlib.util import find_spec

collect_ignore_glob = [] if find_spec("napari") else ["test_[!e]*.py", "views"]

"""The napari plugin: the one place that imports napari and Qt."""

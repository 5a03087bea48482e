"""Between napari's layers and arrays."""

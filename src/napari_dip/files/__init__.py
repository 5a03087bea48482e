"""Image files: TIFF, PNG, JPEG and OME-Zarr, read and written with their metadata."""

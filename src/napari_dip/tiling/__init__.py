"""Images that are restored tile by tile or frame by frame, into OME-Zarr."""

"""One file for each task."""

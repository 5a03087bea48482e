"""Estimators of an image's noise; NumPy only."""

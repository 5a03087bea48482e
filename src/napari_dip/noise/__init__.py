"""Estimators of an image's noise, with NumPy and SciPy only."""

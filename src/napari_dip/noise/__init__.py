"""Estimators of an image's noise, with NumPy, SciPy and scikit-image only."""

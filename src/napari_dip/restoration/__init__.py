"""One restoration: checked, run, and returned."""

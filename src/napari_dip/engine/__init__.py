"""The method itself: networks, forward operators, and the one loop that fits them.

Needs torch and numpy, and nothing of napari or Qt.
"""

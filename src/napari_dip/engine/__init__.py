"""The method: networks, forward operators, stopping rules, and the loop of a fit.

The folder needs torch, and nothing of napari or Qt.
"""

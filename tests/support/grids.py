"""Grids of tiles of all kinds."""

from hypothesis import strategies as st


@st.composite
def grids(draw):
    """A shape of one to three axes, the sides of tiles, and their overlaps."""
    axes = draw(st.integers(1, 3))
    most = {1: 60, 2: 24, 3: 10}[axes]
    shape = tuple(draw(st.integers(1, most)) for _ in range(axes))
    sides = tuple(draw(st.integers(1, most + 3)) for _ in range(axes))
    return shape, sides, tuple(draw(st.integers(0, side - 1)) for side in sides)

"""What tests of several modules share."""

import numpy as np
import pytest
import torch
from hypothesis import settings

# No test's outcome depends on how busy the machine is, or on what earlier runs found.
settings.register_profile("project", deadline=None, derandomize=True, database=None)
settings.load_profile("project")


@pytest.fixture(autouse=True, scope="session")
def _one_thread():
    """Networks this small lose more time to threads than they win."""
    torch.set_num_threads(1)


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture
def picture():
    """A smooth picture with an edge, 24 x 20, from 0.2 to 0.8."""
    y, x = np.mgrid[:24, :20]
    waves = 0.5 + 0.2 * np.sin(y / 4) * np.cos(x / 3)
    return np.where(x > 12, waves + 0.1, waves - 0.1)

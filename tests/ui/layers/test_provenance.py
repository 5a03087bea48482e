"""The metadata of restored layers."""

import numpy as np
import pytest
from napari.layers import Image

from napari_dip import Denoise, Upscale, UserError
from napari_dip.tasks.registry import task_from_dict
from napari_dip.ui.layers.provenance import KEY, task_of, task_to_dict

OLDER = {
    "task": "denoise",
    "settings": {"iterations": 7, "filters": [4, 4], "recorrupt": False},
    "division": "4 frames one by one",
    "parts": [4, 4],
    "beside": {"mask": "scratches"},
}
"""Metadata with the names of settings and keys that were used before."""


def layer_with(metadata):
    return Image(np.zeros((4, 4)), name="cells", metadata=metadata)


def test_settings_survive_the_way_through_a_dict():
    task = Upscale(factor=3, iterations=5)
    assert task_from_dict(task_to_dict(task)) == task


def test_a_layer_of_an_older_version_still_tells_its_settings():
    assert task_of(layer_with({KEY: OLDER})) == Denoise(iterations=7, filters=(4, 4), r2r=False)


@pytest.mark.parametrize("metadata", [{}, {KEY: {}}, {KEY: "text"}])
def test_a_layer_that_was_not_restored_has_no_settings(metadata):
    with pytest.raises(UserError, match="'cells' was not made here"):
        task_of(layer_with(metadata))

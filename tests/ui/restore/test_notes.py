"""Notes of what was read, in the Restore dock: when a layer is chosen, and with its result."""

import numpy as np
import pytest
import tifffile
from napari.components import ViewerModel

from napari_dip.tasks.denoise import Denoise
from napari_dip.ui.layers.provenance import KEY, readings_of
from napari_dip.ui.layers.reader import ome_reader
from napari_dip.ui.restore.controller import RestoreController
from napari_dip.ui.restore.model import RestoreModel
from napari_dip.ui.run.model import Action
from napari_dip.ui.run.thread import Phase

from ..fakes import FakeView, until


@pytest.fixture
def viewer(tmp_path):
    image = np.random.default_rng(0).integers(0, 255, (20, 24), dtype=np.uint8)
    path = tmp_path / "a.ome.tif"
    tifffile.imwrite(path, image, photometric="miniswhite")
    viewer = ViewerModel()
    for data, kwargs, kind in ome_reader(str(path))(str(path)):
        viewer._add_layer_from_data(data, kwargs, kind)
    return viewer


@pytest.mark.parametrize("tile", [None, 32])
def test_notes_of_a_layer_are_shown_and_kept_in_its_result(viewer, tile, monkeypatch):
    model, view = RestoreModel(), FakeView()
    controller = RestoreController(model, view, viewer)
    model.task = Denoise(iterations=2, filters=(4,))
    model.device = "cpu"
    view.changed.emit("image", viewer.layers["a"])
    assert "white is stored as the least value" in model.message
    assert not model.is_error
    if tile:
        view.changed.emit("tile_size", tile)
    view.asked.emit(Action.RUN)

    def finished():
        view.ticked.emit()
        return model.phase in (Phase.FINISHED, Phase.FAILED)

    until(finished)
    assert "white is stored as the least value" in model.message
    result = viewer.layers["a [denoise]"]
    (record,) = readings_of(result)
    assert "white is stored" in record.notes[0].text
    assert "white is stored" in result.metadata[KEY]["notes"][0]["text"]
    controller.close()

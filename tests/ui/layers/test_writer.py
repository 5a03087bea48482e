"""Image layers saved as OME-Zarr."""

import dask.array as da
import numpy as np
import pytest
from napari.components import ViewerModel
from npe2 import PluginManifest

from napari_dip import UserError
from napari_dip.files.lazy import open_lazily
from napari_dip.ui.layers.reader import ome_reader
from napari_dip.ui.layers.writer import write_zarr

from ..arrays import Lazy

UM = "micrometer"


def saved(layer, path):
    """As napari does it, with what it tells a writer."""
    data, meta, _ = layer.as_layer_data_tuple()
    assert write_zarr(str(path), data, meta) == [str(path)]
    return open_lazily(path)


def opened(path):
    viewer = ViewerModel()
    for data, kwargs, kind in ome_reader(str(path))(str(path)):
        viewer._add_layer_from_data(data, kwargs, kind)
    return viewer.layers


def test_a_movie_comes_back_in_its_place(tmp_path, rng):
    image = rng.integers(0, 4000, (3, 20, 30)).astype(np.uint16)
    layer = ViewerModel().add_image(
        image,
        name="cells",
        scale=(2, 0.5, 0.25),
        translate=(0, 3, -1),
        units=("s", "um", "um"),
        axis_labels=("t", "y", "x"),
        metadata={"napari-dip": {"task": "denoise"}},
    )
    picture = saved(layer, tmp_path / "x.ome.zarr")
    assert picture.axes.letters == "TYX"
    assert picture.axes.units == ("second", UM, UM)
    (again,) = opened(tmp_path / "x.ome.zarr")
    np.testing.assert_array_equal(np.asarray(again.data), image)
    for name in ("scale", "translate", "units", "axis_labels"):
        np.testing.assert_array_equal(getattr(again, name), getattr(layer, name))


def test_a_pyramid_is_read_chunk_by_chunk(tmp_path, rng):
    fine = Lazy(rng.integers(0, 255, (1100, 600), np.uint8))
    kwargs = {"contrast_limits": (0, 255), "multiscale": True}
    layer = ViewerModel().add_image([fine, fine._values[::2, ::2]], **kwargs)
    fine.reads.clear()
    picture = saved(layer, tmp_path / "x.zarr")
    np.testing.assert_array_equal(picture.read(), fine._values)
    assert max(size for _, size in fine.reads) <= 512**2
    assert [level.shape for level in picture.coarser] == [(550, 300), (275, 150)]


def test_a_colour_is_saved_as_channels(tmp_path, rng):
    image = rng.integers(0, 255, (20, 30, 3), np.uint8)
    layer = ViewerModel().add_image(da.from_array(image), rgb=True)
    picture = saved(layer, tmp_path / "x.zarr")
    assert picture.axes.channels == ("red", "green", "blue")
    np.testing.assert_array_equal(picture.read(), image.transpose(2, 0, 1))


def test_nothing_is_replaced_and_nothing_half_written(tmp_path):
    class Broken(Lazy):
        def __getitem__(self, index):
            raise OSError("gone")

    layer = ViewerModel().add_image(np.zeros((20, 30), np.uint8))
    saved(layer, tmp_path / "x.zarr")
    with pytest.raises(UserError, match="exists already"):
        saved(layer, tmp_path / "x.zarr")
    with pytest.raises(OSError, match="gone"):
        write_zarr(tmp_path / "y.zarr", Broken(np.zeros((20, 30))), {})
    assert [path.name for path in tmp_path.iterdir()] == ["x.zarr"]


def test_napari_finds_the_writer():
    (writer,) = PluginManifest.from_distribution("napari-dip").contributions.writers
    assert writer.command == "napari-dip.write_zarr"
    assert writer.filename_extensions == [".zarr"]

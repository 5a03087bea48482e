"""Property tests: what is read, written and read again is the same, through TIFF, PNG and Zarr.

Axes, dtype, photometric interpretation, orientation, planar configuration, compression and byte
order are drawn; the examples are as many as take seconds.
"""

import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tifffile
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from napari_dip.data.axes import Axes
from napari_dip.files.image_file import ImageFile, read_image, write_image
from napari_dip.files.lazy import open_lazily
from napari_dip.files.ome_zarr import OmeZarrStore
from napari_dip.files.orientation import upright

SIDES = {"T": 3, "C": 2, "Z": 4, "Y": 6, "X": 7}

BOUNDED = settings(
    max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@dataclass(frozen=True)
class Stored:
    """How an image lies in a TIFF."""

    axes: str
    dtype: str
    photometric: str
    orientation: int
    planar: str
    compression: str | None
    order: str
    flavour: str
    seed: int

    @property
    def samples(self) -> int:
        """Samples of a pixel in colour."""
        return {"rgb": 3, "rgba": 4, "grey+alpha": 2}.get(self.photometric, 0)

    @property
    def data(self) -> np.ndarray:
        """The samples as they are stored, with those of a pixel last."""
        sides = [SIDES[letter] for letter in self.axes]
        sides += [self.samples] * (self.samples > 0)
        rng = np.random.default_rng(self.seed)
        dtype = np.dtype(self.dtype)
        if dtype.kind == "f":
            return rng.normal(0, 100, sides).astype(dtype)
        about = np.iinfo(dtype)
        return rng.integers(about.min, about.max, sides, dtype=dtype, endpoint=True)

    @property
    def seen(self) -> np.ndarray:
        """The image as a viewer shows it, computed apart from the reader."""
        data, axes = self.data, self.axes + "S" * (self.samples > 0)
        if self.photometric == "miniswhite":
            if data.dtype.kind == "f":
                data = -data
            else:
                about = np.iinfo(data.dtype)
                data = (int(about.max) + int(about.min) - data.astype(object)).astype(data.dtype)
        return upright(data, axes, self.orientation)

    def write(self, path: Path) -> None:
        """Write it with tifffile."""
        data = self.data
        if self.samples and self.planar == "separate":
            data = np.moveaxis(data, -1, -3)
        extra = {"rgba": ["unassalpha"], "grey+alpha": ["unassalpha"]}.get(self.photometric)
        names = {"rgba": "rgb", "grey+alpha": "minisblack"}
        letters = self.axes
        if self.samples:
            letters = f"{self.axes}S" if self.planar == "contig" else f"{self.axes[:-2]}SYX"
        tifffile.imwrite(
            path,
            data,
            photometric=names.get(self.photometric, self.photometric),
            planarconfig=self.planar if self.samples else None,
            extrasamples=extra,
            compression=self.compression,
            byteorder=self.order,
            extratags=[(274, "H", 1, self.orientation, True)],
            ome=self.flavour == "ome",
            metadata={"axes": letters},
        )


@st.composite
def stored_images(draw) -> Stored:
    photometric = draw(st.sampled_from(["minisblack", "miniswhite", "rgb", "rgba", "grey+alpha"]))
    in_colour = photometric in ("rgb", "rgba", "grey+alpha")
    dtypes = ["uint8", "uint16"]
    if not in_colour:
        dtypes += ["int8", "int16", "uint32", "int32", "float32", "float64"]
    axes = ["YX", "ZYX", "TYX"] if in_colour else ["YX", "ZYX", "CYX", "TYX", "TCYX", "TZCYX"]
    return Stored(
        draw(st.sampled_from(axes)),
        draw(st.sampled_from(dtypes)),
        photometric,
        draw(st.integers(1, 8)),
        draw(st.sampled_from(["contig", "separate"])),
        draw(st.sampled_from([None, "zlib", "lzw", "zstd", "packbits"])),
        draw(st.sampled_from("<>")),
        draw(st.sampled_from(["plain", "ome"])),
        draw(st.integers(0, 3)),
    )


def shown(axes: str, stored: Stored) -> str:
    return axes + "S" * (stored.samples > 0)


@BOUNDED
@given(stored_images())
@example(Stored("YX", "uint16", "miniswhite", 6, "contig", "lzw", ">", "plain", 0))
@example(Stored("ZYX", "uint8", "rgba", 5, "separate", None, "<", "ome", 0))
def test_a_tiff_is_read_as_it_is_seen_and_written_as_it_was(stored):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / ("a.ome.tif" if stored.flavour == "ome" else "a.tif")
        stored.write(path)
        image = read_image(path)
        expected = stored.seen
        assert image.axes == shown(stored.axes, stored)
        assert image.data.dtype == expected.dtype
        assert image.data.dtype.isnative
        np.testing.assert_array_equal(image.data, expected)
        with open_lazily(path) as lazy:
            assert lazy.axes.letters == image.axes
            assert (lazy.dtype, lazy.shape) == (expected.dtype, expected.shape)
            np.testing.assert_array_equal(lazy.read(), expected)
        target = path.with_name(f"b{''.join(path.suffixes)}")
        write_image(target, image.data, like=image)
        again = read_image(target)
        assert (again.axes, again.data.dtype) == (image.axes, image.data.dtype)
        np.testing.assert_array_equal(again.data, image.data)
        with tifffile.TiffFile(target) as file:
            page = file.pages[0]
            is_white = page.photometric == tifffile.PHOTOMETRIC.MINISWHITE
            assert is_white == (stored.photometric == "miniswhite")
            assert file.is_ome == (stored.flavour == "ome")
            assert 274 not in page.tags or page.tags[274].value == 1


@BOUNDED
@given(stored_images())
def test_a_tiff_becomes_a_png_that_looks_the_same(stored):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.tif"
        Stored(**{**vars(stored), "axes": "YX", "flavour": "plain"}).write(path)
        image = read_image(path)
        target = Path(folder) / "b.png"
        if image.data.dtype.name not in ("uint8", "uint16"):
            return
        write_image(target, image.data, like=image)
        again = read_image(target)
        assert (again.axes, again.data.dtype) == (image.axes, image.data.dtype)
        np.testing.assert_array_equal(again.data, image.data)


ARRAYS = st.tuples(
    st.sampled_from(["YX", "ZYX", "CYX", "TYX", "TCYX", "TCZYX"]),
    st.sampled_from(["uint8", "int16", "uint16", "int32", "float32", "float64"]),
    st.integers(0, 9),
)


@settings(parent=BOUNDED, max_examples=30)
@given(ARRAYS, st.floats(0.01, 100), st.sampled_from(["", "micrometer", "nanometer"]))
def test_an_array_survives_an_ome_zarr(about, step, unit):
    letters, dtype, seed = about
    sides = [SIDES[letter] for letter in letters]
    data = np.random.default_rng(seed).integers(0, 100, sides).astype(dtype)
    scale = tuple(step if letter in "ZYX" else 1.0 for letter in letters)
    units = tuple(unit if letter in "ZYX" else "" for letter in letters)
    axes = Axes(letters, scale, units)
    with tempfile.TemporaryDirectory() as folder:
        store = OmeZarrStore(Path(folder) / "a.ome.zarr", axes)
        store.create(data.shape, data.dtype, colour=False)
        store.array[...] = data
        store.finish({})
        with open_lazily(Path(folder) / "a.ome.zarr") as image:
            assert image.axes.letters == letters
            assert image.axes.units == units
            np.testing.assert_allclose(image.axes.scale, scale)
            assert image.dtype == data.dtype
            np.testing.assert_array_equal(image.read(), data)
            assert image.record.notes == ()


@settings(parent=BOUNDED, max_examples=60)
@given(ARRAYS, st.sampled_from([".tif", ".ome.tif"]))
def test_an_array_survives_a_tiff_with_its_axes(about, suffix):
    letters, dtype, seed = about
    sides = [SIDES[letter] for letter in letters]
    data = np.random.default_rng(seed).integers(0, 100, sides).astype(dtype)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"a{suffix}"
        write_image(path, data, like=ImageFile(data, letters, path))
        again = read_image(path)
        assert (again.axes, again.data.dtype) == (letters, data.dtype)
        np.testing.assert_array_equal(again.data, data)

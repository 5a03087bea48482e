"""Helpers of the tests of image files."""

from pathlib import Path

import numpy as np
from PIL import ImageCms

from napari_dip.files.image_file import ImageFile, read_image, write_image

SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def picture(*shape, dtype="uint16", high=3000):
    """A random image, the same on every call."""
    return np.random.default_rng(0).integers(0, high, shape).astype(dtype)


def round_trip(source: Path, **options):
    """Read a file, write it beside itself under the same suffix, and read that."""
    image = read_image(source)
    target = source.with_name("again" + "".join(source.suffixes))
    write_image(target, image.data, like=image, **options)
    return image, read_image(target), target


def assert_same(one: ImageFile, other: ImageFile):
    """Assert that two files have equal axes, dtype and pixels."""
    assert one.axes == other.axes
    assert one.data.dtype == other.data.dtype
    np.testing.assert_array_equal(one.data, other.data)

"""A study's files: stacks with names in them, figures, curves."""

import csv
import json

import numpy as np
import pytest
import tifffile
from PIL import Image

from napari_dip.files.atomic import FileError
from napari_dip.files.image_file import read_image
from napari_dip.studies.files import (
    check_study_destination,
    write_curves,
    write_report,
    write_study,
)
from napari_dip.studies.study import StudyPicture, StudyResult


def result_of(shape, dtype="uint8", count=3):
    pictures = tuple(
        StudyPicture(
            f"p{i}",
            np.full(shape, 10 * i, dtype),
            ((1, 0.5 / (i + 1)), (4, 0.25 / (i + 1))),
            {"psnr": 20.0 + i},
        )
        for i in range(count)
    )
    return StudyResult("priors", "prior", pictures, {"seed": 0}, "budget", 12, 1.0)


def source(path, data, **options):
    tifffile.imwrite(path, data, **options)
    return read_image(path)


NAMES = ["p0, 20.00 dB", "p1, 21.00 dB", "p2, 22.00 dB"]


@pytest.mark.parametrize(("shape", "axes"), [((9, 8), "ZYX"), ((9, 8, 3), "ZYXS")])
def test_slices_have_imagejs_labels(tmp_path, shape, axes):
    write_study(tmp_path / "out.tif", result_of(shape))
    with tifffile.TiffFile(tmp_path / "out.tif") as file:
        assert file.series[0].axes == axes
        assert file.imagej_metadata["Labels"] == NAMES
        assert (file.asarray()[2] == 20).all()


def test_each_plane_of_a_volume_has_its_pictures_label(tmp_path):
    like = source(tmp_path / "in.tif", np.zeros((2, 9, 8), np.uint8), metadata={"axes": "ZYX"})
    write_study(tmp_path / "out.tif", result_of((2, 9, 8)), like=like)
    with tifffile.TiffFile(tmp_path / "out.tif") as file:
        assert file.series[0].axes == "TZYX"
        assert file.imagej_metadata["Labels"] == [name for name in NAMES for _ in range(2)]


@pytest.mark.parametrize(("name", "dtype"), [("out.ome.tif", "uint8"), ("out.tif", "float64")])
def test_in_ome_tiff_channels_have_names(tmp_path, name, dtype):
    write_study(tmp_path / name, result_of((9, 8), dtype))
    with tifffile.TiffFile(tmp_path / name) as file:
        assert file.series[0].axes == "CYX"
        assert all(f'Name="{caption}"' in file.ome_metadata for caption in NAMES)


def test_channels_of_an_image_stay_channels(tmp_path):
    like = source(tmp_path / "in.tif", np.zeros((2, 9, 8), np.uint8), metadata={"axes": "CYX"})
    like = type(like)(like.data, "CYX", like.path, like.metadata)
    write_study(tmp_path / "out.tif", result_of((2, 9, 8)), like=like)
    with tifffile.TiffFile(tmp_path / "out.tif") as file:
        assert file.series[0].axes == "TCYX"
        assert NAMES[1] in file.ome_metadata


def test_upscaled_pictures_keep_their_physical_size(tmp_path):
    like = source(tmp_path / "in.tif", np.zeros((9, 8), np.uint8), imagej=True, resolution=(2, 2))
    write_study(tmp_path / "out.tif", result_of((18, 16)), like=like)
    with tifffile.TiffFile(tmp_path / "out.tif") as file:
        assert file.pages[0].tags["XResolution"].value == (4, 1)


@pytest.mark.parametrize(("shape", "dtype"), [((9, 8), "uint16"), ((9, 8, 3), "float32")])
def test_a_figure_shows_all_pictures(tmp_path, shape, dtype):
    write_study(tmp_path / "out.png", result_of(shape, dtype, count=7))
    with Image.open(tmp_path / "out.png") as image:
        assert image.size[0] > 1.5 * image.size[1]  # four in a row


def test_curves_go_to_a_figure_and_a_table(tmp_path):
    write_curves(tmp_path / "c.png", tmp_path / "c.csv", result_of((9, 8), count=2))
    with Image.open(tmp_path / "c.png") as image:
        assert image.size[0] > 100
    with (tmp_path / "c.csv").open() as file:
        assert list(csv.reader(file)) == [
            ["iteration", "p0", "p1"],
            ["1", "0.5", "0.25"],
            ["4", "0.25", "0.125"],
        ]


def test_the_report_tells_scores_and_curves(tmp_path):
    write_report(tmp_path / "r.json", result_of((9, 8)))
    report = json.loads((tmp_path / "r.json").read_text())
    assert report["pictures"][1]["psnr"] == 21
    assert report["pictures"][1]["curve"] == [[1, 0.25], [4, 0.125]]


def test_bad_destinations_are_refused_before_a_fit(tmp_path):
    volume = source(tmp_path / "in.tif", np.zeros((2, 9, 8), np.uint8), imagej=True)
    with pytest.raises(FileError, match=r"write a \.tif .* or a \.png"):
        check_study_destination(tmp_path / "a.jpg", like=None, overwrite=False)
    with pytest.raises(FileError, match="a figure shows grey or RGB"):
        check_study_destination(tmp_path / "a.png", like=volume, overwrite=False)
    with pytest.raises(FileError, match="exists already"):
        check_study_destination(tmp_path / "in.tif", like=None, overwrite=False)

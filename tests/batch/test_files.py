"""Which files are meant, what their results are called, and when a result is still the same."""

import json

import numpy as np
import pytest
from PIL import Image

from napari_dip import Denoise, UserError
from napari_dip.batch.files import FileItem, find_images


def test_files_folders_and_patterns_are_found(tmp_path):
    for name in ("a.tif", "deep/a.tif", "b.bmp", "deep/.hidden.png", "notes.txt", "out/r.png"):
        path = tmp_path / "in" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    folder, out = tmp_path / "in", tmp_path / "in" / "out"
    found = find_images([folder], out)
    assert {str(name): path for name, path in found.items()} == {
        "a.tif": folder / "a.tif",
        "b.png": folder / "b.bmp",
        "deep/a.tif": folder / "deep" / "a.tif",
    }
    assert list(find_images([folder / "*.tif", str(folder / "a.tif")], out).values()) == [
        folder / "a.tif"
    ]
    with pytest.raises(UserError, match=r"both become .*a\.tif; name the folder"):
        find_images([folder / "a.tif", folder / "deep" / "a.tif"], out)
    with pytest.raises(UserError, match=r"images: .*c\.tif: no such file"):
        find_images([folder / "c.tif"], out)
    with pytest.raises(UserError, match=r"images: .*\*\.jpg: expected images"):
        find_images([folder / "*.jpg"], out)


def test_a_report_of_an_earlier_version_counts_as_finished(tmp_path):
    path = tmp_path / "in.png"
    Image.fromarray(np.arange(400, dtype=np.uint8).reshape(20, 20)).save(path)
    task = Denoise(iterations=1, filters=(4,))
    options = {"axes": None, "data_range": None, "seed": 0, "device": "cpu"}
    item = FileItem("in.png", path, tmp_path / "out.png", task, options=options)
    item.run(lambda: False)
    assert item.finished()["iterations"] == 1
    report = json.loads(item.report.read_text())
    del report["request"]["layout"]  # a setting that the earlier version did not have
    report["request"]["recorrupt"] = report["request"].pop("r2r")  # a setting's former name
    item.report.write_text(json.dumps(report))
    assert item.finished()["iterations"] == 1
    report["request"]["iterations"] = 2
    item.report.write_text(json.dumps(report))
    assert item.finished() is None

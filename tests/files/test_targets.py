"""What is read is never written: by path, by link, and in folders."""

import os
from pathlib import Path

import pytest

from napari_dip.files.atomic import FileError
from napari_dip.files.targets import check_targets


@pytest.fixture
def there(tmp_path, monkeypatch):
    """A folder with an image and a Zarr in it, which is the working folder."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in.tif").write_text("image")
    (tmp_path / "folder").mkdir()
    (tmp_path / "in.zarr" / "0").mkdir(parents=True)
    (tmp_path / "in.zarr" / "0" / "zarr.json").write_text("{}")
    return tmp_path


def by_path(folder):
    return folder / "in.tif"


def by_relative_path(folder):
    return Path("folder/../in.tif")


def by_symbolic_link(folder):
    (folder / "link.tif").symlink_to(folder / "in.tif")
    return folder / "link.tif"


def by_hard_link(folder):
    os.link(folder / "in.tif", folder / "hard.tif")
    return folder / "hard.tif"


def through_a_linked_folder(folder):
    (folder / "same").symlink_to(folder, target_is_directory=True)
    return folder / "same" / "in.tif"


WAYS = [by_path, by_relative_path, by_symbolic_link, by_hard_link, through_a_linked_folder]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("role", ["image", "mask", "guide", "PSF", "reference"])
def test_an_input_is_no_target_by_whatever_way(there, way, role):
    for target, source in (
        (way(there), Path("in.tif")),
        (Path("in.tif"), way_of_input(there, way)),
    ):
        with pytest.raises(FileError, match=rf"^report: .* is the {role}.*, which would be lost"):
            check_targets([("output", Path("out.tif")), ("report", target)], [(role, source)])


def way_of_input(folder, way):
    """The same name, which the target's call has made already."""
    names = {by_symbolic_link: "link.tif", by_hard_link: "hard.tif"}
    names[through_a_linked_folder] = "same/in.tif"
    return folder / names.get(way, "in.tif")


def test_a_link_that_leads_to_an_input_is_no_target_even_if_it_is_the_input(there):
    link = by_symbolic_link(there)
    with pytest.raises(FileError, match=r"output: .*link\.tif is the image, which"):
        check_targets([("output", link)], [("image", link)])


def test_a_case_is_another_file_only_where_the_file_system_says_so(there):
    other = there / "IN.tif"
    is_other = not other.exists()
    if is_other:
        check_targets([("output", other)], [("image", there / "in.tif")])
    else:
        with pytest.raises(FileError, match="is the image"):
            check_targets([("output", other)], [("image", there / "in.tif")])


@pytest.mark.parametrize(
    ("target", "source", "said"),
    [
        ("in.zarr", "in.zarr", "is the image"),
        ("in.zarr", "in.zarr/0", "is the image"),
        ("folder/../in.zarr", "in.zarr/0", "is the image"),
        ("in.zarr/1", "in.zarr/0", "lies in the image"),
        ("same", "in.tif", "is a folder that holds the image"),
        ("folder/..", "in.zarr/0", "is a folder that holds the image"),
        ("in.zarr/out.tif", "in.zarr", "lies in the image"),
        ("in.zarr/0/c/report.json", "in.zarr", "lies in the image"),
        ("same/in.zarr/1", "in.zarr", "lies in the image"),
        ("same/in.zarr", "in.zarr/0", "is the image"),
    ],
)
def test_a_folder_is_protected_with_all_that_is_in_it(there, target, source, said):
    (there / "same").symlink_to(there, target_is_directory=True)
    with pytest.raises(FileError, match=f"^output: .*{said}"):
        check_targets([("output", Path(target))], [("image", Path(source))])


def test_two_targets_are_two_files(there):
    for report in ("out.tif", "folder/../out.tif"):
        with pytest.raises(FileError, match=r"report: .*out\.tif is the result's own name"):
            check_targets([("output", Path("out.tif")), ("report", Path(report))], [])


def test_everything_else_may_be_written(there):
    other = there / "other.tif"
    other.write_text("old")
    targets = [("output", other), ("report", there / "in.tif.json"), ("output", Path("out.zarr"))]
    check_targets(targets, [("image", Path("in.tif")), ("mask", Path("in.zarr"))])
    check_targets([("output", there / "missing" / "a.tif")], [("image", there / "missing.tif")])

"""Notes of what was left out, changed or assumed: on stderr, in reports, refused by --strict."""

import json

import numpy as np
import pytest
import tifffile
import zarr
from click.testing import CliRunner
from PIL import Image

from napari_dip import Denoise, TilingOptions, UserError, restore, restore_large, restore_many
from napari_dip.cli.main import main
from napari_dip.cli.options import ExitCode
from napari_dip.data.reading import NoteKind
from napari_dip.files.image_file import read_image
from napari_dip.files.lazy import open_lazily
from napari_dip.restoration.files import restore_file

SHORT = ["--device", "cpu", "--iterations", "1", "--set", "filters=4"]
TINY = Denoise(iterations=1, filters=(4,))


def picture(*shape):
    return np.random.default_rng(0).integers(500, 3000, shape).astype("uint16")


def gap(path):
    data = "".join(f"<TiffData FirstZ='{i}' IFD='{i}' PlaneCount='1'/>" for i in range(4))
    xml = (
        '<?xml version="1.0"?><OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06">'
        '<Image ID="Image:0" Name="a"><Pixels ID="Pixels:0" DimensionOrder="XYZCT" Type="uint16" '
        f'SizeX="20" SizeY="18" SizeZ="4" SizeC="1" SizeT="1">{data}</Pixels></Image></OME>'
    )
    about = {"metadata": None, "photometric": "minisblack", "description": xml}
    tifffile.imwrite(path, picture(18, 20), **about)


def several(path):
    with tifffile.TiffWriter(path, ome=True) as file:
        for i, image in enumerate(picture(2, 18, 20)):
            file.write(image, photometric="minisblack", metadata={"axes": "YX", "Name": f"p{i}"})


def white(path):
    tifffile.imwrite(path, picture(18, 20), photometric="miniswhite")


def lying(path):
    tags = [(274, "H", 1, 6, True)]
    tifffile.imwrite(path, picture(18, 20), photometric="minisblack", extratags=tags)


def four(path):
    about = {"photometric": "rgb", "planarconfig": "separate", "extrasamples": ["unspecified"]}
    tifffile.imwrite(path, picture(4, 18, 20), metadata=None, **about)


KINDS = {
    "gap.ome.tif": (gap, "announces 4 planes and has 1", NoteKind.LEFT_OUT),
    "several.ome.tif": (several, "image 1 of 2 (p0, 18 x 20) is read", NoteKind.LEFT_OUT),
    "white.tif": (white, "white is stored as the least value", NoteKind.TOLD),
    "lying.tif": (lying, "turned upright, as its orientation (6) says", NoteKind.TOLD),
    "four.tif": (four, "1 of its 4 samples are not said to be transparency", NoteKind.ASSUMED),
}


@pytest.fixture(params=KINDS)
def case(request, tmp_path, monkeypatch):
    """A file's name, the words of its note, and the note's kind."""
    make, words, kind = KINDS[request.param]
    monkeypatch.chdir(tmp_path)
    make(tmp_path / request.param)
    return request.param, words, kind


def run(*arguments, code=0):
    result = CliRunner().invoke(main, [str(a) for a in arguments])
    assert result.exit_code == code, result.output
    return result


def test_a_note_is_printed_and_in_the_report(case, tmp_path):
    name, words, kind = case
    result = run("denoise", name, "-o", "out.tif", "--report", "out.json", *SHORT)
    assert f"napari-dip: {name}: " in result.stderr
    assert words in result.stderr
    report = json.loads((tmp_path / "out.json").read_text())
    (note,) = [note for note in report["notes"] if words in note["text"]]
    assert (note["kind"], note["about"]) == (str(kind), name)
    (record,) = report["reading"]
    assert record["path"] == name
    assert note in record["notes"]
    assert record["announced"]["images"]
    assert record["read"]["shape"] == report["shape"]


def test_a_note_of_a_tiled_restoration(case, tmp_path):
    name, words, _ = case
    result = run("denoise", name, "-o", "out.ome.zarr", *SHORT)
    assert words in result.stderr
    assert f"napari-dip: {name}: " in result.stderr  # the path as it was typed
    attributes = dict(zarr.open_group(tmp_path / "out.ome.zarr").attrs)["napari-dip"]
    assert any(words in note["text"] for note in attributes["notes"])
    # An earlier result is known again, with what was said of it.
    again = run("denoise", name, "-o", "out.ome.zarr", "--resume", *SHORT)
    assert words in again.stderr


def test_strict_refuses_and_writes_nothing(case, tmp_path):
    name, words, kind = case
    if kind is NoteKind.TOLD:  # nothing is lost
        for output in ("out.tif", "out.ome.zarr"):
            assert words in run("denoise", name, "-o", output, "--strict", *SHORT).stderr
        return
    for output in ("out.tif", "out.ome.zarr"):
        result = run("denoise", name, "-o", output, "--strict", *SHORT, code=ExitCode.BAD_ARGUMENT)
        assert words in result.stderr
        assert "without --strict" in result.stderr
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_python_has_the_notes(case, tmp_path):
    name, words, kind = case
    whole = restore_file(tmp_path / name, tmp_path / "out.tif", TINY, device="cpu")
    tiled = restore_large(tmp_path / name, tmp_path / "out.ome.zarr", TINY, device="cpu")
    for result in (whole, tiled):
        assert [note.kind for note in result.notes if words in note.text] == [kind]
        assert any(words in note["text"] for note in result.report()["notes"])
        assert json.dumps(result.report()["reading"])
    if kind is NoteKind.TOLD:
        return
    with pytest.raises(UserError, match="without --strict"):
        restore_large(tmp_path / name, tmp_path / "b.ome.zarr", TINY, device="cpu", strict=True)


@pytest.mark.parametrize("output", ["out.tif", "out.png", "out.jpg", "out.ome.zarr"])
def test_a_result_looks_like_its_source(tmp_path, monkeypatch, output):
    """Stored with white as zero, and lying on its side."""
    monkeypatch.chdir(tmp_path)
    y, x = np.mgrid[:32, :40]
    seen = (128 + 60 * np.sin(x / 9) + 60 * np.cos(y / 7)).astype("uint8")
    tags = [(274, "H", 1, 6, True)]
    stored = 255 - np.rot90(seen)
    tifffile.imwrite("in.tif", stored, photometric="miniswhite", extratags=tags, metadata=None)
    run("denoise", "in.tif", "-o", output, "--preset", "instant", "--device", "cpu")
    if output.endswith(".zarr"):
        shown = zarr.open_group(output)["0"][...]
    else:
        shown = read_image(output).data
    assert shown.shape == seen.shape
    assert np.corrcoef(shown.ravel(), seen.ravel())[0, 1] > 0.99


def test_files_without_a_surprise_have_no_notes(tmp_path):
    Image.fromarray(picture(18, 20, 3).astype("uint8")).save(tmp_path / "a.png")
    about = {"axes": "ZYX", "PhysicalSizeX": 0.5}
    tifffile.imwrite(tmp_path / "b.ome.tif", picture(3, 18, 20), metadata=about)
    tifffile.imwrite(tmp_path / "c.tif", picture(18, 20))
    for name in ("a.png", "b.ome.tif", "c.tif"):
        restored = restore_file(
            tmp_path / name, tmp_path / f"out-{name}", TINY, device="cpu", strict=True
        )
        assert restored.notes == ()


def test_each_image_of_a_file_is_restored_by_its_number(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    several(tmp_path / "in.ome.tif")
    for number in (1, 2):
        for output in ("out.ome.tif", "out.ome.zarr"):
            more = ["--series", number, "--force", *SHORT]
            result = run("denoise", "in.ome.tif", "-o", output, *more)
            assert "image 1 of" not in result.stderr
            with open_lazily(output) as image:
                assert image.axes.name == f"p{number - 1}"
    result = run("denoise", "in.ome.tif", "-o", "b.tif", "--series", 3, *SHORT, code=2)
    assert "in.ome.tif: has no image 3; choose from 1 (p0, 18 x 20), 2 (p1" in result.stderr
    run("denoise", "in.ome.tif", "-o", "b.tif", "--series", 0, *SHORT, code=2)


def test_a_plate_is_refused_with_a_list_and_restored_by_number(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    root = zarr.open_group(tmp_path / "plate.zarr", mode="w", zarr_format=2)
    root.attrs["plate"] = {"wells": [{"path": "A/1"}, {"path": "A/2"}]}
    for well, data in zip(("A/1", "A/2"), picture(2, 18, 20), strict=True):
        image = root.require_group(well)
        image.attrs["well"] = {"images": [{"path": "0"}]}
        image.create_array("0/0", data=data)
        axes = [{"name": "y"}, {"name": "x"}]
        image["0"].attrs["multiscales"] = [{"axes": axes, "datasets": [{"path": "0"}]}]
    result = run("denoise", "plate.zarr", "-o", "out.ome.zarr", *SHORT, code=2)
    assert "is a plate of 2 images" in result.stderr
    assert "A/2/0" in result.stderr
    run("denoise", "plate.zarr", "-o", "out.ome.zarr", "--series", 2, *SHORT)
    run("denoise", "plate.zarr/A/1/0", "-o", "out1.ome.zarr", *SHORT)


def test_the_last_of_four_samples_of_an_array_is_restored(rng):
    image = rng.integers(0, 255, (18, 20, 4), dtype=np.uint8)
    result = restore(image, TINY, device="cpu")
    assert (result.image[..., 3] != image[..., 3]).any()
    assert "alpha=True" in result.notes[0].text
    for options in ({"alpha": True}, {"axes": "YXS"}):
        kept = restore(image, TINY, device="cpu", **options)
        np.testing.assert_array_equal(kept.image[..., 3], image[..., 3])
        assert kept.notes == ()
    with pytest.raises(UserError, match="image: its last axis of 4"):
        restore(image, TINY, device="cpu", strict=True)
    with pytest.raises(UserError, match="alpha: a pixel has 3 values"):
        restore(image[..., :3], TINY, device="cpu", alpha=True)


def test_a_batch_takes_all_images_and_says_what_it_left_out(tmp_path, here):
    folder = tmp_path / "in"
    folder.mkdir()
    for name, (make, _, _) in KINDS.items():
        make(folder / name)
    options = {"device": "cpu", "scheduler": here}
    summary = restore_many([folder], tmp_path / "all", TINY, series="all", **options)
    assert summary.is_complete
    names = {str(path.relative_to(tmp_path / "all")) for path in (tmp_path / "all").rglob("*.tif")}
    expected = set(KINDS) - {"several.ome.tif"} | {"several_1.ome.tif", "several_2.ome.tif"}
    assert names == expected
    second = tifffile.TiffFile(tmp_path / "all" / "several_2.ome.tif")
    assert second.series[0].name == "p1"
    second.close()
    for name, (_, words, _) in KINDS.items():
        if name != "several.ome.tif":
            report = json.loads((tmp_path / "all" / f"{name}.json").read_text())
            assert any(words in note["text"] for note in report["notes"])
    # Finished ones are known again.
    again = restore_many([folder], tmp_path / "all", TINY, series="all", resume=True, **options)
    assert {str(outcome.status) for outcome in again.outcomes} == {"kept"}
    strict = restore_many([folder], tmp_path / "strict", TINY, strict=True, **options)
    done = {outcome.name for outcome in strict.outcomes if str(outcome.status) == "done"}
    assert done == {name for name, (_, _, kind) in KINDS.items() if kind is NoteKind.TOLD}
    assert {path.name for path in (tmp_path / "strict").rglob("*.tif")} == done


def test_a_batch_in_tiles_takes_all_images(tmp_path, here):
    several(tmp_path / "a.ome.tif")
    options = {"device": "cpu", "scheduler": here}
    tiling = {"tiling": TilingOptions(tile=32)}
    summary = restore_many(
        [tmp_path / "a.ome.tif"], tmp_path / "out", TINY, series="all", **tiling, **options
    )
    assert summary.is_complete
    first = run(
        "batch",
        tmp_path / "a.ome.tif",
        "-o",
        tmp_path / "b",
        "--tile",
        32,
        "--scheduler",
        here,
        *SHORT,
    )
    assert "image 1 of 2 (p0, 18 x 20) is read" in first.stderr
    for number in (1, 2):
        with open_lazily(tmp_path / "out" / f"a_{number}.ome.zarr") as image:
            assert image.axes.name == f"p{number - 1}"


@pytest.mark.parametrize("series", [0, -1, "some", 1.5])
def test_series_of_a_batch_is_a_number_or_all(tmp_path, series):
    white(tmp_path / "a.tif")
    with pytest.raises(UserError, match="series: expected a number from 1 on, or all, got"):
        restore_many([tmp_path], tmp_path / "out", TINY, series=series)


def test_the_command_of_a_batch(tmp_path, here):
    several(tmp_path / "a.ome.tif")
    arguments = ["batch", tmp_path / "a.ome.tif", "--scheduler", here, *SHORT]
    result = run(*arguments, "-o", tmp_path / "first")
    assert "image 1 of 2 (p0, 18 x 20) is read" in result.stderr
    result = run(*arguments, "-o", tmp_path / "all", "--series", "all")
    assert "image 1 of 2" not in result.stderr
    assert (tmp_path / "all" / "a_2.ome.tif").exists()
    run(*arguments, "-o", tmp_path / "two", "--series", 2)
    assert [path.name for path in (tmp_path / "two").glob("*.tif")] == ["a.ome.tif"]
    run(*arguments, "-o", tmp_path / "strict", "--strict", code=ExitCode.SOME_FAILED)
    run(*arguments, "-o", tmp_path / "x", "--series", "some", code=ExitCode.BAD_ARGUMENT)

"""TIFFs whose header announces other planes than there are: none invented, none dropped."""

import itertools
from pathlib import Path

import numpy as np
import pytest
import tifffile
from image_files import picture

from napari_dip.data.reading import NoteKind
from napari_dip.files.atomic import FileError
from napari_dip.files.image_file import read_image, write_image
from napari_dip.files.lazy import open_lazily


def ome_xml(sizes: dict[str, int], planes: list[tuple[dict[str, int], int, str]], own="") -> str:
    """An OME header with `TiffData` of places, pages and files, whose UUIDs are their names."""
    data = "".join(
        "<TiffData {} IFD='{}' PlaneCount='1'>{}</TiffData>".format(
            " ".join(f"First{letter}='{n}'" for letter, n in place.items()),
            page,
            f"<UUID FileName='{name}'>urn:uuid:{name}</UUID>" if name else "",
        )
        for place, page, name in planes
    )
    lengths = " ".join(f"Size{a}='{n}'" for a, n in ({"Z": 1, "C": 1, "T": 1} | sizes).items())
    return (
        '<?xml version="1.0" encoding="UTF-8"?><OME '
        'xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06" '
        f'UUID="urn:uuid:{own}"><Image ID="Image:0" Name="img"><Pixels ID="Pixels:0" '
        f'DimensionOrder="XYZCT" Type="uint16" SizeX="20" SizeY="18" {lengths}>{data}'
        "</Pixels></Image></OME>"
    )


def write_pages(path: Path, pages, description: str, **options) -> None:
    with tifffile.TiffWriter(path) as file:
        for i, page in enumerate(pages):
            about = {"description": description} if i == 0 else {}
            about |= {"metadata": None, "photometric": "minisblack", "contiguous": False}
            file.write(page, **about, **options)


def both(path: Path, **options):
    """What is read whole and piece by piece, which has to be the same."""
    image = read_image(path, **options)
    with open_lazily(path, **options) as lazy:
        assert lazy.axes.letters == image.axes
        np.testing.assert_array_equal(lazy.read(), image.data)
        assert lazy.record == image.record
    return image


def said(image) -> str:
    return " | ".join(note.text for note in image.record.notes)


@pytest.mark.parametrize("letter", "ZCT")
@pytest.mark.parametrize("there", [(1,), (0, 1), (0, 2)])
def test_one_file_of_a_multi_file_ome_tiff(tmp_path, letter, there):
    names = [f"part{i}.ome.tif" for i in range(3)]
    planes = [({letter: i}, 0, name) for i, name in enumerate(names)]
    pages = picture(3, 18, 20)
    for i in there:
        write_pages(tmp_path / names[i], pages[i : i + 1], ome_xml({letter: 3}, planes, names[i]))
    image = both(tmp_path / names[there[0]])
    np.testing.assert_array_equal(image.data, pages[list(there)].squeeze())
    assert image.axes == ("YX" if len(there) == 1 else f"{letter}YX")
    assert {"C": "channels", "T": "frames", "Z": "slices"}[letter] in said(image)
    missing = set(range(3)) - set(there)
    assert all((names[i] in said(image)) == (i in missing) for i in range(3))
    assert image.record.announced["shape"] == [3, 18, 20]
    assert image.record.read["shape"] == list(image.data.shape)
    assert [note.kind for note in image.record.notes] == [NoteKind.LEFT_OUT]


def test_a_renamed_file_is_read_and_its_old_name_is_not_missed(tmp_path):
    planes = [({"Z": i}, i, "old.ome.tif") for i in range(3)]
    pages = picture(3, 18, 20)
    write_pages(tmp_path / "new.ome.tif", pages, ome_xml({"Z": 3}, planes, "old.ome.tif"))
    image = both(tmp_path / "new.ome.tif")
    np.testing.assert_array_equal(image.data, pages)
    assert image.record.notes == ()


@pytest.mark.parametrize(
    ("sizes", "count", "shape"),
    [
        ({"T": 5}, 3, (3, 18, 20)),
        ({"T": 5, "C": 2}, 6, (3, 2, 18, 20)),
        ({"T": 5, "C": 2}, 7, (3, 2, 18, 20)),  # of the last frame one channel was written
        ({"T": 4, "C": 2, "Z": 3}, 14, (2, 2, 3, 18, 20)),
    ],
)
def test_an_acquisition_that_was_stopped_has_its_whole_frames(tmp_path, sizes, count, shape):
    pages = picture(count, 18, 20)
    orders = [range(sizes.get(letter, 1)) for letter in "TCZ"]
    places = [dict(zip("TCZ", place, strict=True)) for place in itertools.product(*orders)]
    planes = [(place, i, "") for i, place in enumerate(places)]
    write_pages(tmp_path / "a.ome.tif", pages, ome_xml(sizes, planes))
    image = both(tmp_path / "a.ome.tif")
    np.testing.assert_array_equal(image.data, pages[: np.prod(shape[:-2])].reshape(shape))
    assert f"{shape[0]} of {sizes['T']} frames" in said(image)
    # What is written from it announces what it has.
    write_image(tmp_path / "b.ome.tif", image.data, like=image)
    again = read_image(tmp_path / "b.ome.tif")
    np.testing.assert_array_equal(again.data, image.data)
    assert again.record.notes == ()


def test_the_channels_that_are_there_keep_their_names(tmp_path):
    xml = ome_xml({"C": 3}, [({"C": 1}, 0, ""), ({"C": 2}, 1, "")])
    names = "".join(f'<Channel ID="Channel:0:{i}" Name="{n}"/>' for i, n in enumerate("ABC"))
    write_pages(
        tmp_path / "a.ome.tif", picture(2, 18, 20), xml.replace("<TiffData", names + "<TiffData", 1)
    )
    with open_lazily(tmp_path / "a.ome.tif") as image:
        assert image.axes.channels == ("B", "C")


def test_pages_that_an_ome_header_does_not_name_are_a_further_image(tmp_path):
    pages = picture(5, 18, 20)
    planes = [({"Z": i}, i, "") for i in range(3)]
    write_pages(tmp_path / "a.ome.tif", pages, ome_xml({"Z": 3}, planes))
    image = both(tmp_path / "a.ome.tif")
    np.testing.assert_array_equal(image.data, pages[:3])
    assert "image 1 of 2" in said(image)
    np.testing.assert_array_equal(both(tmp_path / "a.ome.tif", series=2).data, pages[3:])


def test_metadata_in_another_file_do_not_hide_the_pages(tmp_path):
    xml = (
        '<?xml version="1.0"?><OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06">'
        '<BinaryOnly MetadataFile="all.companion.ome" UUID="urn:uuid:1"/></OME>'
    )
    pages = picture(3, 18, 20)
    write_pages(tmp_path / "a.ome.tif", pages, xml)
    image = both(tmp_path / "a.ome.tif")
    np.testing.assert_array_equal(image.data, pages)
    assert "all.companion.ome, which is not read" in said(image)


def test_an_ome_header_that_can_not_be_followed_does_not_hide_the_pages(tmp_path):
    xml = ome_xml({"Z": 2}, []).replace(
        "</Pixels>", "<TiffData><UUID FileName='b.tif'>u</UUID></TiffData></Pixels>"
    )
    pages = picture(2, 18, 20)
    write_pages(tmp_path / "a.ome.tif", pages, xml)
    image = both(tmp_path / "a.ome.tif")
    np.testing.assert_array_equal(image.data, pages)
    assert "b.tif is not there" in said(image)


def imagej_header(**counts: int) -> str:
    lines = [f"{name}={n}" for name, n in counts.items()]
    return "\n".join(["ImageJ=1.53t", *lines, "unit=um", "spacing=0.5", ""])


@pytest.mark.parametrize(
    ("counts", "pages", "shape", "axes"),
    [
        # fewer pages than announced
        ({"images": 10, "slices": 10}, 4, (4, 18, 20), "ZYX"),
        ({"images": 10, "frames": 10}, 1, (18, 20), "YX"),
        ({"images": 12, "channels": 2, "frames": 6}, 7, (3, 2, 18, 20), "TCYX"),
        # more
        ({"images": 3, "slices": 3}, 5, (5, 18, 20), "ZYX"),
        ({"images": 4, "channels": 2, "slices": 2}, 6, (3, 2, 18, 20), "ZCYX"),
        ({"images": 4, "channels": 2, "slices": 2}, 7, (7, 18, 20), "ZYX"),
        # as many, or no number at all
        ({"images": 5, "frames": 5}, 5, (5, 18, 20), "TYX"),
        ({"images": 5}, 5, (5, 18, 20), "ZYX"),
    ],
)
@pytest.mark.parametrize("compression", [None, "zlib"])
def test_imagej_headers(tmp_path, counts, pages, shape, axes, compression):
    data = picture(pages, 18, 20)
    write_pages(tmp_path / "a.tif", data, imagej_header(**counts), compression=compression)
    image = both(tmp_path / "a.tif")
    assert image.axes == axes
    np.testing.assert_array_equal(image.data, data[: int(np.prod(shape[:-2]))].reshape(shape))
    differs = counts["images"] != pages
    assert (str(counts["images"]) in said(image) and str(pages) in said(image)) == differs


def test_a_contiguous_imagej_stack_with_more_pages_than_announced(tmp_path):
    data = picture(5, 18, 20)
    tifffile.imwrite(tmp_path / "a.tif", data, imagej=True, metadata={"axes": "ZYX"})
    content = (tmp_path / "a.tif").read_bytes()
    content = content.replace(b"images=5", b"images=3").replace(b"slices=5", b"slices=3")
    (tmp_path / "a.tif").write_bytes(content)
    image = both(tmp_path / "a.tif")
    np.testing.assert_array_equal(image.data, data)
    assert "announces 3 planes and it has 5 pages" in said(image)


def test_a_hyperstack_behind_a_single_page_is_read_as_far_as_it_goes(tmp_path):
    data = picture(6, 2, 18, 20)
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, data, imagej=True, metadata={"axes": "TCYX"}, truncate=True)
    np.testing.assert_array_equal(both(path).data, data)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) - data[4:].nbytes - 10])
    image = both(path)
    np.testing.assert_array_equal(image.data, data[:3])
    assert "3 of 6 frames" in said(image)


@pytest.mark.parametrize(("announced", "pages"), [(5, 3), (5, 1), (2, 4)])
def test_a_header_of_tifffile_with_another_number_of_pages(tmp_path, announced, pages):
    data = picture(pages, 18, 20)
    header = f'{{"shape": [{announced}, 18, 20], "axes": "ZYX"}}'
    write_pages(tmp_path / "a.tif", data, header)
    image = both(tmp_path / "a.tif")
    np.testing.assert_array_equal(image.data, data.squeeze())
    assert f"announces {announced} planes" in said(image) or "other pages than that" in said(image)


@pytest.mark.parametrize("left", [1, 2])
def test_planes_that_fill_no_frame_are_a_stack(tmp_path, left):
    path = tmp_path / "a.tif"
    data = picture(2, 4, 18, 20)
    tifffile.imwrite(path, data, imagej=True, metadata={"axes": "TCYX"}, truncate=True)
    path.write_bytes(path.read_bytes()[: -data[0, left:].nbytes - data[1].nbytes])
    image = both(path)
    np.testing.assert_array_equal(image.data, data[0, :left].squeeze())
    assert f"announces 8 planes and has {left}" in said(image)


def test_a_stack_in_colour_with_fewer_pages_than_announced(tmp_path):
    pages = picture(3, 18, 20, 3, dtype="uint8", high=255)
    with tifffile.TiffWriter(tmp_path / "a.tif") as file:
        for i, page in enumerate(pages):
            about = {"description": imagej_header(images=5, slices=5)} if i == 0 else {}
            file.write(page, photometric="rgb", metadata=None, contiguous=False, **about)
    image = both(tmp_path / "a.tif")
    assert image.axes == "ZYXS"
    np.testing.assert_array_equal(image.data, pages)
    assert "3 of 5 slices" in said(image)


def test_more_axes_than_letters_are_refused(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", np.zeros((2, 2, 2, 2, 2, 18, 20), "uint8"))
    for read in (read_image, open_lazily):
        with pytest.raises(FileError, match=r"7 axes \(QQQQQYX\) can't be told apart"):
            read(tmp_path / "a.tif")

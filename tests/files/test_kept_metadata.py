"""What a file says beside its pixels comes back, or it is said that it does not."""

import struct
from pathlib import Path

import numpy as np
import pytest
import tifffile
from hypothesis import given
from hypothesis import strategies as st
from image_files import SRGB, round_trip
from PIL import Image, PngImagePlugin
from PIL.TiffImagePlugin import IFDRational

from napari_dip import Denoise, UserError, restore_large
from napari_dip.files.image_file import read_image, write_image
from napari_dip.files.losses import notes_on_losses
from napari_dip.files.segments import png_chunk, png_chunks, png_texts, with_chunks
from napari_dip.files.tags import Tag, Tags
from napari_dip.restoration.files import restore_file

GREY = np.random.default_rng(0).integers(0, 255, (32, 48), dtype=np.uint8)
RGB = np.random.default_rng(1).integers(0, 255, (32, 48, 3), dtype=np.uint8)
DATE = "2024:05:06 07:08:09"
XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><r tiff:Orientation="1" a="b"/></x:xmpmeta>'
GEO_KEYS = (1, 1, 0, 2, 1024, 0, 1, 1, 1025, 0, 1, 1)
CAMERA, PLACE = 34665, 34853

CUSTOM = [
    (305, "s", 0, "Scope 3000 v1.2", True),
    (306, "s", 0, DATE, True),
    (315, "s", 0, "A. Person", True),
    (271, "s", 0, "Maker", True),
    (286, "2I", 1, (314, 100), True),  # the position of a stage
    (65000, "s", 0, "a private text", True),
    (65001, "H", 3, (1, 500, 65535), True),
    (65002, "d", 2, (0.1, -1e300), True),
    (65003, "B", 5, b"bytes", True),
]
GEO = [
    (33550, "d", 3, (10.0, 20.0, 0.0), True),
    (33922, "d", 6, (0.0, 0.0, 0.0, 5e5, 4e6, 0.0), True),
    (34735, "H", 12, GEO_KEYS, True),
    (34737, "s", 0, "WGS 84|", True),
    (42112, "s", 0, "<GDALMetadata/>", True),
    (42113, "s", 0, "-9999", True),
]


def values(path, codes):
    """The values of a TIFF's tags by their numbers."""
    with tifffile.TiffFile(path) as file:
        tags = file.pages.first.tags
        return {code: tags[code].value for code in codes if code in tags}


def lost(image, name):
    """What a result of this name would not hold, in words."""
    samples = image.data.shape[-1] if image.axes.endswith("S") else 1
    notes = notes_on_losses(
        image.metadata, Path(name), dtype=image.data.dtype, axes=image.axes, samples=samples
    )
    return "; ".join(map(str, notes))


def exif(**camera):
    """EXIF of a camera, as Pillow writes it."""
    block = Image.Exif()
    block[271], block[272], block[305], block[306] = "Maker", "Model", "Firmware", DATE
    block[274] = camera.pop("orientation", 1)
    block.get_ifd(CAMERA).update(
        {33434: IFDRational(1, 250), 34855: 400, 36867: DATE, 37500: b"\1\2" * 40}
    )
    block.get_ifd(CAMERA).update({0xA002: 48, 0xA003: 32})
    block.get_ifd(PLACE).update({1: "N", 2: (51.0, 30.0, 0.5)})
    return block.tobytes()


def camera_values(path):
    """Some values of the EXIF of any file."""
    with Image.open(path) as opened:
        block = opened.getexif()
        camera, place = block.get_ifd(CAMERA), block.get_ifd(PLACE)
        return (
            block.get(271),
            block.get(306),
            float(camera.get(33434, 0)),
            camera.get(34855),
            camera.get(37500),
            tuple(map(float, place.get(2, ()))),
        )


CAMERA_VALUES = ("Maker", DATE, 0.004, 400, b"\1\2" * 40, (51.0, 30.0, 0.5))


# TIFF


@pytest.mark.parametrize("byteorder", ["<", ">"])
@pytest.mark.parametrize("bigtiff", [False, True])
@pytest.mark.parametrize("data", [GREY, RGB, GREY.astype(np.float32)], ids=["grey", "RGB", "float"])
def test_tags_of_a_tiff_come_back(tmp_path, data, byteorder, bigtiff):
    path = tmp_path / "in.tif"
    tifffile.imwrite(
        path,
        data,
        extratags=CUSTOM + GEO,
        byteorder=byteorder,
        bigtiff=bigtiff,
        software=False,
        description="a field of cells",
        metadata=None,
    )
    image, again, target = round_trip(path)
    codes = [tag[0] for tag in CUSTOM + GEO]
    assert values(target, codes) == values(path, codes)
    assert len(values(target, codes)) == len(codes)
    assert values(target, [270])[270] == "a field of cells"
    np.testing.assert_array_equal(again.data, data)
    assert again.metadata.tags == image.metadata.tags
    with tifffile.TiffFile(target) as file:
        assert (file.byteorder, bool(file.is_bigtiff)) == (byteorder, bigtiff)
    assert lost(image, "out.tif") == ""


@pytest.mark.parametrize("flavour", [{"imagej": True}, {"ome": True}])
def test_tags_of_imagej_and_ome_files_come_back(tmp_path, flavour):
    stack = np.stack([GREY] * 3).astype(np.uint16)
    path = tmp_path / ("in.ome.tif" if "ome" in flavour else "in.tif")
    tifffile.imwrite(path, stack, extratags=CUSTOM, software=False, compression="zlib", **flavour)
    _, again, target = round_trip(path)
    codes = [tag[0] for tag in CUSTOM]
    assert values(target, codes) == values(path, codes)
    with tifffile.TiffFile(target) as file:
        assert file.is_imagej == ("imagej" in flavour)
        assert file.pages.first.compression == 8
    np.testing.assert_array_equal(again.data, stack)


def test_geotiff_tags_follow_an_enlargement(tmp_path):
    path, target = tmp_path / "in.tif", tmp_path / "out.tif"
    for raster_type in (1, 2):
        keys = (*GEO_KEYS[:-1], raster_type)
        tie = (4.0, 8.0, 0.0, 5e5, 4e6, 0.0)
        matrix = (10.0, 0, 0, 5e5, 0, -20.0, 0, 4e6, 0, 0, 0, 0, 0, 0, 0, 1.0)
        extra = [GEO[0], (33922, "d", 6, tie, True), (34735, "H", 12, keys, True)]
        extra.append((34264, "d", 16, matrix, True))
        tifffile.imwrite(path, GREY, extratags=extra)
        image = read_image(path)
        fine = np.repeat(np.repeat(GREY, 4, 0), 4, 1)
        write_image(target, fine, like=image, pixel_scale=0.25, overwrite=True)
        found = values(target, (33550, 33922, 34264))
        assert found[33550] == (2.5, 5.0, 0.0)
        # Pixel 0's left edge, or its centre, is where it was.
        at = (16.0, 32.0) if raster_type == 1 else (17.5, 33.5)
        assert found[33922] == (*at, 0.0, 5e5, 4e6, 0.0)
        transformation = np.reshape(found[34264], (4, 4))
        old = np.reshape(matrix, (4, 4))
        edge = 0.0 if raster_type == 1 else -0.5
        corner = np.array([edge, edge, 0, 1])
        np.testing.assert_allclose(transformation @ corner, old @ corner)
        np.testing.assert_allclose(np.diag(transformation)[:2], (2.5, -5.0))


LOSSLESS = ["lzw", "zlib", "deflate", "packbits", "zstd", "lzma", "png", "jpeg2000", "jpegxl"]


@pytest.mark.parametrize("compression", [*LOSSLESS, "lerc"])
@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_lossless_compression_is_kept(tmp_path, compression, dtype):
    path = tmp_path / "in.tif"
    for data in (GREY.astype(dtype), RGB.astype(dtype)):
        predictor = compression in ("lzw", "zlib", "zstd")
        tifffile.imwrite(path, data, compression=compression, predictor=predictor)
        image, again, target = round_trip(path, overwrite=True)
        with tifffile.TiffFile(path) as before, tifffile.TiffFile(target) as after:
            one, other = before.pages.first, after.pages.first
            assert one.compression == other.compression
            assert one.predictor == other.predictor
        np.testing.assert_array_equal(again.data, data)
        assert lost(image, "out.tif") == ""


@pytest.mark.parametrize(
    ("compression", "dtype", "said"),
    [
        ("jpeg", "uint8", "its compression, JPEG, would change the result"),
        ("jpeg2000", "float32", "its compression, JPEG2000, can't hold float32"),
        ("png", "float32", "its compression, PNG, can't hold float32"),
    ],
)
def test_another_compression_is_said(tmp_path, compression, dtype, said):
    path = tmp_path / "in.tif"
    tifffile.imwrite(path, RGB, compression=compression, photometric="rgb")
    image = read_image(path)
    data = image.data.astype(dtype)
    notes = notes_on_losses(
        image.metadata, Path("out.tif"), dtype=data.dtype, axes="YXS", samples=3
    )
    assert [str(note) for note in notes] == [f"out.tif: {said}; it is compressed with deflate"]
    write_image(tmp_path / "out.tif", data, like=image)
    with tifffile.TiffFile(tmp_path / "out.tif") as file:
        assert file.pages.first.compression == 8
        np.testing.assert_array_equal(file.asarray(), data)


def test_tiles_are_kept(tmp_path):
    path = tmp_path / "in.tif"
    tifffile.imwrite(path, GREY, tile=(16, 32), compression="zstd")
    _, again, target = round_trip(path)
    with tifffile.TiffFile(target) as file:
        page = file.pages.first
        assert (page.is_tiled, page.tilelength, page.tilewidth) == (True, 16, 32)
    np.testing.assert_array_equal(again.data, GREY)


def test_tags_by_which_a_reader_would_misread_the_result_are_left_out_and_named(tmp_path):
    path = tmp_path / "in.tif"
    tifffile.imwrite(path, GREY, extratags=[(51123, "s", 0, '{"a": 1}', True), *CUSTOM[:2]])
    image, again, _ = round_trip(path)
    assert "51123" in lost(image, "out.tif") or "MicroManager" in lost(image, "out.tif")
    np.testing.assert_array_equal(again.data, GREY)


def test_tags_of_further_pages_are_named(tmp_path):
    path = tmp_path / "in.tif"
    with tifffile.TiffWriter(path) as writer:
        for second in range(3):
            extra = [(306, "s", 0, f"2024:05:06 07:08:0{second}", False)]
            writer.write(GREY, extratags=extra, metadata=None, contiguous=False, software=False)
    image = read_image(path)
    assert image.data.shape == (3, 32, 48)
    assert "DateTime of the further pages" in lost(image, "out.tif")


def test_a_turned_geotiff_loses_its_places_with_a_word(tmp_path):
    path = tmp_path / "in.tif"
    tifffile.imwrite(path, GREY, extratags=[*GEO, (274, "H", 1, 6, True)])
    image, _, target = round_trip(path)
    assert values(target, [33550, 33922, 274]).get(274, 1) == 1
    assert 33550 not in values(target, [33550])
    assert "GeoTIFF tags" in lost(image, "out.tif")


# PNG and JPEG


@pytest.mark.parametrize("suffix", ["jpg", "png", "tif"])
@pytest.mark.parametrize("source", ["jpg", "png", "tif"])
def test_exif_goes_from_any_format_to_any(tmp_path, source, suffix):
    first, target = tmp_path / "first.jpg", tmp_path / f"out.{suffix}"
    Image.fromarray(RGB).save(first, exif=exif(), icc_profile=SRGB, dpi=(300, 300))
    path = tmp_path / f"in.{source}"
    if source != "jpg":
        write_image(path, RGB, like=read_image(first))
    else:
        path = first
    image = read_image(path)
    write_image(target, image.data, like=image)
    assert camera_values(target) == CAMERA_VALUES
    again = read_image(target)
    assert again.metadata.icc_profile == SRGB
    assert again.metadata.dpi == pytest.approx((300, 300), rel=0.01)
    assert lost(image, f"a.{suffix}") == ""


def test_a_turned_photograph_is_not_turned_again(tmp_path):
    path = tmp_path / "in.jpg"
    Image.fromarray(RGB).save(path, exif=exif(orientation=6), dpi=(300, 200))
    for suffix in ("jpg", "png", "tif"):
        image = read_image(path)
        target = tmp_path / f"out.{suffix}"
        write_image(target, image.data, like=image)
        with Image.open(target) as opened:
            assert opened.getexif().get(274, 1) == 1
            assert opened.size == (32, 48)
        assert camera_values(target) == CAMERA_VALUES
        assert read_image(target).metadata.dpi == pytest.approx((200, 300), rel=0.01)


def test_sizes_in_exif_do_not_outlive_an_enlargement(tmp_path):
    path, target = tmp_path / "in.jpg", tmp_path / "out.jpg"
    Image.fromarray(RGB).save(path, exif=exif())
    image = read_image(path)
    write_image(target, np.repeat(RGB, 2, 1), like=image, pixel_scale=0.5)
    with Image.open(target) as opened:
        assert 0xA002 not in opened.getexif().get_ifd(CAMERA)


def test_texts_and_comments_come_back(tmp_path):
    info = PngImagePlugin.PngInfo()
    texts = {
        "Software": "Scope",
        "Author": "Zoë",
        "Comment": "good",
        "Description": "日本",
        "Key": "1",
    }
    for number, (key, text) in enumerate(texts.items()):
        if text.isascii() and number:
            info.add_text(key, text, zip=True)
        else:
            info.add_itxt(key, text)
    path = tmp_path / "in.png"
    for data in (GREY, RGB, GREY.astype(np.uint16) * 200):
        write_image(path, data, overwrite=True)
        kept = path.read_bytes()
        if data.dtype == np.uint8:
            Image.fromarray(data).save(path, pnginfo=info)
        else:
            encoded = tmp_path / "texts.png"
            Image.fromarray(GREY).save(encoded, pnginfo=info)
            chunks = [c for c in png_chunks(encoded.read_bytes()) if c[0] in (b"iTXt", b"zTXt")]
            path.write_bytes(with_chunks(kept, b"".join(png_chunk(*c) for c in chunks)))
        image, _, target = round_trip(path, overwrite=True)
        with Image.open(target) as opened:
            opened.load()
            assert dict(opened.text) == texts
        assert lost(image, "a.png") == ""
    jpeg, tiff = tmp_path / "out.jpg", tmp_path / "out.tif"
    image = read_image(path)
    eight = GREY
    write_image(tiff, image.data, like=image)
    assert values(tiff, (305, 270)) == {305: "Scope", 270: "日本"}
    assert lost(image, "a.tif").endswith("text 'Comment' and text 'Key', which are left out")
    write_image(jpeg, eight, like=image)
    with Image.open(jpeg) as opened:
        assert opened.info["comment"] == b"good"
        assert opened.getexif()[305] == "Scope"
    assert lost(image, "a.jpg").endswith("source's text 'Key', which is left out")
    again = tmp_path / "from-jpeg.png"
    write_image(again, eight, like=read_image(jpeg))
    with Image.open(again) as opened:
        opened.load()
        assert opened.text["Comment"] == "good"


def png_with(data, *chunks, path):
    write_image(path, data, overwrite=True)
    path.write_bytes(with_chunks(path.read_bytes(), b"".join(png_chunk(*c) for c in chunks)))


@pytest.mark.parametrize("data", [GREY, RGB, RGB.astype(np.uint16) * 257])
def test_gamma_and_colours_of_a_png_come_back(tmp_path, data):
    path = tmp_path / "in.png"
    gamma = (b"gAMA", struct.pack(">I", 100000))
    colours = (b"cHRM", struct.pack(">8I", *range(30000, 38000, 1000)))
    png_with(data, gamma, colours, (b"sRGB", b"\0"), (b"vpAg", b"12345"), path=path)
    image, _, target = round_trip(path)
    kept = dict(png_chunks(target.read_bytes()))
    assert (kept[b"gAMA"], kept[b"cHRM"]) == (gamma[1], colours[1])
    assert kept[b"sRGB"] == b"\0"
    assert (
        lost(image, "a.png") == "a.png: PNG has no place for the source's vpAg, which is left out"
    )
    assert "gamma" in lost(image, "a.tif")
    png_with(data, (b"gAMA", struct.pack(">I", 45455)), path=path)
    assert lost(read_image(path), "a.tif") == ""


@pytest.mark.parametrize("depth", [8, 16])
@pytest.mark.parametrize("data", [GREY, RGB], ids=["grey", "RGB"])
def test_a_transparent_colour_becomes_an_alpha_channel(tmp_path, data, depth):
    path, target = tmp_path / "in.png", tmp_path / "out.png"
    data = data if depth == 8 else data.astype(np.uint16) * 257
    colour = data[3, 5]
    png_with(data, (b"tRNS", struct.pack(f">{colour.size}H", *colour.ravel())), path=path)
    image = read_image(path)
    most = np.iinfo(data.dtype).max
    samples = data[..., None] if data.ndim == 2 else data
    expected = np.where((samples == colour).all(-1), 0, most)
    np.testing.assert_array_equal(image.data[..., -1], expected)
    np.testing.assert_array_equal(image.data[..., :-1], samples)
    write_image(target, image.data, like=image)
    np.testing.assert_array_equal(read_image(target).data, image.data)


def test_xmp_and_iptc_come_back(tmp_path):
    jpeg, png, tiff = (tmp_path / f"in.{suffix}" for suffix in ("jpg", "png", "tif"))
    resources = b"8BIM\x04\x04\0\0\0\0\0\x05hello\0"
    extra = [(700, "B", len(XMP), XMP, True), (34377, "B", len(resources), resources, True)]
    tifffile.imwrite(tiff, RGB, photometric="rgb", extratags=extra)
    image = read_image(tiff)
    for path in (jpeg, png):
        write_image(path, RGB, like=image)
        again = read_image(path)
        assert again.metadata.xmp == XMP
        back = tmp_path / f"back-{path.suffix[1:]}.tif"
        write_image(back, RGB, like=again)
        assert bytes(values(back, [700])[700]) == XMP
    assert bytes(values(tmp_path / "back-jpg.tif", [34377])[34377]) == resources
    assert lost(image, "a.jpg") == ""
    assert "left out" in lost(image, "a.png")


def test_damaged_exif_is_no_reason_not_to_read(tmp_path):
    path = tmp_path / "in.jpg"
    Image.fromarray(RGB).save(path, exif=exif())
    whole = path.read_bytes()
    start = whole.index(b"Exif\0\0") + 6
    for at in (start + 4, start + 8, start + 30):
        path.write_bytes(whole[:at] + b"\xff\xff\xff\xff" + whole[at + 4 :])
        try:
            image = read_image(path)
        except UserError as error:
            assert "can't be read" in str(error)  # noqa: PT017, Pillow may refuse it
            continue
        write_image(tmp_path / "out.tif", image.data, like=image, overwrite=True)


def test_a_resolution_is_kept_where_a_format_can_hold_it(tmp_path):
    path = tmp_path / "in.tif"
    tifffile.imwrite(
        path, GREY, imagej=True, resolution=(10.0, 10.0), metadata={"unit": "um", "axes": "YX"}
    )
    image = read_image(path)
    write_image(tmp_path / "out.png", GREY, like=image)
    assert read_image(tmp_path / "out.png").metadata.dpi == pytest.approx((254000, 254000))
    write_image(tmp_path / "out.jpg", GREY, like=image)
    assert "resolution" in lost(image, "a.jpg")
    assert lost(image, "a.png") == ""
    tifffile.imwrite(
        tmp_path / "in.ome.tif",
        GREY,
        metadata={
            "PhysicalSizeX": 0.5,
            "PhysicalSizeXUnit": "µm",
            "PhysicalSizeY": 0.5,
            "PhysicalSizeYUnit": "µm",
        },
    )
    write_image(tmp_path / "ome.png", GREY, like=read_image(tmp_path / "in.ome.tif"))
    assert read_image(tmp_path / "ome.png").metadata.dpi == pytest.approx((50800, 50800))


# Tags


@given(
    st.lists(
        st.one_of(
            st.builds(
                Tag.text, st.sampled_from([271, 272, 305, 306]), st.text("abc é", max_size=9)
            ),
            st.builds(
                lambda c, v: Tag(c, 4, 1, struct.pack("<I", v)),
                st.just(18246),
                st.integers(0, 2**32 - 1),
            ),
        ),
        unique_by=lambda tag: tag.code,
        max_size=4,
    ),
    st.lists(
        st.builds(
            lambda code, v: Tag(code, 10, len(v), struct.pack(f"<{2 * len(v)}i", *v, *v)),
            st.integers(33434, 42240),
            st.lists(st.integers(-(2**31), 2**31 - 1), min_size=1, max_size=4),
        ),
        unique_by=lambda tag: tag.code,
        max_size=5,
    ),
)
def test_tags_go_through_exif(picture, camera):
    camera = sorted(
        (t for t in camera if t.code not in (0xA002, 0xA003, 0xA005)), key=lambda tag: tag.code
    )
    tags = Tags(tuple(sorted(picture, key=lambda tag: tag.code)), tuple(camera))
    assert Tags.from_exif(tags.to_exif()) == tags


@given(st.binary(max_size=60))
def test_no_bytes_break_the_reading_of_tags_and_chunks(data):
    for order in (b"II*\0", b"MM\0*"):
        Tags.from_exif(b"Exif\0\0" + order + data)
    png_texts(png_chunks(b"\x89PNG\r\n\x1a\n" + data))
    png_texts([(b"iTXt", data), (b"zTXt", data), (b"tEXt", data)])


# Restoring


TASK = Denoise(iterations=1, filters=(4,))


def test_a_restored_file_has_all_of_it_and_says_the_rest_once(tmp_path):
    path = tmp_path / "in.tif"
    tifffile.imwrite(path, GREY, extratags=CUSTOM + GEO, compression="lzw", software=False)
    result = restore_file(path, tmp_path / "out.tif", TASK, device="cpu")
    assert result.notes == ()
    codes = [tag[0] for tag in CUSTOM + GEO]
    assert values(tmp_path / "out.tif", codes) == values(path, codes)
    assert values(tmp_path / "out.tif", [259])[259] == 5
    result = restore_file(path, tmp_path / "out.png", TASK, device="cpu")
    (note,) = result.notes
    assert note.about == str(tmp_path / "out.png")
    assert "GeoTIFF tags" in note.text
    assert "65000" in note.text
    with pytest.raises(UserError, match=r"GeoTIFF tags.*--strict"):
        restore_file(path, tmp_path / "strict.png", TASK, device="cpu", strict=True)
    assert not (tmp_path / "strict.png").exists()


def test_a_zarr_says_what_it_does_not_hold(tmp_path):
    path = tmp_path / "in.jpg"
    Image.fromarray(RGB).save(path, exif=exif(), icc_profile=SRGB)
    result = restore_large(path, tmp_path / "out.ome.zarr", TASK, device="cpu")
    (note,) = result.notes
    for word in ("OME-Zarr has no place", "ICC profile", "EXIF", "Make", "DateTime"):
        assert word in note.text

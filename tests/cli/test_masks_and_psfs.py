"""Masks and PSFs as people have them, in files: whole, in tiles, in a batch."""

import json

import numpy as np
import pytest
import tifffile
from click.testing import CliRunner
from PIL import Image, ImageDraw, ImageFilter

from napari_dip import Denoise, Inpaint, restore_large, restore_many
from napari_dip.cli.main import main
from napari_dip.files.lazy import open_lazily

TINY = ["--iterations", "1", "--set", "filters=4", "--device", "cpu", "--force"]
TASK = Inpaint(iterations=1, filters=(4,))


def drawn():
    picture = Image.new("L", (64, 56))
    draw = ImageDraw.Draw(picture)
    draw.line([(5, 8), (58, 40)], fill=255, width=4)
    draw.ellipse([30, 4, 44, 18], fill=255)
    return picture


STROKES = drawn()
MARKED = np.array(STROKES) > 0
SHARE = f"fills {100 * MARKED.mean():.1f} % of the image"


def keeping(folder):
    Image.fromarray(255 - np.array(STROKES)).save(folder / "m.jpg", quality=85)
    return "m.jpg", True


def jpeg(folder):
    STROKES.save(folder / "m.jpg", quality=75)
    return "m.jpg", False


def jpeg_in_colour(folder):
    STROKES.convert("RGB").save(folder / "m.jpg", quality=60)
    return "m.jpg", False


def soft(folder):
    STROKES.filter(ImageFilter.GaussianBlur(0.6)).save(folder / "m.png")
    return "m.png", False


def saved_as_1(folder):
    tifffile.imwrite(folder / "m.tif", np.where(MARKED, 255, 1).astype(np.uint8))
    return "m.tif", False


def one_page(folder):
    tifffile.imwrite(folder / "m.tif", MARKED[None].astype(np.uint8), metadata={"axes": "ZYX"})
    return "m.tif", False


def labels(folder):
    values = MARKED * (1 + np.arange(64) // 20).astype(np.uint16)
    tifffile.imwrite(folder / "m.tif", values)
    return "m.tif", False


def erased(folder):
    pixels = np.dstack(
        [np.random.default_rng(0).integers(0, 255, (*MARKED.shape, 3)), np.where(MARKED, 0, 255)]
    )
    Image.fromarray(pixels.astype(np.uint8)).save(folder / "m.png")
    return "m.png", False


def layer(folder):
    pixels = np.zeros((*MARKED.shape, 4), np.uint8)
    pixels[MARKED] = (255, 30, 0, 255)
    Image.fromarray(pixels).save(folder / "m.png")
    return "m.png", False


def jpeg_in_a_tiff(folder):
    tifffile.imwrite(folder / "m.tif", np.array(STROKES), compression="jpeg")
    return "m.tif", False


MASKS = [
    keeping,
    jpeg,
    jpeg_in_colour,
    soft,
    saved_as_1,
    one_page,
    labels,
    erased,
    layer,
    jpeg_in_a_tiff,
]
SILENT = (one_page, labels)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    y, x = np.mgrid[:56, :64]
    image = (128 + 90 * np.sin(y / 6) * np.cos(x / 8)).astype(np.uint8)
    tifffile.imwrite(tmp_path / "in.tif", np.where(MARKED, 7, image).astype(np.uint8))
    return tmp_path


def run(*words):
    result = CliRunner().invoke(main, [*words, *TINY])
    assert result.exit_code == 0, result.output
    return result.output


def changed(values):
    return values != tifffile.imread("in.tif")


@pytest.mark.parametrize("make", MASKS)
def test_each_mask_fills_what_it_marks_in_files_and_in_zarrs(folder, make):
    name, keeps = make(folder)
    keep = ["--mask-keeps"] if keeps else []
    said = run("inpaint", "in.tif", "--mask", name, "-o", "out.tif", *keep)
    whole = changed(tifffile.imread("out.tif"))
    assert not whole[~MARKED].mean() > 0.005
    assert whole[MARKED].mean() > 0.9
    assert "fills " in said
    assert ("napari-dip: mask: " in said) == (make not in SILENT)
    tiled = run("inpaint", "in.tif", "--mask", name, "-o", "out.ome.zarr", "--tile", "48", *keep)
    with open_lazily("out.ome.zarr") as result:
        values = changed(result.read())
    assert (values != whole).mean() < 0.02
    assert "fills " in tiled.splitlines()[-1]
    assert ("napari-dip: mask: " in tiled) == (make not in SILENT)


def test_the_share_is_in_the_report_too(folder):
    jpeg(folder)
    assert SHARE in run("inpaint", "in.tif", "--mask", "m.jpg", "-o", "o.tif", "--report", "r.json")
    report = json.loads((folder / "r.json").read_text())
    assert report["filled"] == pytest.approx(MARKED.mean(), abs=0.002)
    assert report["notes"][0]["about"] == "mask"


def test_most_of_the_image_is_asked_about_everywhere(folder):
    Image.fromarray(255 - np.array(STROKES)).save(folder / "m.png")
    for output in ("out.png", "out.ome.zarr"):
        said = run("inpaint", "in.tif", "--mask", "m.png", "-o", output)
        assert f"mask: {100 * (~MARKED).mean():.1f} % of the image is taken for missing" in said
        assert "use --mask-keeps" in said
    STROKES.save(folder / "m.png")
    said = run("inpaint", "in.tif", "--mask", "m.png", "--mask-keeps", "-o", "out.png")
    assert "if that is what is known" in said


def test_a_batch_takes_each_of_them(folder, here):
    jpeg(folder)
    options = {"mask": "m.jpg", "device": "cpu", "scheduler": here}
    summary = restore_many(["in.tif"], "out", TASK, **options)
    (outcome,) = summary.outcomes
    assert outcome.error == ""
    assert outcome.report["filled"] == pytest.approx(MARKED.mean(), abs=0.002)
    assert "it is grey" in outcome.report["notes"][0]["text"]
    assert not changed(tifffile.imread("out/in.tif"))[~MARKED].mean() > 0.005


def test_a_resumed_zarr_keeps_the_rule_of_its_mask(folder):
    jpeg(folder)
    options = {"mask": "m.jpg", "device": "cpu"}
    ended = restore_large("in.tif", "out.ome.zarr", TASK, should_stop=lambda: True, **options)
    assert not ended.is_complete
    result = restore_large("in.tif", "out.ome.zarr", TASK, resume=True, **options)
    assert result.is_complete
    assert result.filled == pytest.approx(MARKED.mean(), abs=0.002)
    assert len(result.notes) == 1
    with open_lazily("out.ome.zarr") as image:
        assert not changed(image.read())[~MARKED].mean() > 0.005


# PSFs


def spot(n=21, off=0):
    y, x = np.mgrid[:n, :n] - n // 2
    return np.exp(-(y**2 + (x - off) ** 2) / 4.5)


PSFS = {
    "background": ((spot() * 245 + 10).astype(np.uint8), "a background of 10 is subtracted"),
    "off": (spot(off=4).astype(np.float32), "moved to the middle, by 4 pixels along X"),
    "FFT": (np.fft.ifftshift(spot()).astype(np.float32), "as for an FFT"),
    "boolean": (spot() > 0.5, "true and false"),
    "page": (spot()[None].astype(np.float32), ""),
    "large": (spot(101).astype(np.float32), "larger than the image and cropped"),
}


@pytest.mark.parametrize(("psf", "said"), PSFS.values(), ids=PSFS)
@pytest.mark.parametrize("output", ["out.tif", "out.ome.zarr"])
def test_each_psf_is_taken_with_a_word(folder, psf, said, output):
    tifffile.imwrite("psf.tif", psf, photometric="minisblack")
    text = run("deblur", "in.tif", "--psf", "psf.tif", "-o", output)
    assert said in text
    assert ("napari-dip: psf: " in text) == bool(said)


@pytest.mark.parametrize("output", ["out.tif", "out.ome.zarr"])
def test_pixels_of_another_size_are_said(folder, output):
    def size(x):
        unit = dict.fromkeys(("PhysicalSizeXUnit", "PhysicalSizeYUnit"), "µm")
        return {"PhysicalSizeX": x, "PhysicalSizeY": x, "axes": "YX", **unit}

    image = tifffile.imread("in.tif")
    tifffile.imwrite("in.ome.tif", image, metadata=size(0.2))
    for pixel, is_said in ((0.1, True), (0.2, False)):
        tifffile.imwrite("psf.ome.tif", spot().astype(np.float32), metadata=size(pixel))
        text = run("deblur", "in.ome.tif", "--psf", "psf.ome.tif", "-o", output)
        words = "psf: its pixels are 0.1 micrometer along Y where the image's are 0.2"
        assert (words in text) == is_said


# Low counts


def test_low_counts_have_fractions_where_the_format_can_hold_them(folder):
    counts = np.random.default_rng(0).poisson(0.5 + 0.4 * np.sin(np.mgrid[:56, :64][0] / 6))
    tifffile.imwrite("in.tif", counts.astype(np.uint8))
    fast = ["--preset", "instant", "--device", "cpu", "--force"]
    for output, dtype in (("out.tif", "float32"), ("out.png", "uint8"), ("o.ome.zarr", "float32")):
        result = CliRunner().invoke(main, ["denoise", "in.tif", "-o", output, *fast])
        assert result.exit_code == 0, result.output
        if output.endswith("png"):
            assert "its result is rounded to uint8, which costs more than 0.1 dB" in result.output
            assert np.array(Image.open(output)).dtype == dtype
            continue
        assert "its result has fractions (float32)" in result.output
        with open_lazily(output) as image:
            assert image.dtype == dtype
            assert len(np.unique(image.read())) > 100
    report = restore_large(
        "in.tif", "tiles.ome.zarr", Denoise(preset="instant"), device="cpu"
    ).report()
    assert "fractions" in report["notes"][0]["text"]

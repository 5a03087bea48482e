"""Masks as people have them."""

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageDraw, ImageFilter

from napari_dip import Inpaint, UserError, prepare, restore
from napari_dip.data.masks import MaskRule, mask_rule, polarity_notes, read_mask


def strokes(width=3):
    """A binary mask of 64 x 80 pixels, 0 and 255, with two strokes and a blot."""
    image = Image.new("L", (80, 64))
    draw = ImageDraw.Draw(image)
    draw.line([(8, 10), (70, 50)], fill=255, width=width)
    draw.line([(60, 8), (20, 58)], fill=255, width=width)
    draw.ellipse([36, 6, 46, 16], fill=255)
    return np.array(image)


STROKES = strokes()
MARKED = STROKES > 0


def jpeg(values, quality, subsampling=2):
    """What a JPEG file makes of a picture."""
    buffer = io.BytesIO()
    Image.fromarray(values).save(buffer, "JPEG", quality=quality, subsampling=subsampling)
    return np.array(Image.open(buffer))


def soft(radius, values=STROKES):
    """The strokes of a soft brush."""
    return np.array(Image.fromarray(values).filter(ImageFilter.GaussianBlur(radius)))


def coloured(colour, alpha=255, ground=(0, 0, 0, 0)):
    """RGBA: strokes of a colour over a ground."""
    pixels = np.full((*MARKED.shape, 4), ground, np.uint8)
    pixels[MARKED] = (*colour, alpha)
    return pixels


def labelled(count):
    """A label for each of many small squares, and 0 between them."""
    labels = np.zeros((64, 80), np.uint16)
    corners = [(y, x) for y in range(2, 60, 6) for x in range(2, 76, 6)][:count]
    for label, (y, x) in enumerate(corners, 1):
        labels[y : y + 4, x : x + 4] = label
    return labels


BINARY = {
    "0 and 255": STROKES,
    "0 and 1": STROKES // 255,
    "booleans": MARKED,
    "floats": STROKES / 255,
    "16 bits": STROKES.astype(np.uint16) * 257,
    "signed": -(STROKES.astype(np.int32)),
    "a faint one": STROKES // 255 * 3,
    "a trimap": np.maximum(STROKES, 100 * (np.array(soft(4)) > 20)),
    "painted with three labels": (STROKES > 0) * (1 + np.arange(64)[:, None] // 22),
    "many labels": labelled(120),
    "labels that touch": np.kron(np.arange(1, 81).reshape(8, 10), np.ones((8, 8), np.int32))
    * (np.hypot(*(np.mgrid[:64, :80] - 40)) < 30),
    "labels as floats": labelled(30).astype(np.float32),
    "a stack of labels": np.stack([labelled(20), labelled(60)]),
    "nothing": np.zeros((64, 80), np.uint8),
    "all": np.full((64, 80), 255, np.uint8),
    "all of 1": np.ones((64, 80), np.uint8),
    "one pixel": np.pad([[7]], 5),
}


@pytest.mark.parametrize("mask", BINARY.values(), ids=BINARY)
def test_every_value_but_0_marks_in_binary_masks_and_labels(mask):
    letters = "ZYX"[-mask.ndim :]
    marked, notes = read_mask(mask, letters)
    np.testing.assert_array_equal(marked, mask != 0)
    assert notes == []


GREY = {
    "a soft brush": soft(1.2),
    "a softer brush": soft(3),
    "antialiased": np.array(Image.fromarray(strokes(6)).resize((160, 128), Image.BILINEAR)),
    "probabilities": soft(2).astype(np.float32) / 255,
    "16 bits": soft(2).astype(np.uint16) * 200,
    "a ramp": np.broadcast_to(np.arange(64, dtype=np.uint8)[:, None] * 4, (64, 80)),
    "saved from a JPEG": jpeg(STROKES, 75),
    "doubles": np.random.default_rng(0).random((64, 80)),
}


@pytest.mark.parametrize("mask", GREY.values(), ids=GREY)
def test_a_grey_mask_marks_where_it_is_brighter_than_half(mask):
    marked, notes = read_mask(mask, "YX")
    half = (float(mask.min()) + float(mask.max())) / 2
    np.testing.assert_array_equal(marked, mask > half)
    assert [str(note) for note in notes] == [
        f"mask: it is grey, and only what is brighter than {half:.4g}, half of its range, is marked"
    ]


@pytest.mark.parametrize("quality", [30, 60, 75, 85, 95])
@pytest.mark.parametrize("is_inverted", [False, True])
def test_a_jpeg_file_marks_its_strokes_and_no_ringing(quality, is_inverted):
    source = 255 - STROKES if is_inverted else STROKES
    for values, letters in (
        (jpeg(source, quality), "YX"),
        (jpeg(np.repeat(source[..., None], 3, axis=-1), quality), "YXS"),
    ):
        marked, notes = read_mask(values, letters, is_lossy=True)
        assert (marked != (source > 0)).mean() < 0.002
        assert len(notes) == 1


def test_a_jpeg_file_without_strokes_marks_all_or_nothing():
    noise = np.random.default_rng(0).integers(0, 5, (64, 80)).astype(np.uint8)
    assert not read_mask(noise, "YX", is_lossy=True)[0].any()
    assert read_mask(255 - noise, "YX", is_lossy=True)[0].all()


@pytest.mark.parametrize(
    ("unmarked", "marked"), [(1, 255), (1, 2), (-1, 1), (0.25, 0.75), (100, 101)]
)
def test_of_two_values_without_0_the_greater_marks(unmarked, marked):
    mask = np.where(MARKED, marked, unmarked)
    found, notes = read_mask(mask, "YX")
    np.testing.assert_array_equal(found, MARKED)
    assert f"no value is 0, so the least one, {unmarked:g}, is taken for not marked" in str(
        notes[0]
    )


@pytest.mark.parametrize("ground", [0.0, 1.0, 8.5])
def test_nan_marks(ground):
    mask = np.full((64, 80), ground)
    mask[MARKED] = np.nan
    found, notes = read_mask(mask, "YX")
    np.testing.assert_array_equal(found, MARKED)
    assert "NaN is taken for marked" in str(notes[0])
    soft_one = soft(2) / 255
    soft_one[0, 0] = np.nan
    assert read_mask(soft_one, "YX")[0][0, 0]


COLOURED = {
    "white strokes": coloured((255, 255, 255), ground=(0, 0, 0, 255)),
    "red strokes": coloured((255, 0, 0), ground=(0, 0, 0, 255)),
    "dark strokes": coloured((0, 0, 30), ground=(0, 0, 0, 255)),
    "without alpha": coloured((90, 200, 10))[..., :3],
    "labels of colours": np.where(
        (np.arange(64) < 30)[:, None, None], coloured((200, 0, 0)), coloured((0, 0, 90))
    )[..., :3],
    "an empty layer with strokes": coloured((255, 255, 255)),
    "an empty layer with black strokes": coloured((0, 0, 0)),
    "an empty white layer with strokes": coloured((255, 255, 255), ground=(255, 255, 255, 0)),
    "grey and alpha": coloured((255, 255, 255))[..., [0, 3]],
    "a faint layer": coloured((255, 255, 255), alpha=180),
    "strokes on black on an empty layer": np.concatenate(
        [coloured((255, 255, 255), ground=(0, 0, 0, 255))[:40], np.zeros((24, 80, 4), np.uint8)]
    ),
}


@pytest.mark.parametrize("mask", COLOURED.values(), ids=COLOURED)
def test_a_mask_in_colour_marks_its_strokes(mask):
    marked, _ = read_mask(mask, "YXS")
    expected = MARKED.copy()
    expected[40:] &= bool(mask[40:].any())
    np.testing.assert_array_equal(marked, expected)


def test_soft_strokes_in_an_alpha_channel():
    layer = np.full((64, 80, 4), 255, np.uint8)
    layer[..., 3] = soft(2)
    for mask in (layer, layer[..., [0, 3]], np.repeat(soft(2)[..., None], 4, axis=-1)):
        marked, notes = read_mask(mask, "YXS")
        np.testing.assert_array_equal(marked, soft(2) > soft(2).max() / 2)
        assert any("it is in the alpha channel: what is opaque" in str(note) for note in notes)


@pytest.mark.parametrize("colours", ["a picture", "white", "black"])
def test_holes_erased_from_a_picture(colours):
    pixels = np.full((64, 80, 4), 255 if colours == "white" else 0, np.uint8)
    if colours == "a picture":
        pixels[..., :3] = np.random.default_rng(0).integers(0, 255, (64, 80, 3))
    pixels[..., 3] = 255 - STROKES
    marked, notes = read_mask(pixels, "YXS")
    np.testing.assert_array_equal(marked, MARKED)
    share = f"{100 * MARKED.mean():.1f} %"
    assert f"what is transparent ({share}) is marked" in str(notes[0])
    known, _ = read_mask(pixels, "YXS", keeps=True)  # what is there is what is known
    np.testing.assert_array_equal(known, ~MARKED)


def test_dark_strokes_of_colour_on_white():
    mask = np.full((64, 80, 3), 255, np.uint8)
    mask[MARKED] = (255, 0, 0)
    np.testing.assert_array_equal(read_mask(mask, "YXS")[0], ~MARKED)


@given(st.sampled_from([7, 16, 64]), st.sampled_from(sorted(GREY) + sorted(BINARY)))
def test_a_mask_in_parts_has_the_rule_of_the_whole(side, name):
    mask = np.squeeze((GREY | BINARY)[name])
    if mask.ndim > 2 or name == "a trimap":
        return

    def parts():
        return (
            mask[y : y + side, x : x + side]
            for y in range(0, mask.shape[0], side)
            for x in range(0, mask.shape[1], side)
        )

    assert mask_rule(parts, "YX")[0] == mask_rule(lambda: [mask], "YX")[0]


def test_a_rule_goes_through_json():
    rule = MaskRule(127.5, is_grey=True, use="opaque")
    assert MaskRule.from_dict(rule.to_dict()) == rule
    assert MaskRule.from_dict({}) == MaskRule()


@pytest.mark.parametrize("dtype", ["complex64", "<U1", "datetime64[s]"])
def test_values_that_are_no_numbers_are_refused(dtype):
    with pytest.raises(UserError, match=r"mask: .* values can't mark pixels"):
        read_mask(np.zeros((8, 8), dtype), "YX")


def test_the_polarity_is_asked_only_above_60_percent():
    assert polarity_notes(0.6) == []
    assert "use --mask-keeps" in str(polarity_notes(0.61)[0])
    assert "leave out --mask-keeps" in str(polarity_notes(0.61, keeps=True)[0])


# In Python


@pytest.fixture
def image(rng):
    y, x = np.mgrid[:64, :80]
    return 0.5 + 0.3 * np.sin(y / 5) * np.cos(x / 7) + rng.normal(0, 0.01, (64, 80))


TASK = Inpaint(iterations=1, filters=(4,))


def missing(image, mask, **options):
    job = prepare(image, TASK, mask=mask, device="cpu", **options)
    return ~job.measurement.observed.numpy()[0, 0], [str(note) for note in job.notes]


@pytest.mark.parametrize(
    "mask",
    [
        STROKES[None],
        STROKES[None, None],
        STROKES[..., None],
        MARKED[None],
        jpeg(STROKES, 80),
        soft(1)[None],
        np.where(MARKED, 255, 1),
        coloured((255, 0, 0)),
        coloured((255, 255, 255))[..., [0, 3]],
        coloured((0, 200, 0))[..., :3],
    ],
)
def test_restore_takes_all_of_them(image, mask):
    found, notes = missing(image, mask)
    assert (found != MARKED).mean() < 0.01
    is_plain = mask.dtype == bool or (set(np.unique(mask)) <= {0, 255} and mask.shape[-1] > 4)
    assert bool(notes) == (not (is_plain or mask.shape[-1] in (1, 3)))


def test_a_plane_marks_all_slices_with_a_note(image):
    stack = np.stack([image] * 3)
    job = prepare(stack, TASK, mask=STROKES)
    assert (~job.measurement.observed.numpy()[0, 0] == MARKED).all()
    assert "mask: it has no axis Z" in str(job.notes[0])


def test_a_transposed_mask_is_refused_with_the_remedy(image):
    with pytest.raises(UserError, match=r"mask: its shape \(80, 64\) .* transpose it"):
        missing(image, STROKES.T)


def test_the_result_says_how_much_was_filled(image):
    result = restore(image, TASK, mask=STROKES, device="cpu")
    assert result.filled == pytest.approx(MARKED.mean())
    assert result.report()["filled"] == result.filled
    damaged = np.where(MARKED, np.nan, image)
    assert restore(damaged, TASK, device="cpu").filled == pytest.approx(MARKED.mean())


def test_a_mask_of_most_of_the_image_is_asked_about(image):
    found, notes = missing(image, ~MARKED)
    assert found.mean() > 0.6
    share = 100 * (~MARKED).mean()
    assert notes == [str(polarity_notes(share / 100)[0])]
    with pytest.raises(UserError, match=r"is taken for missing.*--strict"):
        missing(image, ~MARKED, strict=True)

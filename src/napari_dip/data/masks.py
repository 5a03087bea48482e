"""Masks as people have them: labels, soft brushes, JPEG files, colours, strokes in alpha channels.

A mask marks pixels. `mask_rule` finds out how its values do that, and `MaskRule.marked` tells which
are marked. In a binary mask or one of labels every value but 0 marks; a grey one marks where it is
brighter than half.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray

from napari_dip.data.reading import Note, NoteKind
from napari_dip.errors import UserError

Array = NDArray[Any]

_GREY = 0.25
"""Part of the values between the extremes that lie on a slope, from which a mask is grey. Labels do
only where three of them meet."""

_DARK = 16
"""Range of a lossy mask of 8 bits below which it is black or white all over."""

POLARITY_QUESTION = 0.6
"""Part of an image that a mask marks from which it is asked whether it is meant so."""

SampleUse = Literal["brightest", "darkest", "opaque", "transparent", "visible"]
"""What marks in a mask of several samples per pixel: the brightest or the darkest of its colours,
what is opaque or transparent, or the brightest colour where it is visible."""


@dataclass(frozen=True)
class MaskRule:
    """How a mask's values mark pixels.

    Attributes
    ----------
    level
        The value of pixels that are not marked; with `is_grey` the value above which pixels are
        marked. NaN marks, too.
    is_grey
        Whether brighter pixels are marked, instead of all other ones.
    use
        What marks, if the mask has several samples per pixel.

    Examples
    --------
    >>> MaskRule().marked(np.array([0, 1, 255]))
    array([False,  True,  True])
    >>> MaskRule(127.5, is_grey=True).marked(np.array([0, 1, 255]))
    array([False, False,  True])
    """

    level: float = 0.0
    is_grey: bool = False
    use: SampleUse = "brightest"

    def marked(self, values: Array, samples: int | None = None) -> NDArray[np.bool_]:
        """Which pixels are marked.

        Parameters
        ----------
        values
            A mask, or a part of one.
        samples
            The axis of the samples of a colour, which the result does not have.
        """
        grey = values if samples is None else _grey(np.moveaxis(values, samples, -1), self.use)
        if not self.is_grey:
            return np.asarray(grey != self.level)
        marked = grey > self.level
        return np.asarray(marked | np.isnan(grey) if grey.dtype.kind == "f" else marked)

    def to_dict(self) -> dict[str, Any]:
        """The rule as JSON values."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """The rule that `to_dict` wrote."""
        return cls(**values)


def mask_rule(
    parts: Callable[[], Iterable[Array]],
    letters: str,
    *,
    is_lossy: bool = False,
    keeps: bool = False,
) -> tuple[MaskRule, list[Note]]:
    """Find out how a mask's values mark pixels.

    Parameters
    ----------
    parts
        Gives the parts of the mask, which together are the whole; called up to three times.
    letters
        A letter for each axis, Y and X among them; S has the samples of a colour.
    is_lossy
        The mask comes from a file whose compression changes values, as JPEG's does.
    keeps
        The mask marks the pixels that are known.

    Returns
    -------
    rule
        The rule.
    notes
        What was assumed; none for binary masks and labels.

    Raises
    ------
    UserError
        When its values are not numbers.

    Examples
    --------
    >>> brush = np.array([[0, 0, 60, 120], [0, 60, 180, 250], [60, 120, 200, 255]], np.uint8)
    >>> rule, notes = mask_rule(lambda: [brush], "YX")
    >>> rule.level, rule.is_grey
    (127.5, True)
    >>> print(notes[0])
    mask: it is grey, and only what is brighter than 127.5, half of its range, is marked
    """
    notes: list[Note] = []
    use: SampleUse = "brightest"

    def planes() -> Iterator[Array]:
        plain = letters.replace("S", "")
        where = [plain.index(a) for a in "YX"]
        for part in parts():
            check_mask_dtype(part.dtype)
            grey = part
            if "S" in letters:
                grey = _grey(np.moveaxis(part, letters.index("S"), -1), use)
            yield np.moveaxis(grey, where, (-2, -1))

    if "S" in letters:
        use = _sample_use(lambda: _samples_last(parts(), letters), notes, keeps=keeps)
    found = _Values()
    for plane in planes():
        found.add(plane)
    if found.is_many and not (is_lossy or found.has_fractions):
        for plane in planes():
            found.add_slopes(plane)
    return _rule(found, use, notes, is_lossy=is_lossy), notes


def check_mask_dtype(dtype: np.dtype[Any]) -> None:
    """Raise a UserError unless values of this dtype can mark pixels."""
    if dtype.kind not in "biuf":
        raise UserError(f"mask: {dtype} values can't mark pixels; use zero and non-zero")


def read_mask(
    mask: Array, letters: str, *, is_lossy: bool = False, keeps: bool = False
) -> tuple[NDArray[np.bool_], list[Note]]:
    """The marked pixels of a whole mask, without an axis of samples; arguments as in `mask_rule`.

    Examples
    --------
    >>> read_mask(np.array([[1, 255, 1]], np.uint8), "YX")[0]
    array([[False,  True, False]])
    """
    rule, notes = mask_rule(lambda: [mask], letters, is_lossy=is_lossy, keeps=keeps)
    return rule.marked(mask, letters.index("S") if "S" in letters else None), notes


def polarity_notes(share: float, *, keeps: bool = False) -> list[Note]:
    """The question whether a mask is meant so, if it marks most of an image as missing.

    Examples
    --------
    >>> print(polarity_notes(0.957)[0])
    mask: 95.7 % of the image is taken for missing; if that is what is known, use --mask-keeps (in \
Python, invert the mask)
    >>> polarity_notes(0.05)
    []
    """
    if share <= POLARITY_QUESTION:
        return []
    remedy = "leave out" if keeps else "use"
    text = (
        f"{100 * share:.1f} % of the image is taken for missing; if that is what is known, "
        f"{remedy} --mask-keeps (in Python, invert the mask)"
    )
    return [Note(NoteKind.ASSUMED, "mask", text)]


def spread_note(letter: str) -> Note:
    """That a mask without one of the image's axes holds all along it."""
    text = f"it has no axis {letter}, and marks the same pixels all along it"
    return Note(NoteKind.ASSUMED, "mask", text)


class _Values:
    """What a mask's values are like, gathered part by part."""

    def __init__(self) -> None:
        self.few: set[float] = set()
        self.is_many = self.has_fractions = self.has_nan = False
        self.between = self.on_slope = 0

    @property
    def least(self) -> float:
        return min(self.few)

    @property
    def most(self) -> float:
        return max(self.few)

    def add(self, part: Array) -> None:
        """Take note of a part's values; of more than two only the extremes and 0 are kept."""
        if part.dtype.kind == "f":
            known = part[np.isfinite(part)]
            self.has_nan |= bool(np.isnan(part).any())
            self.has_fractions |= bool((known != np.rint(known)).any())
        else:
            known = part.ravel()
        if not known.size:
            return
        low, high = known.min(), known.max()
        self.few |= {float(low), float(high)}
        if bool((known == 0).any()):
            self.few.add(0.0)
        self.is_many |= len(self.few) > 2 or bool(((known != low) & (known != high)).any())

    def add_slopes(self, part: Array) -> None:
        """Count values between the extremes, and those with both darker and brighter neighbours."""
        from scipy.ndimage import maximum_filter, minimum_filter

        size = (1,) * (part.ndim - 2) + (3, 3)
        between = (part != 0) & (part != self.least) & (part != self.most)
        self.between += int(between.sum())
        lower, upper = minimum_filter(part, size) < part, maximum_filter(part, size) > part
        self.on_slope += int((between & lower & upper).sum())


def _rule(found: _Values, use: SampleUse, notes: list[Note], *, is_lossy: bool) -> MaskRule:
    if not found.few:
        return MaskRule(use=use)
    if found.has_nan:
        notes.append(Note(NoteKind.ASSUMED, "mask", "NaN is taken for marked"))
    if found.is_many and (
        is_lossy or found.has_fractions or found.on_slope > _GREY * max(found.between, 1)
    ):
        level = (found.least + found.most) / 2
        if is_lossy and found.most - found.least < _DARK:
            level = 127.5
        half = (
            f"it is grey, and only what is brighter than {level:.4g}, half of its range, is marked"
        )
        notes.append(Note(NoteKind.CHANGED, "mask", half))
        return MaskRule(level, is_grey=True, use=use)
    if 0.0 in found.few or (len(found.few) == 1 and not found.has_nan):
        return MaskRule(use=use)
    if len(found.few) > 1:
        text = f"no value is 0, so the least one, {found.least:g}, is taken for not marked"
        notes.append(Note(NoteKind.ASSUMED, "mask", text))
    return MaskRule(found.least, use=use)


def _samples_last(parts: Iterable[Array], letters: str) -> Iterable[Array]:
    return (np.moveaxis(part, letters.index("S"), -1) for part in parts)


def _grey(values: Array, use: SampleUse) -> Array:
    """A mask of samples (..., samples) as grey values (...)."""
    has_alpha = values.shape[-1] in (2, 4)
    if use in ("opaque", "transparent"):
        alpha = values[..., -1]
        return alpha if use == "opaque" else _most(values.dtype) - alpha
    colours = values[..., :-1] if has_alpha else values
    grey: Array = colours.min(axis=-1) if use == "darkest" else colours.max(axis=-1)
    if use == "visible":
        opacity = values[..., -1].astype(np.float64) / float(_most(values.dtype))
        # Rounded, so that labels stay labels.
        shown = grey * opacity
        return np.rint(shown) if values.dtype.kind in "ui" else shown
    return grey


def _most(dtype: np.dtype[Any]) -> Any:
    """The value of an opaque pixel, in its dtype."""
    return dtype.type(np.iinfo(dtype).max if dtype.kind in "ui" else 1)


def _sample_use(
    parts: Callable[[], Iterable[Array]], notes: list[Note], *, keeps: bool
) -> SampleUse:
    """What marks in a mask (..., samples)."""
    alphas: set[float] = set()
    visible, colours = _Values(), [set[float]() for _ in range(4)]
    opaque = count = 0
    is_premultiplied = True
    for part in parts():
        samples = part.shape[-1]
        has_alpha = samples in (2, 4)
        shown = np.ones(part.shape[:-1], bool)
        if has_alpha:
            alpha = part[..., -1]
            alphas |= {float(alpha.min()), float(alpha.max())}
            shown = alpha > _most(part.dtype) / 2
        opaque, count = opaque + int(shown.sum()), count + shown.size
        plain = part[..., :-1] if has_alpha else part
        is_premultiplied &= has_alpha and bool((plain == part[..., -1:]).all())
        if shown.any():
            visible.add(plain.max(axis=-1)[shown])
            for extremes, values in zip(colours, np.moveaxis(plain[shown], -1, 0), strict=False):
                extremes |= {float(values.min()), float(values.max())}
    is_plain = is_premultiplied or all(len(extremes) < 2 for extremes in colours)
    if len(alphas) < 2:  # without transparency
        return "darkest" if len(visible.few) == 1 and not is_plain else "brightest"
    if not is_plain and not visible.is_many:
        return "visible"
    share = opaque / max(count, 1)
    # A picture with holes erased, or strokes on an empty layer.
    is_erased = not keeps and (share > 0.5 or not is_plain)
    use: SampleUse = "transparent" if is_erased else "opaque"
    part_marked = 100 * (1 - share if is_erased else share)
    text = f"it is in the alpha channel: what is {use} ({part_marked:.1f} %) is marked"
    notes.append(Note(NoteKind.ASSUMED, "mask", text))
    return use

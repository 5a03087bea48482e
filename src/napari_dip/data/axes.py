"""The axes of an array: their letters, their scale, and the plan of which are fitted together.

T is time, C channels, Z, Y and X space, S the samples of a colour (RGB). Other letters, such as R
(tiles), A (angles), P (phases), H (lifetimes) and E (wavelengths), keep their names and are looped
over one by one. I says nothing about an axis.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from napari_dip.errors import UserError

_OME_ORDER = "TCZYX"
"""Order of axes in OME files, in which S is a C."""

SPACE_LETTERS = "ZYX"
"""Letters of the axes that are fitted as space."""

CHANNELS = "CS"
"""Letters of the axes that are fitted as channels."""

SAMPLES_WITH_ALPHA = (2, 4)
"""Numbers of samples of which the last one can be transparency."""

KNOWN_LETTERS = "TCZYXS"
"""Letters of the axes that can be fitted together, and T."""

_UNNAMED = "I?"
"""Letters that say nothing about an axis: pages without names."""

_AS_VOLUME = "slices of a volume are called Z: --axes ZYX"
"""What is said of Q, which tifffile and scikit-image call the first axis of any stack."""

_NAMES = {"T": "frames", "C": "channels", "Z": "slices", "S": "colours"}


@dataclass(frozen=True)
class Axes:
    """An array's axes.

    Attributes
    ----------
    letters
        One letter for each axis: T, C, Z, Y, X, S, or another one.
    scale
        Length of a step along each axis; 1 if it is not known.
    units
        Units of these lengths, by UDUNITS-2 names ("micrometer", "second"); empty if not known.
    origin
        Position of the first pixel's centre, in these units; 0 if not given.
    channels
        Names of the channels, if they have any.
    name
        Name of the image.
    colours
        Display colours of the channels, as RRGGBB, if they are known.

    Examples
    --------
    >>> Axes("ZYX", scale=(2.0, 0.5, 0.5)).anisotropy()
    4.0
    """

    letters: str
    scale: tuple[float, ...] = ()
    units: tuple[str, ...] = ()
    origin: tuple[float, ...] = ()
    channels: tuple[str, ...] = ()
    name: str = ""
    colours: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.scale:
            object.__setattr__(self, "scale", (1.0,) * len(self.letters))
        if not self.units:
            object.__setattr__(self, "units", ("",) * len(self.letters))
        if not self.origin:
            object.__setattr__(self, "origin", (0.0,) * len(self.letters))

    def ordered(self) -> tuple[Axes, tuple[int, ...]]:
        """These axes in OME's order, with OME's letters, and the former position of each."""
        letters = ome_letters(self.letters)
        # An axis of another letter has the place of the channels.
        order = _OME_ORDER.replace("C", "C" + "".join(a for a in letters if a not in _OME_ORDER))
        where = tuple(letters.index(a) for a in order if a in letters)
        return self.taken(letters, where), where

    def taken(self, letters: str, where: Sequence[int]) -> Axes:
        """Some of the axes, by their positions, in another order."""
        return replace(
            self,
            letters="".join(letters[i] for i in where),
            scale=tuple(self.scale[i] for i in where),
            units=tuple(self.units[i] for i in where),
            origin=tuple(self.origin[i] for i in where),
        )

    def finer(self, factors: Sequence[int]) -> Axes:
        """The axes of an array with this many pixels in place of each one."""
        pairs = list(zip(self.scale, factors, strict=True))
        return replace(
            self,
            scale=tuple(s / f for s, f in pairs),
            # The first fine pixel's centre lies before the first coarse one's.
            origin=tuple(
                o + s * (1 / f - 1) / 2 for o, (s, f) in zip(self.origin, pairs, strict=True)
            ),
        )

    def renamed(self, letters: str) -> Axes:
        """The same axes with other letters."""
        if len(letters) != len(self.letters):
            raise UserError(
                f"axes: expected {len(self.letters)} letters, one for each axis, got {letters}"
            )
        return replace(self, letters=letters.upper())

    def anisotropy(self) -> float:
        """Length of a step along Z relative to a step along X; 1 if it is not known."""
        if "Z" not in self.letters:
            return 1.0
        z, x = self.letters.index("Z"), self.letters.index("X")
        if self.units[z] != self.units[x]:
            return 1.0
        return self.scale[z] / self.scale[x]


def describe_planes(letter: str) -> str:
    """What lies along an axis, in words.

    Examples
    --------
    >>> describe_planes("T"), describe_planes("Q")
    ('frames', 'places along Q')
    """
    return _NAMES.get(letter, f"places along {letter}")


def ome_letters(letters: str) -> str:
    """The letters that axes have in an OME-Zarr, where samples are channels.

    Beside time, space and channels it holds one axis of another letter, and that instead of
    channels. Further ones are named T or Z.

    Raises
    ------
    UserError
        When there are more axes than it can hold.

    Examples
    --------
    >>> ome_letters("RYXS"), ome_letters("RZYX"), ome_letters("RPYX")
    ('TYXC', 'RZYX', 'RTYX')
    """
    letters = letters.replace("S", "C")
    free = [name for name in "TZ" if name not in letters]
    has_place = "C" not in letters
    named = ""
    for letter in letters:
        if letter in _OME_ORDER:
            named += letter
        elif has_place:
            named, has_place = named + letter, False
        elif free:
            named += free.pop(0)
        else:
            raise UserError(
                f"axes: an OME-Zarr has no place for the axes {letters}; give a part of the image, "
                "or a result that ends in .tif"
            )
    return named


def named_axes(letters: str) -> str:
    """The same axes, of which each has a letter of its own.

    Those without a name (I, and letters that are there already) are named Z, T and C in this order,
    as the first is most likely the depth of a stack.

    Raises
    ------
    UserError
        When there are more of them than such letters.

    Examples
    --------
    >>> named_axes("IYX"), named_axes("QTYX"), named_axes("RYX")
    ('ZYX', 'QTYX', 'RYX')
    """
    free = [name for name in "ZTC" if name not in letters and not (name == "C" and "S" in letters)]
    named = ""
    for letter in letters:
        if letter not in _UNNAMED and letter not in named:
            named += letter
        elif free:
            named += free.pop(0)
        else:
            raise UserError(
                f"axes: {letters} are more than can be told apart; give a part with two to five"
            )
    return named


def axes_from_text(text: str | None) -> str | None:
    """The loop axes that a text stands for: "" for "none", None for an empty text."""
    typed = (text or "").strip()
    return "" if typed.lower() == "none" else typed or None


@dataclass(frozen=True)
class AxisPlan:
    """The axes of an image, divided into those of one fit and those that are looped over.

    Attributes
    ----------
    letters
        All axes.
    loop_axes
        Axes whose frames, slices or channels are fitted one by one.
    """

    letters: str
    loop_axes: str

    @property
    def fitted(self) -> str:
        """Letters for the fit, in which a T that is fitted jointly is Z, the third dimension."""
        return self.letters if "T" in self.loop_axes else self.letters.replace("T", "Z")

    @property
    def depth(self) -> str:
        """The axis that is the fit's third dimension; empty if there is none."""
        return next((a for a in self.letters if a in "TZ" and a not in self.loop_axes), "")

    def words(self, shape: Sequence[int]) -> str:
        """A description, such as "3 channels jointly, 25 slices in 3-D"."""
        words = []
        for letter, length in zip(self.letters, shape, strict=True):
            if letter in "YX" or length == 1:
                continue
            if letter in self.loop_axes:
                hint = f" ({_AS_VOLUME})" if letter == "Q" else ""
                words.append(f"{length} {describe_planes(letter)} one by one{hint}")
            elif letter in "ZT":
                words.append(f"{length} {_NAMES[letter]} in 3-D")
            else:
                words.append(f"{length} {_NAMES[letter]} jointly")
        return ", ".join(words) or "one image"


def plan_axes(letters: str, shape: Sequence[int], loop_axes: str | None = None) -> AxisPlan:
    """Decide which axes are fitted together.

    Without `loop_axes`, frames are fitted one by one, slices in 3-D, and channels and colours
    jointly. Axes of other letters are always looped over.

    Parameters
    ----------
    letters, shape
        The axes of the image.
    loop_axes
        Axes whose frames, slices or channels are fitted one by one; "" for none.

    Raises
    ------
    UserError
        When the rest can't be fitted together.

    Examples
    --------
    >>> plan_axes("TCYX", (25, 3, 512, 512)).words((25, 3, 512, 512))
    '25 frames one by one, 3 channels jointly'
    >>> plan_axes("RZYX", (6, 9, 64, 64), "").words((6, 9, 64, 64))
    '6 places along R one by one, 9 slices in 3-D'
    """
    long = [a for a, n in zip(letters, shape, strict=True) if n > 1]
    if loop_axes is None:
        loop_axes = "T"
    loop_axes = loop_axes.upper()
    for letter in loop_axes:
        if letter not in "TCZ" and (letter in KNOWN_LETTERS or letter not in letters):
            raise UserError(f"loop_axes: {letter} can't be fitted one by one; use T, C or Z")
    if "T" in long and "Z" in long and not {"T", "Z"} & set(loop_axes):
        raise UserError("loop_axes: a fit has three dimensions at most; name T or Z")
    one_by_one = "".join(a for a in letters if a in loop_axes or a not in KNOWN_LETTERS)
    # An axis of length 1 is no dimension of a fit.
    single = "".join(a for a in letters if a == "T" and a not in long and a not in loop_axes)
    return AxisPlan(letters, one_by_one + single)


def guess_axes(shape: Sequence[int], alpha: bool | None = None) -> str:
    """Guess an array's axes: YX or ZYX, and perhaps a last axis of at most 4.

    That axis is S (the samples of a colour), or C (channels) if it has a length of 2 or 4: nothing
    says that the last of them is transparency, unless `alpha` does.

    Raises
    ------
    UserError
        When the shape leaves a choice; `axes` then has to be given.

    Examples
    --------
    >>> guess_axes((20, 512, 512)), guess_axes((512, 512, 3)), guess_axes((512, 512, 4))
    ('ZYX', 'YXS', 'YXC')
    >>> guess_axes((512, 512, 4), alpha=True)
    'YXS'
    """
    samples = len(shape) > 2 and shape[-1] <= 4
    axes = {2: "YX", 3: "ZYX"}.get(len(shape) - samples)
    if axes is None:
        raise UserError(
            f"image: {len(shape)} axes of shape {tuple(shape)} can mean many things; "
            "give axes, for instance axes=CZYX"
        )
    if not samples:
        return axes
    return axes + ("C" if shape[-1] in SAMPLES_WITH_ALPHA and not alpha else "S")


def with_alpha(axes: str, shape: Sequence[int], alpha: bool) -> str:
    """Letters of axes that say whether the last sample of a pixel is transparency.

    Raises
    ------
    UserError
        When there are no 2 or 4 samples, of which one could be.

    Examples
    --------
    >>> with_alpha("YXC", (512, 512, 4), True), with_alpha("YXS", (512, 512, 4), False)
    ('YXS', 'YXC')
    """
    letter = next((a for a in axes if a in CHANNELS), "")
    count = shape[axes.index(letter)] if letter and len(axes) == len(shape) else 1
    if count not in SAMPLES_WITH_ALPHA:
        if alpha:
            raise UserError(
                f"alpha: a pixel has {count} values, and transparency is the last of 2 or 4; "
                "leave it out"
            )
        return axes
    return axes.replace(letter, "S" if alpha else "C")


def check_axes(axes: str, shape: Sequence[int]) -> None:
    """Raise a UserError unless `axes` names each axis of `shape` once, y and x among them."""
    if len(axes) != len(shape):
        raise UserError(f"axes: {axes} names {len(axes)} axes, but the image has {len(shape)}")
    if len(set(axes)) != len(axes) or not {"Y", "X"} <= set(axes) or {"C", "S"} <= set(axes):
        raise UserError(f"axes: {axes} must name Y and X once, and Z, C or S at most once")
    for name, side in zip(axes, shape, strict=True):
        if name not in SPACE_LETTERS + CHANNELS and side > 1:
            raise UserError(
                f"axes: {name} has a length of {side}, and only X, Y, Z, C and S are restored "
                "together; use restore, which goes through it one by one"
            )

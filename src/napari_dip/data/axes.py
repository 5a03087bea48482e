"""What the axes of an array are, how long a step along them is, and which are fitted together.

T time, C channels, Z, Y and X space, S the samples of a colour (RGB).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from napari_dip.errors import UserError

ORDER = "TCZYX"
"""Of OME's files; S is a C there."""


SPACE = "ZYX"


CHANNELS = "CS"
"""Letters of what is fitted together: as space, and as a network's outputs."""


NAMES = {"T": "frames", "C": "channels", "Z": "slices", "S": "colours"}


@dataclass(frozen=True)
class Axes:
    """An array's axes.

    Attributes
    ----------
    letters
        One for each axis, of T, C, Z, Y, X and S.
    scale
        The length of a step along each axis; 1 where it is not known.
    units
        Of the lengths, by UDUNITS-2 names ("micrometer", "second"); empty where not known.
    origin
        Where the first pixel's centre is, in these units; 0 if not given.
    channels
        Their names, if they have any.
    name
        The picture's.
    colours
        What the channels are shown in, as RRGGBB, if that is known.
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
        """OME's order, with a colour's samples as channels, and where each axis was."""
        letters = self.letters.replace("S", "C")
        where = tuple(letters.index(a) for a in ORDER if a in letters)
        return self.taken(letters, where), where

    def taken(self, letters: str, where: Sequence[int]) -> Axes:
        """Some of the axes, in another order."""
        return replace(
            self,
            letters="".join(letters[i] for i in where),
            scale=tuple(self.scale[i] for i in where),
            units=tuple(self.units[i] for i in where),
            origin=tuple(self.origin[i] for i in where),
        )

    def finer(self, factors: Sequence[int]) -> Axes:
        """The axes of an array with this many pixels for each, over the same extent."""
        pairs = list(zip(self.scale, factors, strict=True))
        return replace(
            self,
            scale=tuple(s / f for s, f in pairs),
            # Pixels' centres, as everywhere: the first fine one lies before the first coarse one.
            origin=tuple(
                o + s * (1 / f - 1) / 2 for o, (s, f) in zip(self.origin, pairs, strict=True)
            ),
        )

    def renamed(self, letters: str) -> Axes:
        """The same axes by other letters."""
        if len(letters) != len(self.letters):
            raise UserError(
                f"axes: {letters} names {len(letters)} axes, but there are {len(self.letters)}"
            )
        return replace(self, letters=letters.upper())

    def anisotropy(self) -> float:
        """How many times as long a step along Z is as one along X; 1 where that is not known."""
        if "Z" not in self.letters:
            return 1.0
        z, x = self.letters.index("Z"), self.letters.index("X")
        if self.units[z] != self.units[x]:
            return 1.0
        return self.scale[z] / self.scale[x]


def axes_from_text(text: str | None) -> str | None:
    """The axes whose entries are to be fitted one by one, as they were typed: "none" for none."""
    typed = (text or "").strip()
    return "" if typed.lower() == "none" else typed or None


@dataclass(frozen=True)
class AxisPlan:
    """Which axes are fitted together: the others' entries are pictures of their own.

    Attributes
    ----------
    letters
        All axes.
    loop_axes
        Those whose entries are fitted one by one.
    """

    letters: str
    loop_axes: str

    @property
    def fitted(self) -> str:
        """The letters for the fit: T is its third dimension where it is fitted jointly."""
        return self.letters if "T" in self.loop_axes else self.letters.replace("T", "Z")

    @property
    def depth(self) -> str:
        """The axis that is the fit's third dimension, if there is one."""
        return next((a for a in self.letters if a in "TZ" and a not in self.loop_axes), "")

    def words(self, shape: Sequence[int]) -> str:
        """How the axes are fitted, such as "3 channels jointly, 25 slices in 3-D"."""
        told = []
        for letter, length in zip(self.letters, shape, strict=True):
            if letter not in NAMES or length == 1:
                continue
            if letter in self.loop_axes:
                told.append(f"{length} {NAMES[letter]} one by one")
            elif letter in "ZT":
                told.append(f"{length} {NAMES[letter]} in 3-D")
            else:
                told.append(f"{length} {NAMES[letter]} jointly")
        return ", ".join(told) or "one picture"


def plan_axes(letters: str, shape: Sequence[int], loop_axes: str | None = None) -> AxisPlan:
    """Decide which axes are fitted together.

    Channels and colours are fitted jointly, slices in 3-D and frames one by one, unless
    `loop_axes` names the axes whose entries are to be fitted one by one ("" for none of them).

    Raises
    ------
    UserError
        When that can't be fitted.
    """
    long = [a for a, n in zip(letters, shape, strict=True) if n > 1]
    if loop_axes is None:
        loop_axes = "T"
    loop_axes = loop_axes.upper()
    for letter in loop_axes:
        if letter not in "TCZ":
            raise UserError(f"loop_axes: {letter} can't be fitted one by one; use T, C or Z")
    if "T" in long and "Z" in long and not {"T", "Z"} & set(loop_axes):
        raise UserError("loop_axes: a fit has three dimensions at most; name T or Z")
    one_by_one = "".join(a for a in letters if a in loop_axes)
    # An axis with one entry is no dimension of a fit, whatever it is called.
    single = "".join(a for a in letters if a == "T" and a not in long and a not in loop_axes)
    return AxisPlan(letters, one_by_one + single)


def guess_axes(shape: Sequence[int]) -> str:
    """Name an array's axes: YX, YXS (last axis of at most 4: samples of a colour), ZYX, ZYXS.

    Raises
    ------
    UserError
        When the shape leaves a choice; `axes` then has to be given.
    """
    samples = len(shape) > 2 and shape[-1] <= 4
    axes = {2: "YX", 3: "ZYX"}.get(len(shape) - samples)
    if axes is None:
        raise UserError(
            f"image: {len(shape)} axes of shape {tuple(shape)} can mean many things; "
            "give axes, for instance axes=CZYX"
        )
    return axes + "S" * samples


def check_axes(axes: str, shape: Sequence[int]) -> None:
    """Raise a UserError unless `axes` names each axis of `shape` once, y and x among them."""
    if len(axes) != len(shape):
        raise UserError(f"axes: {axes} names {len(axes)} axes, but the image has {len(shape)}")
    if len(set(axes)) != len(axes) or not {"Y", "X"} <= set(axes) or {"C", "S"} <= set(axes):
        raise UserError(f"axes: {axes} must name Y and X once, and Z, C or S at most once")
    for name, side in zip(axes, shape, strict=True):
        if name not in SPACE + CHANNELS and side > 1:
            raise UserError(
                f"axes: {name} has {side} entries, and only X, Y, Z, C and S are restored "
                "together; give one of them at a time, or a result that ends in .ome.zarr"
            )

"""The base of all tasks: their shared settings, and how settings and a measurement become a fit."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

from napari_dip.data.axes import Axes
from napari_dip.engine.networks import NETWORKS, NetworkSpec, per_level
from napari_dip.engine.stopping import STOPPING_RULES, FitFacts, StoppingRule
from napari_dip.errors import UserError
from napari_dip.tasks.measurement import Measurement, fill_missing
from napari_dip.tasks.settings import Settings, setting

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

    from napari_dip.engine.operators import Operator
    from napari_dip.engine.problem import FitSettings, Problem
    from napari_dip.tasks.expected_error import ExpectedError

Preset = Literal["instant", "fast", "best", "paper"]


def _stops() -> tuple[str, ...]:
    return ("auto", "budget", *STOPPING_RULES)


@dataclass(frozen=True, kw_only=True)
class SharedSettings(Settings):
    """Settings of the fit and of the network; the preset decides those that are None."""

    FORMER_NAMES: ClassVar = {"recorrupt": "r2r"}
    FORMER_VALUES: ClassVar = {"stop": {"settled": "converged"}}

    preset: Preset = setting(
        "fast",
        "fast: better than the paper in a fraction of its time; best: several seeds, better still; "
        "instant: no fit, a classical estimate in a second or two; paper: its settings",
    )
    iterations: int | None = setting(
        None, "Iteration budget of each run", least=1, most=10**6, of_image=True
    )
    runs: int | None = setting(
        None, "Fits with different seeds whose images are averaged", least=1, most=100
    )
    uncertainty: bool = setting(
        False,
        "Also give the standard deviation of each pixel over the runs (4 of them if runs is not "
        "given)",
    )
    stop: str = setting(
        "auto",
        "When to stop before the budget: auto (the preset's rule), budget (never), sigma (the "
        "residual reaches the noise level), variance (the outputs' variance passes its minimum), "
        "converged (the image no longer changes)",
        choices=_stops,
    )
    sigma: float | None = setting(
        None,
        "Standard deviation of the noise as a fraction of the data range, such as 25/255; "
        "estimated if not given",
        least=0,
        most=1,
        of_image=True,
    )
    learning_rate: float | None = setting(
        None, "Adam's learning rate, or its peak", least=1e-6, most=1, advanced=True
    )
    schedule: Literal["constant", "one-cycle"] | None = setting(
        None, "How the learning rate changes over the iterations", advanced=True
    )
    input: Literal["noise", "meshgrid", "image"] | None = setting(
        None, "The network's input: noise, meshgrid (coordinates) or image", advanced=True
    )
    input_channels: int | None = setting(
        None, "Channels of a noise input", least=1, most=512, advanced=True
    )
    input_noise: float | None = setting(
        None,
        "Standard deviation of the input's perturbation at each iteration (the paper's sigma_p)",
        least=0,
        most=10,
        advanced=True,
    )
    fresh_noise: bool | None = setting(
        None, "Draw the perturbation anew each time instead of from a pool", advanced=True
    )
    r2r: bool | None = setting(
        None,
        "Recorrupted-to-Recorrupted: subtract a share of the input's perturbation from the target, "
        "so that no noise is learned; needs input=image and a known or estimated sigma",
        advanced=True,
    )
    average: float | None = setting(
        None,
        "Weight of the exponential average of outputs; 0: no average",
        least=0,
        most=0.9999,
        advanced=True,
    )
    total_variation: float = setting(
        0.0, "Weight of a total variation prior in addition to the network", least=0, advanced=True
    )
    network: str | None = setting(
        None,
        "Kind of network; pixels: no network, the image itself is optimised",
        choices=lambda: NETWORKS,
        advanced=True,
    )
    filters: tuple[int, ...] | None = setting(
        None, "Filters of each level, finest first", least=1, most=4096, advanced=True
    )
    skips: tuple[int, ...] | None = setting(
        None, "Filters of each level's skip connection; 0: no connection", least=0, advanced=True
    )
    kernels_down: tuple[int, ...] | None = setting(
        None, "Kernel sizes of the encoder, odd", least=1, most=31, advanced=True
    )
    kernels_up: tuple[int, ...] | None = setting(
        None, "Kernel sizes of the decoder, odd", least=1, most=31, advanced=True
    )
    kernel_skip: int | None = setting(
        None, "Kernel size of the skips, odd", least=1, most=31, advanced=True
    )
    downsampling: Literal["stride", "average", "max"] | None = setting(
        None, "How a level of the encoder shrinks the image", advanced=True
    )
    upsampling: tuple[Literal["bilinear", "nearest"], ...] | None = setting(
        None, "How a level of the decoder enlarges it again", advanced=True
    )
    padding: Literal["reflect", "zero"] | None = setting(
        None, "Values that convolutions see beyond the border", advanced=True
    )
    pointwise: bool | None = setting(
        None, "A 1x1 convolution after each of the decoder's convolutions", advanced=True
    )
    shuffle: int | None = setting(
        None, "Work at 1/shuffle of the resolution", least=1, most=8, advanced=True
    )
    anisotropy: float | None = setting(
        None,
        "Distance between the slices of a volume, in units of the distance between the pixels of a "
        "slice; from the file's scale if not given, else 1",
        least=0.01,
        most=100,
        advanced=True,
    )
    precision: Literal["auto", "float32", "bfloat16"] | None = setting(
        None, "Number format of convolutions", advanced=True
    )
    layout: Literal["contiguous", "channels-last"] | None = setting(
        None, "Memory layout of images; channels-last is faster", advanced=True
    )


InputName = Literal["mask", "guide", "psf"]
"""An image that a task is given in addition to the one to restore."""

INPUT_HELP: dict[InputName, str] = {
    "mask": "Image of the same size that is not zero where pixels are missing.",
    "guide": "The flash image, of the same size.",
    "psf": "Image of the point spread function, in the image's pixels.",
}
"""Description of each input, for options and forms."""

UNCERTAINTY_RUNS = 4
"""Number of runs, with different seeds, that `uncertainty` compares and `best` averages."""

NETWORK_SETTINGS = (
    "filters",
    "skips",
    "kernels_down",
    "kernels_up",
    "kernel_skip",
    "downsampling",
    "upsampling",
    "padding",
    "pointwise",
    "shuffle",
)
"""Settings that `NetworkSpec` takes by the same name."""

FIT_SETTINGS = (
    "iterations",
    "learning_rate",
    "schedule",
    "input_noise",
    "fresh_noise",
    "average",
    "total_variation",
    "precision",
    "layout",
)
"""Settings that `FitSettings` takes by the same name."""

_PER_LEVEL = ("skips", "kernels_down", "kernels_up", "upsampling")


@dataclass(frozen=True, kw_only=True)
class Task(SharedSettings):
    """Settings of one restoration; the preset decides those that are None (`resolve`)."""

    name: ClassVar[str]
    """Name on the command line and in JSON."""
    title: ClassVar[str]
    """Name in forms."""
    needs: ClassVar[tuple[InputName, ...]] = ()
    """Inputs that have to be given."""
    accepts: ClassVar[tuple[InputName, ...]] = ("mask",)
    """Inputs that can be given."""
    parts: ClassVar[tuple[str, ...]] = ()
    """Images that `postprocess` returns in addition to the result."""
    differences: ClassVar[tuple[str, ...]] = ()
    """Those of `parts` that are differences of images: signed, with 0 for no difference."""
    fit_alone: ClassVar[dict[str, Any]] = {}
    """Settings with which the result is that of the fit, blended with nothing."""
    fills_missing: ClassVar[bool] = False
    """Whether the task only fills missing pixels, and has nothing to do where none is missing."""
    removes_noise: ClassVar[bool] = False
    """Whether the task only removes noise, so that little of it is left in the result."""

    @abstractmethod
    def preset_values(self, measurement: Measurement) -> dict[str, Any]:
        """The preset's values for this measurement, by setting; `stop` replaces "auto".

        For `best` they are those of `fast`, which `best_values` then changes.
        """

    def best_values(self, measurement: Measurement) -> dict[str, Any]:
        """The values that `best` changes: the mean over several seeds is the better image."""
        return {"runs": UNCERTAINTY_RUNS}

    def prepare_measurement(self, measurement: Measurement) -> Measurement:
        """The measurement that this task fits, for instance with more pixels marked as missing."""
        return measurement

    def warnings(
        self, given: Self, measurement: Measurement, dtype: np.dtype[Any]
    ) -> tuple[str, ...]:
        """What a person should know about these resolved settings, a line each.

        Parameters
        ----------
        given
            The settings before they were resolved.
        measurement
            The measurement that they were resolved for.
        dtype
            The data type of the image, and so of the result.
        """
        return ()

    def operator(self, measurement: Measurement) -> Operator:
        """The forward operator, before missing pixels are masked."""
        from napari_dip.engine.operators import Identity

        return Identity()

    def factors(self, ndim: int) -> tuple[int, ...]:
        """By how much the result is finer than the image, along each axis of space."""
        return (1,) * ndim

    def with_anisotropy(self, axes: Axes) -> Self:
        """These settings, with the anisotropy taken from an image's axes if it is not given."""
        ratio = axes.anisotropy()
        if self.anisotropy is not None or ratio == 1:
            return self
        return self.replace(anisotropy=min(max(ratio, 0.01), 100.0))

    def input_image(self, measurement: Measurement, space: Sequence[int]) -> Tensor | None:
        """The network's input if `input` is "image": the measurement, filled and resized.

        Its shape is (1, channels, *space).
        """
        from napari_dip.engine.operators import resize

        filled = fill_missing(measurement.y, measurement.observed)
        return resize(filled, space)

    def postprocess(self, x: Tensor, measurement: Measurement) -> dict[str, Tensor]:
        """The task's images by name, the result first, from the fitted image x.

        All are (channels, *space).
        """
        return {"image": x}

    @property
    def is_instant(self) -> bool:
        """Whether the result is the instant estimate, without a fit."""
        return self.preset == "instant"

    def instant(self, measurement: Measurement) -> Tensor | None:
        """An estimate without a fit, (channels, *space) in units of y; None if the task has none.

        It takes a second or two, and is what the preset `instant` returns and what a person sees
        first.
        """
        return None

    def share_of_fit(self, channels: int, progress: float) -> float:
        """The share of the fit in its blend with the instant estimate, from 0 to 1.

        Parameters
        ----------
        channels
            Channels of the image.
        progress
            How far the fit is, from 0 to 1: an early fit has little to say.
        """
        return 1.0

    def blend(self, x: Tensor, instant: Tensor, progress: float) -> Tensor:
        """The fitted image x and the instant estimate, both (channels, *space), as one."""
        share = self.share_of_fit(len(x), progress)
        return x if share == 1 else share * x + (1 - share) * instant

    def refine(self, x: Tensor, measurement: Measurement) -> Tensor:
        """The last touch to the blended image x of a fit that has ended."""
        return x

    def expected_error(self, x: Tensor, measurement: Measurement) -> ExpectedError | None:
        """How far the result x, (channels, *space), is from the truth, as far as can be told.

        It takes about as long as the instant estimate. None if nothing can be told.
        """
        return None

    @property
    def keeps_known(self) -> bool:
        """Whether known pixels are returned as they were given, bit by bit."""
        return False

    def resolve(self, measurement: Measurement) -> Self:
        """These settings, with the preset's values for those that are None.

        Resolving again changes nothing.

        Raises
        ------
        UserError
            When settings contradict each other, or can't be used for this measurement.
        """
        if self.is_instant and type(self).instant is Task.instant:
            raise UserError(f"preset: {self.name} has no instant estimate; use fast")
        values = self.preset_values(measurement)
        if self.preset == "best":
            values |= self.best_values(measurement)
        if self.uncertainty:
            if self.runs == 1:
                raise UserError("runs: uncertainty compares runs; give 2 or more, or leave it out")
            values["runs"] = max(values["runs"], UNCERTAINTY_RUNS)
        stop = values.pop("stop", "budget")
        values.setdefault("anisotropy", 1.0)
        filled = {k: v for k, v in values.items() if getattr(self, k) is None}
        if self.stop == "auto":
            filled["stop"] = stop
        task = self.replace(**filled)
        if task.r2r and not task._has_noisy_input(measurement):
            if self.r2r:
                raise UserError(
                    "r2r: it needs the noisy image itself as the network's input "
                    f"(input=image), and {self.name} with these settings has another; leave it out"
                )
            task = task.replace(r2r=False)
        rule = STOPPING_RULES.get(task.stop)
        if task.sigma is None and (task.r2r or (rule is not None and rule.needs_sigma)):
            sigma = measurement.estimated_sigma * measurement.data_range_per_unit
            task = task.replace(sigma=min(1.0, sigma))
        levels = len(task.filters or ())
        given = {name: getattr(task, name) for name in _PER_LEVEL}
        return task.replace(**{n: v and per_level(v, levels) for n, v in given.items()})

    def problem(self, measurement: Measurement) -> Problem:
        """The data term and the input image of the fit, from resolved settings."""
        from napari_dip.engine.operators import Mask
        from napari_dip.engine.problem import Problem

        operator = self.operator(measurement)
        if not bool(measurement.observed.all()):
            operator = Mask(measurement.observed, operator)
        guide = None
        if self.input == "image":
            guide = self.input_image(measurement, operator.image_shape(measurement.space))
        y = measurement.y * measurement.observed
        return Problem(y, operator, guide)

    def fit_settings(self, measurement: Measurement) -> FitSettings:
        """The settings of the fit, from resolved settings.

        Raises
        ------
        UserError
            When no network can be built so.
        """
        from napari_dip.engine.inputs import InputSpec
        from napari_dip.engine.problem import FitSettings

        depth, *_, across = self.factors(len(measurement.space))
        # The anisotropy is that of the image that is fitted.
        anisotropy = (self.anisotropy or 1.0) * across / depth
        kind, shape = self._resolved("network"), self._resolved(*NETWORK_SETTINGS)
        try:
            network = NetworkSpec(kind["network"], **shape, anisotropy=anisotropy)
        except ValueError as error:
            raise UserError(str(error)) from None
        sigma = (self.sigma or 0.0) / measurement.data_range_per_unit
        return FitSettings(
            network,
            InputSpec(*self._resolved("input", "input_channels").values()),
            r2r=(sigma / self.input_noise) ** 2 if self.r2r and self.input_noise else 0.0,
            stopping=self._stopping_rule(measurement),
            **self._resolved(*FIT_SETTINGS),
        )

    def _level(self, measurement: Measurement) -> float:
        """The noise's standard deviation in units of y, as given or estimated."""
        if self.sigma is None:
            return measurement.estimated_sigma
        return self.sigma / measurement.data_range_per_unit

    def _resolved(self, *names: str) -> dict[str, Any]:
        """The values of settings that are no longer None."""
        values = {name: getattr(self, name) for name in names}
        still_open = [name for name, value in values.items() if value is None]
        if still_open:
            raise ValueError(f"{', '.join(still_open)}: expected values, got None; resolve first")
        return values

    def _has_noisy_input(self, measurement: Measurement) -> bool:
        """Whether the network's input and its target are the same noisy image, as R2R needs."""
        from napari_dip.engine.operators import Identity

        is_itself = self.input == "image" and "guide" not in self.accepts
        return is_itself and isinstance(self.operator(measurement), Identity)

    def _stopping_rule(self, measurement: Measurement) -> StoppingRule | None:
        if self.stop not in STOPPING_RULES:
            return None
        facts = FitFacts(
            iterations=self.iterations or 1,
            sigma=(self.sigma or 0.0) / measurement.data_range_per_unit,
            observed=float(measurement.observed.float().mean()),
        )
        return STOPPING_RULES[self.stop].for_fit(facts)

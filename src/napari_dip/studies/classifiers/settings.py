"""The settings of inversion and of activation maximisation."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from napari_dip.errors import UserError
from napari_dip.tasks.settings import Settings, setting

if TYPE_CHECKING:
    from napari_dip.engine.networks import NetworkSpec
    from napari_dip.engine.problem import FitSettings


Prior = Literal["deep", "tv", "none"]


@dataclass(frozen=True, kw_only=True)
class Visualization(Settings):
    """Settings that inversion and maximisation share. The preset decides those that are None."""

    name: ClassVar[str]
    """The name on the command line."""
    title: ClassVar[str]
    """The name in forms."""
    paper: ClassVar[dict[str, Any]]
    """The paper's settings of the deep prior."""
    tv_weight: ClassVar[float]
    """The weight of the TV prior beside the data term, if no other is given."""
    network: ClassVar[dict[str, Any]]
    """The deep prior's network (`NetworkSpec`)."""

    prior: tuple[Prior, ...] = setting(
        ("deep",),
        "The priors, with a picture for each: deep (a network makes the image), tv (a penalty on "
        "total variation), none (the pixels are free)",
    )
    preset: Literal["fast", "paper"] = setting(
        "fast", "fast: close to the paper's pictures in a fraction of its time; paper: its settings"
    )
    iterations: int | None = setting(None, "Iterations for each picture", least=1, most=10**6)
    learning_rate: float | None = setting(
        None, "Adam's learning rate, or its peak", least=1e-6, most=1, advanced=True
    )
    input_noise: float | None = setting(
        None,
        "Standard deviation of the perturbation of the network's input (the paper's sigma_p)",
        least=0,
        most=10,
        advanced=True,
    )
    total_variation: float | None = setting(
        None,
        "Weight of the TV prior, in units of the data term's typical value",
        least=0,
        advanced=True,
    )
    filters: tuple[int, ...] | None = setting(
        None,
        "Filters of each level of the network, finest first",
        least=1,
        most=4096,
        advanced=True,
    )
    precision: Literal["auto", "float32", "bfloat16"] | None = setting(
        None, "Number format of the network's convolutions", advanced=True
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if len(set(self.prior)) < len(self.prior):
            raise UserError(f"prior: {', '.join(self.prior)} names one of them twice")

    def fit_settings(
        self, prior: Prior, *, is_vgg: bool = False, scale: float = 1.0
    ) -> FitSettings:
        """The engine's settings of one fit.

        Parameters
        ----------
        prior
            One of the settings' priors.
        is_vgg
            Whether the classifier is a VGG, for which the paper has a larger budget.
        scale
            The typical size of the data term, to which the weight of the TV prior is relative.
        """
        from napari_dip.engine.inputs import InputSpec
        from napari_dip.engine.networks import NetworkSpec
        from napari_dip.engine.problem import FitSettings

        if prior == "deep":
            network = self._network()
            values = {**self.paper, **({} if self.preset == "paper" else _FAST)}
            own = {"input_noise": self.input_noise, "precision": self.precision}
        else:
            network, values, own = NetworkSpec("pixels"), _PIXELS, {}
        own["learning_rate"] = self.learning_rate
        given = {name: value for name, value in own.items() if value is not None}
        if prior == "tv":
            weight = self.tv_weight if self.total_variation is None else self.total_variation
            given["total_variation"] = weight * scale
        budget = self.iterations or self._budget(is_vgg)
        return FitSettings(network, InputSpec("noise", 32), budget, **{**values, **given})

    @abstractmethod
    def _budget(self, is_vgg: bool) -> int:
        """The iterations of the preset."""

    def _network(self) -> NetworkSpec:
        from napari_dip.engine.networks import NetworkSpec, per_level

        options = dict(self.network)
        filters = self.filters or options.pop("filters")
        for name in ("skips", "kernels_down", "kernels_up"):
            options[name] = per_level(options[name], len(filters))
        return NetworkSpec("skip", **{**options, "filters": filters})


_PIXELS: dict[str, Any] = {
    "learning_rate": 0.05,
    "schedule": "one-cycle",
    "input_noise": 0.0,
    "average": 0.0,
}
"""Settings of a fit whose parameters are the pixels."""

_FAST: dict[str, Any] = {
    "learning_rate": 0.01,
    "schedule": "one-cycle",
    "average": 0.9,
    "precision": "auto",
    "fresh_noise": False,
    "layout": "channels-last",
}
"""Settings of the deep prior's shorter fit that differ from the paper's."""


@dataclass(frozen=True, kw_only=True)
class Invert(Visualization):
    """Find images that a classifier's layer can't tell from a given one (natural pre-images).

    `paper` is section 3.4 with section 4's settings: 3100 iterations, for a VGG 10000.

    Examples
    --------
    >>> Invert(layers=("conv1", "fc6"), prior=("deep", "tv")).layers
    ('conv1', 'fc6')
    """

    name = "invert"
    title = "Invert layers"
    paper: ClassVar[dict[str, Any]] = {"learning_rate": 0.001, "input_noise": 0.0, "average": 0.0}
    tv_weight = 0.03
    network: ClassVar[dict[str, Any]] = {
        "filters": (16, 32, 64, 128, 128, 128),
        "skips": (4,),
        "kernels_down": (7, 7, 5, 5, 3, 3),
        "kernels_up": (7, 7, 5, 5, 3, 3),
        "upsampling": "nearest",
        "padding": "zero",
    }

    layers: tuple[str, ...] | None = setting(
        None, "Layers to invert: conv1, fc6, ..., output, or module paths"
    )

    def _budget(self, is_vgg: bool) -> int:
        if self.preset == "paper":
            return 10000 if is_vgg else 3100
        return 800


@dataclass(frozen=True, kw_only=True)
class Maximize(Visualization):
    """Make images that excite one unit of a classifier as much as possible.

    `paper` is section 3.5 with section 4's settings (the released code has a learning rate of 0.01
    for classes).

    Examples
    --------
    >>> Maximize(unit=("goldfish", 933)).unit
    ('goldfish', '933')
    """

    name = "maximize"
    title = "Maximise activations"
    paper: ClassVar[dict[str, Any]] = {"learning_rate": 0.001, "input_noise": 0.03, "average": 0.0}
    tv_weight = 30.0
    network: ClassVar[dict[str, Any]] = {
        "filters": (16, 32, 64, 128, 128, 128),
        "skips": (0, 4),
        "kernels_down": (5, 3, 5, 5, 3, 5),
        "kernels_up": (5, 3, 5, 5, 3, 5),
        "padding": "zero",
    }

    unit: tuple[str, ...] | None = setting(
        None, "Classes by number or name, or, with a layer, its channels by number"
    )
    layer: str | None = setting(
        None, "The layer whose channels are excited, at their middle; the classes if not given"
    )

    def __post_init__(self) -> None:
        if self.unit is not None:
            units = self.unit if isinstance(self.unit, (list, tuple)) else (self.unit,)
            # Numbers are accepted besides texts.
            object.__setattr__(self, "unit", tuple(f"{unit}" for unit in units))
        super().__post_init__()

    def _budget(self, is_vgg: bool) -> int:
        return 3100 if self.preset == "paper" else 400

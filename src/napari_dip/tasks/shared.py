"""The settings that all tasks have."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from napari_dip.tasks.settings import Settings, setting

Preset = Literal["fast", "best", "paper"]
Stop = Literal["auto", "budget", "sigma", "variance", "settled"]


@dataclass(frozen=True, kw_only=True)
class SharedSettings(Settings):
    """How a fit goes and with what network. What is None is decided by the preset."""

    preset: Preset = setting(
        "fast",
        "fast: the paper's quality in a fraction of its time; best: several seeds, better still; "
        "paper: its settings",
    )
    iterations: int | None = setting(None, "Iteration budget of each run", least=1, most=10**6)
    runs: int | None = setting(
        None, "Fits with different seeds whose images are averaged", least=1, most=100
    )
    uncertainty: bool = setting(
        False,
        "Also give the standard deviation of each pixel over the runs (4 of them if runs is not "
        "given)",
    )
    stop: Stop = setting(
        "auto",
        "When to stop before the budget: auto (the preset's rule), budget (never), sigma (the "
        "residual reaches the noise level), variance (the outputs' variance passes its minimum), "
        "settled (the image no longer changes)",
    )
    sigma: float | None = setting(
        None,
        "Noise's standard deviation as a fraction of the data range, such as 25/255; "
        "estimated if not given",
        least=0,
        most=1,
    )
    learning_rate: float | None = setting(
        None, "Adam's learning rate, or its peak", least=1e-6, most=1, advanced=True
    )
    schedule: Literal["constant", "one-cycle"] | None = setting(
        None, "How the learning rate goes over the iterations", advanced=True
    )
    input: Literal["noise", "meshgrid", "image"] | None = setting(
        None, "The network's input: noise, coordinates, or a picture", advanced=True
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
    recorrupt: bool | None = setting(
        None,
        "Take the perturbation's share of noise off the target, so that no noise is learned; "
        "for an input of the noisy image with known or estimated sigma",
        advanced=True,
    )
    average: float | None = setting(
        None,
        "Weight of the exponential average of outputs, 0 for none",
        least=0,
        most=0.9999,
        advanced=True,
    )
    total_variation: float = setting(
        0.0, "Weight of a total variation prior beside the network", least=0, advanced=True
    )
    network: Literal["skip", "unet", "resnet", "pixels"] | None = setting(
        None, "The network; pixels: none, the image itself is optimised", advanced=True
    )
    filters: tuple[int, ...] | None = setting(
        None, "Filters of each level, finest first", least=1, most=4096, advanced=True
    )
    skips: tuple[int, ...] | None = setting(
        None, "Filters of each level's skip connection, 0 for none", least=0, advanced=True
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
        None, "How a level shrinks the image", advanced=True
    )
    upsampling: tuple[Literal["bilinear", "nearest"], ...] | None = setting(
        None, "How a level grows it back", advanced=True
    )
    padding: Literal["reflect", "zero"] | None = setting(
        None, "What convolutions see beyond the border", advanced=True
    )
    pointwise: bool | None = setting(
        None, "A 1x1 convolution after each of the decoder's convolutions", advanced=True
    )
    shuffle: int | None = setting(
        None, "Work at 1/shuffle of the resolution", least=1, most=8, advanced=True
    )
    anisotropy: float | None = setting(
        None,
        "In a volume, how many times as far apart as a slice's pixels the slices are; "
        "the file's scale if not given, else 1",
        least=0.01,
        most=100,
        advanced=True,
    )
    precision: Literal["auto", "float32", "bfloat16"] | None = setting(
        None, "Number format of convolutions", advanced=True
    )
    layout: Literal["contiguous", "channels-last"] | None = setting(
        None, "How images lie in memory; channels-last is the faster one", advanced=True
    )

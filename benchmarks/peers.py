"""What else a person would use, by kind of degradation, each with its own noise model and settings.

A peer is a function from a case to a restored array. Where a peer has a strength to choose and no
rule of its own for it, `oracle` gives it the one that scores best against the truth: more than a
person could do, so that losing to us is not for want of a knob.

Needs the extra `benchmarks`; what is not installed is left out, and said.

Sources: BM3D (Dabov et al., IEEE TIP 2007); the generalised Anscombe transform and its exact
unbiased inverse (Makitalo and Foi, IEEE TIP 2013); J-invariance (Batson and Royer, ICML 2019); BM4D
(Maggioni et al., IEEE TIP 2013); ZS-N2N (Mansour and Heckel, CVPR 2023); the deep image prior of
the library deepinv, as its settings stand; Telea (J. Graphics Tools 2004); Navier-Stokes (Bertalmio
et al., CVPR 2001); Richardson-Lucy.
"""

from __future__ import annotations

import importlib.util
import warnings
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import numpy as np
from cases import Case
from conventions import Array
from PIL import Image
from skimage import restoration
from skimage.util import img_as_float

from napari_dip.noise.camera import estimate_camera_noise

Peer = Callable[[Case], Array]


def denoising_peers(told: float | None = None) -> dict[str, Peer]:
    """Peers of `denoise`.

    Parameters
    ----------
    told
        The noise level of 255 that BM3D and non-local means are told; they estimate it if None.
    """
    peers: dict[str, Peer] = {
        "nlm": partial(_nlm, told=told),
        "tv": partial(_calibrated, restoration.denoise_tv_chambolle, {"weight": _logs(0.02, 0.6)}),
        "wavelet": partial(
            _calibrated,
            restoration.denoise_wavelet,
            {"sigma": _logs(0.01, 0.4), "wavelet": ["db2"]},
        ),
    }
    if _is_there("bm3d"):
        peers = {"bm3d": partial(_bm3d, told=told), "gat_bm3d": _gat_bm3d, **peers}
    return peers


def deep_denoising_peers() -> dict[str, Peer]:
    """Peers of `denoise` that fit a network to the one image, as we do: minutes for each."""
    peers: dict[str, Peer] = {"zs-n2n": _zero_shot}
    if _is_there("deepinv"):
        peers["deepinv-dip"] = _deepinv_prior
    return peers


def volume_peers(told: float | None = None) -> dict[str, Callable[[Array], Array]]:
    """Peers of `denoise` for volumes (z, y, x) of floats; BM4D is told sigma, or estimates it."""
    return {"bm4d": partial(_bm4d, told=told)} if _is_there("bm4d") else {}


def inpainting_peers() -> dict[str, Peer]:
    """Peers of `inpaint`."""
    peers: dict[str, Peer] = {"biharmonic": _biharmonic}
    if _is_there("cv2"):
        peers |= {name: partial(_opencv, name) for name in ("telea", "navier-stokes")}
    return peers


def deblurring_peers() -> dict[str, Peer]:
    """Peers of `deblur`, each at its best iteration or balance."""
    return {
        "richardson-lucy": partial(_oracle, _richardson_lucy, (5, 10, 20, 30, 50, 80, 120, 200)),
        "wiener": partial(_oracle, _wiener, tuple(_logs(1e-4, 1))),
    }


def upscaling_peers() -> dict[str, Peer]:
    """Peers of `upscale`."""
    return {
        name: partial(_zoomed, filter=kind)
        for name, kind in (
            ("bicubic", Image.Resampling.BICUBIC),
            ("lanczos", Image.Resampling.LANCZOS),
        )
    }


def jpeg_peers() -> dict[str, Peer]:
    """Peers of `dejpeg`, each at its best strength; `given` is the JPEG itself."""
    peers: dict[str, Peer] = {
        "given": lambda case: case.degraded,
        "tv": partial(_oracle, _tv, tuple(_logs(0.005, 0.2))),
    }
    if _is_there("bm3d"):
        peers["bm3d"] = partial(_oracle, lambda case, sigma: _bm3d(case, sigma), (3, 5, 8, 12, 18))
    return peers


def peers_of(case: Case, told: float | None = None) -> dict[str, Peer]:
    """The peers of the case's task."""
    return {
        "denoise": lambda: denoising_peers(told),
        "inpaint": inpainting_peers,
        "deblur": deblurring_peers,
        "upscale": upscaling_peers,
        "dejpeg": jpeg_peers,
    }[case.task.name]()


def _bm3d(case: Case, told: float | None = None) -> Array:
    values = case.degraded.astype(np.float64)
    sigma = _estimated(values) if told is None else told * _span(case) / 255
    return _as_given(_bm3d_of(values, sigma), case)


def _bm3d_of(values: Array, sigma: float) -> Array:
    import bm3d

    scale = max(float(np.ptp(values)), 1e-9)
    scaled = (values - values.min()) / scale
    run = bm3d.bm3d_rgb if values.ndim == 3 else bm3d.bm3d
    return np.reshape(run(scaled, sigma / scale), values.shape) * scale + values.min()


def _gat_bm3d(case: Case) -> Array:
    """BM3D between the Anscombe transform and its inverse; plain BM3D where noise is even."""
    values = case.degraded.astype(np.float64)
    planes = np.moveaxis(values, -1, 0) if values.ndim == 3 else values[None]
    camera = estimate_camera_noise(list(planes))
    if camera is None:
        return _bm3d(case)
    done = [camera.from_stabilized(_bm3d_of(camera.stabilized(p), 1.0)) for p in planes]
    return _as_given(np.moveaxis(np.array(done), 0, -1) if values.ndim == 3 else done[0], case)


def _bm4d(volume: Array, told: float | None) -> Array:
    import bm4d

    done: Array = bm4d.bm4d(volume, _estimated(volume) if told is None else told)
    return done


def _zero_shot(case: Case) -> Array:
    import zero_shot

    return _network(zero_shot.denoise, case)


def _deepinv_prior(case: Case) -> Array:
    """With the iterations and the rate that are the library's own."""
    return _network(_deepinv_fit, case)


def _deepinv_fit(values: Array) -> Array:
    import torch
    from deepinv.models import ConvDecoder, DeepImagePrior
    from deepinv.physics import Denoising

    torch.manual_seed(0)
    size = (4, 4)
    decoder = ConvDecoder(img_size=values.shape, in_size=size, channels=64)
    prior = DeepImagePrior(decoder, img_size=(64, *size))
    done: Array = prior(torch.tensor(values).float()[None], Denoising()).detach()[0].numpy()
    return done


def _network(method: Callable[[Array], Array], case: Case) -> Array:
    """A method for (channels, y, x) about [0, 1]; values of 16 bits are brought there."""
    values = case.degraded.astype(np.float64)
    low, span = (0.0, 255.0) if case.degraded.dtype == np.uint8 else _ends(values)
    planes = np.moveaxis(values, -1, 0) if values.ndim == 3 else values[None]
    done = method((planes - low) / span).astype(np.float64) * span + low
    return _as_given(np.moveaxis(done, 0, -1) if values.ndim == 3 else done[0], case)


def _ends(values: Array) -> tuple[float, float]:
    """The least value, and the span to the largest."""
    return float(values.min()), max(float(np.ptp(values)), 1e-9)


def _nlm(case: Case, told: float | None = None) -> Array:
    values = case.degraded.astype(np.float64)
    sigma = _estimated(values) if told is None else told * _span(case) / 255
    done = restoration.denoise_nl_means(
        values,
        h=0.8 * sigma,
        sigma=sigma,
        patch_size=5,
        patch_distance=10,
        fast_mode=True,
        channel_axis=-1 if values.ndim == 3 else None,
    )
    return _as_given(done, case)


def _calibrated(method: Callable[..., Array], grid: dict[str, list[object]], case: Case) -> Array:
    """At the strength that J-invariance chooses: without the truth."""
    values = img_as_float(case.degraded)
    channels: dict[str, Any] = {"channel_axis": -1 if values.ndim == 3 else None}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        _, (tried, losses) = restoration.calibrate_denoiser(
            values, partial(method, **channels), denoise_parameters=grid, extra_output=True
        )
        done = method(values, **channels, **tried[int(np.argmin(losses))])
    return _as_given(done * _span(case), case)


def _biharmonic(case: Case) -> Array:
    axis = -1 if case.degraded.ndim == 3 else None
    values = img_as_float(case.degraded)
    done = restoration.inpaint_biharmonic(values, case.inputs["mask"], channel_axis=axis)
    return _as_given(done * _span(case), case)


def _opencv(name: str, case: Case) -> Array:
    import cv2

    kind = {"telea": cv2.INPAINT_TELEA, "navier-stokes": cv2.INPAINT_NS}[name]
    return cv2.inpaint(case.degraded, case.inputs["mask"].astype(np.uint8), 3, kind)


def _richardson_lucy(case: Case, iterations: int) -> Array:
    """With the border mirrored, so that it rings less."""
    psf = case.inputs["psf"]
    margins = [(side, side) for side in psf.shape]

    def plane(values: Array) -> Array:
        grown = np.pad(values, margins, mode="symmetric")
        done = restoration.richardson_lucy(grown, psf, num_iter=iterations)
        return done[margins[0][0] : -margins[0][0], margins[1][0] : -margins[1][0]]

    return _by_plane(plane, case)


def _wiener(case: Case, balance: float) -> Array:
    psf = case.inputs["psf"]
    margin = psf.shape[0]

    def plane(values: Array) -> Array:
        grown = np.pad(values, margin, mode="symmetric")
        return restoration.wiener(grown, psf, balance)[margin:-margin, margin:-margin]

    return _by_plane(plane, case)


def _tv(case: Case, weight: float) -> Array:
    axis = -1 if case.degraded.ndim == 3 else None
    values = img_as_float(case.degraded)
    done = restoration.denoise_tv_chambolle(values, weight=weight, channel_axis=axis)
    return _as_given(done * _span(case), case)


def _zoomed(case: Case, filter: Image.Resampling) -> Array:
    height, width = case.truth.shape[:2]
    return np.asarray(Image.fromarray(case.degraded).resize((width, height), filter))


def _oracle(method: Callable[..., Array], strengths: Iterable[float], case: Case) -> Array:
    """At the strength that scores best against the truth."""
    tried = (method(case, strength) for strength in strengths)
    return max(tried, key=lambda image: case.score(image, case.truth))


def _by_plane(method: Callable[[Array], Array], case: Case) -> Array:
    """A method for grey images, on each channel in [0, 1]."""
    values = img_as_float(case.degraded)
    planes = np.moveaxis(values, -1, 0) if values.ndim == 3 else values[None]
    done = np.array([method(plane) for plane in planes]) * _span(case)
    return _as_given(np.moveaxis(done, 0, -1) if values.ndim == 3 else done[0], case)


def _estimated(values: Array) -> float:
    return float(
        np.mean(restoration.estimate_sigma(values, channel_axis=-1 if values.ndim == 3 else None))
    )


def _span(case: Case) -> float:
    """From black to white."""
    return float(np.iinfo(case.degraded.dtype).max) if case.degraded.dtype.kind == "u" else 1.0


def _as_given(values: Array, case: Case) -> Array:
    """In the dtype that was given."""
    if case.degraded.dtype.kind == "u":
        values = np.clip(np.rint(values), 0, _span(case))
    return values.astype(case.degraded.dtype)


def _logs(least: float, most: float) -> list[float]:
    return list(np.geomspace(least, most, 9))


def _is_there(name: str) -> bool:
    if importlib.util.find_spec(name) is not None:
        return True
    print(f"left out: {name} is not installed (pip install 'napari-dip[benchmarks]')")
    return False

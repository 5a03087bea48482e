"""The rows of `napari-dip info`: versions, devices, and the memory and precision of each."""

from __future__ import annotations

import platform
import sys

import torch

from napari_dip._version import __version__
from napari_dip.engine.device import resolve_device, resolve_precision
from napari_dip.engine.memory import total_memory


def info_rows() -> list[tuple[str, str]]:
    """Names and values to be shown."""
    rows = [
        ("napari-dip", __version__),
        ("python", f"{platform.python_version()} ({sys.executable})"),
        ("torch", torch.__version__),
        ("system", platform.platform()),
        ("threads", str(torch.get_num_threads())),
    ]
    devices = [torch.device("cpu")]
    devices += [torch.device("cuda", i) for i in range(torch.cuda.device_count())]
    if torch.backends.mps.is_available():
        devices.append(torch.device("mps"))
    rows += [(str(device), _abilities(device)) for device in devices]
    return [*rows, ("device auto", str(resolve_device("auto")))]


def _abilities(device: torch.device) -> str:
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else platform.machine()
    memory = total_memory(device)
    return ", ".join(
        [
            name,
            "memory unknown" if memory is None else f"{memory / 1e9:.1f} GB of memory",
            f"precision auto is {str(resolve_precision('auto', device)).removeprefix('torch.')}",
        ]
    )

"""What is shipped: the plugin's manifest, the types, one version, and no exact pins."""

import importlib.metadata
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
from npe2 import PluginManifest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import napari_dip

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def requirements() -> list[Requirement]:
    """All that the package asks for, with its extras."""
    extras = PROJECT["optional-dependencies"].values()
    listed = [Requirement(line) for lines in (PROJECT["dependencies"], *extras) for line in lines]
    return [requirement for requirement in listed if requirement.name != PROJECT["name"]]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, ROOT]
    subprocess.run(build, check=True, capture_output=True)
    (path,) = folder.glob("*.whl")
    with zipfile.ZipFile(path) as archive:
        yield archive


def test_wheel_holds_the_manifest_and_the_types(wheel):
    names = wheel.namelist()
    assert "napari_dip/napari.yaml" in names
    assert "napari_dip/py.typed" in names
    package, resource = PluginManifest.from_distribution("napari-dip").icon.split(":")
    assert f"{package}/{resource}" in names
    assert not [name for name in names if name.startswith("tests")]
    (entries,) = (name for name in names if name.endswith("entry_points.txt"))
    assert "napari-dip = napari_dip:napari.yaml" in wheel.read(entries).decode()


def test_napari_finds_a_valid_manifest():
    manifest = PluginManifest.from_distribution("napari-dip")
    assert manifest.name == "napari-dip"
    assert manifest.display_name == "Deep Image Prior"


def test_the_manifest_at_the_top_is_the_packages_own():
    assert (ROOT / "napari.yaml").samefile(ROOT / "src" / "napari_dip" / "napari.yaml")


def test_one_version():
    assert napari_dip.__version__ == PROJECT["version"]
    assert importlib.metadata.version("napari-dip") == PROJECT["version"]


def test_requirements_have_lower_bounds_only():
    for requirement in requirements():
        assert {bound.operator for bound in requirement.specifier} == {">="}, str(requirement)


def test_constraints_pin_every_requirement_to_an_allowed_version():
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pins = [Requirement(line) for line in lines if not line.startswith("#")]
    tested = {canonicalize_name(pin.name): next(iter(pin.specifier)) for pin in pins}
    assert {pin.operator for pin in tested.values()} == {"=="}
    for requirement in requirements():
        pin = tested[canonicalize_name(requirement.name)]
        assert requirement.specifier.contains(pin.version), str(requirement)

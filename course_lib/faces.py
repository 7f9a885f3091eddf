"""A package's face: its public names, each loaded from its module when somebody asks for it."""

import importlib
import sys
from collections.abc import Callable
from typing import Any


def face(package: str, homes: dict[str, str]) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """What a package's `__init__` needs so that importing it loads nothing yet.

    Args:
        package: its `__name__`.
        homes: public name -> the module of the package that holds it.

    Returns:
        (__getattr__, __dir__): the two functions that Python asks a module for.
    """

    def of_name(name):
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(importlib.import_module(f"{package}.{homes[name]}"), name)

    return of_name, lambda: sorted({*vars(sys.modules[package]), *homes})

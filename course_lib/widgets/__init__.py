"""Widgets of the course: each a small Python class and one plain JavaScript module, on anywidget.

Loaded on first use, so that `import course_lib` stays light.
"""

import importlib

_HOMES = {
    "AttentionPlayground": "attention_playground",
    "BlockWalk": "block_walk",
    "DecodingStepper": "decoding_stepper",
    "HeadBrowser": "head_browser",
    "MaskBuilder": "mask_builder",
    "MergeStepper": "merge_stepper",
    "PatchView": "patch_view",
    "PositionExplorer": "position_explorer",
    "ScalingLab": "scaling_lab",
    "TrainingMonitor": "training_monitor",
}

__all__ = [
    "AttentionPlayground",
    "BlockWalk",
    "DecodingStepper",
    "HeadBrowser",
    "MaskBuilder",
    "MergeStepper",
    "PatchView",
    "PositionExplorer",
    "ScalingLab",
    "TrainingMonitor",
]


def __getattr__(name):
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__():
    return sorted({*globals(), *_HOMES})

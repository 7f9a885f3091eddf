"""Widgets of the course: each a small Python class and one plain JavaScript module, on anywidget.

Loaded on first use, so that `import course_lib` stays light.
"""

from course_lib.faces import face

_HOMES = {
    "AttentionPlayground": "attention_playground",
    "BlockWalk": "block_walk",
    "DecodingStepper": "decoding_stepper",
    "Goal": "goals",
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
    "Goal",
    "HeadBrowser",
    "MaskBuilder",
    "MergeStepper",
    "PatchView",
    "PositionExplorer",
    "ScalingLab",
    "TrainingMonitor",
]

__getattr__, __dir__ = face(__name__, _HOMES)

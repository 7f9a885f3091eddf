"""Tests never touch the learner's own workspace: progress and copies go to a folder of this test run.

Where several processes share the work, a file's tests stay together, as its fixtures ask; those of `tests/mistakes` hang on
nothing, and go wherever there is room.
"""

import atexit
import os
import shutil
import tempfile

import pytest

if "COURSE_WORKSPACE" not in os.environ:
    os.environ["COURSE_WORKSPACE"] = tempfile.mkdtemp(prefix="course-tests-")
    atexit.register(shutil.rmtree, os.environ["COURSE_WORKSPACE"], ignore_errors=True)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    for item in items:
        if "mistakes" not in item.path.parts:
            item.add_marker(pytest.mark.xdist_group(str(item.path)))

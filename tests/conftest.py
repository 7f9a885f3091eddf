"""Tests never touch the learner's own workspace: progress and copies go to a folder of this test run."""

import atexit
import os
import shutil
import tempfile

if "COURSE_WORKSPACE" not in os.environ:
    os.environ["COURSE_WORKSPACE"] = tempfile.mkdtemp(prefix="course-tests-")
    atexit.register(shutil.rmtree, os.environ["COURSE_WORKSPACE"], ignore_errors=True)

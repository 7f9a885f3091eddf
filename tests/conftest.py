"""Tests never touch the learner's own workspace: progress and copies go to a folder of this test run."""

import os
import tempfile

os.environ.setdefault("COURSE_WORKSPACE", tempfile.mkdtemp(prefix="course-tests-"))

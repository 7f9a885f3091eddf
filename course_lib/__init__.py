"""The tested helpers of the course on attention and Transformers. Nothing heavy is loaded until a module of it is."""

from course_lib import moved as _moved
from course_lib import shadowing as _shadowing

_shadowing.make_way()
_moved.forward()

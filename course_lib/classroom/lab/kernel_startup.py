# What a kernel of the course runs before the first cell (PYTHONSTARTUP names it): the package looks whether a file of the
# learner's own, such as numpy.py, stands in the way of what the lessons import.
import course_lib as _course_lib

del _course_lib

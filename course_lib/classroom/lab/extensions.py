"""What the course adds to Jupyter Server, under one name for `ServerApp.jpserver_extensions`."""

MODULES = ("course_lib.classroom.lab.prompt", "course_lib.classroom.lab.asleep", "course_lib.classroom.home")


def _jupyter_server_extension_points():
    return [{"module": module} for module in MODULES]

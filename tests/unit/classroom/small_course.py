"""Cells for small courses made for the purpose."""

from nbformat.v4 import new_code_cell

ANSWER = '''def double(x):
    """Twice x."""
    ### BEGIN SOLUTION
    y = x + x
    return y
    ### END SOLUTION'''


def code(id, source, *tags, **metadata):
    return new_code_cell(source, id=id, metadata=metadata | ({"tags": list(tags)} if tags else {}))


def answer(source=ANSWER, id="double", name="double"):
    marks = {"grade": False, "grade_id": name, "locked": False, "schema_version": 3, "solution": True, "task": False}
    return code(id, source, nbgrader=marks)


def check(source="assert double(2) == 4", id="check-double", name="double"):
    marks = {
        "grade": True, "grade_id": f"check_{name}", "locked": True, "points": 2,
        "schema_version": 3, "solution": False, "task": False,
    }  # fmt: skip
    return code(id, source, nbgrader=marks)

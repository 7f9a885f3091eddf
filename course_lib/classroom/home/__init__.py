"""The page a learner comes home to: `…/course`, an extension of Jupyter Server beside JupyterLab.

    handlers.py   addresses, and what each of them does
    today.py      what the page shows: where the learner stands, the reviews due, the copies there are
    formulas.py   LaTeX as MathML, so that a page needs no script and no kernel to show it
    theme.py      light or dark, as JupyterLab's settings say
    backup.py     all that is the learner's, as one file
    templates/    Jinja; whatever comes from a file or a learner is escaped
    static/       styles, and modules that make the pages quicker to use; all works without them

`course lab` and `start.py` switch it on; a server of one's own does with
`--ServerApp.jpserver_extensions=course_lib.classroom.home=True`.
"""


def _jupyter_server_extension_points():
    return [{"module": __name__}]


def _load_jupyter_server_extension(server):
    """Add the pages to a running Jupyter Server."""
    from course_lib.classroom.home.handlers import handlers

    server.web_app.add_handlers(".*$", handlers(server))

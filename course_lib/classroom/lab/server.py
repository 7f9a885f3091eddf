"""JupyterLab's own process, `python -m course_lib.classroom.lab.server OPTION...`, quicker to start."""

import sys

# jsonschema takes this package up where it is there, to check international web addresses, which nothing here has.
# Importing it builds 38 grammars: two of the three and a half seconds that JupyterLab needs to start.
sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]

if __name__ == "__main__":
    from jupyterlab.labapp import main

    sys.exit(main())

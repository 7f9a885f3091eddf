"""JupyterLab's own process, `python -m course_lib.lab.server OPTION...`, quicker to start and quicker to answer."""

import asyncio
import sys

# jsonschema takes this package up where it is there, to check international web addresses, which nothing here has.
# Importing it builds 38 grammars: two of the three and a half seconds that JupyterLab needs to start.
sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]

from jupyter_server.services.kernels.connection.channels import ZMQChannelsWebsocketConnection  # noqa: E402


class PromptConnection(ZMQChannelsWebsocketConnection):
    """A kernel's connection to the page that sends small messages at once.

    Without this the operating system holds a message back until the one before is acknowledged (Nagle's algorithm),
    some 40 ms: a widget that Python answers would visibly lag behind the pointer.
    """

    def connect(self) -> asyncio.Future[None] | None:
        """Connect as usual, with TCP_NODELAY set on the page's socket."""
        self.websocket_handler.set_nodelay(True)
        return super().connect()


if __name__ == "__main__":
    from jupyterlab.labapp import main

    sys.exit(main())

"""A small extension of Jupyter Server: what a kernel sends reaches the page at once.

Without it the operating system holds a small message back until the one before is acknowledged (Nagle's algorithm), some
40 ms: a widget that Python answers would visibly lag behind the pointer. `course lab` and `start.py` switch it on; a server
of one's own does with `--ServerApp.jpserver_extensions=course_lib.classroom.lab.prompt=True`.
"""

SETTING = "kernel_websocket_connection_class"

TEXTS = {
    "left": "course_lib.classroom.lab.prompt: this Jupyter Server connects its kernels in another way; left as it is."
}


def prompt(connection):
    """Make a kernel's connection to the page that sends small messages at once.

    Args:
        connection: the server's class of connections.

    Returns:
        A subclass of it that sets TCP_NODELAY on the page's socket as it connects.
    """

    class PromptConnection(connection):
        def connect(self):
            # A server that one day holds its sockets elsewhere works as before, only later.
            set_nodelay = getattr(getattr(self, "websocket_handler", None), "set_nodelay", None)
            if set_nodelay is not None:
                set_nodelay(True)
            return super().connect()

    PromptConnection.__qualname__ = f"Prompt{connection.__name__}"
    return PromptConnection


def _jupyter_server_extension_points():
    return [{"module": __name__}]


def _load_jupyter_server_extension(server):
    """Put the prompt connection in place of the server's own, whichever that is."""
    settings = server.web_app.settings
    connection = settings.get(SETTING)
    if not isinstance(connection, type) or not hasattr(connection, "connect"):
        server.log.warning(TEXTS["left"])
        return
    settings[SETTING] = prompt(connection)

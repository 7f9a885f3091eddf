"""What a training run has freed goes back to the system."""

import contextlib
import ctypes


@contextlib.contextmanager
def freed_memory_returned():
    """At the end, ask the C library to return what is free; as a decorator, once the function's own variables are gone.

    Linux's glibc keeps the memory that lies free between blocks in use. After batches of many shapes this may be more
    than all that is in use. Other libraries return it by themselves, or can't be asked.
    """
    try:
        yield
    finally:
        with contextlib.suppress(AttributeError, TypeError):  # no malloc_trim; on Windows no library of that kind
            ctypes.CDLL(None).malloc_trim(0)

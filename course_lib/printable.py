"""Text of any origin, made fit to be shown on a page, in a terminal, or in a message between programs.

A string may hold what no screen should be given: escape sequences that steer a terminal, marks that turn the order of a
line round, and lone surrogates, halves of a character that no encoding can write.
"""

import re

LAYOUT = "\n\t\u00a0\u3000\u200c\u200d"  # spaces, and the joiners that Persian and emoji are written with
_SURROGATES = re.compile("[\ud800-\udfff]+")


def printable(text: str, keep: str = LAYOUT) -> str:
    r"""Write what would not be seen, or would do something, as an escape.

    Args:
        text: any string.
        keep: characters to leave alone although they cannot be seen.

    Returns:
        a string that can be printed anywhere.

    Example:
        >>> print(printable("\x1b[31mred"))
        \x1b[31mred
    """
    if text.isprintable():
        return text
    return "".join(letter if letter in keep or letter.isprintable() else repr(letter)[1:-1] for letter in text)


def well_formed(text: str) -> str:
    """Put "�" in place of each lone surrogate, and the character itself in place of a pair of them.

    Args:
        text: any string.

    Returns:
        a string that UTF-8 can write.
    """
    return _SURROGATES.sub(lambda found: found[0].encode("utf-16", "surrogatepass").decode("utf-16", "replace"), text)

"""The one family of errors EdgeFacet raises on purpose.

Every message names what is wrong and what to do next. Subclasses also derive from the
builtin a caller would expect, so ``except KeyError`` keeps working.
"""


class EdgeError(Exception):
    """Base of every error that EdgeFacet raises on purpose."""

    def __str__(self) -> str:  # KeyError would print the repr of its message
        return str(self.args[0]) if self.args else type(self).__name__

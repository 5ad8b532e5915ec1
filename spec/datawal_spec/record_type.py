"""The three record types of the format."""

from enum import IntEnum


class RecordType(IntEnum):
    """What a frame means to the key/value projection (clause WIRE-4).

    The value is the byte that stands in the frame.
    """

    RAW = 0
    """Opaque to the key/value projection."""

    PUT = 1
    """Binds its key to its payload."""

    DELETE = 2
    """A tombstone: unbinds its key."""

    @property
    def word(self) -> str:
        """The lower-case word that vectors and adapters use for this type."""
        return self.name.lower()

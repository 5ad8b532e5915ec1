"""Every constant of the format that is not a field: limits, names, fixed values.

Nothing else in the project spells these numbers out; the docs and the vectors take them from here.
"""

from typing import Final

MAGIC: Final = b"DWAL"
"""The four bytes every frame starts with (clause WIRE-2)."""

WIRE_VERSION: Final = 1
"""The only wire version there is (clause WIRE-3)."""

MAX_KEY_LEN: Final = 65_536
"""Longest key, in bytes (clause WIRE-8)."""

MAX_PAYLOAD_LEN: Final = 67_108_864
"""Longest payload, in bytes: 64 MiB (clause WIRE-9)."""

MAX_TXID: Final = 2**64 - 1
"""Highest transaction id a frame can carry (clause WIRE-7)."""

FIRST_TXID: Final = 1
"""Transaction id of the first record of a new log (clause REC-14)."""

SEGMENT_ID_DIGITS: Final = 8
"""Decimal digits in the name of a segment (clause SEG-1)."""

SEGMENT_SUFFIX: Final = ".dwal"
"""What follows the digits in the name of a segment (clause SEG-1)."""

FIRST_SEGMENT_ID: Final = 1
"""Id of the segment a new log starts with (clause SEG-7)."""

MAX_SEGMENT_ID: Final = 10**SEGMENT_ID_DIGITS - 1
"""Highest segment id that a name can spell (clauses SEG-1 and SAFE-7)."""

LOCK_NAME: Final = ".lock"
"""Name of the lock file in the directory of a log (clause LOCK-1)."""

MAX_OPEN_SEGMENTS: Final = 16
"""Segment files a key/value handle may keep open for reading (clause KV-15)."""

"""Names of files in the directory of a log (clauses SEG-1 to SEG-3)."""

import re
from typing import Final

from datawal_spec.limits import MAX_SEGMENT_ID, SEGMENT_ID_DIGITS, SEGMENT_SUFFIX

_SEGMENT_NAME: Final = re.compile(rf"([0-9]{{{SEGMENT_ID_DIGITS}}}){re.escape(SEGMENT_SUFFIX)}")


def segment_name(segment_id: int) -> str:
    """Name of the segment with this id; raises ValueError when the id has no name (clause SEG-1)."""
    if not 0 <= segment_id <= MAX_SEGMENT_ID:
        msg = f"segment id {segment_id} is outside 0..{MAX_SEGMENT_ID}"
        raise ValueError(msg)
    return f"{segment_id:0{SEGMENT_ID_DIGITS}d}{SEGMENT_SUFFIX}"


def segment_id(name: str) -> int | None:
    """Id spelled by a file name, or None when it is not the name of a segment (clauses SEG-1, SEG-3)."""
    match = _SEGMENT_NAME.fullmatch(name)
    return int(match[1]) if match else None

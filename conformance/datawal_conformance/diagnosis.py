"""The likely common cause of many failures: a known mistake of ports, or one message that most of them share."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Final

from datawal_conformance.mismatch import Mismatch
from datawal_conformance.port_mistakes import MISTAKES, PortMistake
from datawal_conformance.verdict import AGAINST, CaseResult
from datawal_spec import frame_len, judge, parse_header
from datawal_spec.layout import CRC_LEN, HEADER_LEN

_SHARE_WORTH_TELLING = 0.3
_FEWEST_WORTH_TELLING = 3
_MOST_BYTES = 1 << 20
_VARYING = re.compile(r"[0-9a-f]{6,}|\d+|'[^']*'")


def diagnose(results: Iterable[CaseResult]) -> list[str]:
    """Sentences about likely common causes, the most likely first; empty when there is nothing to say."""
    against = [result for result in results if result.outcome in AGAINST]
    return [*_port_mistakes(against), *_reading_mistakes(against), *_shared_message(against)]


def _port_mistakes(against: list[CaseResult]) -> Iterator[str]:
    found: Counter[str] = Counter()
    examples: dict[str, tuple[PortMistake, CaseResult]] = {}
    for result in against:
        if result.mismatch is not None and (mistake := recognise(result.mismatch)) is not None:
            found[mistake.name] += 1
            examples.setdefault(mistake.name, (mistake, result))
    for name, count in found.most_common():
        mistake, result = examples[name]
        assert result.mismatch is not None
        field = f", field {result.mismatch.field}" if result.mismatch.field else ""
        yield (
            f"The implementation {mistake.does}: in {count} of {len(against)} failures its files hold exactly the "
            f"bytes that this mistake makes (first differing byte {result.mismatch.byte}{field} in {result.case_id})."
        )


_READING: Final = (
    (
        re.compile(r"expected ok, found error crc_mismatch|records_replayed: expected [1-9]\d*, found 0\b"),
        "It takes the checksum of sound frames for wrong; CRC-32 (IEEE) is the usual mistake.",
    ),
    (
        re.compile(r"expected ok, found error (key|payload)_too_large"),
        "It takes the lengths of sound frames for too large: they are little-endian, key length first.",
    ),
    (
        re.compile(r"expected ok, found error (bad_magic|unknown_version)"),
        "It rejects the first bytes of sound frames: the magic is the ASCII letters DWAL, then a 16-bit 1.",
    ),
)
"""What many failures of one kind say about how an implementation reads."""


def _reading_mistakes(against: list[CaseResult]) -> Iterator[str]:
    for pattern, meaning in _READING:
        count = sum(pattern.search(result.message) is not None for result in against)
        if count >= _FEWEST_WORTH_TELLING and count >= _SHARE_WORTH_TELLING * len(against):
            yield f"{meaning} {count} of {len(against)} failures look like that."


def recognise(mismatch: Mismatch) -> PortMistake | None:
    """The mistake that turns the expected segment into the one that was found, if there is one."""
    expected, found = mismatch.expected_bytes, mismatch.found_bytes
    if not expected or not found or len(expected) > _MOST_BYTES:
        return None
    frames = list(_fields(expected))
    if not frames:
        return None
    for mistake in MISTAKES:
        if b"".join(mistake.encode(*fields) for fields in frames) == found:
            return mistake
    return None


def _fields(segment: bytes) -> Iterator[tuple[int, int, bytes, bytes]]:
    """Type, txid, key and payload of every frame of a sound segment; nothing when it is not sound."""
    offset = 0
    while offset < len(segment):
        if judge(segment, offset) is not None:
            return
        header = parse_header(segment, offset)
        key_end = offset + HEADER_LEN + header.key_len
        end = offset + frame_len(header.key_len, header.payload_len)
        yield header.record_type, header.txid, segment[offset + HEADER_LEN : key_end], segment[key_end : end - CRC_LEN]
        offset = end


def _shared_message(against: list[CaseResult]) -> Iterator[str]:
    """A message that many failures share once numbers and names are left out."""
    shapes = Counter(_VARYING.sub("*", result.message) for result in against)
    for shape, count in shapes.most_common(1):
        if count >= _FEWEST_WORTH_TELLING and count >= _SHARE_WORTH_TELLING * len(against):
            example = next(result for result in against if _VARYING.sub("*", result.message) == shape)
            yield f"{count} of {len(against)} failures are alike; the first is {example.case_id}: {example.message}"

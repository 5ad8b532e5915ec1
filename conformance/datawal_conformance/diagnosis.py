"""What many failures have in common: a known mistake of ports, one message, a clause most of whose cases fail."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Final

from datawal_conformance.mismatch import Mismatch
from datawal_conformance.port_mistakes import MISTAKES, PortMistake
from datawal_conformance.verdict import AGAINST, BROKEN, CaseResult, Outcome
from datawal_spec import all_clauses, frame_len, judge, parse_header
from datawal_spec.layout import CRC_LEN, HEADER_LEN

_SHARE_WORTH_TELLING = 0.3
_FEWEST_WORTH_TELLING = 3
_MOST_BYTES = 1 << 20
_VARYING = re.compile(r"(?:[0-9a-f]{6,}|\d+)(?: '[^']*')?|'[^']*'")


def diagnose(results: Iterable[CaseResult]) -> list[str]:
    """Sentences about likely common causes, the most likely first; empty when there is nothing to say."""
    results = list(results)
    against = [result for result in results if result.outcome in AGAINST]
    return [*_port_mistakes(against), *_reading_mistakes(results, against), *_shared_message(results, against)]


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


def _reading_mistakes(results: list[CaseResult], against: list[CaseResult]) -> Iterator[str]:
    # Whoever cannot read sound frames fails nearly everywhere: who passes most cases has another mistake.
    if 2 * len(against) < sum(result.outcome is not Outcome.UNSUPPORTED for result in results):
        return
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


def _shared_message(results: list[CaseResult], against: list[CaseResult]) -> Iterator[str]:
    """A message that many failures share once numbers and names are left out, and the clause they share."""
    shapes = Counter(shape(result.message) for result in against)
    for commonest, count in shapes.most_common(1):
        if count >= _FEWEST_WORTH_TELLING and count >= _SHARE_WORTH_TELLING * len(against):
            alike = [result for result in against if shape(result.message) == commonest]
            hint = _ASK_EACH if alike[0].outcome in BROKEN else _shared_clause(results, alike)
            yield (
                f"{count} of {len(against)} failures are alike; the first is {alike[0].case_id}: {alike[0].message}"
                f"{hint}"
            )


_ASK_EACH: Final = ". Which operation it is, datawal-conformance doctor tells: it asks for each by itself."


def _shared_clause(results: list[CaseResult], alike: list[CaseResult]) -> str:
    shared = set.intersection(*(set(result.clauses) for result in alike)) & all_clauses().keys()
    for clause_id in suspects(results):
        if clause_id in shared:
            return f". All of them test {clause_id}: {all_clauses()[clause_id].text}"
    return ""


def shape(message: str) -> str:
    """A message without its numbers, bytes and names: the same for failures that are alike."""
    return _VARYING.sub("*", message)


def suspects(results: Iterable[CaseResult]) -> list[str]:
    """The clauses that failing cases name, the one most likely at fault first.

    A clause is suspect by the share of its cases that fail. Cases of one family that name the same clauses and
    fail alike, or pass, tell one thing, however many they are, so together they count once. Small numbers prove
    little, and a clause is granted some cases that pass. Where every failure lies in one member of an answer, the
    clause that speaks of that member comes before all others.
    """
    ran = [result for result in results if result.outcome is not Outcome.UNSUPPORTED]
    member = _only_member([result for result in ran if result.outcome in AGAINST])
    known: Counter[str] = Counter()
    failing: Counter[str] = Counter()
    for _family, clauses, against, _message in Counter(map(_sort, ran)):
        known.update(clauses)
        failing.update(clauses if against else ())
    return sorted(
        failing,
        key=lambda clause: (not _speaks_of(clause, member), -failing[clause] / (known[clause] + _DOUBT)),
    )


_DOUBT: Final = 5
"""Passing sorts of cases granted to every clause."""


_LAST_MEMBER = re.compile(r"(\w+)(?:\[\d+\])*$")


def _only_member(against: list[CaseResult]) -> str:
    """The member of an answer in which every failure lies, empty when there is no such."""
    found = {
        member[1] if result.mismatch and (member := _LAST_MEMBER.search(result.mismatch.where)) else ""
        for result in against
    }
    return found.pop() if len(found) == 1 else ""


def _speaks_of(clause_id: str, member: str) -> bool:
    # One plain word, like `value`, is in many texts and means nothing; a name with an underscore is a name.
    clause = all_clauses().get(clause_id)
    return clause is not None and "_" in member and re.search(rf"\b{member}\b", clause.text) is not None


def _sort(result: CaseResult) -> tuple[str, tuple[str, ...], bool, str]:
    against = result.outcome in AGAINST
    family = re.split("[@/]", result.case_id, maxsplit=1)[0]
    return family, result.clauses, against, shape(result.message) if against else ""

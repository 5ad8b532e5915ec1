"""Recovery: every cut and every flipped bit of small logs, in the last and in a sealed segment."""

from collections.abc import Iterator

from datawal_conformance.families import _samples
from datawal_conformance.families._build import Log, Segment
from datawal_conformance.families._damage import cut_logs, flip
from datawal_conformance.families._model import Case, Family, at
from datawal_conformance.families._templates import fails, opens

SEALING = Segment(2, (_samples.OMEGA,))
"""What follows a sealed segment in cases of this module."""


_REPORT = ("REC-9", "REC-10", "REC-11", "REC-12")
"""What a report must say of tail damage."""


def _cut_last() -> Iterator[Case]:
    for name, point, log in cut_logs(_samples.LOGS):
        clauses = ("REC-2", *_REPORT, point.clause) if point.tail else ("REC-1", "REC-9", "REC-10")
        yield opens(at(log=name, at=point.at), f"{_samples.TITLES[name]}, {point.title}", clauses, log)


def _cut_sealed() -> Iterator[Case]:
    for name, point, log in cut_logs(_samples.LOGS):
        sealed = Log((*log.segments, Segment(log.last.id + 1, SEALING.frames)))
        title = f"{_samples.TITLES[name]}, {point.title}; another segment follows"
        if point.tail:
            yield fails(at(log=name, at=point.at), title, ("REC-6", point.clause), sealed, point.kind)
        else:
            yield opens(at(log=name, at=point.at), title, ("REC-1", "SEG-13"), sealed)


def _flip_last() -> Iterator[Case]:
    for name, (log, index) in _samples.FLIPPED.items():
        for point in flip(log.last.frames, index):
            broken = Log((*log.segments[:-1], Segment(log.last.id, point.before, point.tail)))
            title = f"{_samples.TITLES[name]}, {point.title}"
            if point.structural:
                yield fails(at(log=name, bit=point.at), title, ("REC-5", point.clause), broken, point.kind)
            else:
                rule = "REC-2" if point.clause == "WIRE-23" else "REC-3"
                clauses = (rule, "REC-4", *_REPORT, point.clause)
                yield opens(at(log=name, bit=point.at), title, clauses, broken)


def _flip_sealed() -> Iterator[Case]:
    for name, (log, index) in _samples.FLIPPED.items():
        for point in flip(log.last.frames, index):
            broken = Segment(log.last.id, point.before, point.tail)
            sealed = Log((*log.segments[:-1], broken, Segment(log.last.id + 1, SEALING.frames)))
            rule = "REC-5" if point.structural else "REC-6"
            title = f"{_samples.TITLES[name]}, {point.title}; another segment follows"
            yield fails(at(log=name, bit=point.at), title, (rule, point.clause), sealed, point.kind)


FAMILIES = (
    Family("recovery.cut-last", "Every length to which the last segment of a small log can be cut.", _cut_last),
    Family("recovery.cut-sealed", "Every length to which a segment that is not the last can be cut.", _cut_sealed),
    Family("recovery.flip-last", "Every bit of one frame in the last segment turned over.", _flip_last),
    Family("recovery.flip-sealed", "Every bit of one frame turned over in a segment that is not last.", _flip_sealed),
)

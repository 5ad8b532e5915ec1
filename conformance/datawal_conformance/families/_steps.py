"""Steps and expectations, with their members in the order in which case files show them."""

from typing import Any

from datawal_conformance.families._build import Frame, Json, value
from datawal_spec import ErrorKind

ANY_MESSAGE = "."
"""Pattern of the message of an error that may have any kind: it must say something."""


def ok(**members: Any) -> Json:
    """The step must succeed, with at least these members in its answer."""
    return {"ok": members}


def error(*kinds: ErrorKind, segment: int | None = None, offset: int | None = None, **more: Any) -> Json:
    """The step must fail, with one of these kinds (any kind when none is named).

    `more` may hold `message` and `records`.
    """
    wanted: Json = {}
    if len(kinds) == 1:
        wanted["kind"] = str(kinds[0])
    elif kinds:
        wanted["kind"] = [str(kind) for kind in kinds]
    elif "message" not in more:
        wanted["message"] = ANY_MESSAGE
    if segment is not None:
        wanted["segment"] = segment
    if offset is not None:
        wanted["offset"] = offset
    return {"error": wanted | more}


def one_of(**alternatives: Json) -> Json:
    """Named outcomes that are all permitted; the names bind across the case."""
    return {"one_of": alternatives}


def step(word: str, *, expect: Json | None = None, process: str | None = None, **members: Any) -> Json:
    """A step for the adapter. A trailing underscore is dropped from member names that Python keeps to itself."""
    made: Json = {"op": word}
    made |= {name.rstrip("_"): content for name, content in members.items() if content is not None}
    if process is not None:
        made["process"] = process
    if expect is not None:
        made["expect"] = expect
    return made


def do(word: str, **members: Any) -> Json:
    """A step for the runner."""
    return {"do": word, **members}


def append_record(frame: Frame, *, on: str | None = None, expect: Json | None = None) -> Json:
    """An append of what the frame holds."""
    return step(
        "append_record",
        type=frame.type.word,
        key=value(frame.key),
        payload=value(frame.payload),
        on=on,
        expect=expect,
    )


def scan(records: list[Json], *, on: str | None = None, process: str | None = None) -> Json:
    """A scan that must give exactly these records."""
    return step("scan", on=on, process=process, expect=ok(records=records))


def scan_iter(records: list[Json], report: Json | None = None, *, on: str | None = None) -> Json:
    """A lazy scan that must give exactly these records and, when given, end with this report."""
    members: Json = {"records": records}
    if report is not None:
        members["report"] = report
    return step("scan_iter", on=on, expect=ok(**members))


def close(on: str | None = None, process: str | None = None) -> Json:
    """A close that must succeed."""
    return step("close", on=on, process=process, expect=ok())


UNCHANGED: Json = {"files": "unchanged"}
"""Nothing given has changed and nothing is new, lock files apart."""

ANYTHING: Json = {"any": True}
"""Whatever stands at a path is fine."""


def files(content: Json) -> Json:
    """These paths hold this content afterwards; every other given path is unchanged, and nothing else is there."""
    return {"files": content}

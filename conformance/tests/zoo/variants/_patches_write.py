"""What the variants of writing, the projection, compaction and export share: ways to patch."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from datawal import DataWal, FrameError, RecordLog
from datawal._recovery import frame_fault
from datawal_spec import CRC_LEN, HEADER_LEN, parse_header


def wrap(owner: Any, name: str, outer: Callable[..., Any]) -> None:
    """Replace `owner.name` by `outer`, which gets what stood there as its first argument."""
    inner = getattr(owner, name)
    setattr(owner, name, lambda *args, **kwargs: outer(inner, *args, **kwargs))


def before(owner: type, name: str, extra: Callable[[Any], object]) -> None:
    """Let the method do `extra` with its object first."""

    def outer(inner: Callable[..., Any], self: Any, *args: Any) -> Any:
        extra(self)
        return inner(self, *args)

    wrap(owner, name, outer)


def after(owner: type, name: str, extra: Callable[[Any], object]) -> None:
    """Let the method do `extra` with its object at the end, when all went well."""

    def outer(inner: Callable[..., Any], self: Any, *args: Any, **kwargs: Any) -> Any:
        answer = inner(self, *args, **kwargs)
        extra(self)
        return answer

    wrap(owner, name, outer)


def change_answer(owner: Any, name: str, change: Callable[[Any], Any]) -> None:
    """Let the function answer with what `change` makes of its answer."""
    wrap(owner, name, lambda inner, *args, **kwargs: change(inner(*args, **kwargs)))


def keep(owner: type, name: str, attribute: str) -> None:
    """Let the method leave one attribute of its object as it was."""

    def outer(inner: Callable[..., Any], self: Any, *args: Any) -> Any:
        kept = getattr(self, attribute)
        answer = inner(self, *args)
        setattr(self, attribute, kept)
        return answer

    wrap(owner, name, outer)


@contextmanager
def replaced(owner: Any, name: str, value: Any) -> Iterator[None]:
    """Have another value of `owner.name` for a while."""
    kept = getattr(owner, name)
    setattr(owner, name, value)
    try:
        yield
    finally:
        setattr(owner, name, kept)


def end_of(log: RecordLog, offset: int) -> None:
    """Make a handle believe that its active segment and its records end at `offset`."""
    log._end = log._size = offset


def cut_tail(log: RecordLog) -> None:
    """Cut a damaged tail off now, where the handle is open."""
    if not log._closed:
        log._cut_damaged_tail()


def write_plainly(path: str, pieces: Iterator[bytes], mode: str = "wb") -> None:
    """Write a file the way one does without a thought: through links, over what is there."""
    with open(path, mode) as file:  # noqa: PTH123 - a path is a string here
        file.writelines(pieces)


def unchecked(store: DataWal, key: bytes, entry: Any) -> bytes:
    """What lies where the value of a key was, whatever it is."""
    ref = entry.ref
    frame = store._cache.get(ref.segment).read_at(ref.offset, ref.len)
    return frame[HEADER_LEN + len(key) : -CRC_LEN]


def checked_frame(store: DataWal, entry: Any) -> tuple[bytes, bytes]:
    """Key and payload of the sound frame where an entry points, whichever it is."""
    ref = entry.ref
    file = store._cache.get(ref.segment)
    frame = file.read_at(ref.offset, ref.len)
    fault = frame_fault(frame)
    if fault is not None:
        raise FrameError(path=file.path, segment=ref.segment, offset=ref.offset, rule=fault.rule, found=fault.found)
    header = parse_header(frame)
    payload_at = HEADER_LEN + header.key_len
    return frame[HEADER_LEN:payload_at], frame[payload_at : payload_at + header.payload_len]


def signed_bytes(item: tuple[bytes, bytes]) -> list[int]:
    """A sort key that takes the bytes of the record's key for signed ones."""
    return [byte - 256 if byte > 127 else byte for byte in item[0]]


def utf_16(item: tuple[bytes, bytes]) -> bytes:
    """A sort key that takes the record's key for a string of UTF-16."""
    return item[0].decode("utf-8", "surrogateescape").encode("utf-16-be", "surrogatepass")

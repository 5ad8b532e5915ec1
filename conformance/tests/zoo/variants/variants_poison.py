"""Variants of the poisoned handle: one or more for every clause of POI."""

from collections.abc import Callable
from types import ModuleType
from typing import Any

from _patches_write import before, cut_tail, wrap
from _variant import Variant

from datawal import PoisonedError, RecordLog, TooLargeError, TxidExhaustedError
from datawal._frame import encode


def rotation_failure_forgotten(_adapter: ModuleType) -> None:
    """Go on after a rotation failed."""

    def rotate(inner: Callable[..., None], self: RecordLog) -> None:
        before_it = self._poison_reason
        try:
            inner(self)
        finally:
            self._poison_reason = before_it

    wrap(RecordLog, "rotate", rotate)


def _unpoisoned(name: str) -> None:
    def as_if_sound(inner: Callable[..., Any], self: RecordLog, *args: Any) -> Any:
        reason, self._poison_reason = self._poison_reason, None
        try:
            return inner(self, *args)
        finally:
            self._poison_reason = reason

    wrap(RecordLog, name, as_if_sound)


def poisoned_fsync_succeeds(_adapter: ModuleType) -> None:
    """fsync asks nothing."""
    _unpoisoned("fsync")


def poisoned_rotate_succeeds(_adapter: ModuleType) -> None:
    """rotate asks nothing."""
    _unpoisoned("rotate")


def poison_told_once(_adapter: ModuleType) -> None:
    """The first call that is told of the poison takes it away."""

    def require(inner: Callable[..., None], self: RecordLog) -> None:
        try:
            inner(self)
        except PoisonedError:
            self._poison_reason = None
            raise

    wrap(RecordLog, "_require_writable", require)


def _message(make: Callable[[str], str]) -> None:
    def init(self: PoisonedError, reason: str) -> None:
        self.reason = reason
        Exception.__init__(self, make(reason))

    PoisonedError.__init__ = init


def poison_message_without_reason(_adapter: ModuleType) -> None:
    """The message does not say what failed."""
    _message(lambda _reason: "datawal: writer poisoned; drop handle and reopen")


def poison_message_without_advice(_adapter: ModuleType) -> None:
    """The message does not say what to do."""
    _message(lambda reason: f"datawal: writer poisoned: {reason}")


def poison_message_shows_quotes(_adapter: ModuleType) -> None:
    """The reason is shown as a debugger shows it."""
    _message(lambda reason: f"datawal: writer poisoned: {reason!r}; drop handle and reopen")


def _refuse(self: RecordLog) -> None:
    self._require_writable()


def poisoned_scan_refused(_adapter: ModuleType) -> None:
    """scan is refused like a write."""
    before(RecordLog, "scan", _refuse)


def poisoned_scan_iter_refused(_adapter: ModuleType) -> None:
    """scan_iter is refused like a write."""
    before(RecordLog, "scan_iter", _refuse)


def poison_hidden(_adapter: ModuleType) -> None:
    """is_poisoned is always false."""
    RecordLog.is_poisoned = property(lambda _self: False)


def poison_known_after_refusal(_adapter: ModuleType) -> None:
    """is_poisoned is true only once a call was refused."""

    def require(inner: Callable[..., None], self: RecordLog) -> None:
        self._was_asked = True
        inner(self)

    wrap(RecordLog, "_require_writable", require)
    RecordLog.is_poisoned = property(lambda self: self._poison_reason is not None and hasattr(self, "_was_asked"))


def poison_outlives_handle(_adapter: ModuleType) -> None:
    """A directory that had a poisoned handle has only such ones."""
    poisoned: dict[str, str] = {}

    def note(self: RecordLog) -> None:
        if not self._closed and self._poison_reason is not None:
            poisoned[self._path] = self._poison_reason

    def open_again(inner: Callable[..., None], self: RecordLog, *args: Any, **kwargs: Any) -> None:
        inner(self, *args, **kwargs)
        self._poison_reason = poisoned.get(self._path)

    before(RecordLog, "close", note)
    wrap(RecordLog, "__init__", open_again)


def _refusal_poisons(refusal: type[Exception]) -> None:
    def append(inner: Callable[..., Any], self: RecordLog, *args: Any) -> Any:
        try:
            return inner(self, *args)
        except refusal as problem:
            self._poison(problem)
            raise

    wrap(RecordLog, "append_record", append)


def refused_size_poisons(_adapter: ModuleType) -> None:
    """A key or payload over the limit poisons."""
    _refusal_poisons(TooLargeError)


def refused_txid_poisons(_adapter: ModuleType) -> None:
    """An append without a txid left poisons."""
    _refusal_poisons(TxidExhaustedError)


def poisoned_append_writes(_adapter: ModuleType) -> None:
    """An append writes its frame before it looks whether it may."""

    def append(inner: Callable[..., Any], self: RecordLog, kind: int, key: bytes, payload: bytes) -> Any:
        if self.is_poisoned:
            self._active.write(encode(kind, self._next_txid, key, payload))
        return inner(self, kind, key, payload)

    wrap(RecordLog, "append_record", append)


def poisoned_close_cuts_tail(_adapter: ModuleType) -> None:
    """A poisoned handle cuts the tail off when it is closed."""
    before(RecordLog, "close", lambda self: self._poison_reason is not None and cut_tail(self))


VARIANTS = [
    Variant("rotation-failure-forgotten", "POI-1", "goes on after a rotation failed", rotation_failure_forgotten),
    Variant("poisoned-fsync-succeeds", "POI-2", "lets a poisoned handle sync", poisoned_fsync_succeeds),
    Variant("poisoned-rotate-succeeds", "POI-2", "lets a poisoned handle rotate", poisoned_rotate_succeeds),
    Variant("poison-told-once", "POI-2", "refuses only the first call on a poisoned handle", poison_told_once),
    Variant(
        "poison-message-without-reason", "POI-3", "does not say what poisoned the handle", poison_message_without_reason
    ),
    Variant("poison-message-without-advice", "POI-3", "does not say to reopen", poison_message_without_advice),
    Variant("poison-message-shows-quotes", "POI-3", "quotes the reason in the message", poison_message_shows_quotes),
    Variant("poisoned-scan-refused", "POI-4", "refuses to scan with a poisoned handle", poisoned_scan_refused),
    Variant(
        "poisoned-scan-iter-refused",
        "POI-4",
        "refuses to scan lazily with a poisoned handle",
        poisoned_scan_iter_refused,
    ),
    Variant("poison-hidden", "POI-5", "never says that a handle is poisoned", poison_hidden),
    Variant("poison-known-after-refusal", "POI-5", "says so only after it refused a call", poison_known_after_refusal),
    Variant("poison-outlives-handle", "POI-6", "poisons every later handle of the directory", poison_outlives_handle),
    Variant("refused-size-poisons", "POI-7", "is poisoned by a key or payload over the limit", refused_size_poisons),
    Variant("refused-txid-poisons", "POI-7", "is poisoned by an append without a txid left", refused_txid_poisons),
    Variant("poisoned-append-writes", "POI-8", "writes first and refuses then", poisoned_append_writes),
    Variant("poisoned-close-cuts-tail", "POI-8", "cuts a damaged tail when poisoned", poisoned_close_cuts_tail),
]

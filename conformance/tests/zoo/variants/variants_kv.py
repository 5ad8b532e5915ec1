"""Variants of the projection: one or more for every clause of KV."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from types import ModuleType
from typing import Any

from _patches_write import after, change_answer, checked_frame, replaced, unchecked, wrap
from _variant import Variant

from datawal import DataWal, FrameError, MissingError, RecordLog, RecordRef, RecordType, _files, store
from datawal import log as log_module
from datawal._recovery import Replay
from datawal_spec import HEADER_LEN, ErrorKind, frame_len

_Index = dict[bytes, Any]


def _on_note(change: Callable[..., object]) -> None:
    """Let `change` fold a record into the key directory; its first argument is what did so before."""
    wrap(store, "_note", change)


def put_of_same_value_skipped(_adapter: ModuleType) -> None:
    """put writes nothing when the key has that value."""

    def put(inner: Callable[..., Any], self: DataWal, key: bytes, value: bytes) -> Any:
        return self.ref_of(key) if self.get(key) == value else inner(self, key, value)

    wrap(DataWal, "put", put)


def put_stops_at_nul(_adapter: ModuleType) -> None:
    """put takes a value for a string that a zero byte ends."""
    wrap(DataWal, "put", lambda inner, self, key, value: inner(self, key, value.split(b"\0")[0]))


def delete_of_absent_skipped(_adapter: ModuleType) -> None:
    """delete writes nothing when the key is absent."""

    def delete(inner: Callable[..., Any], self: DataWal, key: bytes) -> Any:
        if self.contains_key(key):
            return inner(self, key)
        return RecordRef(self.log.active_segment, self.log._end, frame_len(len(key), 0))

    wrap(DataWal, "delete", delete)


def tombstone_keeps_value(_adapter: ModuleType) -> None:
    """delete writes the deleted value into the tombstone."""
    DataWal.delete = lambda self, key: self._log.append_record(RecordType.DELETE, key, self.get(key) or b"")


def first_put_wins(_adapter: ModuleType) -> None:
    """A Put of a present key changes nothing."""

    def note(inner: Callable[..., None], index: _Index, kind: int, key: bytes, *rest: Any) -> None:
        if kind != RecordType.PUT or key not in index:
            inner(index, kind, key, *rest)

    _on_note(note)


def deleted_for_ever(_adapter: ModuleType) -> None:
    """A Put of a key that was deleted changes nothing."""
    deleted: set[tuple[int, bytes]] = set()

    def note(inner: Callable[..., None], index: _Index, kind: int, key: bytes, *rest: Any) -> None:
        if kind == RecordType.DELETE:
            deleted.add((id(index), key))
        if (id(index), key) not in deleted or kind != RecordType.PUT:
            inner(index, kind, key, *rest)

    _on_note(note)
    # Another directory may get the place of one that is gone.
    after(DataWal, "close", lambda self: deleted.clear())


def highest_txid_wins(_adapter: ModuleType) -> None:
    """A record with a lower txid than that of the present value changes nothing."""

    def note(inner: Callable[..., None], index: _Index, kind: int, key: bytes, ref: RecordRef, txid: int) -> None:
        if key not in index or index[key].txid <= txid:
            inner(index, kind, key, ref, txid)

    _on_note(note)


def raw_binds(_adapter: ModuleType) -> None:
    """A Raw record with a key binds it."""

    def note(inner: Callable[..., None], index: _Index, kind: int, key: bytes, *rest: Any) -> None:
        inner(index, RecordType.PUT if kind == RecordType.RAW and key else kind, key, *rest)

    def read(inner: Callable[..., bytes], self: DataWal, key: bytes, entry: Any) -> bytes:
        found, payload = checked_frame(self, entry)
        return payload if found == key else inner(self, key, entry)

    _on_note(note)
    wrap(DataWal, "_read", read)


def raw_unbinds(_adapter: ModuleType) -> None:
    """A Raw record unbinds its key."""

    def note(inner: Callable[..., None], index: _Index, kind: int, *rest: Any) -> None:
        inner(index, RecordType.DELETE if kind == RecordType.RAW else kind, *rest)

    _on_note(note)


def delete_with_payload_ignored(_adapter: ModuleType) -> None:
    """A Delete record with a payload changes nothing."""

    def note(inner: Callable[..., None], index: _Index, kind: int, key: bytes, ref: RecordRef, txid: int) -> None:
        if kind != RecordType.DELETE or ref.len == frame_len(len(key), 0):
            inner(index, kind, key, ref, txid)

    _on_note(note)


class _EmptyKeyError(Exception):
    """What a port that knows no empty key says."""


def empty_key_refused(_adapter: ModuleType) -> None:
    """put refuses the empty key."""

    def put(inner: Callable[..., Any], self: DataWal, key: bytes, value: bytes) -> Any:
        if not key:
            raise _EmptyKeyError
        return inner(self, key, value)

    wrap(DataWal, "put", put)


def empty_key_ignored(_adapter: ModuleType) -> None:
    """Records without key change nothing."""

    def note(inner: Callable[..., None], index: _Index, kind: int, key: bytes, *rest: Any) -> None:
        if key:
            inner(index, kind, key, *rest)

    _on_note(note)


def empty_value_is_absence(_adapter: ModuleType) -> None:
    """get tells an empty value as absence."""
    change_answer(DataWal, "get", lambda value: value or None)


def empty_value_unbinds(_adapter: ModuleType) -> None:
    """A Put of an empty value unbinds its key."""

    def note(inner: Callable[..., None], index: _Index, kind: int, key: bytes, ref: RecordRef, txid: int) -> None:
        empty = kind == RecordType.PUT and ref.len == frame_len(len(key), 0)
        inner(index, RecordType.DELETE if empty else kind, key, ref, txid)

    _on_note(note)


def absent_is_an_error(_adapter: ModuleType) -> None:
    """get fails for an absent key."""

    def get(inner: Callable[..., Any], self: DataWal, key: bytes) -> Any:
        if self._find(key) is None:
            raise KeyError(key)
        return inner(self, key)

    wrap(DataWal, "get", get)


def absent_is_empty(_adapter: ModuleType) -> None:
    """get tells absence as an empty value."""
    change_answer(DataWal, "get", lambda value: value or b"")


def contains_deleted(_adapter: ModuleType) -> None:
    """contains_key is true for a key that ever was present."""

    def contains(self: DataWal, key: bytes) -> bool:
        return any(record.key == key and record.type is RecordType.PUT for record in self.log.scan_iter())

    DataWal.contains_key = contains


def _mentioned(self: DataWal) -> set[bytes]:
    return {record.key for record in self.log.scan_iter() if record.type is not RecordType.RAW}


def keys_with_deleted(_adapter: ModuleType) -> None:
    """keys has the deleted ones too."""
    DataWal.keys = lambda self: iter(_mentioned(self))


def len_with_deleted(_adapter: ModuleType) -> None:
    """len counts the deleted keys too."""
    DataWal.__len__ = lambda self: len(_mentioned(self))


def is_empty_without_records(_adapter: ModuleType) -> None:
    """is_empty is true only when there is no record."""
    DataWal.is_empty = lambda self: next(self.log.scan_iter(), None) is None


def items_with_overwritten(_adapter: ModuleType) -> None:
    """items gives every value that a present key ever had."""

    def items(self: DataWal) -> Iterator[tuple[bytes, bytes]]:
        puts = (record for record in self.log.scan_iter() if record.type is RecordType.PUT)
        return ((record.key, record.payload) for record in puts if record.key in self._index)

    DataWal.items = items


def items_without_empty_values(_adapter: ModuleType) -> None:
    """items leaves out keys with an empty value."""
    change_answer(DataWal, "items", lambda items: (item for item in items if item[1]))


def ref_of_deleted(_adapter: ModuleType) -> None:
    """ref_of tells where the last record of a deleted key stands."""

    def ref_of(inner: Callable[..., Any], self: DataWal, key: bytes) -> Any:
        known = [r.ref for r in self.log.scan_iter() if r.key == key and r.type is not RecordType.RAW]
        return inner(self, key) or (known[-1] if known else None)

    wrap(DataWal, "ref_of", ref_of)


def ref_of_the_value(_adapter: ModuleType) -> None:
    """ref_of tells where the value stands, not its frame."""

    def ref_of(inner: Callable[..., Any], self: DataWal, key: bytes) -> Any:
        ref = inner(self, key)
        return ref and replace(ref, offset=ref.offset + HEADER_LEN + len(key))

    wrap(DataWal, "ref_of", ref_of)


def ref_of_first_put(_adapter: ModuleType) -> None:
    """ref_of tells where the first value of a present key stands."""

    def ref_of(inner: Callable[..., Any], self: DataWal, key: bytes) -> Any:
        puts = (r.ref for r in self.log.scan_iter() if r.key == key and r.type is RecordType.PUT)
        return inner(self, key) and next(puts)

    wrap(DataWal, "ref_of", ref_of)


def get_trusts_the_disk(_adapter: ModuleType) -> None:
    """get gives whatever lies where the value was."""
    DataWal._read = unchecked


def damage_is_absence(_adapter: ModuleType) -> None:
    """get tells a damaged frame as absence."""

    def get(inner: Callable[..., Any], self: DataWal, key: bytes) -> Any:
        try:
            return inner(self, key)
        except FrameError:
            return None

    wrap(DataWal, "get", get)


def get_computes_no_crc(_adapter: ModuleType) -> None:
    """get verifies all of a frame but its checksum."""

    def read(inner: Callable[..., bytes], self: DataWal, key: bytes, entry: Any) -> bytes:
        try:
            return inner(self, key, entry)
        except FrameError as problem:
            if problem.kind is not ErrorKind.CRC_MISMATCH:
                raise
            return unchecked(self, key, entry)

    wrap(DataWal, "_read", read)


def kv_open_cuts_tail(_adapter: ModuleType) -> None:
    """Opening the projection cuts a damaged tail off."""
    after(DataWal, "__init__", lambda self: self._log._cut_damaged_tail())


def kv_open_makes_nothing(_adapter: ModuleType) -> None:
    """Opening the projection needs a directory that exists."""

    def init(inner: Callable[..., None], self: DataWal, path: str) -> None:
        self._closed = True
        if _files.mode_at(path) is None:
            raise MissingError(action="open the directory", path=path, reason="there is none")
        inner(self, path)

    wrap(DataWal, "__init__", init)


class _Forgiving(Replay):
    """A pass that goes on in the next segment, whatever is wrong with one."""

    __slots__ = ()

    def _segment(self, source: Any, *, payloads: bool) -> Any:
        with suppress(FrameError):
            yield from super()._segment(source, payloads=payloads)


def kv_open_forgives(_adapter: ModuleType) -> None:
    """Opening the projection passes over damage in any segment."""

    def recover(inner: Callable[..., None], self: RecordLog) -> None:
        with replaced(log_module, "Replay", log_module.Replay if self._observer is None else _Forgiving):
            inner(self)

    wrap(RecordLog, "_recover", recover)


VARIANTS = [
    Variant("put-of-same-value-skipped", "KV-1", "writes nothing for a value that is there", put_of_same_value_skipped),
    Variant("put-stops-at-nul", "KV-1", "ends a value at its first zero byte", put_stops_at_nul),
    Variant("delete-of-absent-skipped", "KV-2", "writes no tombstone for an absent key", delete_of_absent_skipped),
    Variant("tombstone-keeps-value", "KV-2", "writes the old value into the tombstone", tombstone_keeps_value),
    Variant("first-put-wins", "KV-3", "keeps the first value of a key", first_put_wins),
    Variant("deleted-for-ever", "KV-3", "knows no Put behind a Delete", deleted_for_ever),
    Variant("highest-txid-wins", "KV-4", "takes the record with the highest txid for the last", highest_txid_wins),
    Variant("raw-binds", "KV-5", "lets a Raw record with a key bind it", raw_binds),
    Variant("raw-unbinds", "KV-5", "lets a Raw record unbind its key", raw_unbinds),
    Variant("delete-with-payload-ignored", "KV-6", "ignores a Delete that has a payload", delete_with_payload_ignored),
    Variant("empty-key-refused", "KV-7", "refuses to put the empty key", empty_key_refused),
    Variant("empty-key-ignored", "KV-7", "ignores Puts and Deletes of the empty key", empty_key_ignored),
    Variant("empty-value-is-absence", "KV-8", "tells an empty value as absence", empty_value_is_absence),
    Variant("empty-value-unbinds", "KV-8", "takes a Put of an empty value for a Delete", empty_value_unbinds),
    Variant("absent-is-an-error", "KV-9", "fails to get an absent key", absent_is_an_error),
    Variant("absent-is-empty", "KV-9", "tells absence as an empty value", absent_is_empty),
    Variant("contains-deleted", "KV-10", "says that it contains a deleted key", contains_deleted),
    Variant("keys-with-deleted", "KV-10", "lists deleted keys", keys_with_deleted),
    Variant("len-with-deleted", "KV-10", "counts deleted keys", len_with_deleted),
    Variant("is-empty-without-records", "KV-10", "is not empty when all keys are deleted", is_empty_without_records),
    Variant("items-with-overwritten", "KV-11", "gives overwritten values too", items_with_overwritten),
    Variant("items-without-empty-values", "KV-11", "leaves out keys with an empty value", items_without_empty_values),
    Variant("ref-of-deleted", "KV-12", "gives the reference of a deleted key's tombstone", ref_of_deleted),
    Variant("ref-of-the-value", "KV-12", "gives the place of the value, not of its frame", ref_of_the_value),
    Variant("ref-of-first-put", "KV-12", "gives the reference of a key's first Put", ref_of_first_put),
    Variant("get-trusts-the-disk", "KV-13", "verifies nothing when it gets a value", get_trusts_the_disk),
    Variant("damage-is-absence", "KV-13", "tells a damaged frame as absence", damage_is_absence),
    Variant("get-computes-no-crc", "KV-13", "looks at the header of the frame but not at its crc", get_computes_no_crc),
    Variant("kv-open-cuts-tail", "KV-14", "cuts a damaged tail when the projection is opened", kv_open_cuts_tail),
    Variant(
        "kv-open-makes-nothing", "KV-14", "opens the projection only in existing directories", kv_open_makes_nothing
    ),
    Variant("kv-open-forgives", "KV-14", "opens the projection of a log that is damaged", kv_open_forgives),
]

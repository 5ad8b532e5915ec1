"""A decoder of datawal logs: small, read-only, and without any help from the kit."""

import os
import re
import struct

HEADER = struct.Struct("<4sHBBQII")
TYPES = ("raw", "put", "delete")
MAX_KEY, MAX_PAYLOAD = 65_536, 67_108_864


def _table():
    for value in range(256):
        for _ in range(8):
            value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)
        yield value


TABLE = tuple(_table())


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc = crc >> 8 ^ TABLE[crc & 0xFF ^ byte]
    return crc ^ 0xFFFFFFFF


class Fault(Exception):
    """A frame that is no record; `kind` is the word of the specification."""

    def __init__(self, kind, segment, offset):
        super().__init__(f"{kind} in segment {segment} at offset {offset}")
        self.kind, self.segment, self.offset = kind, segment, offset


def judge(data, at):
    """The kind of the first fault of the frame at an offset, None for a record."""
    left = len(data) - at
    if left < HEADER.size:
        return "truncated"
    magic, version, kind, flags, _txid, key_len, payload_len = HEADER.unpack_from(data, at)
    body = HEADER.size + key_len + payload_len
    faults = (
        ("bad_magic", magic != b"DWAL"),
        ("unknown_version", version != 1),
        ("unknown_record_type", kind >= len(TYPES)),
        ("reserved_flags", flags != 0),
        ("key_too_large", key_len > MAX_KEY),
        ("payload_too_large", payload_len > MAX_PAYLOAD),
        ("truncated", left < body + 4),
    )
    for name, present in faults:
        if present:
            return name
    stored = int.from_bytes(data[at + body : at + body + 4], "little")
    return None if crc32c(data[at : at + body]) == stored else "crc_mismatch"


class Reader:
    """A log opened for reading; `segments` are the ids found."""

    def __init__(self, path):
        self.path = path
        with os.scandir(path) as entries:
            self.segments = sorted(
                int(entry.name[:8])
                for entry in entries
                if re.fullmatch(r"[0-9]{8}\.dwal", entry.name) and entry.is_file(follow_symlinks=False)
            )
        self.report = {}

    def scan(self):
        """Yield every record as a dict; raise Fault for damage anywhere but at the end of the last segment."""
        self.report = dict.fromkeys(
            ("files_scanned", "records_replayed", "tail_truncated", "tail_bytes_discarded", "mid_stream_errors",
             "unsupported_versions", "last_txid_seen"), 0,
        )  # fmt: skip
        for segment in self.segments:
            with open(f"{self.path}/{segment:08d}.dwal", "rb") as file:
                data = file.read()
            self.report["files_scanned"] += 1
            yield from self._segment(segment, data)

    def _segment(self, segment, data):
        at = 0
        while at < len(data):
            fault = judge(data, at)
            if fault in ("truncated", "crc_mismatch") and segment == self.segments[-1]:
                self.report["tail_truncated"] = 1
                self.report["tail_bytes_discarded"] = len(data) - at
                return
            if fault:
                raise Fault(fault, segment, at)
            _, _, kind, _, txid, key_len, payload_len = HEADER.unpack_from(data, at)
            key_end = at + HEADER.size + key_len
            end = key_end + payload_len + 4
            self.report["records_replayed"] += 1
            self.report["last_txid_seen"] = max(self.report["last_txid_seen"], txid)
            yield {
                "type": TYPES[kind], "txid": txid, "key": data[at + HEADER.size : key_end],
                "payload": data[key_end : end - 4], "segment": segment, "offset": at, "len": end - at,
            }  # fmt: skip
            at = end

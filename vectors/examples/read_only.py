"""Run every read-only case straight from the JSON: python3 read_only.py [cases-directory]

A complete loop for those who want to use the vectors without the conformance runner. Replace `recover` by a call of
your implementation; the one here is a small decoder of its own, so that the loop has something to judge. Which cases
are read-only, and why, is told in the README of the vectors; the list of them lies in the registry.
"""

import json
import pathlib
import re
import struct
import sys

HERE = pathlib.Path(__file__).resolve().parent
READ_ONLY = set((HERE.parent / "registry" / "read-only.txt").read_text().split())
TYPES = ["raw", "put", "delete"]


def crc32c(data, table=[]):
    if not table:
        for byte in range(256):
            for _ in range(8):
                byte = byte >> 1 ^ (0x82F63B78 if byte & 1 else 0)
            table.append(byte)
    crc = 0xFFFFFFFF
    for byte in data:
        crc = table[(crc ^ byte) & 255] ^ crc >> 8
    return crc ^ 0xFFFFFFFF


def judge(data, at):
    """(kind of the fault or None, record fields, frame length) of the frame at an offset."""
    if len(data) - at < 24:
        return "truncated", None, 0
    magic, version, kind, flags, txid, key_len, payload_len = struct.unpack_from("<4sHBBQLL", data, at)
    end = at + 24 + key_len + payload_len
    for broken, name in (
        (magic != b"DWAL", "bad_magic"),
        (version != 1, "unknown_version"),
        (kind > 2, "unknown_record_type"),
        (flags != 0, "reserved_flags"),
        (key_len > 65_536, "key_too_large"),
        (payload_len > 67_108_864, "payload_too_large"),
        (end + 4 > len(data), "truncated"),
    ):
        if broken:
            return name, None, 0
    if crc32c(data[at:end]) != int.from_bytes(data[end : end + 4], "little"):
        return "crc_mismatch", None, 0
    key, payload = data[at + 24 : at + 24 + key_len], data[at + 24 + key_len : end]
    return None, {"type": TYPES[kind], "txid": txid, "key": key.hex(), "payload": payload.hex()}, end + 4 - at


def recover(files):
    """What opening this log gives: segments, records, report, and the error that fails it (or None)."""
    segments = sorted(int(name[:8]) for name in files if re.fullmatch(r"[0-9]{8}\.dwal", name))
    records, discarded, error = [], 0, None
    for segment in segments:
        data, at = files[f"{segment:08}.dwal"], 0
        while at < len(data) and error is None:
            fault, fields, length = judge(data, at)
            if fault in ("truncated", "crc_mismatch") and segment == segments[-1]:
                discarded = len(data) - at
                break
            if fault:
                error = {"kind": fault, "segment": segment, "offset": at}
                break
            records.append({**fields, "segment": segment, "offset": at, "len": length})
            at += length
    report = {"files_scanned": len(segments), "records_replayed": len(records), "tail_truncated": int(discarded > 0),
              "tail_bytes_discarded": discarded, "mid_stream_errors": 0, "unsupported_versions": 0,
              "last_txid_seen": max((record["txid"] for record in records), default=0)}  # fmt: skip
    return segments, records, report, error


# --- the loop ---------------------------------------------------------------------------------------------------


def to_bytes(value):
    return bytes.fromhex(value) if isinstance(value, str) else b"".join(map(to_bytes, value))


def covers(found, expected):
    if isinstance(expected, dict):
        return isinstance(found, dict) and all(
            name in found and covers(found[name], expected[name]) for name in expected
        )
    if isinstance(expected, list):
        return isinstance(found, list) and len(found) == len(expected) and all(map(covers, found, expected))
    return type(found) is type(expected) and found == expected


def answers(case):
    """What each step of a case gives, in the form the case states it."""
    root = case["steps"][0]["path"] + "/"
    files = {path[len(root) :]: to_bytes(content) for path, content in case["given"].items()}
    segments, records, report, error = recover(files)
    active = segments[-1] if segments else 1
    for step in case["steps"]:
        op = step["op"]
        if error and op in ("open_log", "scan_iter"):
            yield {"error": {**error, "records": records}}
        else:
            yield {"ok": {"report": report, "records": records, "segments": segments, "active_segment": active}}


def main(root):
    ran = failed = 0
    for path in sorted(pathlib.Path(root).rglob("*.json")):
        for case in json.loads(path.read_text())["cases"]:
            if case["id"] not in READ_ONLY:
                continue
            ran += 1
            for step, answer in zip(case["steps"], answers(case)):
                if not covers(answer, step.get("expect", {})):
                    failed += 1
                    print(f"{case['id']}: {step['op']}: expected {step['expect']}, found {answer}"[:1000])
                    break
    print(f"{ran - failed} passed, {failed} failed")
    return 1 if failed or not ran else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1] if len(sys.argv) > 1 else HERE.parent / "cases"))

// Run every read-only case straight from the JSON: node read_only.mjs [cases-directory]
//
// A complete loop for those who want to use the vectors without the conformance runner. Replace `recover` by a call
// of your implementation; the one here is a small decoder of its own, so that the loop has something to judge. Which
// cases are read-only, and why, is told in the README of the vectors; the list of them lies in the registry.

import { readFileSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const VECTORS = join(dirname(fileURLToPath(import.meta.url)), "..");
const READ_ONLY = new Set(readFileSync(join(VECTORS, "registry", "read-only.txt"), "utf8").split("\n"));
const TYPES = ["raw", "put", "delete"];
const TABLE = Array.from({ length: 256 }, (_, byte) => {
  for (let bit = 0; bit < 8; bit++) byte = (byte >>> 1) ^ (byte & 1 ? 0x82f63b78 : 0);
  return byte;
});

function crc32c(data) {
  let crc = ~0;
  for (const byte of data) crc = TABLE[(crc ^ byte) & 255] ^ (crc >>> 8);
  return ~crc >>> 0;
}

function judge(data, at) {
  if (data.length - at < 24) return { fault: "truncated" };
  const keyLen = data.readUInt32LE(at + 16), payloadLen = data.readUInt32LE(at + 20);
  const keyEnd = at + 24 + keyLen, end = keyEnd + payloadLen;
  const type = data[at + 6];
  if (data.toString("latin1", at, at + 4) !== "DWAL") return { fault: "bad_magic" };
  if (data.readUInt16LE(at + 4) !== 1) return { fault: "unknown_version" };
  if (type > 2) return { fault: "unknown_record_type" };
  if (data[at + 7] !== 0) return { fault: "reserved_flags" };
  if (keyLen > 65_536) return { fault: "key_too_large" };
  if (payloadLen > 67_108_864) return { fault: "payload_too_large" };
  if (end + 4 > data.length) return { fault: "truncated" };
  if (crc32c(data.subarray(at, end)) !== data.readUInt32LE(end)) return { fault: "crc_mismatch" };
  const [key, payload] = [data.toString("hex", at + 24, keyEnd), data.toString("hex", keyEnd, end)];
  return { record: { type: TYPES[type], txid: data.readBigUInt64LE(at + 8), key, payload }, len: end + 4 - at };
}

function recover(files) {
  const segments = Object.keys(files).filter((name) => /^[0-9]{8}\.dwal$/.test(name)).map((n) => Number(n.slice(0, 8)));
  segments.sort((a, b) => a - b);
  const records = [];
  let discarded = 0, error = null, last = 0n;
  for (const segment of segments) {
    const data = files[`${String(segment).padStart(8, "0")}.dwal`];
    for (let at = 0; at < data.length && !error; ) {
      const { fault, record, len } = judge(data, at);
      if (["truncated", "crc_mismatch"].includes(fault) && segment === segments.at(-1)) {
        discarded = data.length - at;
        break;
      }
      if (fault) {
        error = { kind: fault, segment, offset: at };
        break;
      }
      records.push({ ...record, segment, offset: at, len });
      if (record.txid > last) last = record.txid;
      at += len;
    }
    if (error) break;
  }
  const report = { files_scanned: segments.length, records_replayed: records.length, mid_stream_errors: 0,
    tail_truncated: discarded > 0 ? 1 : 0, tail_bytes_discarded: discarded, unsupported_versions: 0, last_txid_seen: last };
  return { segments, records, report, error };
}

// --- the loop -----------------------------------------------------------------------------------------------------

// Txids do not fit a double: numbers become BigInt before anybody can round them. Strings are passed over.
const parse = (text) =>
  JSON.parse(text.replace(/"(?:[^"\\]|\\.)*"|(\d+)/g, (found, digits) => (digits ? `"big:${digits}"` : found)),
    (_, value) => (typeof value === "string" && value.startsWith("big:") ? BigInt(value.slice(4)) : value));

const toBytes = (value) => (Array.isArray(value) ? Buffer.concat(value.map(toBytes)) : Buffer.from(value, "hex"));

function covers(found, expected) {
  if (Array.isArray(expected)) {
    return Array.isArray(found) && found.length === expected.length && expected.every((e, i) => covers(found[i], e));
  }
  if (typeof expected === "object" && expected !== null) {
    return typeof found === "object" && Object.keys(expected).every((name) => covers(found?.[name], expected[name]));
  }
  return typeof expected === "bigint" && typeof found === "number" ? BigInt(found) === expected : found === expected;
}

function judgeCase({ given, steps }) {
  const root = `${steps[0].path}/`;
  const { error, records, report, segments } = recover(Object.fromEntries(
    Object.entries(given).map(([path, content]) => [path.slice(root.length), toBytes(content)])));
  const ok = { report, records, segments, active_segment: segments.at(-1) ?? 1 };
  return steps.find(({ op, expect }) => {
    const failing = error && ["open_log", "scan_iter"].includes(op);
    return !covers(failing ? { error: { ...error, records } } : { ok }, expect ?? {});
  });
}

let ran = 0, failed = 0;
const root = process.argv[2] ?? join(VECTORS, "cases");
for (const name of readdirSync(root, { recursive: true }).filter((name) => name.endsWith(".json")).sort()) {
  for (const line of readFileSync(join(root, name), "utf8").split("\n")) {
    if (!line.startsWith('{"id"')) continue; // every case stands on a line of its own
    const testCase = parse(line.replace(/,$/, ""));
    if (!READ_ONLY.has(testCase.id)) continue;
    ran++;
    const step = judgeCase(testCase);
    if (step) {
      failed++;
      console.log(`${testCase.id}: ${step.op} differs`);
    }
  }
}
console.log(`${ran - failed} passed, ${failed} failed`);
process.exit(failed || !ran ? 1 : 0);

//! The protocol's operations, done with the crate.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use anyhow::Result as Crate;
use datawal::{
    DataWal, Record, RecordIter, RecordLog, RecordLogReader, RecordRef, RecordType, RecoveryReport,
};
use serde_json::{json, Map, Value};

use crate::{bytes, errors};

/// An open log, reader or projection.
pub enum Handle {
    Log(RecordLog),
    Reader(RecordLogReader),
    Kv(DataWal),
}

/// The handles of one request's id, by name.
pub type Handles = HashMap<String, Handle>;

/// A request that does not keep to the protocol, and in what.
#[derive(Debug)]
pub struct Malformed(pub String);

/// Why a step has no ok.
enum Refusal {
    /// The crate answered with an error; for a `scan_iter`, with the records in front of it.
    Failed(anyhow::Error, Option<Vec<Value>>),
    /// Nothing is open under this name.
    NoHandle(String),
    /// No such operation, or not on this kind of handle.
    Unsupported,
    /// The step itself is wrong.
    Malformed(String),
}

impl From<anyhow::Error> for Refusal {
    fn from(error: anyhow::Error) -> Self {
        Refusal::Failed(error, None)
    }
}

type Answer = Result<Value, Refusal>;

/// Operations on an open handle: what makes an operation known when there is no handle to try it on.
const ON_HANDLES: [&str; 24] = [
    "append",
    "append_record",
    "scan",
    "scan_iter",
    "fsync",
    "rotate",
    "report",
    "active_segment",
    "is_poisoned",
    "poison",
    "spawn",
    "segments",
    "put",
    "delete",
    "get",
    "contains_key",
    "keys",
    "items",
    "len",
    "is_empty",
    "ref_of",
    "compact_to",
    "export_jsonl",
    "close",
];

/// Does one step and gives its entry in the results. Paths are taken relative to `dir`.
pub fn entry(step: &Value, dir: &Path, handles: &mut Handles) -> Result<Value, Malformed> {
    match run(step, dir, handles) {
        Ok(ok) => Ok(json!({ "ok": ok })),
        Err(Refusal::Unsupported) => Ok(json!({"unsupported": true})),
        Err(Refusal::NoHandle(name)) => Ok(json!({"error": {
            "kind": "other",
            "message": format!("nothing is open as {name:?}"),
        }})),
        Err(Refusal::Failed(error, records)) => {
            let message = errors::message(&error);
            let mut members = Map::new();
            members.insert("kind".into(), errors::kind(&error).into());
            if let Some((segment, offset)) = errors::position(&message) {
                members.insert("segment".into(), segment.into());
                members.insert("offset".into(), offset.into());
            }
            members.insert("message".into(), message.into());
            if let Some(records) = records {
                members.insert("records".into(), records.into());
            }
            Ok(json!({ "error": members }))
        }
        Err(Refusal::Malformed(what)) => Err(Malformed(format!("{what}, in the step {step}"))),
    }
}

fn run(step: &Value, dir: &Path, handles: &mut Handles) -> Answer {
    let op = text(step, "op")?;
    let opened = match op {
        "open_log" => open_log(&path(step, "path", dir)?),
        "open_reader" => open_reader(&path(step, "path", dir)?),
        "open_kv" => open_kv(&path(step, "path", dir)?),
        _ => return run_on_handle(op, step, dir, handles),
    };
    let name = text_or(step, "as", "main")?;
    let (handle, ok) = opened?;
    // A handle of that name is let go only here: it held its lock during the open.
    handles.insert(name.to_owned(), handle);
    Ok(ok)
}

fn open_log(path: &Path) -> Crate<(Handle, Value)> {
    let log = RecordLog::open(path)?;
    let ok = json!({
        "report": report(&log.recovery_report()?),
        "active_segment": log.active_segment(),
    });
    Ok((Handle::Log(log), ok))
}

fn open_reader(path: &Path) -> Crate<(Handle, Value)> {
    let reader = RecordLogReader::open(path)?;
    let ok = json!({"segments": reader.segments()});
    Ok((Handle::Reader(reader), ok))
}

fn open_kv(path: &Path) -> Crate<(Handle, Value)> {
    let kv = DataWal::open(path)?;
    let ok = json!({"report": report(&kv.log().recovery_report()?), "len": kv.len()});
    Ok((Handle::Kv(kv), ok))
}

fn run_on_handle(op: &str, step: &Value, dir: &Path, handles: &mut Handles) -> Answer {
    let name = text_or(step, "on", "main")?;
    let Some(handle) = handles.get_mut(name) else {
        return Err(if ON_HANDLES.contains(&op) {
            Refusal::NoHandle(name.to_owned())
        } else {
            Refusal::Unsupported
        });
    };
    if op == "close" {
        return close(handles.remove(name));
    }
    match handle {
        Handle::Log(log) => on_log(op, step, log),
        Handle::Reader(reader) => on_reader(op, reader),
        Handle::Kv(kv) => on_kv(op, step, dir, kv),
    }
}

fn close(handle: Option<Handle>) -> Answer {
    if let Some(Handle::Log(log)) = handle {
        log.close()?;
    }
    Ok(json!({}))
}

fn on_log(op: &str, step: &Value, log: &mut RecordLog) -> Answer {
    Ok(match op {
        "append" => reference(log.append(&data(step, "payload")?)?),
        "append_record" => {
            let (key, payload) = (data(step, "key")?, data(step, "payload")?);
            reference(log.append_record(record_type(step)?, &key, &payload)?)
        }
        "scan" => {
            let records: Vec<Value> = log.scan()?.iter().map(record).collect();
            json!({ "records": records })
        }
        "scan_iter" => return scan_iter(log.scan_iter()?),
        "fsync" => {
            log.fsync()?;
            json!({})
        }
        "rotate" => {
            log.rotate()?;
            json!({"active_segment": log.active_segment()})
        }
        "poison" => {
            // The crate wants a reason that lives for ever.
            let reason = text(step, "reason")?.to_owned().leak();
            datawal::testing::poison_record_log_for_test(log, reason);
            json!({})
        }
        "spawn" => {
            let null = std::process::Stdio::null;
            std::process::Command::new("sleep")
                .arg("30")
                .stdin(null())
                .stdout(null())
                .stderr(null())
                .spawn()
                .map_err(anyhow::Error::new)?;
            json!({})
        }
        _ => return on_log_or_kv(op, log),
    })
}

/// What may be asked of a projection's log as of any other.
fn on_log_or_kv(op: &str, log: &RecordLog) -> Answer {
    Ok(match op {
        "report" => json!({"report": report(&log.recovery_report()?)}),
        "active_segment" => json!({"active_segment": log.active_segment()}),
        "is_poisoned" => json!({"is_poisoned": log.is_poisoned()}),
        _ => return Err(Refusal::Unsupported),
    })
}

fn on_reader(op: &str, reader: &RecordLogReader) -> Answer {
    match op {
        "segments" => Ok(json!({"segments": reader.segments()})),
        "scan_iter" => scan_iter(reader.scan_iter()?),
        _ => Err(Refusal::Unsupported),
    }
}

fn on_kv(op: &str, step: &Value, dir: &Path, kv: &mut DataWal) -> Answer {
    Ok(match op {
        "put" => {
            kv.put(&data(step, "key")?, &data(step, "value")?)?;
            json!({})
        }
        "delete" => {
            kv.delete(&data(step, "key")?)?;
            json!({})
        }
        "get" => {
            let value = kv.get(&data(step, "key")?)?;
            json!({"value": value.as_deref().map(bytes::to_answer)})
        }
        "contains_key" => json!({"contains": kv.contains_key(&data(step, "key")?)}),
        "keys" => {
            let mut keys = kv.keys();
            keys.sort_unstable();
            let keys: Vec<Value> = keys.iter().map(|key| bytes::to_answer(key)).collect();
            json!({ "keys": keys })
        }
        "items" => {
            let mut items = kv.items()?;
            items.sort_unstable();
            let items: Vec<[Value; 2]> = items
                .iter()
                .map(|(key, value)| [bytes::to_answer(key), bytes::to_answer(value)])
                .collect();
            json!({ "items": items })
        }
        "len" => json!({"len": kv.len()}),
        "is_empty" => json!({"is_empty": kv.is_empty()}),
        "ref_of" => json!({"ref": kv.ref_of(&data(step, "key")?).map(reference)}),
        "compact_to" => {
            let stats = kv.compact_to(&path(step, "to", dir)?)?;
            json!({
                "live_keys": stats.live_keys,
                "records_written": stats.records_written,
                "bytes_written": stats.bytes_written,
            })
        }
        "export_jsonl" => {
            kv.export_jsonl(&path(step, "to", dir)?)?;
            json!({})
        }
        "fsync" => {
            kv.fsync()?;
            json!({})
        }
        "scan_iter" => return scan_iter(kv.log().scan_iter()?),
        _ => return on_log_or_kv(op, kv.log()),
    })
}

fn scan_iter(mut scan: RecordIter<'_>) -> Answer {
    let mut records = Vec::new();
    for found in scan.by_ref() {
        match found {
            Ok(found) => records.push(record(&found)),
            Err(error) => return Err(Refusal::Failed(error, Some(records))),
        }
    }
    Ok(json!({"records": records, "report": report(&scan.recovery_report())}))
}

fn record(record: &Record) -> Value {
    json!({
        "type": match record.record_type {
            RecordType::Raw => "raw",
            RecordType::Put => "put",
            RecordType::Delete => "delete",
        },
        "txid": record.txid,
        "key": bytes::to_answer(&record.key),
        "payload": bytes::to_answer(&record.payload),
        "segment": record.segment,
        "offset": record.offset,
        "len": record.len,
    })
}

fn reference(at: RecordRef) -> Value {
    json!({"segment": at.segment, "offset": at.offset, "len": at.len})
}

fn report(report: &RecoveryReport) -> Value {
    json!({
        "files_scanned": report.files_scanned,
        "records_replayed": report.records_replayed,
        "tail_truncated": report.tail_truncated,
        "tail_bytes_discarded": report.tail_bytes_discarded,
        "mid_stream_errors": report.mid_stream_errors,
        "unsupported_versions": report.unsupported_versions,
        "last_txid_seen": report.last_txid_seen,
    })
}

fn record_type(step: &Value) -> Result<RecordType, Refusal> {
    match text(step, "type")? {
        "raw" => Ok(RecordType::Raw),
        "put" => Ok(RecordType::Put),
        "delete" => Ok(RecordType::Delete),
        other => Err(Refusal::Malformed(format!("no type of records: {other:?}"))),
    }
}

/// A member of bytes.
fn data(step: &Value, member: &str) -> Result<Vec<u8>, Refusal> {
    let value = step
        .get(member)
        .ok_or_else(|| Refusal::Malformed(format!("no {member}")))?;
    bytes::from_request(value).map_err(|what| Refusal::Malformed(format!("{member}: {what}")))
}

/// A member with a path relative to `dir`.
fn path(step: &Value, member: &str, dir: &Path) -> Result<PathBuf, Refusal> {
    let relative = Path::new(text(step, member)?);
    if relative.is_absolute() {
        return Err(Refusal::Malformed(format!("{member} is absolute")));
    }
    Ok(dir.join(relative))
}

fn text<'a>(step: &'a Value, member: &str) -> Result<&'a str, Refusal> {
    step.get(member)
        .and_then(Value::as_str)
        .ok_or_else(|| Refusal::Malformed(format!("no string as {member}")))
}

fn text_or<'a>(step: &'a Value, member: &str, default: &'a str) -> Result<&'a str, Refusal> {
    match step.get(member) {
        None => Ok(default),
        Some(_) => text(step, member),
    }
}

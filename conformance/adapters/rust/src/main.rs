//! Drives the published crate `datawal` for the conformance runner: requests on stdin, answers on
//! stdout, one JSON object a line. The protocol is in `conformance/PROTOCOL.md`.
//!
//! An error of the crate is an answer. A panic of the crate ends the process, for the runner to see.
//! A line that does not keep to the protocol ends it too, with status 2 and a message on stderr.

mod bytes;
mod errors;
mod ops;

use std::collections::HashMap;
use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::path::Path;
use std::process::ExitCode;

use serde_json::{json, Value};

use ops::{Handles, Malformed};

/// The version of the crate that is built in; a test holds it against the lock file.
const CRATE_VERSION: &str = "0.1.5";

const CAPABILITIES: [&str; 9] = [
    "log",
    "reader",
    "kv",
    "compact",
    "export",
    "poison",
    "spawn",
    "typed-errors",
    "error-positions",
];

/// Room for lines: most fit, longer ones are read in pieces.
const BUFFER: usize = 256 * 1024;

fn main() -> ExitCode {
    match serve() {
        Ok(()) => ExitCode::SUCCESS,
        Err(Stop::Malformed { line, what }) => {
            eprintln!("datawal-adapter: line {line}: {what}");
            ExitCode::from(2)
        }
        Err(Stop::Io(error)) => {
            eprintln!("datawal-adapter: {error}");
            ExitCode::FAILURE
        }
    }
}

/// What ends the adapter before its stdin does.
enum Stop {
    Malformed { line: u64, what: String },
    Io(io::Error),
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        Stop::Io(error)
    }
}

/// Answers line by line until stdin ends.
fn serve() -> Result<(), Stop> {
    let mut input = BufReader::with_capacity(BUFFER, io::stdin().lock());
    let mut output = BufWriter::with_capacity(BUFFER, io::stdout().lock());
    let mut kept = HashMap::new();
    let mut text = Vec::new();
    let mut line = 0;
    while input.read_until(b'\n', &mut text)? > 0 {
        line += 1;
        let answer =
            answer(&text, &mut kept).map_err(|Malformed(what)| Stop::Malformed { line, what })?;
        serde_json::to_writer(&mut output, &answer).map_err(io::Error::from)?;
        output.write_all(b"\n")?;
        output.flush()?;
        text.clear();
    }
    Ok(())
}

/// Answers one line. `kept` holds the handles of the requests that are to be continued.
fn answer(text: &[u8], kept: &mut HashMap<String, Handles>) -> Result<Value, Malformed> {
    let request: Value =
        serde_json::from_slice(text).map_err(|error| Malformed(format!("not JSON: {error}")))?;
    if request.get("hello").is_some() {
        return Ok(hello());
    }
    let string = |member: &str| {
        request
            .get(member)
            .and_then(Value::as_str)
            .ok_or_else(|| Malformed(format!("a request without a string as {member}")))
    };
    let id = string("id")?;
    let dir = Path::new(string("dir")?);
    let steps = request
        .get("steps")
        .and_then(Value::as_array)
        .ok_or_else(|| Malformed(format!("the request {id:?} has no list of steps")))?;

    let mut handles = kept.remove(id).unwrap_or_default();
    let results = steps
        .iter()
        .map(|step| ops::entry(step, dir, &mut handles))
        .collect::<Result<Vec<Value>, Malformed>>()?;
    if request.get("more").and_then(Value::as_bool) == Some(true) {
        kept.insert(id.to_owned(), handles);
    }
    Ok(json!({"id": id, "results": results}))
}

fn hello() -> Value {
    json!({"hello": {
        "protocol": 1,
        "implementation": "datawal",
        "version": CRATE_VERSION,
        "language": "rust",
        "capabilities": CAPABILITIES,
    }})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_told_is_the_version_built_in() {
        let locked = format!("name = \"datawal\"\nversion = \"{CRATE_VERSION}\"\n");
        assert!(include_str!("../Cargo.lock").contains(&locked));
    }
}

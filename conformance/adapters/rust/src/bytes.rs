//! Values of bytes, as requests spell them and as answers do.

use serde_json::{json, Value};

/// Values with more bytes than this are answered as their length and checksum.
const SPELT_OUT: usize = 1024;

const DIGITS: &[u8; 16] = b"0123456789abcdef";

/// The bytes that a request's value stands for: a string of hex digits, `{"fill", "len"}`, or a
/// list of such values to be joined. The error says what is wrong with the value.
pub fn from_request(value: &Value) -> Result<Vec<u8>, String> {
    match value {
        Value::String(hex) => from_hex(hex),
        Value::Array(parts) => {
            let mut joined = Vec::new();
            for part in parts {
                joined.extend(from_request(part)?);
            }
            Ok(joined)
        }
        Value::Object(members) => {
            let fill = match members.get("fill") {
                Some(Value::String(hex)) => from_hex(hex)?,
                _ => {
                    return Err(format!(
                        "a value of bytes without a string as fill: {value}"
                    ))
                }
            };
            let len = members
                .get("len")
                .and_then(Value::as_u64)
                .and_then(|len| usize::try_from(len).ok())
                .ok_or_else(|| format!("a value of bytes without a number as len: {value}"))?;
            if fill.is_empty() && len > 0 {
                return Err(format!("nothing to fill {len} bytes with"));
            }
            let mut filled = fill.repeat(len.div_ceil(fill.len().max(1)));
            filled.truncate(len);
            Ok(filled)
        }
        _ => Err(format!("not a value of bytes: {value}")),
    }
}

/// The value that an answer gives for `bytes`.
pub fn to_answer(bytes: &[u8]) -> Value {
    if bytes.len() > SPELT_OUT {
        let sum = crc32c::crc32c(bytes);
        json!({"len": bytes.len(), "crc32c": format!("{sum:08x}")})
    } else {
        Value::String(to_hex(bytes))
    }
}

fn from_hex(hex: &str) -> Result<Vec<u8>, String> {
    let pairs = hex.as_bytes().chunks_exact(2);
    if !pairs.remainder().is_empty() {
        return Err(format!("an odd number of hex digits ({})", hex.len()));
    }
    pairs
        .map(|pair| match (digit(pair[0]), digit(pair[1])) {
            (Some(high), Some(low)) => Ok(high << 4 | low),
            _ => Err(format!(
                "not two lower-case hex digits: {:?}",
                String::from_utf8_lossy(pair)
            )),
        })
        .collect()
}

fn digit(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

fn to_hex(bytes: &[u8]) -> String {
    let mut hex = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        hex.push(DIGITS[usize::from(byte >> 4)] as char);
        hex.push(DIGITS[usize::from(byte & 15)] as char);
    }
    hex
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_of_a_request() {
        assert_eq!(from_request(&json!("")), Ok(vec![]));
        assert_eq!(from_request(&json!("00ff4a")), Ok(vec![0x00, 0xff, 0x4a]));
        assert_eq!(
            from_request(&json!({"fill": "6162", "len": 5})),
            Ok(b"ababa".to_vec())
        );
        assert_eq!(from_request(&json!({"fill": "", "len": 0})), Ok(vec![]));
        assert_eq!(
            from_request(&json!(["61", {"fill": "62", "len": 2}, [], ["63"]])),
            Ok(b"abbc".to_vec())
        );
    }

    #[test]
    fn what_is_no_value_of_bytes() {
        for value in [
            json!("0"),
            json!("0g"),
            json!("FF"),
            json!("é"),
            json!(7),
            json!(null),
            json!({"fill": "61"}),
            json!({"len": 3}),
            json!({"fill": "", "len": 1}),
            json!({"fill": "61", "len": -1}),
            json!(["61", 7]),
        ] {
            assert!(from_request(&value).is_err(), "{value}");
        }
    }

    #[test]
    fn answers_spell_out_the_short_and_sum_up_the_long() {
        assert_eq!(to_answer(b""), json!(""));
        assert_eq!(to_answer(b"\x00\x9f\xf9"), json!("009ff9"));
        assert_eq!(to_answer(&[0x61; 1024]), json!("61".repeat(1024)));
        assert_eq!(
            to_answer(&[0; 1025]),
            json!({"len": 1025, "crc32c": format!("{:08x}", crc32c::crc32c(&[0; 1025]))})
        );
    }
}

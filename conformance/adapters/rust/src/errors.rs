//! What an error of the crate means in the terms of the protocol.
//!
//! The crate has no typed errors: a kind is told from the words of the message, or, where those say
//! nothing, from the `std::io::Error` further down the chain.

use std::io::{self, ErrorKind};

/// What betrays the kind of an error.
enum Sign {
    /// The message begins with these words.
    Begins(&'static str),
    /// These words stand in the message. They never are a name of the file system's alone, since
    /// paths stand in messages too.
    Says(&'static str),
    /// There is an I/O error of this kind in the chain.
    Io(ErrorKind),
    /// There is any I/O error in the chain.
    AnyIo,
}

use Sign::{AnyIo, Begins, Io, Says};

/// Sign and kind. The first sign that fits decides.
const TABLE: [(Sign, &str); 19] = [
    // First, as it quotes a reason, which may be any text.
    (Begins("datawal: writer poisoned: "), "poisoned"),
    // Faults of a frame's header, by scans, opens and get.
    (Says("datawal: bad magic, "), "bad_magic"),
    (Says("datawal: unknown wire version "), "unknown_version"),
    (
        Says("datawal: unknown record_type byte "),
        "unknown_record_type",
    ),
    (Says("datawal: reserved flags byte "), "reserved_flags"),
    // The encoder refuses in the same words.
    (Says(" exceeds MAX_KEY_LEN "), "key_too_large"),
    (Says(" exceeds MAX_PAYLOAD_LEN "), "payload_too_large"),
    (Begins("datawal: truncated record at "), "truncated"),
    (Begins("datawal: truncated frame at "), "truncated"),
    (Begins("datawal: CRC mismatch at "), "crc_mismatch"),
    // get, when the file has become too short for the whole frame.
    (Io(ErrorKind::UnexpectedEof), "truncated"),
    (Says("datawal: log directory is already locked: "), "locked"),
    (Begins("datawal: txid overflow at "), "txid_exhausted"),
    (
        Begins("datawal: segment id overflow at "),
        "segment_ids_exhausted",
    ),
    (Says(" is not empty; refusing to overwrite"), "not_empty"),
    (Says(" is not a directory"), "not_a_directory"),
    (Io(ErrorKind::NotADirectory), "not_a_directory"),
    (Io(ErrorKind::NotFound), "not_found"),
    (AnyIo, "io"),
];

/// The message of an error: all its layers in one line.
pub fn message(error: &anyhow::Error) -> String {
    format!("{error:#}")
}

/// The protocol's kind of an error.
pub fn kind(error: &anyhow::Error) -> &'static str {
    let message = message(error);
    let io = error
        .chain()
        .find_map(|layer| layer.downcast_ref::<io::Error>())
        .map(io::Error::kind);
    TABLE
        .iter()
        .find(|(sign, _)| match sign {
            Begins(words) => message.starts_with(words),
            Says(words) => message.contains(words),
            Io(kind) => io == Some(*kind),
            AnyIo => io.is_some(),
        })
        .map_or("other", |(_, kind)| kind)
}

/// Segment and offset of the frame that a message is about, when it names one: scans say
/// `at offset 33 of segment 1` or `of non-tail segment 1`, `get` says `at segment 00000001 offset
/// 33` or `at offset 33 of segment 00000001.dwal`.
pub fn position(message: &str) -> Option<(u64, u64)> {
    let offset_first = |rest: &str| {
        let (offset, rest) = number(rest)?;
        let rest = rest.strip_prefix(" of ")?;
        let rest = rest.strip_prefix("non-tail ").unwrap_or(rest);
        let (segment, _) = number(rest.strip_prefix("segment ")?)?;
        Some((segment, offset))
    };
    let segment_first = |rest: &str| {
        let (segment, rest) = number(rest)?;
        let (offset, _) = number(rest.strip_prefix(" offset ")?)?;
        Some((segment, offset))
    };
    let behind = |words: &str| message.split_once(words).map(|(_, rest)| rest);
    behind(" at offset ")
        .and_then(offset_first)
        .or_else(|| behind(" at segment ").and_then(segment_first))
        .or_else(|| behind(" for segment ").and_then(segment_first))
}

/// The decimal number that `text` begins with, and what follows it.
fn number(text: &str) -> Option<(u64, &str)> {
    let end = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    Some((text[..end].parse().ok()?, &text[end..]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::{anyhow, Context};
    use datawal::format::{decode_next, encode_record};
    use datawal::{RecordType, MAX_KEY_LEN};

    /// What the crate itself says to a good frame with `byte` at `at`.
    fn judged(at: usize, byte: u8) -> anyhow::Error {
        let mut frame = encode_record(RecordType::Raw, 1, b"", b"alpha").unwrap();
        frame[at] = byte;
        anyhow::Error::new(decode_next(&frame, 0).unwrap_err())
    }

    fn io_error(kind: ErrorKind) -> anyhow::Error {
        let failed: io::Result<()> = Err(io::Error::from(kind));
        failed.context("outer").unwrap_err().context("outermost")
    }

    #[test]
    fn faults_of_a_header() {
        assert_eq!(kind(&judged(0, 0)), "bad_magic");
        assert_eq!(kind(&judged(4, 2)), "unknown_version");
        assert_eq!(kind(&judged(6, 3)), "unknown_record_type");
        assert_eq!(kind(&judged(7, 1)), "reserved_flags");
        assert_eq!(kind(&judged(19, 1)), "key_too_large");
        assert_eq!(kind(&judged(23, 9)), "payload_too_large");
        let wrapped = anyhow!("datawal: structural decode error at …: {}", judged(0, 0));
        assert_eq!(kind(&wrapped), "bad_magic");
    }

    #[test]
    fn refusals_of_the_encoder() {
        let key = vec![0; MAX_KEY_LEN as usize + 1];
        let refused = encode_record(RecordType::Put, 1, &key, b"").unwrap_err();
        assert_eq!(kind(&refused), "key_too_large");
    }

    #[test]
    fn errors_of_the_system() {
        assert_eq!(kind(&io_error(ErrorKind::NotFound)), "not_found");
        assert_eq!(kind(&io_error(ErrorKind::NotADirectory)), "not_a_directory");
        assert_eq!(kind(&io_error(ErrorKind::UnexpectedEof)), "truncated");
        assert_eq!(kind(&io_error(ErrorKind::PermissionDenied)), "io");
        assert_eq!(kind(&anyhow!("datawal: something new")), "other");
    }

    #[test]
    fn a_reason_of_poisoning_decides_nothing() {
        let quoting = anyhow!("datawal: writer poisoned: datawal: bad magic, ; drop it");
        assert_eq!(kind(&quoting), "poisoned");
    }

    #[test]
    fn positions() {
        assert_eq!(
            position("datawal: structural decode error at offset 33 of segment 1 (/x): …"),
            Some((1, 33))
        );
        assert_eq!(
            position("datawal: CRC mismatch at offset 0 of non-tail segment 12 (/x)"),
            Some((12, 0))
        );
        assert_eq!(
            position("datawal: CRC mismatch at segment 00000002 offset 66 (size 33)"),
            Some((2, 66))
        );
        assert_eq!(
            position("datawal: pread 33 bytes at offset 7 of segment 00000001.dwal: …"),
            Some((1, 7))
        );
        assert_eq!(position("datawal: txid overflow at 7"), None);
        assert_eq!(position("datawal: key_len 65537 exceeds …"), None);
    }
}

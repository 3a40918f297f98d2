//! The checksum of a saved record, in the last line: `{"checksum":"…"}`.

/// Returns the text with its checksum.
pub(crate) fn sealed(text: &str) -> String {
    format!("{text}{BEFORE}{:016x}{AFTER}", checksum(text))
}

/// Returns the text of a saved record without its checksum. A record of an older kit has no
/// checksum.
///
/// # Errors
/// Returns a message if the checksum does not match the text.
pub(crate) fn opened(kept: &str) -> Result<&str, String> {
    let Some(at) = kept.rfind(BEFORE) else {
        return Ok(kept);
    };
    let text = &kept[..at];
    match sealed(text) == kept {
        true => Ok(text),
        false => Err("its checksum does not match".to_owned()),
    }
}

const BEFORE: &str = "{\"checksum\":\"";
const AFTER: &str = "\"}\n";

/// Returns the FNV-1a hash, which does not depend on the compiler: records are kept for years.
fn checksum(text: &str) -> u64 {
    const OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
    const PRIME: u64 = 0x0100_0000_01b3;
    text.bytes().fold(OFFSET, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(PRIME)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads a text as a saved record is read: as one JSON value.
    fn read(kept: &[u8]) -> Option<serde_json::Value> {
        let kept = String::from_utf8_lossy(kept);
        serde_json::from_str(opened(&kept).ok()?).ok()
    }

    #[test]
    fn a_damaged_record_is_not_read() {
        let text = "{\"version\":1,\"run\":{\"id\":\"2026\"},\"build\":{}}\n";
        let value = read(text.as_bytes());
        assert!(value.is_some(), "an older kit's");
        let kept = sealed(text);
        assert_eq!(read(kept.as_bytes()), value);
        for bit in 0..kept.len() * 8 {
            let mut damaged = kept.clone().into_bytes();
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(read(&damaged), None, "bit {bit}");
        }
        for length in (0..kept.len()).filter(|&it| it != text.len() && it + 1 != text.len()) {
            assert_eq!(read(&kept.as_bytes()[..length]), None, "{length} bytes");
        }
    }
}

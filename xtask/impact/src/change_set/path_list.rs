//! Parses lists of changed paths, as git and other tools print them.

use std::io::Read;

use anyhow::Result;

use crate::{quote, usage};

/// The largest size of a list, in bytes. A list of a million paths has about 60 MiB.
const LIMIT: u64 = 64 << 20;

/// Returns the paths of a list in a file, a pipe or standard input. `name` is the name of the
/// source in messages.
///
/// # Errors
/// Returns an error if the list cannot be read or decoded, or is larger than 64 MiB.
pub fn read(source: impl Read, name: &str) -> Result<Vec<String>> {
    read_up_to(LIMIT, source, name)
}

fn read_up_to(limit: u64, source: impl Read, name: &str) -> Result<Vec<String>> {
    let mut listed = Vec::new();
    source
        .take(limit + 1)
        .read_to_end(&mut listed)
        .map_err(|error| usage!("cannot read {}: {error}", quote::name(name)))?;
    if listed.len() as u64 > limit {
        return Err(usage!(
            "the list of files in {} is larger than {} MiB\nhint: pass one path per line, as `git \
             diff --name-only` prints them; to count everything as changed, use --all",
            quote::name(name),
            limit >> 20
        ));
    }
    parse(&listed)
}

/// Returns the paths of a list. The list has one path per line, or NUL between paths as `git diff
/// -z` prints them.
///
/// A line may end in CRLF, and the list may begin with a byte order mark. Empty lines are skipped.
/// UTF-16 with a byte order mark, as PowerShell writes it, is decoded.
///
/// # Errors
/// Returns an error if the text cannot be decoded.
pub(crate) fn parse(bytes: &[u8]) -> Result<Vec<String>> {
    let text = decoded(bytes)?;
    if text.contains('\0') {
        let paths = text.split('\0').filter(|path| !path.is_empty());
        return Ok(paths.map(str::to_owned).collect());
    }
    let lines = text.lines().filter(|line| !line.trim().is_empty());
    Ok(lines.map(str::to_owned).collect())
}

fn decoded(bytes: &[u8]) -> Result<String> {
    let units = |from: fn([u8; 2]) -> u16| {
        let pairs = bytes[2..].chunks_exact(2);
        let rest = pairs.remainder();
        let units: Vec<u16> = pairs.map(|pair| from([pair[0], pair[1]])).collect();
        rest.is_empty()
            .then(|| String::from_utf16(&units).ok())
            .flatten()
            .ok_or_else(|| usage!("the list of files is not valid UTF-16\nhint: write it as UTF-8"))
    };
    match bytes {
        [0xff, 0xfe, ..] => units(u16::from_le_bytes),
        [0xfe, 0xff, ..] => units(u16::from_be_bytes),
        [0xef, 0xbb, 0xbf, rest @ ..] => Ok(lossy(rest)),
        bytes => Ok(lossy(bytes)),
    }
}

/// Returns the path that git quoted in C style: `"caf\303\251.rs"` becomes `café.rs`. Returns
/// `None` if `name` is not quoted.
pub fn unquoted(name: &str) -> Option<String> {
    let mut rest = name.strip_prefix('"')?.strip_suffix('"')?.bytes();
    let mut bytes = Vec::new();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'"' => return None,
            b'\\' => escaped(&mut rest)?,
            byte => byte,
        });
    }
    (name.len() > 2).then(|| lossy(&bytes))
}

fn escaped(rest: &mut std::str::Bytes<'_>) -> Option<u8> {
    Some(match rest.next()? {
        b'a' => 0x07,
        b'b' => 0x08,
        b't' => b'\t',
        b'n' => b'\n',
        b'v' => 0x0b,
        b'f' => 0x0c,
        b'r' => b'\r',
        byte @ (b'"' | b'\\') => byte,
        first @ b'0'..=b'3' => {
            let digit = |byte: u8| (b'0'..=b'7').contains(&byte).then(|| byte - b'0');
            let [second, third] = [digit(rest.next()?)?, digit(rest.next()?)?];
            (first - b'0') * 64 + second * 8 + third
        }
        _ => return None,
    })
}

/// Returns the kind of output that a name looks like if the name is not a path, such as a line of
/// `git status --short`.
pub fn mistaken_for(name: &str) -> Option<&'static str> {
    let is_status = |letters: &str| {
        let (letter, score) = letters.split_at(letters.len().min(1));
        "ACDMRTUX".contains(letter) && score.bytes().all(|byte| byte.is_ascii_digit())
    };
    let is_porcelain = || {
        let (letters, rest) = name.split_at_checked(2).unwrap_or_default();
        let is_known = letters.chars().all(|letter| " ACDMRTU?!".contains(letter));
        is_known && letters.trim() != "" && rest.starts_with(' ')
    };
    let starts = |all: &[&str]| all.iter().any(|start| name.starts_with(start));
    let counts = |end: &str| {
        let count = end.trim().split(' ').next().unwrap_or_default();
        count == "Bin" || !count.is_empty() && count.bytes().all(|byte| byte.is_ascii_digit())
    };
    let numbers = |text: &str| text == "-" || text.bytes().all(|byte| byte.is_ascii_digit());
    match () {
        () if starts(&["diff --", "index ", "--- ", "+++ ", "@@ ", "Binary files "]) => {
            Some("a diff")
        }
        () if name.starts_with(':') && name.contains('\t') => {
            Some("the output of `git diff --raw`")
        }
        () if name.rsplit_once(" | ").is_some_and(|(_, end)| counts(end))
            || name.contains(" changed, ") =>
        {
            Some("the output of `git diff --stat`")
        }
        () if name.split('\t').count() == 3 && name.split('\t').take(2).all(numbers) => {
            Some("the output of `git diff --numstat`")
        }
        () if name
            .split_once('\t')
            .is_some_and(|(letters, _)| is_status(letters))
            || !name.is_empty() && is_status(name) =>
        {
            Some("the output of `git diff --name-status`")
        }
        () if is_porcelain() => Some("the output of `git status --short`"),
        () if starts(&["{", "["]) => Some("JSON"),
        () => None,
    }
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_read_from_a_stream() {
        let paths = read(&b"a.rs\nb/c.rs\n"[..], "stdin").unwrap();
        assert_eq!(paths, ["a.rs", "b/c.rs"]);
    }

    #[test]
    fn lists_of_git_and_powershell_are_parsed() {
        let utf16 = |text: &str, mark: [u8; 2], bytes: fn(u16) -> [u8; 2]| {
            let units = text.encode_utf16().flat_map(bytes);
            mark.into_iter().chain(units).collect::<Vec<u8>>()
        };
        let rows: [(&[u8], &[&str]); 11] = [
            (b"", &[]),
            (b"\n\r\n  \n", &[]),
            (b"a.rs\nb c.rs\n", &["a.rs", "b c.rs"]),
            (b"a.rs\r\nb.rs", &["a.rs", "b.rs"]),
            (b"a.rs \n -b.rs\n", &["a.rs ", " -b.rs"]),
            (b"\xef\xbb\xbfa.rs\nb.rs\n", &["a.rs", "b.rs"]),
            (b"a\nb.rs\0c.rs\r\0", &["a\nb.rs", "c.rs\r"]),
            (b"\xef\xbb\xbfa.rs\0b.rs\0", &["a.rs", "b.rs"]),
            (b"caf\xe9.rs\n", &["caf\u{fffd}.rs"]),
            (
                &utf16("é.rs\r\nb\r\n", [0xff, 0xfe], u16::to_le_bytes),
                &["é.rs", "b"],
            ),
            (
                &utf16("é.rs\nb\n", [0xfe, 0xff], u16::to_be_bytes),
                &["é.rs", "b"],
            ),
        ];
        for (bytes, paths) in rows {
            assert_eq!(parse(bytes).unwrap(), paths, "{bytes:?}");
        }
        assert_eq!(
            parse(b"\xff\xfea").unwrap_err().to_string(),
            "the list of files is not valid UTF-16\nhint: write it as UTF-8"
        );
    }

    #[test]
    fn a_list_above_the_size_limit_is_refused() {
        let read = |limit, source: &[u8]| read_up_to(limit, source, "a\nlist");
        assert_eq!(read(4, b"a.rs").unwrap(), ["a.rs"]);
        assert_eq!(
            read_up_to(2 << 20, std::io::repeat(b'a'), "a\nlist")
                .unwrap_err()
                .to_string(),
            "the list of files in \"a\\nlist\" is larger than 2 MiB\nhint: pass one path per line, \
             as `git diff --name-only` prints them; to count everything as changed, use --all"
        );
        assert!(read(3, b"a.rs").is_err());
    }

    #[test]
    fn names_that_git_quotes_are_unquoted() {
        let rows = [
            (r#""caf\303\251.rs""#, Some("café.rs")),
            (r#""a\tb\n\"c\\""#, Some("a\tb\n\"c\\")),
            (r#""\a\b\v\f\r""#, Some("\u{7}\u{8}\u{b}\u{c}\r")),
            (r#""\377""#, Some("\u{fffd}")),
            ("café.rs", None),
            (r#""""#, None),
            ("\"", None),
            (r#""a"b""#, None),
            (r#""a\"#, None),
            (r#""a\q""#, None),
            (r#""a\40""#, None),
            (r#""\400""#, None),
        ];
        for (name, expected) in rows {
            assert_eq!(unquoted(name).as_deref(), expected, "{name}");
        }
    }

    #[test]
    fn other_output_of_git_is_recognized() {
        let rows = [
            ("M\tsrc/lib.rs", "the output of `git diff --name-status`"),
            (
                "R100\told.rs\tnew.rs",
                "the output of `git diff --name-status`",
            ),
            ("M", "the output of `git diff --name-status`"),
            (" src/lib.rs | 2 +-", "the output of `git diff --stat`"),
            (
                " a.bin | Bin 0 -> 3 bytes",
                "the output of `git diff --stat`",
            ),
            (
                " 1 file changed, 1 insertion(+)",
                "the output of `git diff --stat`",
            ),
            ("3\t0\tsrc/lib.rs", "the output of `git diff --numstat`"),
            ("-\t-\ta.bin", "the output of `git diff --numstat`"),
            (" M src/lib.rs", "the output of `git status --short`"),
            ("?? new.rs", "the output of `git status --short`"),
            (
                ":100644 100644 1 2 M\tsrc/lib.rs",
                "the output of `git diff --raw`",
            ),
            ("diff --git a/x b/x", "a diff"),
            ("@@ -1 +1 @@", "a diff"),
            ("[\"src/lib.rs\"]", "JSON"),
        ];
        for (name, expected) in rows {
            assert_eq!(mistaken_for(name), Some(expected), "{name}");
        }
        for name in [
            "src/lib.rs",
            "Makefile",
            "a | b.rs",
            "My file.rs",
            "a\tb",
            "",
            "crates",
        ] {
            assert_eq!(mistaken_for(name), None, "{name}");
        }
    }
}

//! The toolchains that built the artifacts, and the toolchains that are installed.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result};
use cargo_metadata::camino::Utf8Path;
use xtask_impact::process::Runner;
use xtask_impact::{files, process};

/// Returns the version of the rustc that wrote a library's metadata. The file starts with `rust`,
/// four bytes of the format's version and eight bytes of a position; the length and the text of the
/// version follow (`METADATA_HEADER` in `rustc_metadata`).
pub(crate) fn version_of(library: &Utf8Path) -> Option<String> {
    version_in(&files::read_start(library, 128).ok()?)
}

fn version_in(head: &[u8]) -> Option<String> {
    let rest = head.strip_prefix(b"rust")?.get(12..)?;
    let (length, rest) = rest.split_first()?;
    let text = str::from_utf8(rest.get(..usize::from(*length))?).ok()?;
    text.starts_with("rustc ").then(|| text.to_owned())
}

/// Returns the rustc versions of all toolchains that rustup has installed, and of the rustc in use.
/// Returns `None` if rustup is not installed, or if the rustc of a toolchain does not answer.
pub(crate) fn installed(runner: &Runner) -> Option<BTreeSet<String>> {
    let mut rustup = runner.program("rustup");
    let said = process::checked(rustup.args(["toolchain", "list", "-v"])).ok()?;
    let said = String::from_utf8_lossy(&said).into_owned();
    let version = |line: &str| -> Result<String> {
        let at = line.find(['/', '\\']).context("no path")?;
        let start = line[..at].rfind(char::is_whitespace).map_or(0, |it| it + 1);
        let rustc = Utf8Path::new(line[start..].trim()).join("bin/rustc");
        let said = process::checked(runner.program(rustc.as_str()).arg("--version"))?;
        Ok(String::from_utf8_lossy(&said).trim().to_owned())
    };
    let lines = said.lines().filter(|line| !line.trim().is_empty());
    let mut versions: BTreeSet<_> = lines.map(version).collect::<Result<_>>().ok()?;
    let own = process::checked(runner.rustc().arg("--version")).ok()?;
    versions.insert(String::from_utf8_lossy(&own).trim().to_owned());
    Some(versions)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_compiler_is_read_from_library_metadata() {
        let head = [
            b"rust\0\0\0\x0a\x7d\x76\x01\0\0\0\0\0\x0c",
            &b"rustc 1.95.0rest"[..],
        ]
        .concat();
        assert_eq!(version_in(&head).as_deref(), Some("rustc 1.95.0"));
        assert_eq!(version_in(b"!<arch>\n"), None);
    }
}

//! The versions of the compilers behind the numbers in the records.

use std::collections::BTreeMap;

use xtask_impact::build_dir::ProfileDir;
use xtask_impact::build_dir::unit_record::RecordedMode;
use xtask_impact::files;

use super::records::Records;

/// Returns the version of each compiler. The metadata of a library begins with the version; one
/// library for each number is enough.
pub(crate) fn versions(
    profiles: &[ProfileDir],
    records: &Records,
    known: &BTreeMap<u64, String>,
) -> BTreeMap<u64, String> {
    let mut found = known.clone();
    for (key, record) in records.iter() {
        let number = record.values.rustc;
        if number == 0 || found.contains_key(&number) {
            continue;
        }
        let Some(name) = key.unit().filter(|it| it.mode == RecordedMode::Compile) else {
            continue;
        };
        let target = name.target.replace('-', "_");
        for profile in profiles {
            let directory = profile.output_dir(&key.package, &key.hash, name.kind);
            for file in [
                format!("lib{target}-{}.rmeta", key.hash),
                format!("lib{target}.rmeta"),
            ] {
                if let Ok(start) = files::read_start(directory.join(file), 256) {
                    found.extend(version_in(&start).map(|it| (number, it)));
                }
            }
        }
    }
    found
}

/// Returns the version near the start of a library's metadata: `rustc 1.95.0 (f2d3ce0bd
/// 2026-03-21)`.
fn version_in(metadata: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(metadata);
    let (_, behind) = text.split_once("rustc ")?;
    let (version, _) = behind.split_once(')')?;
    let is_plain = version.chars().all(|it| !it.is_control()) && version.contains(" (");
    is_plain.then(|| format!("rustc {version})"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_stands_at_the_start_of_metadata() {
        let metadata =
            b"rust\0\0\0\x0a\0\0\0\x01\0\0\0\0\x24rustc 1.95.0 (f2d3ce0bd 2026-03-21)\xff";
        let version = version_in(metadata);
        assert_eq!(
            version.as_deref(),
            Some("rustc 1.95.0 (f2d3ce0bd 2026-03-21)")
        );
        assert_eq!(version_in(b"rust\0\0"), None);
        assert_eq!(version_in(b"rustc \x01)"), None);
    }
}

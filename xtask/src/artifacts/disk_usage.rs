//! Measures the contents of a build directory in one walk.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::{Duration, SystemTime};

use anyhow::Result;
use camino::{Utf8Path, Utf8PathBuf};
use xtask_impact::build_dir;
use xtask_impact::build_dir::{Directories, Layout, ProfileDir};

use super::disk_size;

/// The contents of a directory in bytes, sorted in several ways, from one walk.
#[derive(Debug, Default)]
pub(crate) struct DiskUsage {
    pub(crate) bytes: u64,
    /// Bytes by profile and triple; files outside a profile by their first directory.
    pub(crate) by_part: BTreeMap<String, u64>,
    pub(crate) by_package: BTreeMap<String, u64>,
    /// Bytes by age. The key is an age class in days (see [`AGES`]): the files are at least this
    /// old, and younger than the next class.
    pub(crate) by_age: BTreeMap<u64, u64>,
    /// Bytes of incremental state, by its directory.
    pub(crate) incremental: BTreeMap<Utf8PathBuf, u64>,
    /// The metadata files of libraries, each with the hash in its name. `by_hash` has the bytes of
    /// all files with this hash.
    pub(crate) libraries: Vec<(Utf8PathBuf, String)>,
    pub(crate) by_hash: HashMap<String, u64>,
}

/// Returns the size of a build directory and its target directory on the disk.
///
/// # Errors
/// Returns an error if a directory cannot be listed.
pub(crate) fn total(directories: &Directories) -> Result<u64> {
    let mut usage = DiskUsage::default();
    for root in directories.outer() {
        usage.walk(root, &[], &[], SystemTime::now())?;
    }
    Ok(usage.bytes)
}

impl DiskUsage {
    /// Counts all files below a directory, except the directories in `without`, which are counted
    /// separately.
    pub(crate) fn walk(
        &mut self,
        root: &Utf8Path,
        profiles: &[ProfileDir],
        without: &[Utf8PathBuf],
        now: SystemTime,
    ) -> Result<()> {
        let mut packages = HashMap::new();
        for profile in profiles.iter().filter(|it| it.layout == Layout::V1) {
            for name in build_dir::entries(&profile.path.join(".fingerprint"))? {
                if let Some(hash) = build_dir::hash_in(&name) {
                    let package = name[..name.len() - hash.len()].trim_end_matches('-');
                    packages.insert(hash.to_owned(), package.to_owned());
                }
            }
        }
        let mut pending = vec![root.to_owned()];
        let mut linked = HashSet::new();
        while let Some(directory) = pending.pop() {
            // A build may remove a directory during the walk.
            let Ok(entries) = directory.read_dir_utf8() else {
                continue;
            };
            for entry in entries.flatten() {
                let path = entry.path();
                let Ok(metadata) = entry.metadata() else {
                    continue;
                };
                if metadata.is_dir() {
                    if !without.iter().any(|it| it == path) {
                        pending.push(path.to_owned());
                    }
                    continue;
                }
                if disk_size::link(&metadata).is_some_and(|link| !linked.insert(link)) {
                    continue;
                }
                let modified = metadata.modified().unwrap_or(now);
                let age = now.duration_since(modified).unwrap_or(Duration::ZERO);
                let days = age.as_secs() / 86_400;
                self.count(root, path, disk_size::bytes(&metadata), days, &packages);
            }
        }
        Ok(())
    }

    pub(crate) fn count(
        &mut self,
        root: &Utf8Path,
        path: &Utf8Path,
        bytes: u64,
        days: u64,
        packages: &HashMap<String, String>,
    ) {
        self.bytes += bytes;
        let age = AGES.into_iter().find(|it| days >= *it);
        *self.by_age.entry(age.unwrap_or(0)).or_default() += bytes;
        let below = path.strip_prefix(root).unwrap_or(path);
        let parts: Vec<&str> = below.iter().collect();
        let at = parts.iter().position(|it| INSIDES.contains(it));
        let part = match at {
            Some(at @ 1..=2) => parts[..at].join("/"),
            _ if parts.len() < 2 => "others".to_owned(),
            _ => parts[0].to_owned(),
        };
        *self.by_part.entry(part).or_default() += bytes;
        let Some(at @ 1..=2) = at else { return };
        let (Some(inside), Some(name)) = (parts.get(at), parts.get(at + 1)) else {
            return;
        };
        if *inside == "incremental" {
            let state: Utf8PathBuf = parts[..at + 2].iter().collect();
            *self.incremental.entry(root.join(state)).or_default() += bytes;
            let all = self.by_package.entry("incremental state".to_owned());
            *all.or_default() += bytes;
            return;
        }
        let hash = build_dir::hash_in(name);
        let package = match hash {
            Some(hash) => packages.get(hash).cloned(),
            // In the new layout, the directory of a unit lies in the directory of its package.
            None if *inside == "build" && parts.len() > at + 3 => Some((*name).to_owned()),
            None => None,
        };
        let hash = hash.or_else(|| parts.get(at + 2).copied().filter(|_| *inside == "build"));
        if let Some(hash) = hash {
            *self.by_hash.entry(hash.to_owned()).or_default() += bytes;
            if path.extension() == Some("rmeta") {
                self.libraries.push((path.to_owned(), hash.to_owned()));
            }
        }
        let package = package.unwrap_or_else(|| "others".to_owned());
        *self.by_package.entry(package).or_default() += bytes;
    }

    /// Returns the bytes of the files that are at least `days` old. `days` is one of [`AGES`].
    pub(crate) fn older_than(&self, days: u64) -> u64 {
        self.by_age.range(days..).map(|(_, bytes)| bytes).sum()
    }

    /// Returns three lines: the bytes by part, by package and by age.
    pub(crate) fn shown(&self) -> Vec<String> {
        let largest = |sizes: &BTreeMap<String, u64>, number: usize| {
            let mut sizes: Vec<_> = sizes.iter().filter(|it| *it.1 > 0).collect();
            sizes.sort_by_key(|(name, bytes)| (std::cmp::Reverse(**bytes), *name));
            let largest = sizes.iter().take(number);
            let shown = largest.map(|(name, bytes)| format!("{name} {}", size(**bytes)));
            shown.collect::<Vec<_>>().join(", ")
        };
        let ages = self.by_age.iter().filter(|it| *it.1 > 0);
        let ages = ages.map(|(days, bytes)| format!("{} {}", ago(*days), size(*bytes)));
        let ages: Vec<_> = ages.collect();
        vec![
            format!("by profile: {}", largest(&self.by_part, 8)),
            format!("by package: {}", largest(&self.by_package, 10)),
            format!("by when it was written: {}", ages.join(", ")),
        ]
    }
}

/// The directories inside a profile directory.
const INSIDES: [&str; 5] = ["deps", "build", ".fingerprint", "incremental", "examples"];

/// The lower bounds of the age classes in days, the oldest first.
const AGES: [u64; 3] = [90, 30, 7];

pub(crate) fn ago(days: u64) -> String {
    match days {
        0 => "in the last week".to_owned(),
        days => format!("more than {days} days ago"),
    }
}

/// Formats a number of bytes for people. Example: `1.5MiB`.
#[expect(
    clippy::cast_precision_loss,
    reason = "one digit behind the point is shown"
)]
pub(crate) fn size(bytes: u64) -> String {
    let (mut size, mut unit) = (bytes as f64, "B");
    for larger in ["KiB", "MiB", "GiB", "TiB"] {
        if size < 1024.0 {
            break;
        }
        (size, unit) = (size / 1024.0, larger);
    }
    match unit {
        "B" => format!("{bytes}B"),
        unit => format!("{size:.1}{unit}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_counted_by_package_age_and_profile() {
        let mut usage = DiskUsage::default();
        let packages = HashMap::from([("0123456789abcdef".to_owned(), "my-lib".to_owned())]);
        for (path, bytes, days) in [
            ("debug/deps/libmy_lib-0123456789abcdef.rmeta", 10, 0),
            (
                "debug/.fingerprint/my-lib-0123456789abcdef/lib-my_lib",
                1,
                0,
            ),
            (
                "wasm32-wasip1/release/deps/libx-fedcba9876543210.rlib",
                20,
                40,
            ),
            ("debug/incremental/my_lib-2abc/s-x/query.bin", 5, 0),
            ("debug/build/new/0123456789abcdef/out/x.rs", 3, 8),
            ("doc/index.html", 2, 0),
        ] {
            let path = Utf8Path::new("/t").join(path);
            usage.count("/t".into(), &path, bytes, days, &packages);
        }
        assert_eq!(
            usage.shown(),
            [
                "by profile: wasm32-wasip1/release 20B, debug 19B, doc 2B",
                "by package: others 20B, my-lib 11B, incremental state 5B, new 3B",
                "by when it was written: in the last week 18B, more than 7 days ago 3B, \
                 more than 30 days ago 20B",
            ]
        );
        assert_eq!(
            usage.incremental[Utf8Path::new("/t/debug/incremental/my_lib-2abc")],
            5
        );
    }

    #[test]
    fn sizes_are_shown_with_a_unit() {
        for (bytes, expected) in [
            (0, "0B"),
            (1023, "1023B"),
            (1536, "1.5KiB"),
            (3 << 30, "3.0GiB"),
        ] {
            assert_eq!(size(bytes), expected);
        }
    }
}

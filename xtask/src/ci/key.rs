//! A key for a cache of builds.

use serde::Serialize;

/// What a build depends on beside its sources.
pub struct Facts<'a> {
    /// Put before everything else.
    pub prefix: &'a str,
    /// The operating system and processor that builds.
    pub host: &'a str,
    /// The triples that are built for; none for the host's.
    pub targets: &'a [String],
    /// What `rustc -vV` prints.
    pub toolchain: &'a str,
    /// What decides how things are built: cargo's configuration files, the profiles of the root
    /// manifest, and the flags in the environment, each with its name.
    pub policy: &'a [(String, String)],
    /// `Cargo.lock`, if there is one.
    pub lock: &'a str,
}

/// A key, and what to make do with where nothing has that key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Key {
    /// Of this format; it changes when a reader would have to.
    pub version: u32,
    /// The key.
    pub key: String,
    /// Beginnings of keys, the nearest first: another lock file, under the same toolchain and policy,
    /// leaves most of the artifacts as they are. Under another toolchain nothing is of use.
    pub restore_keys: Vec<String>,
}

impl Key {
    /// The key of a build.
    pub fn new(facts: &Facts<'_>) -> Self {
        let mut lines = facts.toolchain.lines();
        let release = lines.find_map(|line| line.strip_prefix("release: "));
        let release = release.unwrap_or("unknown");
        let targets = match facts.targets {
            [] => String::new(),
            triples => format!("-{}", triples.join("-")),
        };
        let policy = facts.policy.iter();
        let start = format!(
            "{}-{}{targets}-{release}-{}-{}-",
            facts.prefix,
            facts.host,
            number([facts.toolchain]),
            number(policy.flat_map(|(name, content)| [&**name, content]))
        );
        Self {
            version: 1,
            key: start.clone() + &number([&*external(facts.lock)]),
            restore_keys: vec![start],
        }
    }
}

/// The entries of a lock file that come from a registry or git: the members' own versions change
/// with every release, and say nothing of what is built under them.
fn external(lock: &str) -> String {
    let entries = lock.split("[[package]]").skip(1);
    let external = entries.filter(|entry| entry.lines().any(|line| line.starts_with("source = ")));
    external
        .flat_map(|entry| entry.lines().map(str::trim_end))
        .collect()
}

/// A number for texts and where each ends; line endings do not count. It is FNV-1a, which gives the
/// same number on every machine and with every Rust.
fn number<'a>(texts: impl IntoIterator<Item = &'a str>) -> String {
    let mut number: u64 = 0xcbf2_9ce4_8422_2325;
    for text in texts {
        for byte in text.bytes().filter(|byte| *byte != b'\r').chain([0]) {
            number = (number ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
    format!("{:012x}", number >> 16)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOCK: &str = "version = 4\n\n[[package]]\nname = \"app\"\nversion = \"0.1.0\"\n\n\
                        [[package]]\nname = \"serde\"\nversion = \"1.0.0\"\nsource = \"registry\"\n";

    fn key(change: impl FnOnce(&mut Facts<'_>)) -> Key {
        key_of(LOCK, change)
    }

    fn key_of(lock: &str, change: impl FnOnce(&mut Facts<'_>)) -> Key {
        let policy = [("config".to_owned(), "[build]".to_owned())];
        let mut facts = Facts {
            prefix: "cargo",
            host: "linux-x86_64",
            targets: &[],
            toolchain: "rustc 1.95.0\nrelease: 1.95.0\n",
            policy: &policy,
            lock,
        };
        change(&mut facts);
        Key::new(&facts)
    }

    #[test]
    fn a_key_tells_apart_what_cannot_share_artifacts() {
        let known = key(|_| {});
        let expected = "cargo-linux-x86_64-1.95.0-d7daa9f7e3ca-f7e906fe485e-1469b8b91544";
        assert_eq!(known.key, expected, "the same on every machine");
        assert_eq!(
            known.restore_keys,
            [known.key.rsplit_once('-').unwrap().0.to_owned() + "-"]
        );
        let others = [
            key(|it| it.host = "macos-aarch64"),
            key(|it| it.toolchain = "rustc 1.95.0 (patched)\nrelease: 1.95.0\n"),
            key(|it| it.policy = &[]),
            key(|it| it.prefix = "clippy"),
        ];
        for other in others {
            assert_ne!(other.restore_keys, known.restore_keys);
        }
    }

    #[test]
    fn another_lock_file_makes_do_with_what_there_is() {
        let known = key(|_| {});
        let bumped = LOCK.replace("1.0.0", "1.0.1");
        let other = key_of(&bumped, |_| {});
        assert_ne!(other.key, known.key);
        assert_eq!(other.restore_keys, known.restore_keys);
        let released = LOCK.replace("0.1.0", "0.2.0").replace('\n', "\r\n");
        assert_eq!(key_of(&released, |_| {}), known);
    }
}

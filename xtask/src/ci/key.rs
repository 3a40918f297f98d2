//! The key of a cache of builds.

use std::collections::BTreeMap;

use serde::Serialize;
use xtask_impact::cargo_config::ConfigValue;
use xtask_impact::semantic_diff::config::is_inert;

/// The facts that a build depends on, apart from its sources.
pub(crate) struct KeyInputs<'a> {
    /// The first part of the key.
    pub prefix: &'a str,
    /// The operating system and processor of the building machine.
    pub host: &'a str,
    /// The triples that are built for. Empty for the host's triple.
    pub targets: &'a [String],
    /// The output of `rustc -vV`.
    pub toolchain: &'a str,
    /// The settings that decide how a build is done, each with its name: cargo's configuration, the
    /// profiles of the root manifest, the toolchain file, and the flags in the environment.
    pub policy: &'a [(String, String)],
    /// The text of `Cargo.lock`. Empty if there is no lock file.
    pub lock: &'a str,
}

/// A key, and the prefixes of keys to fall back on if no cache has the key.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct CacheKey {
    /// The version of this JSON format. The version changes if a reader has to change.
    pub version: u32,
    /// The key.
    pub key: String,
    /// Prefixes of keys, the nearest first. A cache with another lock file under the same toolchain
    /// and policy still has most of the artifacts. A cache of another toolchain is useless.
    pub restore_keys: Vec<String>,
}

impl CacheKey {
    /// Returns the key of a build.
    pub(crate) fn new(facts: &KeyInputs<'_>) -> Self {
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

/// Returns the keys of cargo's configuration that decide the result of a build, each with its
/// value. Keys such as `alias`, `net`, `term` and `build.jobs` are left out, and so are the paths
/// of directories.
pub(crate) fn configuration(written: &ConfigValue) -> BTreeMap<String, String> {
    let leaves = written.leaves().into_iter();
    let counts = |key: &[&str]| {
        let names_a_place = matches!(key, ["build", "target-dir" | "build-dir"]);
        !names_a_place && !is_inert(key)
    };
    let leaves = leaves.filter(|(key, _)| counts(key));
    leaves
        .map(|(key, value)| (key.join("."), value.to_string()))
        .collect()
}

/// Returns the text of a toolchain file without comments.
pub(crate) fn toolchain(text: &str) -> String {
    match text.parse::<toml::Table>() {
        Ok(table) => table.to_string(),
        Err(_) => text.trim().to_owned(),
    }
}

/// Returns the variables that affect how cargo and rustc build, sorted by name.
pub(crate) fn variables(
    environment: impl Iterator<Item = (String, String)>,
) -> BTreeMap<String, String> {
    const DECIDING: [&str; 3] = ["RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS", "CARGO_INCREMENTAL"];
    const STARTS: [&str; 3] = ["CARGO_PROFILE_", "CARGO_BUILD_", "CARGO_TARGET_"];
    const INERT: [&str; 7] = [
        "CARGO_BUILD_BUILD_DIR",
        "CARGO_BUILD_DEP_INFO_BASEDIR",
        "CARGO_BUILD_JOBS",
        "CARGO_BUILD_RUSTC_WRAPPER",
        "CARGO_BUILD_TARGET_DIR",
        "CARGO_BUILD_WARNINGS",
        "CARGO_TARGET_DIR",
    ];
    let decides = |name: &str| {
        DECIDING.contains(&name)
            || STARTS.iter().any(|start| name.starts_with(start)) && !INERT.contains(&name)
    };
    environment.filter(|(name, _)| decides(name)).collect()
}

/// Returns the entries of a lock file that come from a registry or git. The versions of the members
/// change with every release and do not change the dependencies.
fn external(lock: &str) -> String {
    let entries = lock.split("[[package]]").skip(1);
    let external = entries.filter(|entry| entry.lines().any(|line| line.starts_with("source = ")));
    external
        .flat_map(|entry| entry.lines().map(str::trim_end))
        .collect()
}

/// Returns a hash of the texts and their boundaries. Line endings do not count. The hash is FNV-1a,
/// which gives the same number on every machine and with every version of Rust.
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
    use xtask_impact::cargo_config::{CargoConfig, Surroundings};
    use xtask_impact::testing::scratch;

    use super::*;

    const LOCK: &str = "version = 4\n\n[[package]]\nname = \"app\"\nversion = \"0.1.0\"\n\n\
                        [[package]]\nname = \"serde\"\nversion = \"1.0.0\"\nsource = \"registry\"\n";

    fn key(change: impl FnOnce(&mut KeyInputs<'_>)) -> CacheKey {
        key_of(LOCK, change)
    }

    fn key_of(lock: &str, change: impl FnOnce(&mut KeyInputs<'_>)) -> CacheKey {
        let policy = [("config".to_owned(), "[build]".to_owned())];
        let mut facts = KeyInputs {
            prefix: "cargo",
            host: "linux-x86_64",
            targets: &[],
            toolchain: "rustc 1.95.0\nrelease: 1.95.0\n",
            policy: &policy,
            lock,
        };
        change(&mut facts);
        CacheKey::new(&facts)
    }

    #[test]
    fn builds_that_cannot_share_artifacts_have_different_keys() {
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

    /// Returns the configuration of a workspace whose `.cargo/config.toml` can include the file
    /// `more.toml`.
    fn configured(text: &str, included: &str) -> BTreeMap<String, String> {
        let (_directory, root) = scratch();
        std::fs::create_dir(root.join(".cargo")).unwrap();
        std::fs::write(root.join(".cargo/config.toml"), text).unwrap();
        std::fs::write(root.join(".cargo/more.toml"), included).unwrap();
        let config = CargoConfig::in_directory(&root, &Surroundings::default()).unwrap();
        configuration(config.written())
    }

    #[test]
    fn configuration_counts_if_it_changes_the_build() {
        let before = configured("[build]\nrustflags = [\"-g\"]\n", "");
        let rows = [
            ("# a comment", false),
            ("[alias]\nb = \"build\"", false),
            ("[net]\noffline = true", false),
            ("[term]\ncolor = \"never\"", false),
            ("[http]\ntimeout = 1", false),
            ("[registries.own]\ntoken = \"secret\"", false),
            (
                "[registries.own]\ncredential-provider = [\"a\", \"b\"]",
                false,
            ),
            ("[registry]\ntoken = \"secret\"", false),
            ("[credential-alias]\na = [\"x\"]", false),
            ("[cache]\nauto-clean-frequency = \"never\"", false),
            ("[registries.own]\nindex = \"https://example.com\"", true),
            ("[target.x86_64-unknown-linux-gnu]\nlinker = \"lld\"", true),
            ("[target.'cfg(unix)']\nrustflags = [\"-C\", \"x\"]", true),
            ("[profile.dev]\ndebug = 1", true),
            ("[env]\nNAME = \"value\"", true),
            ("[source.crates-io]\nreplace-with = \"own\"", true),
            ("[unheard-of]\nx = 1", true),
        ];
        for (more, counts) in rows {
            let text = format!("[build]\nrustflags = \"-g\"\njobs = 3\n{more}\n")
                .replace("\"-g\"", "[ \"-g\" ] # as before");
            assert_eq!(configured(&text, "") != before, counts, "{more}");
        }
        let keys = [
            "jobs = 2",
            "target-dir = \"out\"",
            "target = \"wasm32-wasip1\"",
            "rustc = \"x\"",
        ];
        let counts = keys.map(|key| {
            let text = format!("[build]\n{key}\nrustflags = [\"-g\"]\n");
            configured(&text, "") != before
        });
        assert_eq!(counts, [false, false, true, true]);
        let include = "include = [\"more.toml\"]\n[build]\nrustflags = [\"-g\"]\n";
        assert_eq!(configured(include, "[net]\nretry = 1"), before);
        assert_ne!(configured(include, "[build]\nrustflags = [\"-v\"]"), before);
    }

    #[test]
    fn variables_and_toolchain_files_count_if_they_change_the_build() {
        let rows = [
            ("RUSTFLAGS", true),
            ("CARGO_BUILD_RUSTFLAGS", true),
            ("CARGO_PROFILE_DEV_DEBUG", true),
            ("CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_LINKER", true),
            ("CARGO_BUILD_TARGET", true),
            ("CARGO_BUILD_JOBS", false),
            ("CARGO_BUILD_RUSTC_WRAPPER", false),
            ("CARGO_TARGET_DIR", false),
            ("CARGO_TERM_COLOR", false),
            ("CARGO_NET_OFFLINE", false),
            ("CARGO_REGISTRY_TOKEN", false),
        ];
        for (name, counts) in rows {
            let found = variables([(name.to_owned(), "x".to_owned())].into_iter());
            assert_eq!(!found.is_empty(), counts, "{name}");
        }
        let pinned = "[toolchain]\nchannel = \"1.95\"\n";
        assert_eq!(toolchain(&format!("# why\n{pinned}")), toolchain(pinned));
        assert_ne!(toolchain(&pinned.replace("95", "96")), toolchain(pinned));
        assert_eq!(toolchain("1.95\n"), "1.95");
    }

    #[test]
    fn another_lock_file_has_the_same_restore_keys() {
        let known = key(|_| {});
        let bumped = LOCK.replace("1.0.0", "1.0.1");
        let other = key_of(&bumped, |_| {});
        assert_ne!(other.key, known.key);
        assert_eq!(other.restore_keys, known.restore_keys);
        let released = LOCK.replace("0.1.0", "0.2.0").replace('\n', "\r\n");
        assert_eq!(key_of(&released, |_| {}), known);
    }
}

//! What a build wrote down about its units: the formats, as pure functions on bytes.
//!
//! Four records tell what a unit read. [`super::build_dir`] knows where each one lies.
//!
//! | record | written by | holds |
//! | --- | --- | --- |
//! | `dep-<unit>` | cargo, after rustc | the files and variables cargo compares ([`parse_cargo`]) |
//! | `*.d` | rustc, as it ends | all files and variables rustc read ([`parse_rustc`]) |
//! | `<unit>.json` | cargo, when a unit is done | what went into the fingerprint ([`Fingerprint`]) |
//! | `output`, `stdout` | a build script | its instructions ([`ScriptOutput`]) |
//!
//! Every parser answers `None` for what is cut short or unknown: a record is whole or it is none.

use cargo_metadata::camino::{Utf8Path, Utf8PathBuf};
use serde::{Deserialize, Deserializer, de::Error as _};

use super::rust_source::normalized;

/// What a unit read: names of variables with their value, `None` where it was not set.
pub type Variables = Vec<(String, Option<String>)>;

/// A file as cargo's dep-info names it, so that both trees can be moved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RecordedPath {
    /// Relative to the directory of the package's manifest.
    Package(Utf8PathBuf),
    /// Relative to the build directory (such as `OUT_DIR`'s files), or absolute.
    Build(Utf8PathBuf),
}

/// What a unit read, its files by their paths or as they are recorded.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DepInfo<P = Utf8PathBuf> {
    /// The files, in the order of the record.
    pub files: Vec<P>,
    /// The variables that were asked for.
    pub env: Variables,
}

/// Reads cargo's own dep-info (`dep-lib-x`), the one it compares mtimes and variables with.
///
/// The format since cargo 1.84 (`EncodedDepInfo` in cargo's `fingerprint/dep_info.rs`): the five
/// bytes `01 00 00 00 ff`, which cargos before took for a bad record, the version `01`, then
/// counted lists with `u32` lengths in little-endian order. Cargo knows one version and rebuilds
/// for any other, hence `None` for the older format, for newer ones and for what is cut short.
///
/// A registry or git package has no files of its own in here, since cargo takes them for
/// immutable; and variables that cargo or the build script set are left out, save `CARGO` and
/// those `CARGO_PKG_*` that are in no hash (authors, description, homepage, repository, license,
/// license file, readme, rust version).
pub fn parse_cargo(bytes: &[u8]) -> Option<DepInfo<RecordedPath>> {
    let mut rest = Bytes(bytes.strip_prefix(&[1, 0, 0, 0, 0xff, 1])?);
    let mut found = DepInfo {
        files: Vec::new(),
        env: Vec::new(),
    };
    for _ in 0..rest.length()? {
        let path_in: fn(Utf8PathBuf) -> RecordedPath = match rest.byte()? {
            0 => RecordedPath::Package,
            1 => RecordedPath::Build,
            _ => return None,
        };
        found.files.push(path_in(rest.text()?.into()));
        if rest.byte()? != 0 {
            // Size and checksum, under `-Zchecksum-freshness`.
            rest.take(8)?;
            rest.text()?;
        }
    }
    for _ in 0..rest.length()? {
        let name = rest.text()?;
        let value = match rest.byte()? {
            0 => None,
            1 => Some(rest.text()?),
            _ => return None,
        };
        found.env.push((name, value));
    }
    rest.0.is_empty().then_some(found)
}

/// What is still to be read of a binary record.
struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    fn byte(&mut self) -> Option<u8> {
        Some(self.take(1)?[0])
    }

    fn length(&mut self) -> Option<usize> {
        let bytes = self.take(4)?.try_into().ok()?;
        usize::try_from(u32::from_le_bytes(bytes)).ok()
    }

    fn text(&mut self) -> Option<String> {
        let length = self.length()?;
        String::from_utf8(self.take(length)?.to_vec()).ok()
    }
}

/// Reads rustc's dep-info (`*.d`), a makefile with variables in comments.
///
/// Relative paths start at rustc's working directory: the workspace root for packages below it;
/// packages elsewhere have absolute paths. The file is whole only if it ends with a line's end
/// and each file also has the empty rule that rustc writes further down; only a cut between two
/// of the variables at its end goes unseen.
pub fn parse_rustc(text: &str) -> Option<DepInfo> {
    let mut found = DepInfo::default();
    let mut empty_rules = 0;
    if !text.ends_with('\n') {
        return None;
    }
    for line in text.lines() {
        if let Some(variable) = line.strip_prefix("# env-dep:") {
            let (name, value) = match variable.split_once('=') {
                Some((name, value)) => (name, Some(unescape(value)?)),
                None => (variable, None),
            };
            found.env.push((unescape(name)?, value));
        } else if line.starts_with('#') {
            // Checksums, which nothing here compares.
        } else if line.ends_with(':') {
            empty_rules += 1;
        } else if let (true, Some((_, files))) = (found.files.is_empty(), line.split_once(": ")) {
            found.files = prerequisites(files);
        }
    }
    (!found.files.is_empty() && empty_rules >= found.files.len()).then_some(found)
}

/// The files of a makefile's first rule: of rustc's dep-info, or of cargo's beside an uplifted file.
pub fn first_rule(text: &str) -> Vec<Utf8PathBuf> {
    let rule = text.lines().find_map(|line| line.split_once(": "));
    rule.map_or_else(Vec::new, |(_, files)| prerequisites(files))
}

/// Whether a makefile's first rule has a file among its sources. Cargo lists there the sources of
/// all that a unit is built from, so there can be thousands.
pub fn first_rule_has(text: &str, file: &Utf8Path) -> bool {
    let line = text.lines().find(|line| line.contains(": "));
    let escaped = file.as_str().replace(' ', "\\ ");
    let line = line.unwrap_or_default().as_bytes();
    memchr::memmem::find_iter(line, escaped.as_bytes()).any(|at| {
        let (before, behind) = (&line[..at], &line[at + escaped.len()..]);
        before.ends_with(b" ") && !before.ends_with(b"\\ ") && matches!(behind, [] | [b' ', ..])
    })
}

/// The paths of a makefile's rule: separated by spaces, those within a path escaped.
fn prerequisites(rule: &str) -> Vec<Utf8PathBuf> {
    let mut paths = vec![String::new()];
    for word in rule.split(' ') {
        let path = paths.last_mut().expect("there is always a last path");
        match word.strip_suffix('\\') {
            Some(begun) => path.extend([begun, " "]),
            None => {
                path.push_str(word);
                paths.push(String::new());
            }
        }
    }
    paths.retain(|path| !path.is_empty());
    paths.into_iter().map(Utf8PathBuf::from).collect()
}

/// Takes back rustc's escapes of line ends and backslashes in variables.
fn unescape(text: &str) -> Option<String> {
    let mut plain = String::with_capacity(text.len());
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        plain.push(match letter {
            '\\' => match letters.next()? {
                '\\' => '\\',
                'n' => '\n',
                'r' => '\r',
                _ => return None,
            },
            other => other,
        });
    }
    Some(plain)
}

/// What went into a unit's fingerprint, as far as it is asked for, from the JSON that cargo keeps to
/// explain a rebuild.
///
/// The numbers are hashes of cargo's: of no meaning but equality.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Fingerprint {
    /// The compiler's `rustc -vV`, never zero. Records that differ in it are of two toolchains,
    /// and those of the one not in use are of no use: cargo rebuilds.
    pub rustc: u64,
    /// The features that were on, sorted.
    #[serde(deserialize_with = "debug_list")]
    pub features: Vec<String>,
    /// The units this one was built against.
    pub deps: Vec<Dependency>,
    /// What changes without the package changing: files and variables.
    pub local: Vec<Local>,
    /// `RUSTFLAGS`, or `RUSTDOCFLAGS` for documentation.
    pub rustflags: Vec<String>,
    /// A hash of the target as the manifest has it.
    #[serde(default)]
    pub target: u64,
    /// A hash of the profile, and of whether the unit is checked, built or documented.
    #[serde(default)]
    pub profile: u64,
    /// A hash of the source's path.
    #[serde(default)]
    pub path: u64,
    /// A hash of further settings.
    #[serde(default)]
    pub config: u64,
    /// A hash of the target triple, zero for the host.
    #[serde(default)]
    pub compile_kind: u64,
}

impl Fingerprint {
    /// Returns a hash of all that tells the records of one target apart, without the version of the
    /// package, and without its dependencies.
    pub fn likeness(&self) -> u64 {
        super::hashed((
            (self.rustc, &self.features, &self.rustflags),
            (self.target, self.profile, self.path),
            (self.config, self.compile_kind),
        ))
    }
}

/// A dependency in a fingerprint: hash of the package id, extern name, public, fingerprint.
///
/// The last is [`super::unit_record::UnitRecord::value`] of the very record that was depended on,
/// so records that belong to one build can be told from leftovers.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Dependency(pub u64, pub String, pub bool, pub u64);

/// One thing a unit's freshness rests on beside its identity (`LocalFingerprint` in cargo).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub enum Local {
    /// The newest file of the package (`<mtime>s (<file>)`) or a registry package's version, where
    /// a script names no input and for documentation; or the hash of an overridden script.
    Precalculated(String),
    /// The unit has a cargo dep-info, at this path below the build directory.
    CheckDepInfo {
        /// Below the build directory.
        dep_info: Utf8PathBuf,
    },
    /// The `rerun-if-changed` paths, those below the package relative to it.
    RerunIfChanged {
        /// The script's recorded output, below the build directory; its mtime is the run's start.
        output: Utf8PathBuf,
        /// The paths in the order printed.
        paths: Vec<Utf8PathBuf>,
    },
    /// A `rerun-if-env-changed` variable with its value at the run.
    RerunIfEnvChanged {
        /// The variable's name.
        var: String,
        /// `None` where it was not set.
        val: Option<String>,
    },
}

/// Cargo writes feature lists as Rust's debug text of a list of strings; a run's is empty.
fn debug_list<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    let text = String::deserialize(deserializer)?;
    if text.is_empty() {
        Ok(Vec::new())
    } else {
        serde_json::from_str(&text).map_err(D::Error::custom)
    }
}

/// The instructions in a build script's recorded output that decide what is run or built again.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ScriptOutput {
    /// `rerun-if-changed`, as printed: absolute, or relative to the package.
    pub rerun_if_changed: Vec<Utf8PathBuf>,
    /// `rerun-if-env-changed`.
    pub rerun_if_env_changed: Vec<String>,
    /// `rustc-env`: variables that the package's own units are compiled with.
    pub rustc_env: Vec<(String, String)>,
}

impl ScriptOutput {
    /// Reads what a script printed, with `cargo:` or `cargo::`, indented or not.
    ///
    /// `OUT_DIR` as it was `then`, if that is known, is rewritten into what it is `now`, as by cargo,
    /// so that a build directory can be moved. Lines that are not UTF-8 are passed over, as by cargo.
    pub fn parse(output: &[u8], then: &str, now: &str) -> Self {
        let mut found = Self::default();
        for line in output.split(|byte| *byte == b'\n') {
            let Ok(line) = str::from_utf8(line) else {
                continue;
            };
            let Some(instruction) = line.trim().strip_prefix("cargo:") else {
                continue;
            };
            let instruction = instruction.strip_prefix(':').unwrap_or(instruction);
            let Some((key, value)) = instruction.split_once('=') else {
                continue;
            };
            let value = match then {
                "" => value.to_owned(),
                then => value.replace(then, now),
            };
            match key {
                "rerun-if-changed" => found.rerun_if_changed.push(value.into()),
                "rerun-if-env-changed" => found.rerun_if_env_changed.push(value),
                "rustc-env" => {
                    let pair = value.split_once('=');
                    found
                        .rustc_env
                        .extend(pair.map(|(name, it)| (name.to_owned(), it.to_owned())));
                }
                _ => {}
            }
        }
        found
    }
}

/// Joins `path` to `root` and takes out `.` and `..`.
///
/// What a `..` leaves may be a symbolic link to elsewhere, so the directory is asked of the disk
/// where it still exists. The last component is kept: a link itself can be what changes.
pub fn absolute(root: &Utf8Path, path: &Utf8Path) -> Utf8PathBuf {
    use cargo_metadata::camino::Utf8Component::ParentDir;
    let joined: Utf8PathBuf = root.join(path).components().collect();
    if !joined.components().any(|component| component == ParentDir) {
        return joined;
    }
    if let (Some(parent), Some(name)) = (joined.parent(), joined.file_name())
        && let Ok(real) = parent.canonicalize_utf8()
    {
        return real.join(name);
    }
    normalized(&joined)
}

/// The same, but with the links on the way, which may come to lead elsewhere. A `..` stays where a
/// link is what it leaves.
pub fn recorded(root: &Utf8Path, path: &Utf8Path) -> Utf8PathBuf {
    let whole = root.join(path);
    let plain = normalized(&whole);
    if plain == whole {
        return plain;
    }
    let real = |path: &Utf8Path| path.parent().map(Utf8Path::canonicalize_utf8)?.ok();
    let there = real(&whole);
    match there.is_some() && real(&plain) != there {
        true => whole,
        false => plain,
    }
}

#[cfg(test)]
mod tests;

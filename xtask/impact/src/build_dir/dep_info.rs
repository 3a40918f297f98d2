//! The formats of the records that a build leaves about its units, as pure functions on bytes.
//!
//! Four records show what a unit read. [`crate::build_dir`] knows the place of each record.
//!
//! | record | written by | holds |
//! | --- | --- | --- |
//! | `dep-<unit>` | cargo, after rustc | the files and variables that cargo compares ([`parse_cargo`]) |
//! | `*.d` | rustc, at its end | all files and variables that rustc read ([`parse_rustc`]) |
//! | `<unit>.json` | cargo, after the unit is done | the values that the fingerprint was computed from ([`Fingerprint`]) |
//! | `output`, `stdout` | a build script | its instructions to cargo ([`ScriptOutput`]) |
//!
//! Every parser returns `None` for a record that is cut short or has an unknown format. No record
//! is used in part.

use camino::{Utf8Path, Utf8PathBuf};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

use crate::paths::normalized;

/// The names of the environment variables that a unit read, with their values; `None` if a variable
/// was not set.
pub type ReadVariables = Vec<(String, Option<String>)>;

/// A file as cargo's dep-info names it. The path is relative, so that the sources and the build
/// directory can be moved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RecordedPath {
    /// A path relative to the directory of the package's manifest.
    Package(Utf8PathBuf),
    /// An absolute path, or a path relative to the build directory (such as a file in `OUT_DIR`).
    Build(Utf8PathBuf),
}

/// The files and variables that a unit read. `P` is the type of a file's path: a resolved path, or
/// a [`RecordedPath`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DepInfo<P = Utf8PathBuf> {
    /// The files, in the order of the record.
    pub files: Vec<P>,
    /// The environment variables that the unit read.
    pub env: ReadVariables,
}

/// Parses cargo's own dep-info (`dep-lib-x`). Cargo compares the mtimes of its files and the values
/// of its variables.
///
/// The format since cargo 1.84 (`EncodedDepInfo` in cargo's `fingerprint/dep_info.rs`): the five
/// bytes `01 00 00 00 ff`, which older versions of cargo refuse as a bad record; the version `01`;
/// then counted lists with little-endian `u32` lengths. Cargo knows one version and rebuilds for
/// any other. So this function returns `None` for an older or newer format, and for a record that
/// is cut short.
///
/// The record of a registry or git package has none of the package's own files, because cargo
/// treats them as immutable. Variables that cargo or the build script set are left out, except
/// `CARGO` and the `CARGO_PKG_*` variables that are part of no hash (authors, description,
/// homepage, repository, license, license file, readme, rust version).
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
            // Size and checksum, which `-Zchecksum-freshness` writes.
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

/// The bytes of a binary record that are not read yet.
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

/// Parses rustc's dep-info (`*.d`), a makefile with environment variables in comments.
///
/// Relative paths start at rustc's working directory: the workspace root for packages below it.
/// Packages elsewhere have absolute paths. The file is complete only if it ends with a line break
/// and if each file also has the empty rule that rustc writes further down. A cut between two
/// variables at the end of the file is not detected.
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
            // Checksums are ignored: nothing here compares them.
        } else if line.ends_with(':') {
            empty_rules += 1;
        } else if let (true, Some((_, files))) = (found.files.is_empty(), line.split_once(": ")) {
            found.files = prerequisites(files);
        }
    }
    (!found.files.is_empty() && empty_rules >= found.files.len()).then_some(found)
}

/// Returns the files of a makefile's first rule. The makefile is rustc's dep-info, or the `.d` file
/// that cargo writes next to an uplifted file.
pub fn first_rule(text: &str) -> Vec<Utf8PathBuf> {
    let rule = text.lines().find_map(|line| line.split_once(": "));
    rule.map_or_else(Vec::new, |(_, files)| prerequisites(files))
}

/// Returns true if a file is among the sources of a makefile's first rule. Searches the text
/// without parsing it, because cargo lists the sources of the unit and of all its dependencies:
/// there can be thousands.
pub fn first_rule_has(text: &str, file: &Utf8Path) -> bool {
    let line = text.lines().find(|line| line.contains(": "));
    let escaped = file.as_str().replace(' ', "\\ ");
    let line = line.unwrap_or_default().as_bytes();
    memchr::memmem::find_iter(line, escaped.as_bytes()).any(|at| {
        let (before, behind) = (&line[..at], &line[at + escaped.len()..]);
        before.ends_with(b" ") && !before.ends_with(b"\\ ") && matches!(behind, [] | [b' ', ..])
    })
}

/// Parses the paths of a makefile's rule. Paths are separated by spaces; a space within a path is
/// escaped with a backslash.
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

/// Decodes rustc's escapes of line breaks and backslashes in variables. Returns `None` for an
/// unknown escape.
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

/// The values that a unit's fingerprint was computed from, reduced to the fields that the kit uses.
/// Read from the JSON that cargo keeps to explain a rebuild.
///
/// The numbers are hashes computed by cargo. They can only be compared for equality.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Fingerprint {
    /// The hash of the compiler's `rustc -vV`, never zero. Records with different values belong to
    /// different toolchains. Cargo rebuilds a unit whose record belongs to a toolchain that is not
    /// in use.
    pub rustc: u64,
    /// The features that were on, sorted.
    #[serde(deserialize_with = "debug_list")]
    pub features: Vec<String>,
    /// The features that the manifest declares, sorted.
    #[serde(default, deserialize_with = "debug_list")]
    pub declared_features: Vec<String>,
    /// The dependencies that the unit was built with.
    pub deps: Vec<RecordedDependency>,
    /// The inputs that can change although the package does not change: files and variables.
    pub local: Vec<Local>,
    /// The flags of `RUSTFLAGS`, or of `RUSTDOCFLAGS` for documentation.
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
    /// Returns a hash of all values in which the records of one target can differ, without the
    /// version of the package and without its dependencies.
    pub fn likeness(&self) -> u64 {
        crate::paths::hashed((
            (self.rustc, &self.features, &self.rustflags),
            (self.target, self.profile, self.path),
            (self.config, self.compile_kind),
        ))
    }
}

/// A dependency in a fingerprint: the hash of the package id, the extern name, whether the
/// dependency is public, and the fingerprint of the dependency.
///
/// The fingerprint is the [`super::unit_record::StoredFingerprint::value`] of exactly the record
/// that was depended on. So records of one build can be distinguished from leftovers of other
/// builds.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct RecordedDependency(pub u64, pub String, pub bool, pub u64);

/// An input that decides, in addition to the unit's identity, if the unit is Fresh
/// (`LocalFingerprint` in cargo).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub enum Local {
    /// A text that cargo compares. For documentation, and for a script that declares no input, it
    /// is the newest file of the package (`<mtime>s (<file>)`) or the version of a registry
    /// package. For an overridden script it is a hash.
    Precalculated(String),
    /// The unit has a dep-info of cargo.
    CheckDepInfo {
        /// The path of the dep-info, relative to the build directory.
        dep_info: Utf8PathBuf,
        /// True if cargo compares the contents of the files, not their times (`checksum: true` of
        /// `-Zchecksum-freshness`, `fingerprint: "content"` of newer cargo).
        #[serde(
            default,
            rename = "checksum",
            alias = "fingerprint",
            deserialize_with = "compares_content"
        )]
        by_content: bool,
    },
    /// The `rerun-if-changed` paths of a script.
    RerunIfChanged {
        /// The recorded output of the script, relative to the build directory. Its mtime is the
        /// start of the run.
        output: Utf8PathBuf,
        /// The paths in the order printed. Paths below the package are relative to the package.
        paths: Vec<Utf8PathBuf>,
    },
    /// A `rerun-if-env-changed` variable of a script.
    RerunIfEnvChanged {
        /// The variable's name.
        var: String,
        /// The value at the last run; `None` if the variable was not set.
        val: Option<String>,
    },
}

/// Parses the two forms in which cargo says that it compares contents.
fn compares_content<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Form {
        Flag(bool),
        Word(String),
    }
    Ok(match Form::deserialize(deserializer)? {
        Form::Flag(flag) => flag,
        Form::Word(word) => word != "mtime",
    })
}

/// Parses a feature list. Cargo writes it as the `Debug` text of a list of strings; the list of a
/// script run is an empty text.
fn debug_list<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    let text = String::deserialize(deserializer)?;
    if text.is_empty() {
        Ok(Vec::new())
    } else {
        serde_json::from_str(&text).map_err(D::Error::custom)
    }
}

/// The instructions in a build script's recorded output that decide what cargo reruns or rebuilds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ScriptOutput {
    /// The `rerun-if-changed` paths as printed: absolute, or relative to the package.
    pub rerun_if_changed: Vec<Utf8PathBuf>,
    /// The names of the `rerun-if-env-changed` variables.
    pub rerun_if_env_changed: Vec<String>,
    /// The `rustc-env` variables, with which cargo compiles the package's own units.
    pub rustc_env: Vec<(String, String)>,
    /// The values of the instructions that can name files for the linker: `rustc-link-arg*`,
    /// `rustc-link-search`, `rustc-link-lib` and `rustc-flags`.
    pub linker_flags: Vec<String>,
}

impl ScriptOutput {
    /// Parses the output of a script. Instructions begin with `cargo:` or `cargo::` and may be
    /// indented.
    ///
    /// `then` is the `OUT_DIR` of the run, or empty if it is not known; `now` is the present one.
    /// Like cargo, this function replaces `then` by `now` in the values, so that a build directory
    /// can be moved, and ignores lines that are not UTF-8.
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
                "rustc-link-search" | "rustc-link-lib" | "rustc-flags" => {
                    found.linker_flags.push(value);
                }
                _ if key.starts_with("rustc-link-arg") => found.linker_flags.push(value),
                _ => {}
            }
        }
        found
    }
}

/// Joins `path` to `root` and removes `.` and `..`.
///
/// The directory that a `..` leaves may be a symbolic link. So the parent of the last component is
/// canonicalized if it exists. The last component is kept, because a link itself can be what
/// changes.
pub fn absolute(root: &Utf8Path, path: &Utf8Path) -> Utf8PathBuf {
    use camino::Utf8Component::ParentDir;
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

/// Joins `path` to `root` like [`absolute`], but keeps the symbolic links in the path, because a
/// link may point elsewhere later. A `..` is kept if it leaves a symbolic link.
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

//! The causes that a unit has on its own, from cargo's reason and the records.

use camino::{Utf8Path, Utf8PathBuf};
use xtask_impact::build_dir::unit_inputs::Roots;

use super::cause::{CauseKind, RootCause};
use super::new_units::other_dependencies;
use super::sibling::{Siblings, differences};
use super::{Explainer, flags, inputs};
use crate::cargo_runs::rehearsal::{JudgedUnit, Reason};

/// The number of changed files of one unit that are named. A checkout of another commit can change
/// hundreds.
const FILES: usize = 8;

/// The causes of one unit.
pub(crate) enum OwnCauses {
    /// The unit is fresh, or would be fresh without the variables of the rehearsal.
    Fresh,
    /// The unit is built for these causes. No cause means that its dependencies are built.
    Built(Vec<RootCause>),
}

impl Explainer<'_> {
    /// Returns the own causes of a unit.
    pub(crate) fn own_causes(&self, place: usize, siblings: &Siblings<'_>) -> OwnCauses {
        let unit = &self.rehearsal.units[place];
        let Some(reason) = &unit.reason else {
            return OwnCauses::Fresh;
        };
        if let Reason::Variable(name, old, _) = reason
            && self.is_of_the_rehearsal(name)
            && *old == std::env::var(name).ok()
        {
            return OwnCauses::Fresh;
        }
        OwnCauses::Built(match reason {
            Reason::NoRecord => self.of_new(place, siblings),
            Reason::Dependency => self.own_files(unit),
            reason => self.of_reason(unit, reason),
        })
    }

    fn is_of_the_rehearsal(&self, name: &str) -> bool {
        let set = self.rehearsal.variables.iter();
        set.map(|it| it.0.as_str())
            .chain([
                "RUSTC_BOOTSTRAP",
                "CARGO_CACHE_RUSTC_INFO",
                "CARGO_UNSTABLE_LOCKFILE_PATH",
            ])
            .any(|it| it == name)
    }

    fn of_reason(&self, unit: &JudgedUnit, reason: &Reason) -> Vec<RootCause> {
        // Cargo names the first file that it finds.
        if let Reason::FileChanged { path, .. } | Reason::FileMissing(path) = reason
            && !path.starts_with(&self.build_directory)
        {
            let all = self.own_files(unit);
            if !all.is_empty() {
                return all;
            }
        }
        let package = &unit.key.package;
        let of_package = |kind| RootCause::about(kind, package);
        let listed = |words: &[String], between: &str| Some(words.join(between));
        let mut causes = vec![match reason {
            Reason::Toolchain => return self.by_records(unit, &of_package),
            Reason::Features(old, new) => {
                of_package(CauseKind::Features).with_values(listed(old, ", "), listed(new, ", "))
            }
            Reason::DeclaredFeatures(old, new) => of_package(CauseKind::DeclaredFeatures)
                .with_values(listed(old, ", "), listed(new, ", ")),
            Reason::Rustflags(old, new) => {
                RootCause::of(CauseKind::Rustflags).with_values(listed(old, " "), listed(new, " "))
            }
            Reason::TargetSettings
            | Reason::SourcePath
            | Reason::Profile
            | Reason::ConfigSettings
            | Reason::Platform => {
                return self.by_flags(unit, reason);
            }
            Reason::Precalculated(old, new) => self.precalculated(unit, old, new),
            Reason::WatchedPaths(old, new) => of_package(CauseKind::ScriptInstructions)
                .with_values(listed(old, ", "), listed(new, ", ")),
            Reason::Moved(old, new) => moved(old, new),
            Reason::Instructions => of_package(CauseKind::ScriptInstructions),
            Reason::Variable(name, old, new) => RootCause::about(CauseKind::Variable, name)
                .with_values(shown_value(name, old), shown_value(name, new)),
            Reason::DependencySet => {
                let (old, new) = self.dependency_names(unit);
                if old == new {
                    return self.own_files(unit);
                }
                of_package(CauseKind::Dependencies).with_values(Some(old), Some(new))
            }
            Reason::FileChanged { path, time, .. } => self.changed_file(path, *time),
            Reason::ContentChanged(path) => {
                RootCause::about(CauseKind::FileChanged, self.shown(path))
            }
            Reason::FileMissing(path) | Reason::FileUnreadable(path)
                if path.starts_with(&self.build_directory) =>
            {
                RootCause::about(CauseKind::ArtifactMissing, self.shown(path))
            }
            Reason::FileMissing(path) => RootCause::about(CauseKind::FileMissing, self.shown(path)),
            Reason::FileUnreadable(path) => {
                RootCause::about(CauseKind::FileUnreadable, self.shown(path))
            }
            Reason::NothingObvious => RootCause::of(CauseKind::Unfinished),
            Reason::Forced => RootCause::of(CauseKind::Forced),
            Reason::Other(words) => RootCause::about(CauseKind::Unknown, words),
            Reason::NoRecord | Reason::Dependency => return Vec::new(),
        }];
        // A unit whose last build did not finish keeps the JSON of the build before.
        let is_unfinished = self
            .rehearsal
            .before
            .get(&unit.key)
            .is_some_and(|it| it.value.is_none());
        if is_unfinished && matches!(reason, Reason::NothingObvious) {
            causes = vec![RootCause::of(CauseKind::Unfinished)];
        }
        causes
    }

    /// Returns the causes that the numbers of the old and the new record show.
    fn by_records(
        &self,
        unit: &JudgedUnit,
        of_package: &dyn Fn(CauseKind) -> RootCause,
    ) -> Vec<RootCause> {
        let old = self.rehearsal.before.get(&unit.key);
        let new = self.rehearsal.after.get(&unit.key);
        let found = match (old, new) {
            (Some(old), Some(new)) => differences(&old.values, &new.values, &unit.key),
            _ => Vec::new(),
        };
        match found.is_empty() {
            true => vec![of_package(CauseKind::Toolchain)],
            false => self.with_versions(found),
        }
    }

    /// Returns the cause of a setting that the record has as a number only. The compiler's flags of
    /// the kit's last run show the values.
    fn by_flags(&self, unit: &JudgedUnit, reason: &Reason) -> Vec<RootCause> {
        let kind = match reason {
            Reason::TargetSettings => CauseKind::TargetSettings,
            Reason::SourcePath => CauseKind::SourcePath,
            Reason::Platform => CauseKind::Platform,
            Reason::Profile => CauseKind::Profile,
            _ => CauseKind::ConfigSettings,
        };
        let old = self.history.flags(&unit.key);
        let new = flags::of(&unit.key, &self.rehearsal.flags);
        flags::refined(kind, &unit.key.package, old, new)
    }

    /// Returns the newest file of a package. Cargo writes `<seconds>.<nanoseconds>s (<file>)`.
    fn precalculated(&self, unit: &JudgedUnit, old: &str, new: &str) -> RootCause {
        let file = |text: &str| {
            let (_, path) = text.split_once("s (")?;
            Some(path.strip_suffix(')')?.to_owned())
        };
        let package = package_directory(&unit.package);
        let path = file(new).map(|it| match &package {
            Some(directory) => self.shown(&directory.join(it)),
            None => it,
        });
        let kind = match path {
            None => CauseKind::PackageId,
            Some(_) if unit.key.is_run() => CauseKind::PackageFiles,
            Some(_) => CauseKind::FileChanged,
        };
        let subject = path.unwrap_or_else(|| unit.key.package.clone());
        let values = (kind != CauseKind::FileChanged).then(|| (old.to_owned(), new.to_owned()));
        let (old, new) = values.unzip();
        RootCause::about(kind, subject).with_values(old, new)
    }

    fn changed_file(&self, path: &Utf8Path, time: (i64, i64)) -> RootCause {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        let is_future = now.is_ok_and(|now| i64::try_from(now.as_secs()).unwrap_or(0) < time.0);
        let kind = match is_future {
            true => CauseKind::FutureTime,
            false => CauseKind::FileChanged,
        };
        RootCause::about(kind, self.shown(path))
    }

    /// Returns the files of a unit that are newer than its record.
    fn own_files(&self, unit: &JudgedUnit) -> Vec<RootCause> {
        let (Some(record), Some(package)) = (
            self.rehearsal.before.get(&unit.key),
            package_directory(&unit.package),
        ) else {
            return Vec::new();
        };
        let roots = Roots {
            workspace: &self.workspace.root,
            package: &package,
        };
        let profile = self.profiles.iter().find(|profile| {
            profile.build_directory.join(&unit.key.place) == profile.path
                && profile
                    .fingerprint_dir(&unit.key.package, &unit.key.hash)
                    .is_dir()
        });
        let Some(profile) = profile else {
            return Vec::new();
        };
        let mut causes = inputs::changed(profile, &unit.key, record, roots);
        for cause in &mut causes {
            let path = cause
                .subject
                .as_deref()
                .map(|it| self.shown(Utf8Path::new(it)));
            cause.subject = path;
        }
        causes.sort();
        causes.truncate(FILES);
        causes
    }

    /// Returns the names of the dependencies that only the old or only the new record has.
    fn dependency_names(&self, unit: &JudgedUnit) -> (String, String) {
        let before = self.rehearsal.before.get(&unit.key);
        let after = self.rehearsal.after.get(&unit.key);
        let records = before.zip(after);
        records.map_or_else(Default::default, |(old, new)| {
            other_dependencies(&old.values, &new.values)
        })
    }

    /// Returns a path relative to the workspace root, if it lies there.
    pub(crate) fn shown(&self, path: &Utf8Path) -> String {
        let path = path.strip_prefix(&self.workspace.root).unwrap_or(path);
        path.to_string()
    }

    /// Returns the causes with the versions of compilers instead of their numbers.
    pub(crate) fn with_versions(&self, mut causes: Vec<RootCause>) -> Vec<RootCause> {
        for cause in causes
            .iter_mut()
            .filter(|it| it.kind == CauseKind::Toolchain)
        {
            for value in [&mut cause.old, &mut cause.new] {
                *value = value.take().and_then(|number| {
                    let number = u64::from_str_radix(&number, 16).ok()?;
                    self.compilers.get(&number).cloned()
                });
            }
        }
        causes
    }
}

/// Returns the cause of a record that was made in another profile directory. The paths are relative
/// to the build directory, as in `debug/.fingerprint/a-0123456789abcdef/dep-lib-a`.
fn moved(old: &str, new: &str) -> RootCause {
    let place = |path: &str| {
        let parts: Vec<_> = path.split(['/', '\\']).collect();
        let inner = parts
            .iter()
            .position(|it| [".fingerprint", "build"].contains(it));
        inner.map(|at| parts[..at].join("/"))
    };
    let (old, new) = match (place(old), place(new)) {
        (Some(old), Some(new)) if old != new => (old, new),
        _ => (old.to_owned(), new.to_owned()),
    };
    RootCause::of(CauseKind::Moved).with_values(Some(old), Some(new))
}

/// Returns the directory of a path package: `a v0.1.0 (/path/a)`.
pub(crate) fn package_directory(package: &str) -> Option<Utf8PathBuf> {
    let (_, path) = package.split_once(" (")?;
    let path = path.strip_suffix(')')?;
    let path = path.strip_suffix(") (proc-macro").unwrap_or(path);
    Utf8Path::new(path).is_absolute().then(|| path.into())
}

/// Returns a variable's value for people. The value of a variable whose name says that it is secret
/// is replaced by a hash.
pub(crate) fn shown_value(name: &str, value: &Option<String>) -> Option<String> {
    let upper = name.to_uppercase();
    let is_secret = [
        "TOKEN",
        "SECRET",
        "PASSWORD",
        "PASSWD",
        "CREDENTIAL",
        "PRIVATE",
        "API_KEY",
    ]
    .iter()
    .any(|word| upper.contains(word));
    value.as_ref().map(|value| match is_secret {
        true => format!(
            "(hidden, {:08x})",
            xtask_impact::paths::hashed(value) as u32
        ),
        false => value.clone(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moved_record_shows_both_directories() {
        for (old, new, expected) in [
            (
                "debug/.fingerprint/a-0123456789abcdef/dep-lib-a",
                "twin/.fingerprint/a-0123456789abcdef/dep-lib-a",
                ("debug", "twin"),
            ),
            (
                "wasm32/debug/build/a-0123456789abcdef/output",
                "debug/build/a-0123456789abcdef/output",
                ("wasm32/debug", "debug"),
            ),
            // Any other path is shown whole.
            (
                "debug/build/a/output",
                "debug/build/b/output",
                ("debug/build/a/output", "debug/build/b/output"),
            ),
            ("x", "debug/build/a/output", ("x", "debug/build/a/output")),
        ] {
            let cause = moved(old, new);
            let values = (cause.old.as_deref().unwrap(), cause.new.as_deref().unwrap());
            assert_eq!(values, expected);
        }
    }
}

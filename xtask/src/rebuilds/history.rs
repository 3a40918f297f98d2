//! The runs that the kit remembers: the fingerprint JSON and the flags of each unit, and the
//! environment of each run. In-place builds overwrite cargo's own records.

use std::collections::{BTreeMap, BTreeSet};
use std::time::SystemTime;

use camino::{Utf8Path, Utf8PathBuf};
use serde::{Deserialize, Serialize};
use xtask_impact::build_dir::dep_info::{Fingerprint, Local};
use xtask_impact::process::Runner;
use xtask_impact::state;
use xtask_impact::workspace::Workspace;

use super::explain::cause::{CauseKind, RootCause};
use super::explain::shown_value;
use super::records::Records;
use super::rehearsal::{CompilerFlags, Rehearsal};
use crate::cargo_runs::rehearsal::RecordKey;

/// The number of runs whose environment is recorded.
const RUNS: usize = 20;

/// The recorded runs of a workspace.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct History {
    /// The runs, the oldest first.
    runs: Vec<RebuildRun>,
    /// The units as the last run left them.
    units: BTreeMap<RecordKey, KeptUnit>,
    /// The fingerprint JSON of the units that the last run built, as it was before that run.
    overwritten: BTreeMap<RecordKey, String>,
    /// The versions of compilers, by their number in the records.
    compilers: BTreeMap<u64, String>,
    /// The last report, as JSON.
    report: Option<String>,
}

/// One run of `rebuilds`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct RebuildRun {
    pub(crate) time: SystemTime,
    pub(crate) command: String,
    /// The variables that can make cargo build a unit. A secret is a hash.
    pub(crate) variables: BTreeMap<String, String>,
}

#[derive(Debug, Serialize, Deserialize)]
struct KeptUnit {
    package: String,
    json: String,
    flags: Option<Vec<String>>,
}

impl History {
    /// Reads the history of a workspace. A missing or damaged history is empty; the second value is
    /// the path of a damaged one.
    pub(crate) fn read(workspace: &Workspace, target: &Utf8Path) -> (Self, Option<Utf8PathBuf>) {
        let file = file(workspace, target);
        match state::read(&file) {
            Some(history) => (history, None),
            None => (Self::default(), file.exists().then_some(file)),
        }
    }

    /// Writes the history.
    pub(crate) fn write(&self, workspace: &Workspace, target: &Utf8Path) {
        state::write(&file(workspace, target), self);
    }

    /// Returns the last report as JSON.
    pub(crate) fn report(&self) -> Option<&str> {
        self.report.as_deref()
    }

    /// Returns the flags of a unit at the kit's last run.
    pub(crate) fn flags(&self, key: &RecordKey) -> Option<&[String]> {
        self.units.get(key)?.flags.as_deref()
    }

    /// Returns true if the kit's last runs built a unit, or found the unit fresh.
    pub(crate) fn knows(&self, key: &RecordKey) -> bool {
        self.units.contains_key(key)
    }

    /// Finds out if a build in place returns a unit to former settings. `present` are the values on
    /// disk, `next` are the values of the build. In-place builds overwrite cargo's own records, so
    /// the kept ones decide.
    pub(crate) fn former(
        &self,
        key: &RecordKey,
        present: &Fingerprint,
        next: &Fingerprint,
    ) -> Option<FormerSettings> {
        let parsed = |json: &String| serde_json::from_str::<Fingerprint>(json).ok();
        let left = parsed(&self.units.get(key)?.json)?;
        if has_settings(present, next) {
            return None;
        }
        if has_settings(&left, next) {
            return Some(FormerSettings::OfLastRun);
        }
        let before = self.overwritten.get(key).and_then(parsed)?;
        let is_back = has_settings(&left, present) && has_settings(&before, next);
        is_back.then_some(FormerSettings::BeforeLastRun)
    }

    /// Returns the package of a unit, as cargo's log named it.
    pub(crate) fn package(&self, key: &RecordKey) -> Option<&str> {
        self.units.get(key).map(|unit| unit.package.as_str())
    }

    /// Returns the known versions of compilers.
    pub(crate) fn compilers(&self) -> &BTreeMap<u64, String> {
        &self.compilers
    }

    /// Adds a run. `after` are the records that the run left.
    pub(crate) fn add(
        &mut self,
        run: RebuildRun,
        rehearsal: &Rehearsal,
        after: &Records,
        compilers: BTreeMap<u64, String>,
    ) {
        self.runs.push(run);
        let old = self.runs.len().saturating_sub(RUNS);
        self.runs.drain(..old);
        self.compilers.extend(compilers);
        self.overwritten.clear();
        for unit in &rehearsal.units {
            let Some(record) = after.get(&unit.key).filter(|it| it.value.is_some()) else {
                continue;
            };
            let before = rehearsal.before.get(&unit.key);
            let is_built = before.is_none_or(|it| it.finished != record.finished);
            if let Some(before) = before.filter(|_| is_built) {
                self.overwritten
                    .insert(unit.key.clone(), before.json.clone());
            }
            let known = self.units.remove(&unit.key).filter(|_| !is_built);
            let known = known.and_then(|it| it.flags);
            let flags = known.or_else(|| flags_of(&unit.key, &rehearsal.flags));
            self.units.insert(
                unit.key.clone(),
                KeptUnit {
                    package: unit.package.clone(),
                    json: record.json.clone(),
                    flags,
                },
            );
        }
    }

    /// Saves the report of the last run.
    pub(crate) fn keep_report(&mut self, report: String) {
        self.report = Some(report);
    }

    /// Returns the variables that changed since the last run and that can be the reason of a cause,
    /// as `NAME: old → new`.
    pub(crate) fn changed_variables(
        &self,
        kind: CauseKind,
        now: &BTreeMap<String, String>,
    ) -> Vec<String> {
        let (Some(last), Some(is_behind)) = (self.runs.last(), behind(kind)) else {
            return Vec::new();
        };
        let names: BTreeSet<&String> = last.variables.keys().chain(now.keys()).collect();
        let changed = names.into_iter().filter_map(|name| {
            let (old, new) = (last.variables.get(name), now.get(name));
            let shown = |value: Option<&String>| value.map_or("unset", String::as_str).to_owned();
            (is_behind(name) && old != new)
                .then(|| format!("{name}: {} → {}", shown(old), shown(new)))
        });
        changed.collect()
    }

    /// Returns a sentence about two tools that alternate in one directory, if the environments of
    /// the kit's own runs show it, or the records that the last run left and overwrote: `former`.
    pub(crate) fn thrash(
        &self,
        cause: &RootCause,
        now: &BTreeMap<String, String>,
        former: Option<FormerSettings>,
    ) -> Option<String> {
        let last = self.runs.last()?;
        if cause.kind != CauseKind::Variable {
            let known = self.alternating_settings(cause.kind, now);
            let former = former.filter(|_| behind(cause.kind).is_some());
            return known.or_else(|| {
                Some(match former? {
                    FormerSettings::OfLastRun => format!(
                        "another program built in this directory since `{}`, with other settings: \
                         the two undo each other's builds",
                        last.command
                    ),
                    FormerSettings::BeforeLastRun => format!(
                        "the last run, `{}`, changed this setting, and this build changes it back: \
                         the two undo each other's builds",
                        last.command
                    ),
                })
            });
        }
        let name = cause.subject.as_ref()?;
        let (old, new) = (cause.old.as_ref(), cause.new.as_ref());
        let at_last = last.variables.get(name);
        if at_last == new && old != new {
            return Some(format!(
                "another program built in this directory since `{}`, with the old value: the two \
                 undo each other's builds",
                last.command
            ));
        }
        let earlier = self.runs.iter().rev().skip(1);
        let mut same = earlier.filter(|run| run.variables.get(name) == new);
        let run = same.next().filter(|_| at_last == old)?;
        let runs = runs_of(run, last);
        Some(format!(
            "{runs} alternate in this directory between two values: they undo each other's builds"
        ))
    }

    /// Returns a sentence if a variable that explains the cause had its present value in an earlier
    /// run, and another value in the last run.
    fn alternating_settings(
        &self,
        kind: CauseKind,
        now: &BTreeMap<String, String>,
    ) -> Option<String> {
        let is_behind = behind(kind)?;
        let last = self.runs.last()?;
        let names: BTreeSet<&String> = last.variables.keys().chain(now.keys()).collect();
        let changed =
            |name: &&&String| is_behind(name) && last.variables.get(**name) != now.get(**name);
        let name = names.iter().find(changed)?;
        let mut earlier = self.runs.iter().rev().skip(1);
        let run = earlier.find(|run| run.variables.get(*name) == now.get(*name))?;
        let runs = runs_of(run, last);
        Some(format!(
            "{runs} alternate in this directory between two values of {name}"
        ))
    }
}

/// The settings to which a build in place sets a unit back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FormerSettings {
    /// The settings that the kit's last run left. Another program has built in between.
    OfLastRun,
    /// The settings that the kit's last run overwrote.
    BeforeLastRun,
}

/// Returns true if two records have equal settings. Inputs, such as files, are no settings.
fn has_settings(one: &Fingerprint, other: &Fingerprint) -> bool {
    one.likeness() == other.likeness() && one.declared_features == other.declared_features
}

/// Returns the commands of two runs for a sentence.
fn runs_of(one: &RebuildRun, other: &RebuildRun) -> String {
    match one.command == other.command {
        true => format!("runs of `{}`", one.command),
        false => format!("`{}` and `{}`", one.command, other.command),
    }
}

fn flags_of(key: &RecordKey, flags: &CompilerFlags) -> Option<Vec<String>> {
    let target = key.unit()?.target.replace('-', "_");
    flags.get(&(key.hash.clone(), target)).cloned()
}

/// Returns the test for the variables that can explain a kind of cause.
fn behind(kind: CauseKind) -> Option<fn(&str) -> bool> {
    Some(match kind {
        CauseKind::Rustflags => |name| name.contains("RUSTFLAGS"),
        CauseKind::Linker | CauseKind::ConfigSettings => {
            |name| name.starts_with("CARGO_TARGET_") && name.ends_with("_LINKER")
        }
        CauseKind::Profile => |name| name.starts_with("CARGO_PROFILE_"),
        CauseKind::Incremental => {
            |name| name.starts_with("CARGO_PROFILE_") || name.contains("INCREMENTAL")
        }
        CauseKind::Toolchain => {
            |name| ["RUSTUP_TOOLCHAIN", "RUSTC", "CARGO_BUILD_RUSTC", "PATH"].contains(&name)
        }
        CauseKind::Platform => |name| name == "CARGO_BUILD_TARGET",
        CauseKind::PackageId | CauseKind::Wrapper => |name| name.contains("WRAPPER"),
        _ => return None,
    })
}

/// Returns the variables of the environment that can make cargo build a unit: cargo's own, the
/// compilers', and every variable that a build script watches or a source reads.
pub(crate) fn variables(runner: &Runner, records: &Records) -> BTreeMap<String, String> {
    let mut watched: BTreeSet<String> = BTreeSet::new();
    for (_, record) in records.iter() {
        watched.extend(record.variables.iter().cloned());
        for local in &record.values.local {
            if let Local::RerunIfEnvChanged { var, .. } = local {
                watched.insert(var.clone());
            }
        }
    }
    let is_wanted = |name: &str| {
        let starts = [
            "CARGO_",
            "RUST",
            "CC",
            "CXX",
            "CFLAGS",
            "CPPFLAGS",
            "LDFLAGS",
            "PKG_CONFIG",
        ];
        name == "PATH" || watched.contains(name) || starts.iter().any(|it| name.starts_with(it))
    };
    let texts = runner
        .environment()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    let wanted = texts.filter(|(name, _)| is_wanted(name));
    let shown = wanted.filter_map(|(name, value)| {
        let value = shown_value(&name, &Some(value))?;
        Some((name, value))
    });
    shown.collect()
}

fn file(workspace: &Workspace, target: &Utf8Path) -> Utf8PathBuf {
    state::of_workspace(&state::in_target(target), "rebuilds", &workspace.root)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(command: &str, variables: &[(&str, &str)]) -> RebuildRun {
        RebuildRun {
            time: SystemTime::UNIX_EPOCH,
            command: command.to_owned(),
            variables: map(variables),
        }
    }

    fn map(variables: &[(&str, &str)]) -> BTreeMap<String, String> {
        let owned = variables
            .iter()
            .map(|it| (it.0.to_owned(), it.1.to_owned()));
        owned.collect()
    }

    fn history(runs: Vec<RebuildRun>) -> History {
        History {
            runs,
            ..History::default()
        }
    }

    fn variable(old: &str, new: &str) -> RootCause {
        RootCause::about(CauseKind::Variable, "PATH")
            .with_values(Some(old.to_owned()), Some(new.to_owned()))
    }

    #[test]
    fn thrash_is_told_from_a_change() {
        let shell = || run("check", &[("PATH", "shell")]);
        let editor = || run("clippy", &[("PATH", "editor")]);
        let told = |runs: Vec<RebuildRun>, old: &str, new: &str| {
            let said = history(runs).thrash(&variable(old, new), &map(&[("PATH", new)]), None);
            said.unwrap_or_default() + "\n"
        };
        let all = [
            told(vec![], "editor", "shell"),
            told(vec![shell()], "editor", "shell"),
            told(vec![shell()], "shell", "new"),
            told(vec![shell(), editor()], "editor", "shell"),
            told(vec![shell(), editor()], "editor", "new"),
        ];
        expect_test::expect![[r#"

            another program built in this directory since `check`, with the old value: the two undo each other's builds

            `check` and `clippy` alternate in this directory between two values: they undo each other's builds

        "#]]
        .assert_eq(&all.concat());
    }

    #[test]
    fn variables_behind_a_setting_are_compared_with_the_last_run() {
        let linker = "CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_LINKER";
        let history = history(vec![
            run("check", &[(linker, "clang"), ("RUSTFLAGS", "-g")]),
            run("build", &[(linker, "gcc"), ("RUSTFLAGS", "-g")]),
        ]);
        let now = map(&[(linker, "clang")]);
        let changed = |kind| history.changed_variables(kind, &now).join("; ");
        assert_eq!(changed(CauseKind::Linker), format!("{linker}: gcc → clang"));
        assert_eq!(changed(CauseKind::Rustflags), "RUSTFLAGS: -g → unset");
        assert_eq!(changed(CauseKind::FileChanged), "");
        let said = history.thrash(&RootCause::of(CauseKind::Linker), &now, None);
        assert_eq!(
            said.unwrap(),
            format!(
                "`check` and `build` alternate in this directory between two values of {linker}"
            )
        );
        assert_eq!(
            history.thrash(&RootCause::of(CauseKind::Rustflags), &now, None),
            None
        );
    }

    #[test]
    fn a_build_that_sets_settings_back_is_known_by_the_kept_records() {
        let json = |config: u64| {
            format!(
                r#"{{"rustc":1,"features":"[]","declared_features":"[]","deps":[],"local":[],"rustflags":[],"config":{config}}}"#
            )
        };
        let values = |config: u64| serde_json::from_str::<Fingerprint>(&json(config)).unwrap();
        let key = RecordKey {
            place: "debug".to_owned(),
            package: "a".to_owned(),
            hash: "0123456789abcdef".to_owned(),
            name: "lib-a".to_owned(),
        };
        // The settings before the last run, after it, on disk now, and of the next build.
        let told = |before: Option<u64>, left: u64, present: u64, next: u64| {
            let mut history = history(vec![run("check", &[]), run("clippy", &[])]);
            let unit = KeptUnit {
                package: "a v0.1.0 (/w/a)".to_owned(),
                json: json(left),
                flags: None,
            };
            history.units.insert(key.clone(), unit);
            let overwritten = before.map(|it| (key.clone(), json(it)));
            history.overwritten.extend(overwritten);
            let former = history.former(&key, &values(present), &values(next));
            let cause = RootCause::of(CauseKind::Linker);
            let said = history.thrash(&cause, &map(&[]), former);
            said.unwrap_or_default() + "\n"
        };
        let all = [
            told(Some(1), 2, 2, 1),
            told(None, 1, 2, 1),
            told(Some(1), 2, 2, 3),
            told(None, 2, 2, 2),
        ];
        expect_test::expect![[r#"
            the last run, `clippy`, changed this setting, and this build changes it back: the two undo each other's builds
            another program built in this directory since `clippy`, with other settings: the two undo each other's builds


        "#]]
        .assert_eq(&all.concat());
    }

    #[test]
    fn the_value_of_a_secret_is_not_kept() {
        let shown = |name: &str| shown_value(name, &Some("abc".to_owned())).unwrap();
        assert_eq!(shown("PATH"), "abc");
        for name in ["CARGO_REGISTRY_TOKEN", "my_secret", "DB_PASSWORD"] {
            assert!(shown(name).starts_with("(hidden, "), "{name}");
        }
    }
}

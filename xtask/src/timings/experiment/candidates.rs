//! Proposes settings that are worth an experiment, from the record of a build.

use serde::Serialize;
use xtask_impact::cargo_config::{CargoConfig, ConfigValue, Surroundings, ValueKind};
use xtask_impact::process::Runner;
use xtask_impact::workspace::Workspace;

use crate::artifacts::disk_usage::size;
use crate::cargo_runs::build_times::BuildRecord;
use crate::cargo_runs::build_times::schedule::Schedule;
use crate::cargo_runs::build_times::select::Series;
use crate::checks::policy::profiles::{Of, profiles};
use crate::checks::policy::subject::profiles_of;
use crate::timings::analysis::{self, Analysis};
use crate::timings::text::seconds;
use crate::timings::what_if::{self, SpeedUp, Suggestion};

/// A proposal.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct TrialCandidate {
    /// The settings to try, as cargo takes them by `--config`. Empty for a package to split.
    pub settings: Vec<String>,
    /// A package that is worth splitting.
    pub package: Option<String>,
    /// The reason, with the figures of the record.
    pub because: String,
}

impl TrialCandidate {
    /// Returns the proposal as a command or as an instruction.
    pub(crate) fn what(&self) -> String {
        match &self.package {
            Some(package) => format!("split the package {package}"),
            None => {
                let settings = self.settings.iter();
                let settings = settings.map(|it| xtask_impact::quote::shell(it).into_owned());
                let settings = settings.collect::<Vec<_>>().join(" ");
                format!("timings try {settings}")
            }
        }
    }
}

/// The facts about a profile and a machine that the proposals depend on.
#[derive(Clone, Debug, Default)]
pub(super) struct TrialSettings {
    pub(super) profile: String,
    pub(super) incremental: bool,
    pub(super) debug: String,
    pub(super) split_debuginfo: Option<String>,
    pub(super) codegen_units: Option<i64>,
    /// The `opt-level` of build scripts and macros.
    pub(super) build_opt_level: String,
    /// True if the configuration chooses a linker.
    pub(super) has_linker: bool,
    /// A fast linker that is installed.
    pub(super) fast_linker: Option<&'static str>,
}

/// Linkers that are often faster than the default, by program and by the name for `-fuse-ld`.
const LINKERS: [(&str, &str); 3] = [("mold", "mold"), ("wild", "wild"), ("ld.lld", "lld")];

impl TrialSettings {
    /// Reads the settings of a profile.
    ///
    /// # Errors
    /// Returns an error if the manifest or the configuration cannot be read.
    pub(super) fn of(
        runner: &Runner,
        workspace: &Workspace,
        profile: &str,
        host: &str,
    ) -> anyhow::Result<Self> {
        let manifest = profiles_of(&workspace.root.join("Cargo.toml"))?;
        let around = Surroundings::of(runner, &[]);
        let config = CargoConfig::in_directory(&workspace.root, &around)?;
        let all = profiles(manifest.as_ref(), &config, Some(profile))?;
        let Some(found) = all.iter().find(|it| it.name == profile) else {
            return Ok(Self::default());
        };
        let values = found.values(Of::default());
        let for_build = Of {
            is_for_build: true,
            ..Of::default()
        };
        let for_build = found.values(for_build);
        let word = |value: Option<&ConfigValue>| Some(value?.as_str()?.to_owned());
        let number = |value: Option<&ConfigValue>| match value?.kind {
            ValueKind::Integer(number) => Some(number),
            _ => None,
        };
        let incremental = values.get("incremental").map(|it| &it.kind);
        let fast_linker = LINKERS.into_iter().find(|it| runner.find(it.0).is_some());
        Ok(Self {
            profile: profile.to_owned(),
            incremental: matches!(incremental, Some(ValueKind::Boolean(true))),
            debug: word(values.get("debug")).unwrap_or_default(),
            split_debuginfo: word(values.get("split-debuginfo")),
            codegen_units: number(values.get("codegen-units")),
            build_opt_level: word(for_build.get("opt-level")).unwrap_or_default(),
            has_linker: has_linker(&config, host),
            fast_linker: fast_linker.map(|it| it.1),
        })
    }
}

/// Returns true if a variable or the configuration names a linker for a host.
fn has_linker(config: &CargoConfig, host: &str) -> bool {
    let chooses = |text: &str| text.contains("fuse-ld") || text.contains("linker");
    let flags = ["RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS"];
    let is_named = matches!(config.get(&["target", host, "linker"]), Ok(Some(_)));
    let written = [&["target", host, "rustflags"][..], &["build", "rustflags"]];
    let mut written = written.into_iter().filter_map(|key| config.get(key).ok()?);
    is_named
        || flags
            .iter()
            .any(|it| config.variable(it).is_some_and(chooses))
        || written.any(|it| chooses(&format!("{:?}", it.kind)))
}

/// Returns the best series to propose settings from: of the last 20 series, without failed builds,
/// the series that ran the most units. Of several such series, returns the newest.
pub(super) fn largest_recent(history: &[Series]) -> Option<&Series> {
    const LAST: usize = 20;
    let last = history.iter().rev().take(LAST).rev();
    last.filter(|series| !series[0].failed)
        .max_by_key(|series| series[0].ran)
}

/// Returns the proposals for a build.
///
/// # Errors
/// Returns a message if the record contradicts itself.
pub(super) fn propose(
    record: &BuildRecord,
    settings: &TrialSettings,
) -> Result<Vec<TrialCandidate>, String> {
    let figures = CandidateFigures {
        analysis: analysis::analyse(record)?,
        record,
        settings,
    };
    let mut found = Vec::new();
    found.extend(figures.codegen_units());
    found.extend(figures.incremental());
    found.extend(figures.debug());
    found.extend(figures.split_debuginfo());
    found.extend(figures.linker());
    found.extend(figures.build_opt_level());
    let schedule = Schedule::new(&record.build)?;
    let change = SpeedUp::default();
    let what_if = what_if::predict(&record.build, &schedule, record.width(), &change);
    found.extend(figures.packages(&what_if.suggestions, what_if.measured));
    Ok(found)
}

/// The figures of a build.
struct CandidateFigures<'a> {
    record: &'a BuildRecord,
    analysis: Analysis,
    settings: &'a TrialSettings,
}

impl CandidateFigures<'_> {
    /// Returns the share of kinds of work, in percent of the time of all units.
    fn share(&self, kinds: &[&str]) -> f64 {
        let all = self.analysis.time_sum.max(0.01);
        let shares = self.analysis.by_kind.iter();
        let of_kinds = shares.filter(|it| kinds.contains(&&*it.name));
        100.0 * of_kinds.map(|it| it.time).sum::<f64>() / all
    }

    fn setting(&self, field: &str, value: &str, because: String) -> TrialCandidate {
        TrialCandidate {
            settings: vec![format!("profile.{}.{field}={value}", self.settings.profile)],
            package: None,
            because,
        }
    }

    /// Returns the size of the directory in words.
    fn directory(&self) -> String {
        match self.record.run.directory_bytes {
            Some(bytes) => format!("; the directory takes {}", size(bytes)),
            None => String::new(),
        }
    }

    fn codegen_units(&self) -> Option<TrialCandidate> {
        let codegen = self.share(&["libraries, codegen", "binaries", "tests and benches"]);
        let efficiency = 100.0 * self.analysis.efficiency?;
        let default = if self.settings.incremental { 256 } else { 16 };
        let units = self.settings.codegen_units.unwrap_or(default);
        if codegen < 10.0 {
            return None;
        }
        if efficiency >= 85.0 && units > 1 {
            let fewer = if units > 16 { "16" } else { "1" };
            return Some(self.setting("codegen-units", fewer, format!(
                "the units use {efficiency:.0}% of the jobs, so more threads do not help, but less \
                 work does; code generation takes {codegen:.0}% of the work with {units} codegen units"
            )));
        }
        (efficiency < 50.0 && units < 16).then(|| {
            self.setting("codegen-units", "16", format!(
                "the units use {efficiency:.0}% of the jobs, and code generation, {codegen:.0}% of \
                 the work, has only {units} codegen units"
            ))
        })
    }

    fn incremental(&self) -> Option<TrialCandidate> {
        let is_from_nothing = self.record.run.clean == "all";
        match self.settings.incremental {
            true if is_from_nothing => Some(self.setting(
                "incremental",
                "false",
                format!(
                    "this build starts from nothing, and writes state that only later builds use{}",
                    self.directory()
                ),
            )),
            false if !is_from_nothing && self.settings.profile == "dev" => Some(self.setting(
                "incremental",
                "true",
                "builds after an edit compile whole crates".to_owned(),
            )),
            _ => None,
        }
    }

    fn debug(&self) -> Option<TrialCandidate> {
        let kinds = [
            "libraries, codegen",
            "binaries",
            "tests and benches",
            "linking",
        ];
        let share = self.share(&kinds);
        (self.settings.debug == "full" && share >= 10.0).then(|| {
            self.setting(
                "debug",
                "\"line-tables-only\"",
                format!(
                    "code generation and linking, {share:.0}% of the work, write full debug \
                 information{}",
                    self.directory()
                ),
            )
        })
    }

    /// Returns the share of the units that link, in percent.
    fn linked(&self) -> f64 {
        self.share(&["binaries", "tests and benches", "linking"])
    }

    fn split_debuginfo(&self) -> Option<TrialCandidate> {
        let linked = self.linked();
        let is_possible = self.record.run.host.contains("linux")
            && !matches!(&*self.settings.debug, "none" | "")
            && self.settings.split_debuginfo.is_none();
        (is_possible && linked >= 5.0).then(|| {
            self.setting(
                "split-debuginfo",
                "\"unpacked\"",
                format!(
                    "binaries and tests take {linked:.0}% of the work, and the linker copies their \
                 debug information"
                ),
            )
        })
    }

    fn linker(&self) -> Option<TrialCandidate> {
        let linked = self.linked();
        let linker = self.settings.fast_linker?;
        let host = &self.record.run.host;
        let is_possible = !self.settings.has_linker && host.contains("linux");
        (is_possible && linked >= 5.0).then(|| TrialCandidate {
            settings: vec![format!(
                "target.{host}.rustflags=[\"-Clink-arg=-fuse-ld={linker}\"]"
            )],
            package: None,
            because: format!(
                "binaries and tests take {linked:.0}% of the work, and the linker {linker} is \
                 installed"
            ),
        })
    }

    fn build_opt_level(&self) -> Option<TrialCandidate> {
        let runs = self.share(&["build scripts' runs"]);
        let compiled = self.share(&[
            "build scripts' compilation",
            "procedural macros",
            "libraries of scripts and macros",
        ]);
        let level = &*self.settings.build_opt_level;
        match level == "0" {
            true if runs >= 5.0 => Some(self.setting(
                "build-override.opt-level",
                "1",
                format!("build scripts run for {runs:.0}% of the work, and are not optimized"),
            )),
            false if compiled >= 25.0 && !level.is_empty() => Some(self.setting(
                "build-override.opt-level",
                "0",
                format!(
                    "compiling build scripts, macros and their libraries takes {compiled:.0}% of \
                     the work, with opt-level {level}"
                ),
            )),
            _ => None,
        }
    }

    /// Returns the packages of the workspace that delay the build most.
    fn packages(&self, suggestions: &[Suggestion], measured: f64) -> Vec<TrialCandidate> {
        let worth = suggestions.iter();
        let worth = worth.filter(|it| it.member && it.saved >= 0.05 * measured);
        let split = worth.map(|it| TrialCandidate {
            settings: Vec::new(),
            package: Some(it.package.clone()),
            because: format!(
                "its {} delay the build: two halves side by side would save about {} of {}",
                seconds(it.time),
                seconds(it.saved),
                seconds(measured)
            ),
        });
        split.take(2).collect()
    }
}

#[cfg(test)]
mod tests;

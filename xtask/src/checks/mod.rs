//! What a check of the repository finds, and how much it weighs here: the same for `policy check`
//! and for `doctor`.

pub(crate) mod output;
pub mod policy;
pub mod report;

use std::collections::BTreeMap;

use anyhow::Result;
use cargo_metadata::camino::Utf8PathBuf;
use glob::{MatchOptions, Pattern};
use serde::{Deserialize, Serialize};

use xtask_impact::usage;

/// How much a finding weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    /// It is left out.
    Allow,
    /// Worth knowing.
    Note,
    /// It costs something.
    Warning,
    /// Builds are wrong, or the policy is broken: the command ends with 1.
    Error,
}

/// One kind of finding.
#[derive(Debug, PartialEq, Eq)]
pub struct Check {
    /// Its name, in words joined by hyphens, as configuration and `--explain` call it.
    pub code: &'static str,
    /// How much it weighs unless the workspace says otherwise.
    pub level: Level,
    /// What it costs, in one sentence.
    pub cost: &'static str,
    /// What is read to find it, when it is no fault, and how to mend it, in paragraphs.
    pub explanation: &'static str,
}

/// Where something was found.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Place {
    /// A file or directory, below the repository's top level by its path from there, with the line,
    /// counted from 1, where one is meant.
    Path {
        /// The path.
        path: Utf8PathBuf,
        /// The line.
        line: Option<usize>,
    },
    /// A variable of the environment.
    Variable(String),
    /// The machine, or the repository as a whole.
    Whole,
}

/// Something that was found.
#[derive(Clone, Debug)]
pub struct Finding {
    /// What kind of thing.
    pub check: &'static Check,
    /// How much it weighs here.
    pub level: Level,
    /// Where.
    pub place: Place,
    /// What is the matter, in one sentence that names what it is about.
    pub message: String,
    /// What was read to know it, a line each.
    pub evidence: Vec<String>,
    /// What it costs in this workspace, in figures; none where nothing was counted.
    pub impact: Option<String>,
    /// What to do, in one sentence.
    pub mend: String,
}

impl Check {
    /// Something of this kind, at its own level.
    pub fn found(
        &'static self,
        place: Place,
        message: impl Into<String>,
        mend: impl Into<String>,
    ) -> Finding {
        Finding {
            check: self,
            level: self.level,
            place,
            message: message.into(),
            evidence: Vec::new(),
            impact: None,
            mend: mend.into(),
        }
    }
}

impl Finding {
    /// With what was read to know it.
    #[must_use]
    pub fn evidence(mut self, evidence: impl IntoIterator<Item = String>) -> Self {
        self.evidence.extend(evidence);
        self
    }

    /// With what it costs in this workspace.
    #[must_use]
    pub fn impact(mut self, impact: impl Into<String>) -> Self {
        self.impact = Some(impact.into());
        self
    }
}

/// The table `[workspace.metadata.xtask.policy]`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Policy {
    levels: BTreeMap<String, Level>,
    exceptions: Vec<Exception>,
    /// Values that the configuration must have: tables as in cargo's, or keys joined by dots.
    pub require: serde_json::Map<String, serde_json::Value>,
    /// Whether several checkouts share a target directory on purpose, so that artifacts there may
    /// be removed though another checkout built them.
    pub allow_shared: bool,
}

/// Where a check does not count.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Exception {
    code: String,
    /// A glob of paths below the repository's top level, or a variable's name; everywhere if none.
    #[serde(rename = "in")]
    place: Option<String>,
    /// Why; it is for who reads the manifest, and must not be empty.
    because: String,
}

impl Policy {
    /// Weighs what was found: leaves out what is excepted or allowed, and sorts the heaviest first.
    ///
    /// # Errors
    /// Where a level or an exception names a check that is not among the known ones, says no reason,
    /// or is no glob.
    pub fn weigh(&self, known: &[&Check], mut found: Vec<Finding>) -> Result<Vec<Finding>> {
        let codes = self.exceptions.iter().map(|it| &it.code);
        for code in self.levels.keys().chain(codes) {
            if !known.iter().any(|check| check.code == code) {
                return Err(unknown(code, known));
            }
        }
        let mut patterns = Vec::new();
        for Exception {
            code,
            place,
            because,
        } in &self.exceptions
        {
            if because.trim().is_empty() {
                return Err(usage!(
                    "[workspace.metadata.xtask.policy]: the exception for `{code}` needs its \
                     `because`"
                ));
            }
            let pattern = place.as_deref().map(Pattern::new).transpose();
            let pattern = pattern.map_err(|error| {
                usage!("[workspace.metadata.xtask.policy]: the exception for `{code}`: {error}")
            })?;
            patterns.push((code, pattern));
        }
        found.retain_mut(|finding| {
            let here = finding.check.code;
            if let Some(level) = self.levels.get(here) {
                finding.level = *level;
            }
            let is_excepted = patterns.iter().any(|(code, pattern)| {
                *code == here && pattern.as_ref().is_none_or(|it| finding.place.matches(it))
            });
            finding.level != Level::Allow && !is_excepted
        });
        found.sort_by(|a, b| {
            (b.level, a.check.code, &a.place, &a.message).cmp(&(
                a.level,
                b.check.code,
                &b.place,
                &b.message,
            ))
        });
        Ok(found)
    }

    /// Whether a check counts anywhere.
    pub fn heeds(&self, code: &str) -> bool {
        self.levels.get(code) != Some(&Level::Allow)
            && !self
                .exceptions
                .iter()
                .any(|it| it.code == code && it.place.is_none())
    }
}

impl Place {
    fn matches(&self, pattern: &Pattern) -> bool {
        let options = MatchOptions {
            require_literal_separator: true,
            ..MatchOptions::default()
        };
        match self {
            Self::Path { path, .. } => pattern.matches_with(path.as_str(), options),
            Self::Variable(name) => pattern.matches(name),
            Self::Whole => false,
        }
    }
}

/// Whether an error is among findings, which fails whatever looked for them.
pub fn fails(found: &[Finding]) -> bool {
    found.iter().any(|it| it.level == Level::Error)
}

/// The check of a code.
///
/// # Errors
/// Where there is none, with the one that may have been meant.
pub fn check_named<'a>(code: &str, known: &[&'a Check]) -> Result<&'a Check> {
    let found = known.iter().find(|check| check.code == code);
    found.copied().ok_or_else(|| unknown(code, known))
}

fn unknown(code: &str, known: &[&Check]) -> anyhow::Error {
    let nearest = known
        .iter()
        .map(|check| (strsim::jaro_winkler(code, check.code), check.code))
        .max_by(|one, other| one.0.total_cmp(&other.0))
        .filter(|(likeness, _)| *likeness > 0.7);
    match nearest {
        Some((_, nearest)) => usage!("no check is called `{code}`: did you mean `{nearest}`?"),
        None => usage!("no check is called `{code}`: `cargo xtask doctor --list` names them all"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    static LATE: Check = Check {
        code: "late",
        level: Level::Warning,
        cost: "Time is lost.",
        explanation: "A clock is read.",
    };

    static LOST: Check = Check {
        code: "lost",
        level: Level::Error,
        ..LATE
    };

    fn weighed(weights: &str) -> Result<String> {
        let policy: Policy = toml::from_str(weights).unwrap();
        let place = |path: &str| Place::Path {
            path: path.into(),
            line: None,
        };
        let found = vec![
            LATE.found(place("crates/a/build.rs"), "a is late", "Hurry."),
            LATE.found(
                Place::Variable("CLOCK".to_owned()),
                "CLOCK is late",
                "Hurry.",
            ),
            LOST.found(Place::Whole, "the way is lost", "Ask."),
        ];
        let weighed = policy.weigh(&[&LATE, &LOST], found)?;
        let lines = weighed
            .iter()
            .map(|it| format!("{:?} {}\n", it.level, it.message));
        Ok(lines.collect())
    }

    #[test]
    fn levels_and_exceptions() {
        for (weights, expected) in [
            (
                "",
                "Error the way is lost\nWarning CLOCK is late\nWarning a is late\n",
            ),
            (
                "levels.late = 'error'",
                "Error CLOCK is late\nError a is late\nError the way is lost\n",
            ),
            ("levels.late = 'allow'", "Error the way is lost\n"),
            (
                "exceptions = [{ code = 'late', in = 'crates/*/build.rs', because = 'generated' }]",
                "Error the way is lost\nWarning CLOCK is late\n",
            ),
            (
                "exceptions = [{ code = 'late', because = 'a slow team' }]",
                "Error the way is lost\n",
            ),
        ] {
            let mut sorted: Vec<_> = expected.lines().collect();
            let found = weighed(weights).unwrap();
            let mut lines: Vec<_> = found.lines().collect();
            sorted.sort();
            lines.sort();
            assert_eq!(lines, sorted, "{weights}");
        }
        for (weights, error) in [
            ("levels.lat = 'note'", "did you mean `late`?"),
            (
                "exceptions = [{ code = 'late', because = ' ' }]",
                "needs its `because`",
            ),
            (
                "exceptions = [{ code = 'late', in = '[', because = 'x' }]",
                "the exception for `late`",
            ),
        ] {
            let said = weighed(weights).unwrap_err().to_string();
            assert!(said.contains(error), "{said}");
        }
    }

    #[test]
    fn the_heaviest_comes_first() {
        assert_eq!(
            weighed("").unwrap().lines().next(),
            Some("Error the way is lost")
        );
    }
}

//! Findings of the repository's checks and their levels, for `policy check` and `doctor`.

pub(crate) mod output;
pub(crate) mod policy;
pub(crate) mod report;

use std::collections::BTreeMap;

use anyhow::Result;
use camino::Utf8PathBuf;
use glob::{MatchOptions, Pattern};
use serde::{Deserialize, Serialize};
use xtask_impact::usage;

/// The level of a finding.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Level {
    /// The finding is left out.
    Allow,
    /// The finding is worth knowing.
    Note,
    /// The finding costs time or disk space.
    Warning,
    /// Builds are wrong or the policy is broken. The command ends with exit status 1.
    Error,
}

/// A kind of finding.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Check {
    /// The name of the check, in words joined by hyphens. Configuration and `--explain` use this
    /// name.
    pub code: &'static str,
    /// The level unless the workspace configures another one.
    pub level: Level,
    /// The situation that is reported, in a few words.
    pub finds: &'static str,
    /// The cost of such a finding, in one sentence.
    pub cost: &'static str,
    /// The explanation in paragraphs: the evidence that is read, the cases that are no fault, and
    /// the fix.
    pub explanation: &'static str,
}

/// The place of a finding.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Place {
    /// A file or directory. A path below the repository's top level is relative to the top level.
    Path {
        /// The path.
        #[cfg_attr(test, schemars(with = "String"))]
        path: Utf8PathBuf,
        /// The line, counted from 1, if the finding is about one line.
        line: Option<usize>,
    },
    /// An environment variable.
    Variable(String),
    /// The machine, or the repository as a whole.
    Whole,
}

/// A fault or a cost that a check found.
#[derive(Clone, Debug)]
pub(crate) struct Finding {
    /// The check that found it.
    pub check: &'static Check,
    /// The level in this workspace.
    pub level: Level,
    /// The place of the finding.
    pub place: Place,
    /// The message: one sentence that names the thing that is wrong.
    pub message: String,
    /// The evidence, one line each.
    pub evidence: Vec<String>,
    /// The cost in this workspace, in figures. `None` if nothing was counted.
    pub impact: Option<String>,
    /// The fix, in one sentence.
    pub fix: String,
}

impl Check {
    /// Returns a finding of this check, at the check's own level.
    pub(crate) fn found(
        &'static self,
        place: Place,
        message: impl Into<String>,
        fix: impl Into<String>,
    ) -> Finding {
        Finding {
            check: self,
            level: self.level,
            place,
            message: message.into(),
            evidence: Vec::new(),
            impact: None,
            fix: fix.into(),
        }
    }
}

impl Finding {
    /// Adds evidence to the finding.
    #[must_use]
    pub(crate) fn evidence(mut self, evidence: impl IntoIterator<Item = String>) -> Self {
        self.evidence.extend(evidence);
        self
    }

    /// Sets the cost in this workspace.
    #[must_use]
    pub(crate) fn impact(mut self, impact: impl Into<String>) -> Self {
        self.impact = Some(impact.into());
        self
    }
}

/// The table `[workspace.metadata.xtask.policy]`.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub(crate) struct Policy {
    levels: BTreeMap<String, Level>,
    exceptions: Vec<Exception>,
    /// Values that cargo's configuration must have: tables as in cargo's configuration, or keys
    /// joined by dots.
    pub require: serde_json::Map<String, serde_json::Value>,
    /// True if several checkouts share a target directory on purpose, so that artifacts there may
    /// be removed even if another checkout built them.
    pub allow_shared: bool,
}

/// An exception: a place in which a check does not count.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Exception {
    code: String,
    /// A glob of paths below the repository's top level, or the name of a variable. `None` means
    /// everywhere.
    #[serde(rename = "in")]
    place: Option<String>,
    /// The reason, for readers of the manifest. The reason must not be empty.
    because: String,
}

impl Policy {
    /// Applies levels and exceptions to the findings: removes findings that are excepted or
    /// allowed, and sorts the highest level first.
    ///
    /// # Errors
    /// Returns an error if a level or an exception names an unknown check, if an exception has no
    /// reason, or if its place is not a valid glob.
    pub(crate) fn weigh(&self, known: &[&Check], mut found: Vec<Finding>) -> Result<Vec<Finding>> {
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
                    "[workspace.metadata.xtask.policy]: the exception for `{code}` needs the key \
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

    /// Returns true unless the policy allows a check everywhere.
    pub(crate) fn counts(&self, code: &str) -> bool {
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

/// Returns true if the findings include an error. The command that ran the checks then fails.
pub(crate) fn fails(found: &[Finding]) -> bool {
    found.iter().any(|it| it.level == Level::Error)
}

/// Returns the check with this code.
///
/// # Errors
/// Returns an error if no check has this code. The message names the most similar code.
pub(crate) fn check_named<'a>(code: &str, known: &[&'a Check]) -> Result<&'a Check> {
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
        Some((_, nearest)) => {
            usage!("no check is called `{code}`\nhint: did you mean `{nearest}`?")
        }
        None => usage!(
            "no check is called `{code}`\nhint: `cargo xtask doctor --list` lists all \
                        checks"
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    static LATE: Check = Check {
        code: "late",
        level: Level::Warning,
        finds: "A script that is late",
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
    fn levels_and_exceptions_are_applied() {
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
                "needs the key `because`",
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
    fn the_highest_level_comes_first() {
        assert_eq!(
            weighed("").unwrap().lines().next(),
            Some("Error the way is lost")
        );
    }
}

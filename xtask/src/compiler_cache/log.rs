//! The log of a private server of sccache: what the cache did for each crate.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The filter of sccache's log that writes the lines which [`outcomes`] reads.
pub(crate) const FILTER: &str = "sccache::compiler::compiler=debug,sccache::server=debug";

/// The result of one compilation.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum CacheOutcome {
    /// The result came from the cache.
    Hit,
    /// The result was not in the cache.
    Miss,
    /// The cache was asked and failed.
    Error,
    /// The compilation cannot be cached, with sccache's reason.
    NotCached(String),
}

/// The outcomes of the compilations of each crate, by the crate's name.
pub(crate) type Outcomes = BTreeMap<String, Vec<CacheOutcome>>;

/// Reads the outcomes from a log. Questions of cargo to rustc are left out.
pub(crate) fn outcomes(log: &str) -> Outcomes {
    let mut found = Outcomes::new();
    for line in log.lines() {
        if let Some((name, outcome)) = cached(line).or_else(|| not_cached(line)) {
            found.entry(name).or_default().push(outcome);
        }
    }
    found
}

/// Reads a line like `… [serde]: Cache hit in 0.000 s`.
fn cached(line: &str) -> Option<(String, CacheOutcome)> {
    let (before, said) = line.split_once("]: Cache ")?;
    let (_, name) = before.rsplit_once('[')?;
    let outcome = match said.split(' ').next()? {
        "hit" => CacheOutcome::Hit,
        "miss" => CacheOutcome::Miss,
        "read" | "timed" => CacheOutcome::Error,
        _ => return None,
    };
    Some((name.to_owned(), outcome))
}

/// Reads a line like `… CannotCache(crate-type, bin): ["--crate-name", "app", …]`.
fn not_cached(line: &str) -> Option<(String, CacheOutcome)> {
    let (_, said) = line.split_once("CannotCache(")?;
    let (reason, command) = said.split_once("): ")?;
    let (_, named) = command.split_once("\"--crate-name\", \"")?;
    let (name, _) = named.split_once('"')?;
    // Cargo asks rustc for file names with this crate name.
    let is_question = name == "___";
    let reason = match reason.split_once(", ") {
        Some((reason, more)) => format!("{reason} ({more})"),
        None => reason.to_owned(),
    };
    (!is_question).then(|| (name.to_owned(), CacheOutcome::NotCached(reason)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_tells_the_outcome_of_each_crate() {
        let log = r#"
[2026-11-30T04:34:27Z DEBUG sccache::server] parse_arguments: CannotCache(missing input): ["-vV"]
[2026-11-30T04:34:28Z DEBUG sccache::server] parse_arguments: CannotCache(-): ["-", "--crate-name", "___", "--print=file-names"]
[2026-11-30T04:34:28Z DEBUG sccache::compiler::compiler] [a]: get_cached_or_compile: ["--crate-name", "a"]
[2026-11-30T04:34:28Z DEBUG sccache::cache::multilevel] Cache miss at all levels
[2026-11-30T04:34:28Z DEBUG sccache::compiler::compiler] [a]: Cache miss in 0.000 s
[2026-11-30T04:34:28Z DEBUG sccache::compiler::compiler] [a]: Cache hit in 0.000 s
[2026-11-30T04:34:28Z ERROR sccache::compiler::compiler] [b]: Cache read error: timed out in 0.100 s
[2026-11-30T04:34:28Z DEBUG sccache::server] parse_arguments: CannotCache(crate-type, bin): ["--crate-name", "w", "--edition=2021"]
[2026-11-30T04:34:28Z DEBUG sccache::server] parse_arguments: CannotCache(incremental): ["--crate-name", "i"]
"#;
        expect_test::expect![[r#"
            {
                "a": [
                    Miss,
                    Hit,
                ],
                "b": [
                    Error,
                ],
                "i": [
                    NotCached(
                        "incremental",
                    ),
                ],
                "w": [
                    NotCached(
                        "crate-type (bin)",
                    ),
                ],
            }
        "#]]
        .assert_debug_eq(&outcomes(log));
    }
}

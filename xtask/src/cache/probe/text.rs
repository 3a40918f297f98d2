//! The result of a probe as text and as Markdown.

use xtask_impact::quote;

use super::ProbeReport;
use super::builds::{ProbeBuild, is_needed};
use super::misses::MissedPackage;

/// The number of packages that the text shows for each build and cause.
const SHOWN: usize = 8;

/// Returns the result as text.
pub(super) fn text(report: &ProbeReport) -> String {
    let mut text = String::new();
    for build in &report.builds {
        text.push_str(&format!("{:<11} {}\n", build.name, counts(build)));
    }
    for line in lines(report) {
        text.push_str(&format!("{line}\n"));
    }
    text
}

/// Returns the result as Markdown.
pub(super) fn markdown(report: &ProbeReport) -> String {
    let mut text = "### Compiler cache: probe\n\n| build | result |\n| --- | --- |\n".to_owned();
    for build in &report.builds {
        text.push_str(&format!("| {} | {} |\n", build.name, counts(build)));
    }
    text.push('\n');
    for line in lines(report) {
        text.push_str(&format!("- {}\n", quote::markdown(line.trim())));
    }
    text
}

/// Returns the misses by cause, the other findings, and the verdict.
fn lines(report: &ProbeReport) -> Vec<String> {
    let mut lines = Vec::new();
    for name in &report.variables {
        let advice = match is_needed(name) {
            true => "give it the same value on every machine",
            false => "set its value in .cargo/config.toml, and unset it",
        };
        lines.push(format!(
            "{} is part of every key: {advice}",
            quote::name(name)
        ));
    }
    let mut rest = &report.misses[..];
    let group = |it: &MissedPackage| (it.build, it.cacheable, it.cause.clone());
    let mut groups: Vec<(_, Vec<&str>)> = Vec::new();
    while let [first, tail @ ..] = rest {
        rest = tail;
        match groups.iter_mut().find(|(known, _)| *known == group(first)) {
            Some((_, packages)) => packages.push(&first.package),
            None => groups.push((group(first), vec![&first.package])),
        }
    }
    for ((build, cacheable, cause), packages) in groups {
        let kind = if cacheable {
            "missed"
        } else {
            "cannot be cached"
        };
        let more = packages.len().saturating_sub(SHOWN);
        let named: Vec<_> = packages
            .iter()
            .take(SHOWN)
            .map(|it| quote::name(*it))
            .collect();
        let more = if more > 0 {
            format!(" and {more} more")
        } else {
            String::new()
        };
        lines.push(format!(
            "{build}, {kind}: {}{more}: {}",
            named.join(", "),
            quote::line(&cause)
        ));
    }
    if let Some(why) = &report.no_copy {
        lines.push(format!("no build at another path: {}", quote::line(why)));
    }
    match report.not_fresh.is_empty() {
        true => lines.push("unchanged: everything is fresh".to_owned()),
        false => lines.push(format!(
            "unchanged: cargo compiled again: {}",
            quote::line(&report.not_fresh.join(", "))
        )),
    }
    let verdict = if report.passed { "passed" } else { "failed" };
    lines.push(format!(
        "{verdict}: at least {}% of the second build must be hits",
        report.floor
    ));
    lines
}

fn counts(build: &ProbeBuild) -> String {
    format!("{}, {:.1} s", build.counts.line(), build.seconds)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cache::status::CacheShares;
    use crate::compiler_cache::counts::CacheCounts;
    use crate::compiler_cache::log::Outcomes;

    #[test]
    fn misses_are_grouped_by_cause() {
        let build = |name, hits, misses| {
            let counts = CacheCounts {
                compilations: 20,
                hits,
                misses,
                ..CacheCounts::default()
            };
            ProbeBuild {
                name,
                shares: CacheShares::of(&counts),
                counts,
                seconds: 1.25,
                outcomes: Outcomes::new(),
            }
        };
        let missed = |build, package: &str, cacheable, cause: &str| MissedPackage {
            build,
            package: package.to_owned(),
            cacheable,
            cause: cause.to_owned(),
        };
        let report = ProbeReport {
            version: 1,
            floor: 80.0,
            passed: false,
            builds: vec![build("cold", 0, 12), build("warm", 9, 3)],
            variables: vec!["CARGO_LOG".to_owned()],
            misses: vec![
                missed("warm", "a", true, "a variable"),
                missed("warm", "app", false, "a binary"),
                missed("warm", "b", true, "a variable"),
            ],
            not_fresh: vec!["build-script-build".to_owned()],
            no_copy: Some("no repository".to_owned()),
        };
        expect_test::expect![[r#"
            cold        0 of 12 cacheable compilations were hits (0%), 12 of 20 compilations were cacheable (60%), 1.2 s
            warm        9 of 12 cacheable compilations were hits (75%), 12 of 20 compilations were cacheable (60%), 1.2 s
            CARGO_LOG is part of every key: set its value in .cargo/config.toml, and unset it
            warm, missed: a, b: a variable
            warm, cannot be cached: app: a binary
            no build at another path: no repository
            unchanged: cargo compiled again: build-script-build
            failed: at least 80% of the second build must be hits
            ### Compiler cache: probe

            | build | result |
            | --- | --- |
            | cold | 0 of 12 cacheable compilations were hits (0%), 12 of 20 compilations were cacheable (60%), 1.2 s |
            | warm | 9 of 12 cacheable compilations were hits (75%), 12 of 20 compilations were cacheable (60%), 1.2 s |

            - CARGO\_LOG is part of every key: set its value in .cargo/config.toml, and unset it
            - warm, missed: a, b: a variable
            - warm, cannot be cached: app: a binary
            - no build at another path: no repository
            - unchanged: cargo compiled again: build-script-build
            - failed: at least 80% of the second build must be hits
        "#]].assert_eq(&(text(&report) + &markdown(&report)));
    }
}

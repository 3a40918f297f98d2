//! The status of the cache as text and as Markdown.

use xtask_impact::quote;

use super::report::{
    CacheShares, MissingPackage, RemoteStatus, RunStatus, ServerStatus, StatusReport,
};
use crate::compiler_cache::counts::CacheCounts;

/// The number of packages that the text shows.
const SHOWN: usize = 30;

/// Returns the status as text.
pub(super) fn text(report: &StatusReport) -> String {
    let rows = rows(report).into_iter();
    let mut text: String = rows
        .map(|(name, value)| format!("{name:<12} {value}\n"))
        .collect();
    if let Some(last) = &report.last_run {
        for missing in last.packages.iter().take(SHOWN) {
            text.push_str(&format!("    {}\n", line(missing)));
        }
        text.push_str(&more(last));
    }
    text
}

/// Returns the status as Markdown.
pub(super) fn markdown(report: &StatusReport) -> String {
    let rows = rows(report).into_iter();
    let rows = rows.map(|(name, value)| format!("| {name} | {} |\n", quote::markdown(&value)));
    let mut text = format!(
        "### Compiler cache\n\n| | |\n| --- | --- |\n{}",
        rows.collect::<String>()
    );
    if let Some(last) = report
        .last_run
        .as_ref()
        .filter(|it| !it.packages.is_empty())
    {
        text.push_str("\n| package | compilations | cause |\n");
        text.push_str("| --- | --- | --- |\n");
        for missing in last.packages.iter().take(SHOWN) {
            text.push_str(&format!(
                "| {} | {} | {} |\n",
                quote::markdown(&missing.package),
                missing.compilations,
                quote::markdown(&missing.cause)
            ));
        }
        text.push_str(&more(last));
    }
    text
}

fn rows(report: &StatusReport) -> Vec<(&'static str, String)> {
    let mut rows = vec![(
        "wrapper",
        match &report.wrapper {
            Some(wrapper) => format!(
                "{} ({})",
                quote::name(&wrapper.program),
                quote::line(&wrapper.origin)
            ),
            None => "none: run `cargo xtask cache setup local`".to_owned(),
        },
    )];
    match &report.sccache {
        Some(server) => rows.extend(server_rows(server, report.disk_directory.as_deref())),
        None => rows.push((
            "sccache",
            "not installed: run `cargo install --locked sccache`".to_owned(),
        )),
    }
    rows.extend(report.remotes.iter().map(|it| ("remote", remote(it))));
    if let Some(last) = &report.last_run {
        rows.push(("last run", counts(&last.counts, &last.shares)));
        match &last.lost {
            Some(why) => rows.push(("", format!("the remote failed: {}", quote::line(why)))),
            None if !last.used_remote && !report.remotes.is_empty() => {
                rows.push((
                    "",
                    "only the disk was used: the remote did not answer".to_owned(),
                ));
            }
            None => {}
        }
    }
    rows
}

fn server_rows(server: &ServerStatus, directory: Option<&str>) -> Vec<(&'static str, String)> {
    let program = quote::name(&server.program);
    let Some(report) = &server.report else {
        let why = server.error.as_deref().unwrap_or_default();
        return vec![("sccache", format!("{program}: {}", quote::line(why)))];
    };
    let disk = [
        directory.map(|it| quote::name(it).into_owned()),
        sizes(report.size, report.size_limit),
    ];
    let disk = disk.into_iter().flatten().collect::<Vec<_>>().join(", ");
    let mut rows = vec![("sccache", format!("{} ({program})", report.version))];
    if !disk.is_empty() {
        rows.push(("disk", disk));
    }
    rows.push(("server", counts(&report.counts, &server.shares)));
    rows
}

fn remote(remote: &RemoteStatus) -> String {
    let name = quote::name(&remote.name);
    match (&remote.error, remote.milliseconds) {
        (Some(why), _) => format!("{name} does not answer: {}", quote::line(why)),
        (None, time) => {
            let sizes = sizes(remote.size, remote.size_limit);
            let sizes = sizes.map_or_else(String::new, |it| format!(", {it}"));
            format!("{name} answers in {} ms{sizes}", time.unwrap_or(0))
        }
    }
}

/// Returns the counts of a server or of a build in one line.
fn counts(counts: &CacheCounts, shares: &CacheShares) -> String {
    if counts.compilations == 0 {
        return "no compilations yet".to_owned();
    }
    let share = |share: Option<f64>| share.map_or_else(|| "-".to_owned(), |it| format!("{it:.0}%"));
    let reasons = counts
        .not_cached
        .iter()
        .map(|(reason, count)| format!("{reason} {count}"));
    let reasons: Vec<_> = reasons.collect();
    let reasons = match reasons.is_empty() {
        true => String::new(),
        false => format!("; not cacheable: {}", quote::line(&reasons.join(", "))),
    };
    format!(
        "hits {}, misses {}, errors {}; hit rate {}, coverage {} ({} of {}){reasons}",
        counts.hits,
        counts.misses,
        counts.errors,
        share(shares.hit_rate),
        share(shares.coverage),
        counts.cacheable(),
        counts.compilations,
    )
}

fn sizes(size: Option<u64>, limit: Option<u64>) -> Option<String> {
    match (size, limit) {
        (Some(size), Some(limit)) => Some(format!("{} of {}", bytes(size), bytes(limit))),
        (Some(size), None) => Some(bytes(size)),
        (None, Some(limit)) => Some(format!("limit {}", bytes(limit))),
        (None, None) => None,
    }
}

#[expect(clippy::cast_precision_loss, reason = "one digit is shown")]
fn bytes(count: u64) -> String {
    let units = [(30, "GiB"), (20, "MiB"), (10, "KiB")];
    let unit = units.into_iter().find(|(shift, _)| count >> shift > 0);
    unit.map_or_else(
        || format!("{count} B"),
        |(shift, unit)| format!("{:.1} {unit}", count as f64 / (1_u64 << shift) as f64),
    )
}

fn line(missing: &MissingPackage) -> String {
    let count = missing.compilations;
    let times = if count > 1 {
        format!(" ({count})")
    } else {
        String::new()
    };
    format!(
        "{}{times}: {}",
        quote::name(&missing.package),
        quote::line(&missing.cause)
    )
}

fn more(last: &RunStatus) -> String {
    match last.packages.len().saturating_sub(SHOWN) {
        0 => String::new(),
        more => format!("\n… and {more} more\n"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::report::WrapperStatus;
    use super::*;
    use crate::compiler_cache::counts::ServerReport;

    #[test]
    fn a_status_names_servers_counts_and_causes() {
        let counts = CacheCounts {
            compilations: 23,
            hits: 9,
            misses: 3,
            errors: 1,
            not_cached: [("crate-type".to_owned(), 11)].into(),
        };
        let report = StatusReport {
            version: 1,
            wrapper: Some(WrapperStatus {
                program: "sccache".into(),
                origin: ".cargo/config.toml".to_owned(),
            }),
            sccache: Some(ServerStatus {
                program: "/bin/sccache".into(),
                report: Some(ServerReport {
                    version: "0.19.0".to_owned(),
                    counts: CacheCounts::default(),
                    size: Some(3 << 19),
                    size_limit: Some(10 << 30),
                }),
                shares: CacheShares::default(),
                error: None,
            }),
            disk_directory: None,
            remotes: vec![
                RemoteStatus {
                    name: "redis a:1".to_owned(),
                    answers: true,
                    milliseconds: Some(2),
                    size: Some(1024),
                    size_limit: None,
                    error: None,
                },
                RemoteStatus {
                    name: "s3 b".to_owned(),
                    answers: false,
                    milliseconds: None,
                    size: None,
                    size_limit: None,
                    error: Some("b:80 accepts connections, but does not answer".to_owned()),
                },
            ],
            last_run: Some(RunStatus {
                shares: CacheShares::of(&counts),
                counts,
                used_remote: true,
                lost: Some("a:1 is gone".to_owned()),
                packages: vec![MissingPackage {
                    package: "app".to_owned(),
                    cause: "a binary | or two".to_owned(),
                    compilations: 2,
                }],
            }),
        };
        expect_test::expect![[r#"
            wrapper      sccache (.cargo/config.toml)
            sccache      0.19.0 (/bin/sccache)
            disk         1.5 MiB of 10.0 GiB
            server       no compilations yet
            remote       redis a:1 answers in 2 ms, 1.0 KiB
            remote       s3 b does not answer: b:80 accepts connections, but does not answer
            last run     hits 9, misses 3, errors 1; hit rate 75%, coverage 52% (12 of 23); not cacheable: crate-type 11
                         the remote failed: a:1 is gone
                app (2): a binary | or two
            ### Compiler cache

            | | |
            | --- | --- |
            | wrapper | sccache (.cargo/config.toml) |
            | sccache | 0.19.0 (/bin/sccache) |
            | disk | 1.5 MiB of 10.0 GiB |
            | server | no compilations yet |
            | remote | redis a:1 answers in 2 ms, 1.0 KiB |
            | remote | s3 b does not answer: b:80 accepts connections, but does not answer |
            | last run | hits 9, misses 3, errors 1; hit rate 75%, coverage 52% (12 of 23); not cacheable: crate-type 11 |
            |  | the remote failed: a:1 is gone |

            | package | compilations | cause |
            | --- | --- | --- |
            | app | 2 | a binary \| or two |
        "#]].assert_eq(&(text(&report) + &markdown(&report)));
        let empty = StatusReport::default();
        expect_test::expect![[r#"
            wrapper      none: run `cargo xtask cache setup local`
            sccache      not installed: run `cargo install --locked sccache`
        "#]]
        .assert_eq(&text(&empty));
    }
}

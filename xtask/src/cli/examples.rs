//! Examples for the help of subcommands. The examples of a command stand beside its arguments.

use clap::Command;

/// The examples of each subcommand, by the words behind the kit's name. An example is the rest of
/// the command line, and its meaning.
const EXAMPLES: [(&str, &[(&str, &str)]); 34] = [
    (
        "cache setup",
        &[
            ("local", "a cache on this machine"),
            ("redis redis://cache:6379", "a cache for the team"),
        ],
    ),
    ("cache setup local", &[("--size 20G", "at most 20 GB")]),
    (
        "cache setup redis",
        &[("redis://cache:6379", "the server of the team")],
    ),
    (
        "cache setup s3",
        &[("builds --region eu-west-1", "the bucket `builds`")],
    ),
    ("cache setup gcs", &[("builds", "the bucket `builds`")]),
    (
        "cache setup gha",
        &[("", "the cache service of GitHub Actions")],
    ),
    (
        "cache unset",
        &[("--dry-run", "every line that would change")],
    ),
    (
        "cache status",
        &[
            ("", "servers, hits and misses"),
            ("--json", "the same for programs"),
        ],
    ),
    (
        "cache probe",
        &[
            ("", "build twice, and count hits"),
            ("-- build --release", "the same with your arguments"),
        ],
    ),
    (
        "cache run",
        &[
            ("-- build --release", "cargo build --release"),
            ("-j 4 -- test", "cargo test with four jobs"),
        ],
    ),
    (
        "cache lint",
        &[("--format github", "annotations for GitHub")],
    ),
    (
        "ci matrix",
        &[
            (
                "test --shards 4 --github",
                "the jobs, as an output of a step",
            ),
            ("nextest --since HEAD~1", "the jobs for the last commit"),
        ],
    ),
    (
        "ci summary",
        &[("test --github", "what runs and why, for the job summary")],
    ),
    (
        "ci comment",
        &[
            ("test", "the comment, on stdout"),
            ("test --ci --post", "post it, or update it"),
        ],
    ),
    (
        "ci cache-key",
        &[("--prefix test --github", "a key, as an output of a step")],
    ),
    (
        "freshness save",
        &[("", "after a build, before the cache is saved")],
    ),
    (
        "freshness restore",
        &[
            ("--touch", "in a fresh clone, after the cache was restored"),
            ("--dry-run", "what would stay fresh"),
        ],
    ),
    (
        "freshness verify",
        &[
            ("", "units that cargo calls fresh and that are not"),
            ("--fix", "make cargo build them"),
        ],
    ),
    (
        "hooks install",
        &[
            ("", "pre-commit and pre-push"),
            ("post-checkout", "one more hook"),
        ],
    ),
    ("hooks uninstall", &[("", "restore the former hooks")]),
    ("hooks status", &[("", "the installed hooks")]),
    (
        "hooks run",
        &[
            ("pre-commit --dry-run", "the steps, without running them"),
            ("pre-push", "what a push checks"),
        ],
    ),
    (
        "policy show",
        &[
            ("", "every setting and its origin"),
            ("--profile release", "the values of one profile"),
        ],
    ),
    (
        "policy check",
        &[
            ("--format github", "annotations for GitHub"),
            ("--explain nested-config", "the meaning of a finding"),
        ],
    ),
    (
        "sweep arm",
        &[("", "before the builds whose artifacts you keep")],
    ),
    (
        "timings show",
        &[
            ("", "the last run again"),
            (
                "latest~1 --format markdown",
                "the last run but one, for a comment",
            ),
        ],
    ),
    (
        "timings diff",
        &[
            ("latest~1", "the last two runs"),
            ("before latest", "the run with the label `before`"),
        ],
    ),
    (
        "timings what-if",
        &[("--cores 16", "the last build with 16 cores")],
    ),
    ("timings trend", &[("", "build times of all recorded runs")]),
    (
        "timings review",
        &[
            ("", "the last 92 days"),
            ("--format html", "the same as a page, on stdout"),
        ],
    ),
    ("timings list", &[("", "the recorded runs")]),
    ("timings export", &[("latest", "the last run, on stdout")]),
    (
        "timings import",
        &[("runs.jsonl", "runs that `timings export` wrote")],
    ),
    (
        "",
        &[
            ("affected", "what the work tree affects, and why"),
            ("run-affected test", "the tests that a change affects"),
            ("doctor", "what makes builds slow or caches stale"),
            ("+nightly affected", "with another toolchain of rustup"),
        ],
    ),
];

/// Returns the examples of a command as text, with the name that the user typed. A command line
/// without the kit's commands has none.
pub(crate) fn of(path: &str, name: &str, command: &Command) -> Option<String> {
    if path.is_empty() && command.find_subcommand("affected").is_none() {
        return None;
    }
    let (_, examples) = EXAMPLES.iter().find(|(known, _)| *known == path)?;
    let mut text = "Examples:".to_owned();
    for (rest, meaning) in *examples {
        let words = [name, path, rest].into_iter().filter(|it| !it.is_empty());
        let line = words.collect::<Vec<_>>().join(" ");
        text += &format!("\n  {line:<48}  {meaning}");
    }
    Some(text)
}

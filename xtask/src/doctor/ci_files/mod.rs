//! Checks the files of CI services: the caches that jobs keep between runs, the keys of these
//! caches, and mistakes that make a cache useless.

mod toolchain;
mod variables;

use anyhow::Result;
use camino::Utf8Path;

use self::toolchain::{chosen, is_pinned};
pub(crate) use self::variables::SILENT;
use self::variables::{between_files, variables};
use super::workflow::{self, CacheStep, WorkflowJob};
use crate::checks::{Check, Finding, Level};
use crate::doctor::context::Context;

pub(crate) const CHECKS: &[&Check] = &[&UNREADABLE, &KEY, &MTIMES, &CLEAN, &TOOLCHAIN, &VARIABLES];

static UNREADABLE: Check = Check {
    code: "ci-unreadable",
    level: Level::Note,
    finds: "A CI file that is no valid YAML",
    cost: "The CI file was not checked.",
    explanation: "Read: the file. Reported if the file is not YAML, or if its aliases or nesting \
                  make it too large.\n\nFix: correct the file; the CI service cannot read it \
                  either.",
};

static KEY: Check = Check {
    code: "ci-cache-key",
    level: Level::Warning,
    finds: "A CI cache of build output whose key misses the lock file or the toolchain",
    cost: "A cache with a constant key is never updated: every run downloads or compiles again \
           what changed since the first run, and old artifacts stay in the cache.",
    explanation: "Read: the key of each step of `actions/cache`, and of GitLab's `cache`, that \
                  keeps the target directory or cargo's downloads. The key must contain a hash of \
                  `Cargo.lock`, if git tracks that file, and for the target directory also the \
                  toolchain: a hash of `rust-toolchain.toml`, the version of `rustc`, or a value \
                  of the matrix. A key with the result of another step, an input or a variable \
                  counts as complete, and so does a key that is new for each commit or run. Also \
                  reported are steps that cache sccache's directory with a key that is not new in \
                  each run: the service saves each key only once, so later results are \
                  lost.\n\nFix: `hashFiles('**/Cargo.lock')`, `hashFiles('rust-toolchain.toml')`; \
                  `cargo xtask ci cache-key` makes a key of both.",
};

static MTIMES: Check = Check {
    code: "ci-target-mtimes",
    level: Level::Warning,
    finds: "A CI cache of the target directory without `freshness restore`",
    cost: "A checkout gives every source a new time, so cargo compiles all packages of the \
           workspace again, and their restored artifacts are useless.",
    explanation: "Read: the steps of each job that keeps the target directory by `actions/cache` \
                  or GitLab's `cache`. A step that mentions `freshness restore`, mtimes, `touch` or \
                  cargo's checksum freshness counts as a fix.\n\nThe cost is small if dependencies \
                  are most of the build.\n\nFix: run `cargo xtask freshness restore --touch` before \
                  the build and `cargo xtask freshness save` after it, see docs/freshness.md; or \
                  cache only the artifacts of dependencies, as `Swatinem/rust-cache` does; or use a \
                  compiler cache.",
};

static CLEAN: Check = Check {
    code: "ci-clean-first",
    level: Level::Warning,
    finds: "A CI job that begins with `cargo clean`",
    cost: "Every CI run compiles everything.",
    explanation: "Read: the first cargo command of each job, without installs and queries. \
                  Reported if it is a `cargo clean` of everything.\n\nFix: remove the command; on \
                  a runner that keeps its directory, use `cargo xtask clean-affected --orphans`.",
};

static TOOLCHAIN: Check = Check {
    code: "ci-toolchain-moves",
    level: Level::Note,
    finds: "CI jobs with a toolchain channel instead of a version",
    cost: "A new release of the toolchain makes all caches useless, and a job that passed \
           yesterday may fail today.",
    explanation: "Read: how the jobs install a toolchain (`dtolnay/rust-toolchain`, \
                  `actions-rs/toolchain`, `actions-rust-lang/setup-rust-toolchain`, `rustup`). \
                  Reported if some jobs use `stable`, `beta` or `nightly`, no job uses a version, \
                  and no `rust-toolchain.toml` names a version.\n\nThis is no problem for a \
                  library that wants to notice early what a new release breaks.\n\nFix: name a \
                  version in `rust-toolchain.toml`, which applies to developers, too.",
};

static VARIABLES: Check = Check {
    code: "ci-cache-variables",
    level: Level::Warning,
    finds: "`CARGO_*` variables that differ between CI jobs with sccache",
    cost: "sccache includes the variable in every key, so jobs and runs share no results.",
    explanation: "Read: the variables of jobs with sccache as `RUSTC_WRAPPER`. All variables that \
                  begin with `CARGO_` are part of sccache's keys, except those of registries and \
                  `CARGO_BUILD_JOBS`. Reported are: a variable whose value depends on the commit \
                  or the run; a variable that does not affect what is compiled (`CARGO_TERM_*`, \
                  `CARGO_NET_*`, `CARGO_HTTP_*`, `CARGO_HOME`, `CARGO_TARGET_DIR`) and differs \
                  between these jobs, in one file or in several; `CARGO_LOG`; a checkout path that \
                  differs in each run; and `CARGO_INCREMENTAL=1`, with which sccache refuses to \
                  compile.\n\nFix: set the value in `.cargo/config.toml`, which is the same for \
                  every job and for developers.",
};

pub(crate) fn check(context: &Context<'_>) -> Result<Vec<Finding>> {
    let tracked = context.tracked()?;
    let root = RepositoryFiles {
        locks: tracked
            .iter()
            .any(|it| it.file_name() == Some("Cargo.lock")),
        pins: is_pinned(context),
    };
    let mut found = Vec::new();
    let mut toolchains = Vec::new();
    let mut by_file = Vec::new();
    for file in tracked.iter().filter(|it| workflow::is_known(it)) {
        let Some(text) = context.text(file) else {
            continue;
        };
        let place = |line| context.place(file, Some(line));
        let jobs = match workflow::jobs(file, &text) {
            Ok(jobs) => jobs,
            Err(error) => {
                let message = format!("{file} was skipped, because it is not valid YAML: {error}");
                let fix = "Fix the file, or remove it.";
                found.push(UNREADABLE.found(context.place(file, None), message, fix));
                continue;
            }
        };
        let line = |at: usize| text.lines().nth(at - 1).unwrap_or_default().trim();
        let faults = jobs.iter().flat_map(|job| judge(job, &root));
        for fault in faults.chain(variables(&jobs)) {
            let (check, at) = (fault.check, fault.at);
            let finding = check.found(place(at), fault.message, fault.fix);
            found.push(finding.evidence([format!("`{}`", line(at))]));
        }
        for (at, channel) in jobs.iter().flat_map(chosen) {
            toolchains.push((place(at), format!("{file}:{at}: {}", line(at)), channel));
        }
        by_file.push((file.clone(), jobs));
    }
    for (file, fault) in between_files(&by_file) {
        let place = context.place(&file, Some(fault.at));
        found.push(fault.check.found(place, fault.message, fault.fix));
    }
    let moves = |channel: &str| ["stable", "beta", "nightly"].contains(&channel);
    if !root.pins
        && let Some((place, ..)) = toolchains.first()
        && toolchains.iter().all(|(_, _, channel)| moves(channel))
    {
        let message = "no CI job names the version of its toolchain";
        let fix = "Name a version in `rust-toolchain.toml`.";
        let evidence = toolchains.iter().map(|(_, line, _)| line.clone()).take(5);
        let finding = TOOLCHAIN.found(place.clone(), message, fix);
        found.push(finding.evidence(evidence));
    }
    Ok(found)
}

/// Facts about the repository that decide which parts a cache key needs.
struct RepositoryFiles {
    /// True if git tracks a lock file.
    locks: bool,
    /// True if a toolchain file names a version.
    pins: bool,
}

#[derive(Debug)]
struct CiFault {
    check: &'static Check,
    at: usize,
    message: String,
    fix: &'static str,
}

fn judge(job: &WorkflowJob, root: &RepositoryFiles) -> Vec<CiFault> {
    let mut faults = Vec::new();
    let name = &job.name;
    let caches = || job.steps.iter().filter_map(|it| it.cache.as_ref());
    for cache in caches() {
        if keeps_compiler_cache(cache) && !is_unique_per_run(&cache.key) {
            faults.push(CiFault {
                check: &KEY,
                at: cache.line,
                message: format!(
                    "{name} caches sccache's directory with a key that stays the same"
                ),
                fix: "Add `github.sha` to the key, and the rest of the key as `restore-keys`.",
            });
        }
        let target = keeps_target(cache);
        // A key that contains the commit or the run is new in each run, so its cache is always
        // written.
        if !target && !keeps_downloads(cache) || is_unique_per_run(&cache.key) {
            continue;
        }
        let key = KeyParts::new(&cache.key);
        let mut lacks = Vec::new();
        if root.locks && !key.locks {
            lacks.push("Cargo.lock");
        }
        if target && !key.toolchain {
            lacks.push("the toolchain");
        }
        if !lacks.is_empty() {
            let what = match target {
                true => "the target directory",
                false => "cargo's downloads",
            };
            let lacks = lacks.join(" nor ");
            faults.push(CiFault {
                check: &KEY,
                at: cache.line,
                message: format!("{name} caches {what} with a key without {lacks}"),
                fix: "Add `hashFiles('**/Cargo.lock')` and the toolchain to the key.",
            });
        }
    }
    let cares = [
        "freshness restore",
        "mtime",
        "touch ",
        "checksum-freshness",
        "CHECKSUM_FRESHNESS",
    ];
    let cares = |text: &str| cares.iter().any(|it| text.contains(it));
    let is_restored = |it: &CacheStep| it.is_lenient || !is_unique_per_run(&it.key);
    if let Some(cache) = caches().find(|it| keeps_target(it) && is_restored(it))
        && !job.texts().any(cares)
    {
        faults.push(CiFault {
            check: &MTIMES,
            at: cache.line,
            message: format!(
                "{name} caches the target directory, but the checkout gives all \
                              sources new times"
            ),
            fix: "Run `cargo xtask freshness restore --touch` before the build and `cargo xtask \
                   freshness save` after it, or cache only the artifacts of dependencies.",
        });
    }
    if let Some((at, _)) = first_cargo(job).filter(|(_, words)| is_clean(words)) {
        faults.push(CiFault {
            check: &CLEAN,
            at,
            message: format!("{name} begins with `cargo clean`"),
            fix: "Remove the command.",
        });
    }
    faults
}

fn keeps_target(cache: &CacheStep) -> bool {
    cache.paths.lines().any(|path| {
        let path = path.trim().trim_end_matches(['/', '*']);
        !path.starts_with('!') && Utf8Path::new(path).file_name() == Some("target")
    })
}

fn keeps_compiler_cache(cache: &CacheStep) -> bool {
    cache.paths.contains("sccache") || cache.paths.contains("SCCACHE_DIR")
}

/// Returns true if a value is different in each run of a CI service.
fn is_unique_per_run(value: &str) -> bool {
    let own = [
        "github.sha",
        "github.run_id",
        "github.run_number",
        "github.run_attempt",
        "GITHUB_RUN_ID",
        "GITHUB_SHA",
        "CI_COMMIT_SHA",
        "CI_PIPELINE_ID",
        "CI_JOB_ID",
    ];
    own.iter().any(|it| value.contains(it))
}

fn keeps_downloads(cache: &CacheStep) -> bool {
    let kept = [".cargo/registry", ".cargo/git", "CARGO_HOME"];
    kept.iter().any(|it| cache.paths.contains(it))
}

/// The inputs that a cache key depends on.
struct KeyParts {
    locks: bool,
    toolchain: bool,
}

impl KeyParts {
    fn new(key: &str) -> Self {
        let mut expressions = Vec::new();
        let mut literal = String::new();
        let mut rest = key;
        while let Some((before, expression)) = rest.split_once("${{") {
            let (expression, after) = expression.split_once("}}").unwrap_or((expression, ""));
            expressions.push(expression.trim());
            literal.push_str(before);
            rest = after;
        }
        literal.push_str(rest);
        let known = ["hashFiles", "runner.", "github.", "matrix."];
        let is_telling = |it: &&str| !known.iter().any(|known| it.starts_with(known));
        // GitLab writes variables directly in the text, as in `$CI_COMMIT_REF_SLUG`.
        let other = expressions.iter().any(is_telling) || literal.replace("$CI_", "").contains('$');
        let hashes = |name: &str| {
            let mut hashed = expressions.iter().filter(|it| it.contains("hashFiles"));
            hashed.any(|it| it.contains(name))
        };
        let mut parts = literal.split('.');
        let has_version = literal.contains('.')
            && parts.any(|part| part.ends_with(|it: char| it.is_ascii_digit()));
        Self {
            locks: other || hashes(".lock") || hashes("**/*'"),
            toolchain: other
                || hashes("rust-toolchain")
                || expressions.iter().any(|it| it.contains("matrix."))
                || has_version
                || literal.contains("nightly-2"),
        }
    }
}

/// Returns the line and the words of the job's first cargo command that builds or cleans.
fn first_cargo(job: &WorkflowJob) -> Option<(usize, Vec<&str>)> {
    let commands = job.commands().flat_map(|(line, text)| {
        let parts = text.split("&&").flat_map(|part| part.split(';'));
        parts.map(move |part| (line, part.split_whitespace().collect::<Vec<_>>()))
    });
    let other = [
        "install",
        "fetch",
        "metadata",
        "--version",
        "-V",
        "-vV",
        "--list",
        "fmt",
        "binstall",
    ];
    let mut cargo = commands.filter(|(_, words)| {
        let subcommand = words.iter().skip(1).find(|it| !it.starts_with('+'));
        words.first() == Some(&"cargo") && subcommand.is_some_and(|it| !other.contains(it))
    });
    cargo.next()
}

/// Returns true if the command is `cargo clean` without a package and without `--doc`.
fn is_clean(words: &[&str]) -> bool {
    let mut rest = words.iter().skip(1).filter(|it| !it.starts_with('+'));
    let narrows = |it: &str| it.starts_with("-p") || it.starts_with("--p") || it == "--doc";
    rest.next() == Some(&"clean") && !rest.any(|it| narrows(it))
}

#[cfg(test)]
mod tests;

//! Finds values that a build script bakes into the code and that change with the time, the checkout
//! or the commit.

use std::time::{SystemTime, UNIX_EPOCH};

use camino::Utf8Path;

use crate::checks::{Check, Level};

pub(crate) static BAKES_TIME: Check = Check {
    code: "script-bakes-time",
    level: Level::Warning,
    finds: "A build script that prints the current time",
    cost: "Each run of the script rebuilds the package and its dependents, a cache never has a \
           hit, and between runs the time is outdated.",
    explanation: "Read: the values of `rustc-env` that the script printed when it last ran. \
                  Reported if a value contains the time of that run, in seconds or milliseconds \
                  since 1970, or its date (unless it is the date of the commit).\n\nFix: add the \
                  time when the release is packaged; or use `SOURCE_DATE_EPOCH`.",
};

pub(crate) static BAKES_PATH: Check = Check {
    code: "script-bakes-path",
    level: Level::Warning,
    finds: "A build script that prints an absolute path of the checkout",
    cost: "The artifacts contain the path of this checkout: another checkout or machine cannot use \
           them from a cache, or then reads files of this checkout.",
    explanation: "Read: the values of `rustc-env` that the script printed when it last ran. \
                  Reported if a value contains an absolute path below the workspace's root, but \
                  outside the build directory.\n\nFix: join `env!(\"CARGO_MANIFEST_DIR\")` with \
                  the rest of the path, or better find the path at run time.",
};

pub(crate) static BAKES_COMMIT: Check = Check {
    code: "script-bakes-commit",
    level: Level::Note,
    finds: "A build script that prints a commit of the repository",
    cost: "After every commit, checkout and rebase, the package and its dependents are rebuilt.",
    explanation: "Read: the values of `rustc-env` that the script printed when it last ran. \
                  Reported if a value contains 7 to 40 hexadecimal digits that name a commit of \
                  the repository.\n\nThis is no problem in a binary on which nothing \
                  depends.\n\nFix: bake the hash only into the package of the binary, and only in \
                  release builds; use a constant in the dev profile.",
};

/// The facts that baked values are compared with.
pub(crate) struct BakedValues<'a> {
    pub(crate) root: &'a Utf8Path,
    pub(crate) build_directories: [&'a Utf8Path; 2],
    /// Returns true if git knows a commit by this text.
    pub(crate) is_commit: &'a dyn Fn(&str) -> bool,
    /// The times and dates of the commit that is checked out.
    pub(crate) commit_times: &'a [String],
}

/// Returns the fault of a value that the code is compiled with: the check, the kind of the value
/// and the fix.
pub(crate) fn baked(
    value: &str,
    started: SystemTime,
    facts: &BakedValues<'_>,
) -> Option<(&'static Check, &'static str, &'static str)> {
    let root = facts.root.as_str();
    let is_below_root = |(at, _): (usize, &str)| {
        let rest = &value[at + root.len()..];
        rest.is_empty() || rest.starts_with(['/', '\\'])
    };
    if value.match_indices(root).any(is_below_root) {
        // A path into `OUT_DIR` is no fault, because the code has no other way to find the
        // generated files.
        let mut built = facts.build_directories.iter();
        let is_built = built.any(|it| value.contains(it.as_str()));
        let fix =
            "Join the rest of the path to `env!(\"CARGO_MANIFEST_DIR\")`, or find it at run time.";
        return (!is_built).then_some((&BAKES_PATH, "an absolute path", fix));
    }
    let seconds = started.duration_since(UNIX_EPOCH).ok()?.as_secs();
    let is_time = |word: &str| {
        let near = |time: u64| time.abs_diff(seconds) < 3600;
        match (word.len(), word.parse::<u64>()) {
            (10, Ok(time)) => near(time),
            (13, Ok(time)) => near(time / 1000),
            _ => false,
        }
    };
    let today = date(seconds);
    let is_commits = |text: &str| facts.commit_times.iter().any(|it| it == text);
    let words = || value.split(|char: char| !char.is_ascii_alphanumeric());
    let reads_clock = words().any(|word| is_time(word) && !is_commits(word))
        || value.contains(&today) && !is_commits(&today);
    if reads_clock {
        let fix = "Add the time when the release is packaged.";
        return Some((&BAKES_TIME, "the time", fix));
    }
    let is_hash = |word: &str| {
        (7..=40).contains(&word.len())
            && word.bytes().all(|it| it.is_ascii_hexdigit())
            && (facts.is_commit)(word)
    };
    // `git describe` writes a `g` before the hash.
    let has_hash =
        words().any(|word| is_hash(word) || is_hash(word.strip_prefix('g').unwrap_or("")));
    let fix = "Bake it only into the package of the binary, and only in release builds.";
    has_hash.then_some((&BAKES_COMMIT, "a commit's hash", fix))
}

/// Returns the UTC date of a number of seconds since 1970. Example: `2026-11-21`. The computation
/// uses years that begin in March, so that the leap day is the last day of a year.
pub(crate) fn date(seconds: u64) -> String {
    let days = seconds / 86_400 + 719_468;
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let (month, year) = match month < 10 {
        true => (month + 3, era * 400 + year),
        false => (month - 9, era * 400 + year + 1),
    };
    format!("{year:04}-{month:02}-{day:02}")
}

//! The compiler flags of a unit, which show the values of settings.

use super::cause::{CauseKind, RootCause};
use crate::cargo_runs::rehearsal::RecordKey;
use crate::rebuilds::rehearsal::CompilerFlags;

/// Returns the flags of a unit in a rehearsal.
pub(crate) fn of<'a>(key: &RecordKey, flags: &'a CompilerFlags) -> Option<&'a [String]> {
    let target = key.unit()?.target.replace('-', "_");
    flags.get(&(key.hash.clone(), target)).map(Vec::as_slice)
}

/// Splits a cause by the flags that differ. Without old flags the values are not known, but a new
/// linker or a lint may be.
pub(crate) fn refined(
    kind: CauseKind,
    package: &str,
    old: Option<&[String]>,
    new: Option<&[String]>,
) -> Vec<RootCause> {
    let plain = || match kind {
        CauseKind::Profile | CauseKind::Platform | CauseKind::ConfigSettings => RootCause::of(kind),
        _ => RootCause::about(kind, package),
    };
    let (Some(old), Some(new)) = (old, new) else {
        return vec![plain()];
    };
    let gone: Vec<&String> = old.iter().filter(|it| !new.contains(it)).collect();
    let come: Vec<&String> = new.iter().filter(|it| !old.contains(it)).collect();
    if gone.is_empty() && come.is_empty() {
        return vec![plain()];
    }
    let mut causes = Vec::new();
    for (part, is_part) in PARTS {
        let values = |flags: &[&String]| {
            let flags = flags.iter().filter(|it| is_part(it));
            let flags = flags.map(|it| it.strip_prefix("-C ").unwrap_or(it).to_owned());
            let mut flags: Vec<String> = flags.collect();
            flags.sort();
            flags.join(" ")
        };
        let (mut old, mut new) = (values(&gone), values(&come));
        if old.is_empty() && new.is_empty() {
            continue;
        }
        if *part == CauseKind::Profile {
            (old, new) = with_defaults(&old, &new);
        }
        if *part == CauseKind::Incremental {
            (old, new) = (on_or_off(&old), on_or_off(&new));
        }
        let cause = match part {
            CauseKind::Lints => RootCause::about(*part, package),
            CauseKind::Profile if kind != CauseKind::Profile => plain(),
            part => RootCause::of(*part),
        };
        causes.push(cause.with_values(Some(old), Some(new)));
    }
    causes
}

/// Adds `key=default` where only one side has a setting: cargo passes no flag for a default.
fn with_defaults(old: &str, new: &str) -> (String, String) {
    let complete = |side: &str, other: &str| {
        let words = side.split(' ').filter(|it| !it.is_empty());
        let mut words: Vec<String> = words.map(str::to_owned).collect();
        for word in other.split(' ') {
            if let Some((key, _)) = word.split_once('=')
                && !words.iter().any(|it| it.split('=').next() == Some(key))
            {
                words.push(format!("{key}=default"));
            }
        }
        words.sort();
        words.join(" ")
    };
    (complete(old, new), complete(new, old))
}

fn on_or_off(flags: &str) -> String {
    match flags.is_empty() {
        true => "off".to_owned(),
        false => "on".to_owned(),
    }
}

type FlagTest = fn(&str) -> bool;

/// The settings that flags belong to. The last one takes the rest.
const PARTS: &[(CauseKind, FlagTest)] = &[
    (CauseKind::Linker, is_linker),
    (CauseKind::Lints, is_lint),
    (CauseKind::Incremental, is_incremental),
    (CauseKind::Profile, |flag| {
        !is_linker(flag) && !is_lint(flag) && !is_incremental(flag)
    }),
];

fn is_linker(flag: &str) -> bool {
    flag.starts_with("-C linker=")
}

fn is_incremental(flag: &str) -> bool {
    flag == "-C incremental"
}

fn is_lint(flag: &str) -> bool {
    [
        "--warn",
        "--deny",
        "--allow",
        "--forbid",
        "-W",
        "-D",
        "-A",
        "-F",
        "--cap-lints",
    ]
    .iter()
    .any(|start| flag.starts_with(start))
}

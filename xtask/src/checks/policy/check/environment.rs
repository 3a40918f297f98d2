//! Checks of environment variables against the repository's files.

use std::env::consts::{ARCH, FAMILY, OS};

use anyhow::Result;
use xtask_impact::cargo_config::{ConfigValue, ValueKind, ValueOrigin, variable_of};
use xtask_impact::source_scan;
use xtask_impact::workspace::may_be_host;

use crate::checks::policy::profiles::canonical;
use crate::checks::policy::subject::{KnownWorkspace, PolicySubject, relative};
use crate::checks::policy::{entries, tool};
use crate::checks::{Check, Finding, Level, Place};

pub(crate) static ENVIRONMENT_OVERRIDES: Check = Check {
    code: "environment-overrides",
    level: Level::Warning,
    finds: "A variable of this shell that overrides a value of the repository",
    cost: "Builds from this shell differ from all other builds. If they share a target directory, \
           each of them compiles again what the other compiled.",
    explanation: "A variable of the environment overrides a value of the repository: in cargo's \
configuration, in a profile of a root manifest, or the pinned toolchain.

A variable that has the same value as the repository is not reported. Remove the variable from the \
shell's start-up file, the editor or the job; or, if the value is right for everyone, write it in \
`.cargo/config.toml`.",
};

pub(crate) static ENVIRONMENT_DEPARTS: Check = Check {
    code: "environment-departs",
    level: Level::Note,
    finds: "Flags of rustc in the environment or in a tracked tool file",
    cost: "Programs without the variable, such as an editor, build with other settings; and \
           sccache includes most variables that begin with `CARGO_` in its keys.",
    explanation:
        "A variable of the environment sets a value that the repository does not set: the \
target directory, flags, profiles, a wrapper.

The kit uses the variable as cargo does, and sets no such variable itself. Write values for \
everyone in `.cargo/config.toml`.",
};

pub(crate) static SPLIT_RUSTFLAGS: Check = Check {
    code: "split-rustflags",
    level: Level::Warning,
    finds: "Flags of rustc in the environment and in the configuration",
    cost: "The variable replaces all flags of the configuration, so everything is compiled again \
           when builds with and without the variable alternate.",
    explanation: "`RUSTFLAGS` or `CARGO_ENCODED_RUSTFLAGS` is set, in the environment or by a \
tracked workflow, `.envrc`, `.vscode/settings.json`, `justfile` or `Makefile`, and cargo's \
configuration in the repository sets `build.rustflags` or flags of a platform by `cfg(…)` or of a \
target that it builds for. Cargo does not merge these: only the first one counts. The flags of \
another target's table do not count.

Write the flags in one place: `.cargo/config.toml`, where cargo merges the flags of several files; \
or pass the flags of one job with `--config`.",
};

pub(crate) static ENV_TABLE_IGNORED: Check = Check {
    code: "env-table-ignored",
    level: Level::Warning,
    finds: "A variable for cargo itself in the table `[env]` of its configuration",
    cost: "Cargo ignores the line, but build scripts and programs under `cargo run` see the \
           variable.",
    explanation: "The table `[env]` of cargo's configuration sets a variable that cargo itself \
reads from its environment. The table sets variables only for programs that cargo starts, after \
cargo read its own variables.

Write the configuration key of the variable, such as `build.target-dir`.",
};

const FLAGS: [&str; 2] = ["CARGO_ENCODED_RUSTFLAGS", "RUSTFLAGS"];

/// The variables of cargo that have a name of their own for a configuration key.
const OTHER_NAMES: [(&str, &str); 5] = [
    ("CARGO_TARGET_DIR", "target-dir"),
    ("RUSTC", "rustc"),
    ("RUSTC_WRAPPER", "rustc-wrapper"),
    ("RUSTC_WORKSPACE_WRAPPER", "rustc-workspace-wrapper"),
    ("CARGO_INCREMENTAL", "incremental"),
];

/// Returns true if cargo reads a variable and builds differently because of it.
fn decides(name: &str) -> bool {
    FLAGS.contains(&name)
        || OTHER_NAMES.iter().any(|(known, _)| *known == name)
        || name.starts_with("CARGO_PROFILE_")
        || name.starts_with("CARGO_BUILD_") && name != "CARGO_BUILD_JOBS"
        || name.starts_with("CARGO_TARGET_")
            && ["_LINKER", "_RUSTFLAGS"]
                .iter()
                .any(|end| name.ends_with(end))
}

pub(crate) fn find(subject: &PolicySubject, found: &mut Vec<Finding>) -> Result<()> {
    for (path, said) in &subject.configurations {
        let path = relative(path, &subject.top);
        for (name, value) in entries(said.get("env")).filter(|(name, _)| decides(name)) {
            found.push(ENV_TABLE_IGNORED.found(
                subject.place(&value.origin),
                format!("`env.{name}` has no effect on cargo itself"),
                format!("Use cargo's own configuration key in {path}."),
            ));
        }
    }
    let Some(known) = subject.workspaces.first() else {
        return Ok(());
    };
    split_by_files(subject, known, found);
    let names = known.config.variables().filter(|(name, _)| decides(name));
    for (name, value) in names {
        // Collects the values that the variable overrides, and notes if any workspace sets no such
        // value.
        let (mut values, mut is_open) = (Vec::new(), false);
        for known in &subject.workspaces {
            match overridden(subject, known, name)? {
                None => is_open = true,
                Some(more) => {
                    let new: Vec<_> = more.into_iter().filter(|it| !values.contains(it)).collect();
                    values.extend(new);
                }
            }
        }
        let (check, message, fix) = if FLAGS.contains(&name) && !values.is_empty() {
            let message = format!("{name} replaces the flags of the repository");
            let fix = format!("Unset {name}, or write all flags in one place.");
            (&SPLIT_RUSTFLAGS, message, fix)
        } else if !values.is_empty() {
            let message = format!("{name} overrides a value of the repository");
            let fix = format!("Unset {name}, or change the value for everyone.");
            (&ENVIRONMENT_OVERRIDES, message, fix)
        } else if is_open {
            let message = format!("{name} changes the builds of this shell");
            let fix =
                "Write the value in .cargo/config.toml if it is meant for everyone.".to_owned();
            (&ENVIRONMENT_DEPARTS, message, fix)
        } else {
            continue;
        };
        let told = values
            .iter()
            .map(|(what, origin)| format!("{what} ({})", subject.named(origin)));
        let evidence = std::iter::once(format!("{name}={value}")).chain(told);
        let finding = check.found(Place::Variable(name.to_owned()), message, fix);
        found.push(finding.evidence(evidence));
    }
    Ok(())
}

/// Finds files that set compiler flags by a variable although the configuration sets flags, too.
fn split_by_files(subject: &PolicySubject, known: &KnownWorkspace, found: &mut Vec<Finding>) {
    let leaves = known.config.written().leaves();
    let mut own = leaves
        .into_iter()
        .filter(|(key, value)| sets_rustflags(known, key) && subject.is_own(&value.origin));
    let Some((key, flags)) = own.next() else {
        return;
    };
    for (_, path, text) in &subject.others {
        for (line, text) in (1..).zip(text.lines()).filter(|(_, text)| sets_flags(text)) {
            let finding = SPLIT_RUSTFLAGS.found(
                subject.at(path, Some(line)),
                "RUSTFLAGS replaces the flags of the repository",
                "Write the flags in one place: in .cargo/config.toml, or with --config.",
            );
            let said = format!("{} ({})", key.join("."), subject.named(&flags.origin));
            found.push(finding.evidence([text.trim().to_owned(), said]));
        }
    }
}

/// Returns true if a key sets flags for builds in this workspace: flags of all platforms, flags of
/// some platforms by `cfg(…)`, or flags of a platform that is built for. Flags in another
/// platform's table do not count.
fn sets_rustflags(known: &KnownWorkspace, key: &[&str]) -> bool {
    match key {
        ["build", "rustflags"] => true,
        ["target", table, "rustflags"] => {
            let targets = known.config.build_targets().unwrap_or_default();
            match (table.starts_with("cfg("), &targets[..]) {
                (true, []) => source_scan::evaluate(table, &is_set_here) != Some(false),
                (true, _) => true,
                (false, []) => may_be_host(table),
                (false, named) => named.iter().any(|it| it.as_str() == Some(*table)),
            }
        }
        _ => false,
    }
}

/// Returns true if a `cfg` option of the compiler is set on the host, or `None` if that is not
/// known without running rustc.
fn is_set_here(option: &str, value: Option<&str>) -> Option<bool> {
    match (option, value) {
        ("unix" | "windows", None) => Some(option == FAMILY),
        ("target_family", Some(value)) => Some(value == FAMILY),
        ("target_os", Some(value)) => Some(value == OS),
        ("target_arch", Some(value)) => Some(value == ARCH),
        _ => None,
    }
}

/// Returns true if a line gives the variable a value, in the syntax of a shell, a workflow or JSON.
fn sets_flags(line: &str) -> bool {
    let line = line.trim_start();
    let is_comment = line.starts_with('#') || line.starts_with("//");
    let sets = |(at, name): (usize, &str)| {
        let is_whole = !line[..at].ends_with(|c: char| c.is_ascii_alphanumeric() || c == '_');
        let rest = line[at + name.len()..].trim_start_matches(['"', '\'', ' ']);
        is_whole && rest.starts_with([':', '=']) && !rest.starts_with("==")
    };
    let mut names = FLAGS.iter().flat_map(|name| line.match_indices(name));
    !is_comment && names.any(sets)
}

/// Returns the repository's values that a variable overrides in a workspace, as text. Returns
/// `None` if the repository sets no such value.
fn overridden(
    subject: &PolicySubject,
    known: &KnownWorkspace,
    name: &str,
) -> Result<Option<Vec<(String, ValueOrigin)>>> {
    let config = &known.config;
    let table = known.profiles.iter().flat_map(ConfigValue::leaves);
    let of_manifest = table.map(|(key, value)| ([vec!["profile"], key].concat(), value));
    let said = config.written().leaves().into_iter().chain(of_manifest);
    let own_name = OTHER_NAMES.iter().find(|(known, _)| *known == name);
    let own_name = own_name.map(|it| it.1);
    let is_meant = |key: &[&str]| match (own_name, key) {
        (Some("incremental"), ["build" | "profile", .., "incremental"]) => true,
        (Some(own), ["build", last]) => own == *last,
        (Some(_), _) => false,
        (None, key) if FLAGS.contains(&name) => sets_rustflags(known, key),
        (None, key) => variable_of(key) == name,
    };
    let meant = said.filter(|(key, value)| subject.is_own(&value.origin) && is_meant(key));
    let mut meant = meant.peekable();
    if meant.peek().is_none() {
        return Ok(None);
    }
    let value = config.variable(name).unwrap_or_default();
    let mut values = Vec::new();
    for (key, said) in meant {
        let mut what = format!("{} = {said}", key.join("."));
        let is_same = match (own_name, &key[..]) {
            _ if FLAGS.contains(&name) => false,
            (Some("incremental"), _) => said.kind == ValueKind::Boolean(value == "1"),
            (_, ["build", "target-dir"]) => {
                let named = said.as_str().map(|path| config.placed(path, &said.origin));
                let used = config.target_directory(&known.root)?.0;
                // Relative paths with the same text may lead to different directories.
                let used_below = relative(&used, &subject.top);
                what.push_str(&format!(", and the variable's is {used_below}"));
                named == Some(used)
            }
            (Some(own), _) => {
                let named = said.as_str().map(|it| config.program(it, &said.origin));
                let used = tool(config, own)?;
                used.as_ref().and_then(ConfigValue::as_str) == named.as_ref().map(|it| it.as_str())
            }
            // Cargo joins lists, so the variable overrides nothing.
            (None, _) if matches!(said.kind, ValueKind::List(_)) => true,
            (None, [.., field]) => {
                let used = config.get(&key)?;
                used.is_none_or(|used| canonical(field, &used) == canonical(field, said))
            }
            (None, []) => true,
        };
        if !is_same {
            values.push((what, said.origin.clone()));
        }
    }
    Ok(Some(values))
}

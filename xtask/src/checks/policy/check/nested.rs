//! Checks of configuration files and manifests that contradict files above them.

use camino::Utf8Path;
use xtask_impact::cargo_config::{ConfigValue, ValueKind};
use xtask_impact::files;
use xtask_impact::paths::normalized;

use crate::checks::policy::members::DeclaredMembers;
use crate::checks::policy::profiles::canonical;
use crate::checks::policy::subject::{PolicySubject, profiles_of, relative};
use crate::checks::{Check, Finding, Level};

pub(crate) static NESTED_CONFIG: Check = Check {
    code: "nested-config",
    level: Level::Warning,
    finds: "A `.cargo/config.toml` below the root with other settings than the root",
    cost: "Cargo reads this file only if it is started in its directory or below, so a build from \
           there and a build from the root invalidate each other's artifacts.",
    explanation: "A `.cargo/config.toml` below the root of a workspace sets values that affect \
builds, and that differ from the configuration at the root. Cargo looks for configuration from the \
current directory upwards, not from the package.

Move values for everyone to the configuration at the root. Write values for one package in \
`[profile.*.package.NAME]` or in a build script, or make the package a separate workspace.",
};

pub(crate) static CONTRADICTING_CONFIG: Check = Check {
    code: "contradicting-config",
    level: Level::Warning,
    finds: "A nested workspace that overrides configuration above it",
    cost: "One workspace of the repository builds with other settings than the rest.",
    explanation: "The configuration of a nested workspace overrides a value of the configuration \
    in a directory above it.

Remove the line; or, if the workspace has to differ, add an exception with a reason in \
`[workspace.metadata.xtask.policy]`.",
};

pub(crate) static CONTRADICTING_MANIFEST: Check = Check {
    code: "contradicting-manifest",
    level: Level::Warning,
    finds: "A profile with different values in the manifest and in the configuration",
    cost: "The line in the manifest has no effect, and misleads readers.",
    explanation: "A root manifest and the repository's `.cargo/config.toml` set different values \
in a profile, and the configuration overrides the manifest.

Remove one of the two.",
};

pub(crate) static MEMBER_PROFILE: Check = Check {
    code: "member-profile",
    level: Level::Warning,
    finds: "A profile in the manifest of a member",
    cost: "Cargo ignores the profile, with a warning at every build.",
    explanation:
        "The manifest of a member has a `[profile]` table. Cargo reads profiles only from \
the root manifest and the configuration.

Move the table to the root manifest, as `[profile.NAME.package.MEMBER]` if it is meant only for \
that package.",
};

pub(crate) static TWO_CONFIG_FILES: Check = Check {
    code: "two-config-files",
    level: Level::Warning,
    finds: "`.cargo/config` and `.cargo/config.toml` in one directory",
    cost: "Cargo reads `.cargo/config` and ignores `.cargo/config.toml`, with a warning at every \
           command.",
    explanation: "One directory has `.cargo/config` and `.cargo/config.toml`, and git tracks both.

Keep `config.toml`, unless cargo 1.38 is still used.",
};

pub(crate) fn find(subject: &PolicySubject, found: &mut Vec<Finding>) {
    for path in &subject.ignored {
        let ignored = relative(path, &subject.top);
        found.push(TWO_CONFIG_FILES.found(
            subject.at(path, Some(1)),
            format!("{ignored} is ignored, because of the file `config` next to it"),
            "Merge the two into `config.toml`.",
        ));
    }
    for (path, said) in &subject.configurations {
        configuration(subject, path, said, found);
    }
    for known in &subject.workspaces {
        let written = known.config.written().get("profile");
        for (key, said) in known.profiles.iter().flat_map(ConfigValue::leaves) {
            let field = key.last().copied().unwrap_or_default();
            let over = written.and_then(|it| it.at(&key));
            let Some(over) = over.filter(|it| subject.is_own(&it.origin)) else {
                continue;
            };
            if canonical(field, over) != canonical(field, said) {
                let key = key.join(".");
                let finding = CONTRADICTING_MANIFEST.found(
                    subject.place(&said.origin),
                    format!(
                        "`profile.{key} = {said}` is overridden by `{over}` of the \
                             configuration"
                    ),
                    "Remove one of the two.",
                );
                found.push(finding.evidence([subject.named(&over.origin)]));
            }
        }
    }
    members(subject, found);
}

/// Returns the directory that a file of cargo's configuration applies to.
fn room(path: &Utf8Path) -> Option<&Utf8Path> {
    path.parent()?.parent()
}

fn configuration(
    subject: &PolicySubject,
    path: &Utf8Path,
    said: &ConfigValue,
    found: &mut Vec<Finding>,
) {
    let Some(directory) = room(path) else { return };
    let Some(owner) = subject.owner(directory) else {
        return;
    };
    let decisive = said.leaves().into_iter().filter(|(key, _)| matters(key));
    if directory == owner.root {
        // The configuration at a workspace's own root applies there. It is compared with the
        // nearest file above that sets another value.
        for (key, value) in decisive.filter(|(_, value)| !matches!(value.kind, ValueKind::List(_)))
        {
            let above = subject.configurations.iter().filter_map(|(other, table)| {
                let room = room(other)?;
                let is_above = room != directory && directory.starts_with(room);
                Some((room, table.at(&key).filter(|_| is_above)?))
            });
            let nearest = above.max_by_key(|(room, _)| room.as_str().len());
            if let Some((_, above)) = nearest.filter(|(_, above)| !is_same(&key, above, value)) {
                let key = key.join(".");
                let finding = CONTRADICTING_CONFIG.found(
                    subject.place(&value.origin),
                    format!("`{key} = {value}` contradicts `{above}` of a directory above"),
                    "Remove the line, or add an exception for the file with a reason.",
                );
                found.push(finding.evidence([subject.named(&above.origin)]));
            }
        }
        return;
    }
    let manifests = subject.manifests.iter();
    let below = manifests.filter(|it| it.starts_with(directory));
    let mut owners = below.filter_map(|it| subject.owner(it));
    // No package below this directory belongs to the workspace above, so cargo is not started here
    // to build that workspace.
    if !owners.any(|it| it.root == owner.root) {
        return;
    }
    let at_root = owner.config.written();
    let departs = |key: &[&str], value| at_root.at(key).is_none_or(|it| !is_same(key, it, value));
    let departing = decisive.filter(|(key, value)| departs(key, value));
    let departing: Vec<_> = departing.collect();
    if let Some((_, first)) = departing.first() {
        let keys: Vec<_> = departing.iter().map(|(key, _)| key.join(".")).collect();
        let keys = keys.join("`, `");
        let path = relative(path, &subject.top);
        let root = relative(&owner.root.join("Cargo.toml"), &subject.top);
        found.push(NESTED_CONFIG.found(
            subject.place(&first.origin),
            format!("{path} applies only if cargo is started below it, and sets `{keys}`"),
            format!("Move it to the configuration next to {root}."),
        ));
    }
}

/// Returns true if a key changes the result of a build: the compiled code, the output directory, or
/// the tools.
fn matters(key: &[&str]) -> bool {
    match key {
        ["build", "jobs", ..] => false,
        ["build" | "profile" | "target" | "env" | "unstable", ..] => true,
        _ => false,
    }
}

/// Returns true if two values mean the same. Two paths can be written differently and mean the
/// same.
fn is_same(key: &[&str], one: &ConfigValue, other: &ConfigValue) -> bool {
    let placed = |value: &ConfigValue| {
        let path = value.as_str()?;
        Some(normalized(&value.origin.base(Utf8Path::new("")).join(path)))
    };
    match key {
        ["build", "target-dir" | "build-dir"] => placed(one) == placed(other),
        ["profile", .., field] => canonical(field, one) == canonical(field, other),
        _ => one == other,
    }
}

fn members(subject: &PolicySubject, found: &mut Vec<Finding>) {
    for manifest in &subject.manifests {
        let Some(directory) = manifest.parent() else {
            continue;
        };
        let Some(owner) = subject.owner(directory).filter(|it| it.root != directory) else {
            continue;
        };
        // A search for a word is faster than parsing the file.
        if !files::read_text(manifest, files::SETTINGS).is_ok_and(|it| it.contains("profile")) {
            continue;
        }
        let Ok(Some(profiles)) = profiles_of(manifest) else {
            continue;
        };
        let declared = DeclaredMembers::read(&owner.root);
        let is_member = || {
            let below = directory.strip_prefix(&owner.root).unwrap_or(directory);
            let members = declared.members(&subject.manifests);
            members.iter().any(|it| it.directory == below)
        };
        if !declared.lists(directory) && !is_member() {
            continue;
        }
        let keys = profiles.leaves();
        let Some((_, first)) = keys.first() else {
            continue;
        };
        found.push(MEMBER_PROFILE.found(
            subject.place(&first.origin),
            "cargo ignores the profiles of a member",
            "Move them to the root manifest.",
        ));
    }
}

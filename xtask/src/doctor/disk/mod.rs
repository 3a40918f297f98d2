//! Checks the disk: the size of the build directories, and the files in them that nobody uses.

use std::collections::{BTreeMap, HashSet};

use anyhow::Result;
use camino::Utf8PathBuf;
use xtask_impact::{build_dir, files};

use crate::artifacts::disk_usage::{DiskUsage, ago, size};
use crate::artifacts::inspect::crate_metadata::compiler_of;
use crate::artifacts::sweep_table::SweepTable;
use crate::artifacts::toolchains::installed;
use crate::artifacts::unused_incremental::{UnusedIncremental, unused};
use crate::checks::{Check, Finding, Level};
use crate::doctor::context::{Context, first};

pub(crate) const CHECKS: &[&Check] = &[&HOLDS, &SPACE, &INCREMENTAL, &TOOLCHAIN, &SEVERAL];

static HOLDS: Check = Check {
    code: "target-size",
    level: Level::Note,
    finds: "A target directory that is large, or has many old files",
    cost: "Disk space.",
    explanation: "Read: names, lengths and times of all files in the target and the build \
                  directory, and the free space of the disk. A file and its hard links count once. \
                  The hash in the file names identifies the package. Reported if the files take 1 \
                  GiB or more, and a quarter was not written for 30 days, or the files take a \
                  tenth of the space that would be free without them. Also reported if the files \
                  are larger than `max-size` in `[workspace.metadata.xtask.sweep]`.\n\nFix: `cargo xtask \
                  sweep` removes old artifacts, and never removes what the next build needs.",
};

static SPACE: Check = Check {
    code: "little-space",
    level: Level::Warning,
    finds: "Less free space than the target directory takes",
    cost: "The next build with another profile or toolchain may fill the disk and fail.",
    explanation: "Read: the size of the target and the build directory, and the free space of \
                  their file system. Reported if the directories hold 1 GiB or more, and the free \
                  space is smaller. On Windows, nothing is reported.\n\nFix: remove the old \
                  artifacts that `target-size` shows.",
};

static INCREMENTAL: Check = Check {
    code: "unused-incremental",
    level: Level::Warning,
    finds: "Incremental state that belongs to no package",
    cost: "Disk space, often a large part of the target directory.",
    explanation: "Read: the names in each profile's `incremental` directory. Reported if no target \
                  in cargo's metadata and no recorded unit of the profile has this crate \
                  name.\n\nFix: `cargo xtask sweep` removes the directories, and `--fix` does so \
                  too, under cargo's lock. This is safe: without incremental state, rustc compiles \
                  the whole crate.",
};

static TOOLCHAIN: Check = Check {
    code: "gone-toolchain",
    level: Level::Warning,
    finds: "Artifacts of a toolchain that is no longer installed",
    cost: "Disk space: cargo does not remove the artifacts of a toolchain that you replaced.",
    explanation: "Read: the version of rustc at the start of each library's metadata, compared \
                  with the toolchains of `rustup toolchain list`. Executables contain no such \
                  version, so the reported size is that of the libraries. Without rustup, nothing \
                  is reported.\n\nThis is no problem if a container with another toolchain also \
                  builds here. Then pass that toolchain to `sweep` with `--toolchain`.\n\nFix: \
                  `cargo xtask sweep` removes the artifacts of toolchains that are gone.",
};

static SEVERAL: Check = Check {
    code: "several-build-dirs",
    level: Level::Note,
    finds: "Several build directories of one workspace",
    cost: "Each build directory contains its own copy of all dependencies, and is built \
           separately.",
    explanation: "Read: other build directories of cargo in the root and in the target directory \
                  of the workspace (with `CACHEDIR.TAG` and `.rustc_info.json`).\n\nThis is no \
                  problem if an editor or a coverage tool has its own directory, so that it does \
                  not wait for other builds.\n\nFix: remove the directories that nobody uses.",
};

pub(crate) fn check(context: &Context<'_>) -> Result<Vec<Finding>> {
    let workspace = context.workspace;
    let own = workspace.directories();
    let others = build_dir::others(&workspace.root, &own)?;
    let others: Vec<Utf8PathBuf> = others.into_iter().map(|it| it.build).collect();
    let mut usage = DiskUsage::default();
    let profiles = build_dir::profile_dirs(&own.build)?;
    for root in own.outer() {
        usage.walk(root, &profiles, &others, context.now)?;
    }
    let place = context.place(&own.target, None);
    let mut found = Vec::new();
    let holds = format!("{} holds {}", own.target, size(usage.bytes));
    let free = files::free_space(&own.target);
    let old = usage.older_than(OLD);
    let limit = context
        .workspace
        .setting::<SweepTable>("sweep")?
        .max_size()?;
    if is_large(usage.bytes, old, free) || limit.is_some_and(|limit| usage.bytes > limit) {
        let fix = match limit {
            Some(_) => "Run `cargo xtask sweep`.".to_owned(),
            None => format!(
                "Run `cargo xtask sweep --max-age {OLD}d`, or `--max-size SIZE`; `--dry-run` shows \
                 what would be removed."
            ),
        };
        let finding = HOLDS.found(place.clone(), &*holds, fix);
        let share = free.map_or(String::new(), |free| {
            format!(
                " of the {} that are free or would be",
                size(free.saturating_add(usage.bytes))
            )
        });
        let impact = format!(
            "{}{share}; {} were not written for {OLD} days.",
            size(usage.bytes),
            size(old)
        );
        found.push(finding.evidence(usage.shown()).impact(impact));
    }
    if let Some(free) = free.filter(|&free| free < usage.bytes && usage.bytes >= FLOOR) {
        let message = format!("{holds}, and {} are free", size(free));
        let finding = SPACE.found(place, message, "Run `cargo xtask sweep --max-size SIZE`.");
        let impact = format!(
            "Another build of the same size needs {} more than is free.",
            size(usage.bytes - free)
        );
        let finding = finding.evidence([format!("`df -Pk {}`", own.target)]);
        found.push(finding.impact(impact));
    }
    found.extend(incremental(context, &usage)?);
    found.extend(toolchains(context, &usage));
    if !others.is_empty() {
        let mut evidence = Vec::new();
        let mut bytes = 0;
        for other in &others {
            let mut usage = DiskUsage::default();
            usage.walk(other, &[], &[], context.now)?;
            bytes += usage.bytes;
            let age = usage.by_age.keys().next().map_or(0, |days| *days);
            let (size, ago) = (size(usage.bytes), ago(age));
            evidence.push(format!("{other}: {size}, built last {ago}"));
        }
        let place = context.place(&others[0], None);
        let number = match others.len() {
            1 => "another build directory".to_owned(),
            number => format!("{number} build directories apart from its own"),
        };
        let message = format!("the workspace has {number}, of {}", size(bytes));
        let finding = SEVERAL.found(place, message, "Remove the directories that nobody uses.");
        let impact = format!(
            "{} of disk, in addition to the {} of its own.",
            size(bytes),
            size(usage.bytes)
        );
        found.push(finding.evidence(evidence).impact(impact));
    }
    Ok(found)
}

/// The age in days from which a file in a build directory counts as old.
const OLD: u64 = 30;

/// The size below which a build directory needs no cleaning. A build of a few hundred packages has
/// this size.
const FLOOR: u64 = 1 << 30;

/// Returns true if a size is worth a finding: a quarter of the bytes is old, or the bytes are a
/// tenth of the space that the disk would have free without them.
fn is_large(bytes: u64, old: u64, free: Option<u64>) -> bool {
    /// The size that is worth a finding if the free space is unknown.
    const MUCH: u64 = 20 << 30;
    let is_much = match free {
        Some(free) => bytes >= (free.saturating_add(bytes)) / 10,
        None => bytes >= MUCH,
    };
    bytes >= FLOOR && (is_much || old >= bytes / 4)
}

fn incremental(context: &Context<'_>, usage: &DiskUsage) -> Result<Option<Finding>> {
    let unused = unused(context.workspace)?;
    let bytes =
        |it: &UnusedIncremental| usage.incremental.get(&it.path).copied().unwrap_or_default();
    let all = size(unused.iter().map(bytes).sum());
    let impact = format!("{all} of disk, and nothing to rebuild once it is removed.");
    let message = match unused.len() {
        0 => return Ok(None),
        1 => format!("incremental state of {all} belongs to no package"),
        number => {
            format!("{number} directories of incremental state, of {all}, belong to no package")
        }
    };
    let evidence = unused.iter().map(|it| {
        let (path, name, size) = (&it.path, &it.crate_name, size(bytes(it)));
        format!("{path}: no package or target is called {name}, {size}")
    });
    let place = context.place(&context.workspace.build_directory, None);
    let fix = "`cargo xtask sweep` or `cargo xtask doctor --fix` removes it.";
    let finding = INCREMENTAL.found(place, message, fix);
    Ok(Some(finding.evidence(first(8, evidence)).impact(impact)))
}

fn toolchains(context: &Context<'_>, usage: &DiskUsage) -> Option<Finding> {
    let mut by_version: BTreeMap<String, HashSet<&str>> = BTreeMap::new();
    for (path, hash) in &usage.libraries {
        if let Some(version) = compiler_of(path) {
            by_version.entry(version).or_default().insert(hash);
        }
    }
    if by_version.is_empty() {
        return None;
    }
    let installed = installed(context.runner, None)?;
    by_version.retain(|version, _| !installed.contains(version));
    if by_version.is_empty() {
        return None;
    }
    let bytes = |hashes: &HashSet<&str>| hashes.iter().map(|it| usage.by_hash[*it]).sum::<u64>();
    let all = size(by_version.values().map(bytes).sum());
    let built = by_version.iter().map(|(version, hashes)| {
        let (number, size) = (hashes.len(), size(bytes(hashes)));
        format!("built by {version}: libraries: {number}, {size}")
    });
    let installed = installed.iter().map(|it| format!("installed: {it}"));
    let message = format!("{all} were built by toolchains that are no longer installed");
    let place = context.place(&context.workspace.build_directory, None);
    let fix = "Run `cargo xtask sweep`, if nothing else builds here with that toolchain.";
    let finding = TOOLCHAIN.found(place, message, fix);
    let libraries: usize = by_version.values().map(HashSet::len).sum();
    let impact = format!("{all} of disk in {libraries} libraries.");
    Some(finding.evidence(built.chain(installed)).impact(impact))
}

#[cfg(test)]
mod tests;

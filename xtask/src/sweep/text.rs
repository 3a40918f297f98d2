//! The text of a sweep's report.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::{Duration, SystemTime};

use xtask_impact::quote;

use super::garbage::SweepClass;
use super::last_use::UseEvidence;
use super::needed::CommandState;
use super::plan::KeptReason;
use super::report::{DirectoryReport, RemovalReport, Share, SweepReport};
use crate::artifacts::disk_usage::size;
use crate::cargo_runs::no_op::KeepCommand;
use crate::cli::output::count;

/// Returns the report as text. A dry run lists every unit.
pub(crate) fn report(report: &SweepReport, dry_run: bool, now: SystemTime) -> String {
    let mut text = String::new();
    let verb = if dry_run { "would remove" } else { "removed" };
    for directory in &report.directories {
        let name = quote::name(&directory.path);
        let units = count(directory.units, "unit");
        let _ = match directory.bytes {
            0 => writeln!(text, "{name}: nothing was built there"),
            bytes => writeln!(text, "{name}: {}, {units}", size(bytes)),
        };
    }
    if dry_run {
        for removal in &report.removals {
            let last_use = SystemTime::UNIX_EPOCH + Duration::from_secs(removal.last_use);
            let _ = writeln!(
                text,
                "  {:>9}  {} {}{} ({}, {})",
                size(removal.bytes),
                quote::name(&removal.package),
                quote::name(&removal.unit),
                in_profile(removal, &report.directories),
                quote::line(&removal.because),
                age(now, last_use),
            );
        }
    }
    for (class, share) in &report.by_reason {
        let name = class_name(*class);
        let number = share.removed_units;
        let _ = writeln!(text, "{verb} {name}: {number}, {}", size(share.removed));
    }
    let limit = report
        .max_size
        .map(|limit| format!(", limit {}", size(limit)));
    let (removed, after) = (size(report.removed), size(report.after));
    let _ = writeln!(
        text,
        "{verb} {removed}, {after} left{}",
        limit.unwrap_or_default()
    );
    if !report.others.is_empty() {
        let others: Vec<_> = report.others.iter().map(quote::name).collect();
        let _ = writeln!(
            text,
            "other build directories, swept only with --all-target-dirs: {}",
            others.join(", ")
        );
    }
    if report.removed > 0 {
        table(&mut text, "by kind", &report.by_kind);
        table(&mut text, "by profile", &report.by_profile);
        table(&mut text, "by triple", &report.by_triple);
        let ages = report.by_age.iter();
        let ages = ages.map(|(age, share)| (age.name().to_owned(), *share));
        let mut named = String::new();
        for (name, share) in ages {
            row(&mut named, &name, share);
        }
        let _ = write!(text, "by last use\n{named}");
    }
    text
}

/// Returns the profile directory of a removal, below its build directory: ` in release`.
fn in_profile(removal: &RemovalReport, directories: &[DirectoryReport]) -> String {
    let Some(profile) = &removal.profile else {
        return String::new();
    };
    let mut below = directories
        .iter()
        .filter_map(|it| profile.strip_prefix(&it.path).ok());
    format!(" in {}", quote::name(below.next().unwrap_or(profile)))
}

fn table(text: &mut String, title: &str, shares: &BTreeMap<String, Share>) {
    let _ = writeln!(text, "{title}");
    let mut sorted: Vec<_> = shares
        .iter()
        .filter(|(_, share)| share.before > 0)
        .collect();
    sorted.sort_by_key(|(name, share)| (std::cmp::Reverse(share.before), *name));
    for (name, share) in sorted {
        row(text, name, *share);
    }
}

fn row(text: &mut String, name: &str, share: Share) {
    let (before, removed) = (size(share.before), size(share.removed));
    let _ = writeln!(text, "  {:<22} {before:>9} - {removed}", quote::name(name));
}

fn class_name(class: SweepClass) -> &'static str {
    match class {
        SweepClass::GoneToolchain => "units of toolchains that are gone",
        SweepClass::Orphan => "orphans",
        SweepClass::FormerLayout => "units of the former layout",
        SweepClass::WithoutFingerprint => "artifacts without a fingerprint",
        SweepClass::Incremental => "incremental state without a unit",
        SweepClass::LastUse => "least recently used units",
    }
}

/// Returns the notes about the keep commands and about the evidence.
pub(crate) fn notes(report: &SweepReport) -> Vec<String> {
    let mut notes = Vec::new();
    for command in &report.commands {
        if command.state == CommandState::Stale && !command.is_default {
            notes.push(format!(
                "`{}` is not fresh: cargo would build something. Nothing was built, and all units \
                 that the command uses were kept",
                quote::line(&KeepCommand::shown(&command.command))
            ));
        }
    }
    for directory in &report.directories {
        let why = match directory.last_use {
            UseEvidence::AccessTimes => continue,
            UseEvidence::Builds => "the file system does not keep access times",
            UseEvidence::Archived => {
                "nearly all files were read within one minute, probably for an archive"
            }
        };
        notes.push(format!(
            "{}: {why}, so the time of the last build is used instead of the last use",
            quote::name(&directory.path)
        ));
    }
    notes
}

/// Returns the warnings: keep commands that failed, and a limit that cannot be reached.
pub(crate) fn warnings(report: &SweepReport) -> Vec<String> {
    let mut warnings = Vec::new();
    for command in &report.commands {
        if let Some(error) = &command.error {
            warnings.push(format!(
                "`{}` failed, so every unit of its profile is kept: {}",
                quote::line(&KeepCommand::shown(&command.command)),
                quote::line(error)
            ));
        }
    }
    if let (1.., Some(limit)) = (report.missing, report.max_size) {
        let kept = report.kept.iter().map(|(reason, bytes)| {
            let reason = match reason {
                KeptReason::Needed => "needed by keep commands",
                KeptReason::Running => "of the running xtask",
                KeptReason::Unknown => "of profiles whose keep command failed",
                KeptReason::RecentlyUsed => "used within --max-age",
                KeptReason::WithinLimit => "kept for another reason",
                KeptReason::NeverRemoved => "files that sweep does not remove",
            };
            format!("{} {reason}", size(*bytes))
        });
        warnings.push(format!(
            "{} are left, {} more than the limit of {}: {}\nhint: keep fewer commands, lower \
             --max-age, or raise --max-size to {}",
            size(report.after),
            size(report.missing),
            size(limit),
            kept.collect::<Vec<_>>().join(", "),
            report.after
        ));
    }
    warnings
}

/// Returns the time since the last use for people: `used 3 days ago`.
fn age(now: SystemTime, last_use: SystemTime) -> String {
    let seconds = now.duration_since(last_use).unwrap_or_default().as_secs();
    let (number, unit) = match seconds {
        0..3600 => (seconds / 60, "minute"),
        3600..86_400 => (seconds / 3600, "hour"),
        _ => (seconds / 86_400, "day"),
    };
    let number = usize::try_from(number).unwrap_or(usize::MAX);
    format!("used {} ago", count(number, unit))
}

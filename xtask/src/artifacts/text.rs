//! The text of a plan of `clean-affected`, and of the verification after a clean.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::time::Duration;

use camino::Utf8PathBuf;
use serde::Serialize;
use xtask_impact::build_dir::unit_record::UnitName;
use xtask_impact::quote;
use xtask_impact::records::names::{in_graph, target_kind};
use xtask_impact::unit_graph::{Mode, target_name};
use xtask_impact::workspace::name_and_version;

use crate::artifacts::plan::{CleanPlan, Directory, Removal};
use crate::artifacts::verify::Verification;
use crate::cli::output::count;

/// The plan of one of several workspaces, for JSON output.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Serialize)]
pub struct Rooted {
    /// The directory of the root manifest.
    #[cfg_attr(test, schemars(with = "String"))]
    pub workspace_root: Utf8PathBuf,
    /// The plan.
    #[serde(flatten)]
    pub plan: CleanPlan,
}

/// Returns the text of a plan, by directory and package. If `paths` is true, the text lists every
/// path.
pub fn plan(plan: &CleanPlan, paths: bool) -> String {
    let mut text = String::new();
    for directory in &plan.directories {
        let mut packages: BTreeMap<_, Vec<&Removal>> = BTreeMap::new();
        for removal in &directory.removals {
            let package = (removal.package.as_str(), removal.package_id.as_deref());
            packages.entry(package).or_default().push(removal);
        }
        if packages.is_empty() && directory.kept.is_empty() && directory.doubtful.is_empty() {
            continue;
        }
        let _ = writeln!(text, "in {}", quote::name(&directory.path));
        for ((name, _), removals) in packages {
            let size = size(removals.iter().copied());
            let _ = writeln!(
                text,
                "  {name}: {size} ← {}",
                quote::line(&removals[0].because)
            );
            let units = removals.iter().map(|it| unit_name(it.unit.as_ref()));
            let units = BTreeSet::from_iter(units);
            let _ = writeln!(text, "    {}", Vec::from_iter(units).join(", "));
            for removal in removals.iter().filter(|_| paths) {
                let _ = writeln!(text, "    {}", quote::name(&removal.path));
            }
        }
        notes(&mut text, directory, paths);
    }
    if plan.removals().next().is_some() {
        let _ = writeln!(text, "total: {}", size(plan.removals()));
    }
    if !plan.others.is_empty() {
        let others: Vec<_> = plan.others.iter().map(quote::name).collect();
        let _ = writeln!(
            text,
            "other build directories, cleaned only with --all-target-dirs: {}",
            others.join(", ")
        );
    }
    text
}

fn notes(text: &mut String, directory: &Directory, paths: bool) {
    for id in &directory.kept {
        let _ = writeln!(
            text,
            "  kept, because the running xtask is built from it: {}",
            quote::line(id)
        );
    }
    if !directory.shared_incremental.is_empty() {
        let names = quote::line(&directory.shared_incremental.join(", ")).into_owned();
        let _ = writeln!(
            text,
            "  incremental state of crates with the same name in other packages is removed too: \
             {names}"
        );
    }
    let mut doubtful: BTreeMap<_, BTreeSet<String>> = BTreeMap::new();
    for it in &directory.doubtful {
        let key = (&it.package, &it.doubt, &it.because);
        let units = doubtful.entry(key).or_default();
        units.insert(unit_name(it.unit.as_ref()));
    }
    for ((package, doubt, because), units) in doubtful {
        let _ = writeln!(
            text,
            "  {package}: kept, because {} ← {}",
            quote::line(doubt),
            quote::line(because)
        );
        let _ = writeln!(text, "    {}", Vec::from_iter(units).join(", "));
    }
    for it in directory.doubtful.iter().filter(|_| paths) {
        let _ = writeln!(text, "    {}", quote::name(&it.path));
    }
}

/// Returns the number of files and bytes of removals.
pub(crate) fn size<'a>(removals: impl Iterator<Item = &'a Removal>) -> String {
    let (files, bytes) = removals.fold((0, 0), |(files, bytes), removal| {
        (files + removal.files, bytes + removal.bytes)
    });
    format!("{}, {}", count(files as usize, "file"), in_units(bytes))
}

#[expect(
    clippy::cast_precision_loss,
    reason = "one digit behind the point is shown"
)]
/// Returns a number of bytes with its unit.
pub(crate) fn in_units(bytes: u64) -> String {
    let (mut size, mut units) = (bytes as f64, ["KiB", "MiB", "GiB"].iter());
    let mut unit = "B";
    while size >= 1024.0
        && let Some(next) = units.next()
    {
        (size, unit) = (size / 1024.0, next);
    }
    match unit {
        "B" => format!("{bytes}B"),
        _ => format!("{size:.1}{unit}"),
    }
}

/// Returns the name of a recorded unit within its package.
pub(crate) fn unit_name(unit: Option<&UnitName>) -> String {
    let Some(unit) = unit else {
        return "build never finished".to_owned();
    };
    match in_graph(unit) {
        Some((kind, _, mode)) => target_name(kind, mode, &unit.target),
        None => {
            let name = target_name(target_kind(unit.kind), Mode::Build, &unit.target);
            format!("{name} documentation")
        }
    }
}

/// Returns the text of a verification: the units that cargo built against the units that were
/// predicted. `took` is the duration of the build, `full` the duration of the last full build if it
/// is known.
pub fn verification(found: &Verification, took: Duration, full: Option<Duration>) -> String {
    let mut text = String::new();
    let groups = [
        ("rebuilt as predicted", &found.built),
        ("rebuilt but not predicted", &found.unpredicted),
        ("predicted but not rebuilt", &found.missed),
    ];
    for (title, units) in groups {
        let _ = writeln!(text, "{title}: {}", count(units.len(), "unit"));
        let mut packages: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        for unit in units {
            let name = target_name(unit.kind, unit.mode, &unit.target);
            packages.entry(&unit.package).or_default().push(name);
        }
        for (package, units) in packages {
            let (name, version) = name_and_version(package);
            let _ = writeln!(text, "  {name} {version}: {}", units.join(", "));
        }
    }
    let _ = writeln!(text, "stayed fresh: {}", count(found.fresh, "unit"));
    let _ = write!(text, "took {:.1}s", took.as_secs_f64());
    if let Some(full) = full {
        let _ = write!(
            text,
            "; the last full build took {:.1}s",
            full.as_secs_f64()
        );
    }
    text + "\n"
}

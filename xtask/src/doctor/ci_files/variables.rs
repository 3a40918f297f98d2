//! Checks the environment variables that are part of the keys of a compiler cache.

use std::collections::{BTreeMap, BTreeSet};

use camino::Utf8PathBuf;

use super::{CiFault, VARIABLES, is_unique_per_run};
use crate::doctor::workflow::{NamedValue, WorkflowJob};

/// Returns the faults in the variables of those jobs of a file that use sccache.
pub(crate) fn variables(jobs: &[WorkflowJob]) -> Vec<CiFault> {
    let cached: Vec<_> = jobs.iter().filter_map(hashed).collect();
    let names: BTreeSet<&str> = cached.iter().flat_map(|it| it.keys().copied()).collect();
    let mut faults = Vec::new();
    for name in names {
        let entries = || cached.iter().filter_map(|it| it.get(name).copied());
        let values = cached.iter().map(|it| it.get(name).map(|it| &it.value));
        let values: BTreeSet<_> = values.collect();
        let found = if name == "CARGO_INCREMENTAL" {
            let on = entries().find(|it| ["1", "true"].contains(&it.value.as_str()));
            on.map(|it| (it, "is on together with sccache"))
        } else if let Some(own) = entries().find(|it| is_unique_per_run(&it.value)) {
            Some((own, "differs in each run, and is part of sccache's keys"))
        } else if values.len() > 1 && SILENT.iter().any(|it| name.starts_with(it)) {
            let any = entries().next();
            any.map(|it| (it, "differs between jobs that use sccache"))
        } else {
            None
        };
        let found = found.or_else(|| log(name, entries().next()?));
        faults.extend(found.map(|(entry, fault)| CiFault {
            check: &VARIABLES,
            at: entry.line,
            message: format!("{name} {fault}"),
            fix: "Set it in `.cargo/config.toml`.",
        }));
    }
    faults.extend(
        jobs.iter()
            .filter(|job| hashed(job).is_some())
            .filter_map(own_path),
    );
    faults
}

/// Returns a fault if a variable makes cargo write a log. sccache hashes the variable, although the
/// variable does not change the compiled code.
fn log<'a>(name: &str, entry: &'a NamedValue) -> Option<(&'a NamedValue, &'static str)> {
    (name == "CARGO_LOG").then_some((entry, "is part of sccache's keys, and has no other effect"))
}

/// Returns the fault of a job that checks out its sources at another path in each run.
fn own_path(job: &WorkflowJob) -> Option<CiFault> {
    let of_checkout = job
        .steps
        .iter()
        .filter(|it| it.uses.starts_with("actions/checkout"));
    let paths = of_checkout.flat_map(|step| step.with.iter().filter(|it| it.name == "path"));
    let variables = job
        .variables
        .iter()
        .filter(|it| it.name == "GIT_CLONE_PATH");
    let own = paths
        .chain(variables)
        .find(|it| is_unique_per_run(&it.value))?;
    Some(CiFault {
        check: &VARIABLES,
        at: own.line,
        message: format!(
            "{} checks out at a path that differs in each run, and sccache's keys contain the path",
            job.name
        ),
        fix: "Check out at the same path in every run.",
    })
}

/// Returns the variables that are the same in the jobs of each file, and differ between the jobs of
/// several files. Each fault belongs to the file that differs from the first file.
pub(crate) fn between_files(
    files: &[(Utf8PathBuf, Vec<WorkflowJob>)],
) -> Vec<(Utf8PathBuf, CiFault)> {
    let mut by_file = Vec::new();
    for (file, jobs) in files {
        let cached: Vec<_> = jobs.iter().filter_map(hashed).collect();
        let Some(first) = cached.first() else {
            continue;
        };
        let is_same = |name: &str, value: &str| {
            let mut jobs = cached
                .iter()
                .map(|job| job.get(name).map(|it| it.value.as_str()));
            jobs.all(|it| it == Some(value))
        };
        let silent = first
            .iter()
            .filter(|(name, _)| SILENT.iter().any(|it| name.starts_with(it)));
        let same = silent.filter(|(name, entry)| is_same(name, &entry.value));
        let same: BTreeMap<&str, &NamedValue> = same.map(|(name, entry)| (*name, *entry)).collect();
        by_file.push((file, same));
    }
    let Some(((first, known), others)) = by_file.split_first() else {
        return Vec::new();
    };
    let mut faults = Vec::new();
    for (file, values) in others {
        for (name, entry) in values {
            let other = known.get(name).map(|it| it.value.as_str());
            if other == Some(entry.value.as_str()) || is_unique_per_run(&entry.value) {
                continue;
            }
            let fault = CiFault {
                check: &VARIABLES,
                at: entry.line,
                message: format!(
                    "{name} differs between jobs that use sccache, here and in {first}"
                ),
                fix: "Set it in `.cargo/config.toml`.",
            };
            faults.push(((*file).clone(), fault));
        }
    }
    faults
}

/// Prefixes of the variables that do not change what is compiled.
pub(crate) const SILENT: [&str; 5] = [
    "CARGO_TERM_",
    "CARGO_NET_",
    "CARGO_HTTP_",
    "CARGO_HOME",
    "CARGO_TARGET_DIR",
];

/// Returns the variables of a job that sccache hashes; `None` if the job does not use sccache.
fn hashed(job: &WorkflowJob) -> Option<BTreeMap<&str, &NamedValue>> {
    let of_steps = job.steps.iter().flat_map(|step| &step.variables);
    let variables = || job.variables.iter().chain(of_steps.clone());
    let is_wrapper =
        |it: &NamedValue| it.name.ends_with("RUSTC_WRAPPER") && it.value.contains("sccache");
    let runs = ["RUSTC_WRAPPER=sccache", "RUSTC_WRAPPER=\"sccache"];
    let says = |text: &str| runs.iter().any(|it| text.contains(it));
    let has_cache = variables().any(is_wrapper) || job.commands().any(|(_, text)| says(text));
    let others = [
        "CARGO_REGISTRIES_",
        "CARGO_REGISTRY_",
        "CARGO_MAKEFLAGS",
        "CARGO_BUILD_JOBS",
    ];
    let is_hashed = |it: &&NamedValue| {
        it.name.starts_with("CARGO_") && !others.iter().any(|other| it.name.starts_with(other))
    };
    let hashed = variables().filter(is_hashed);
    has_cache.then(|| hashed.map(|it| (it.name.as_str(), it)).collect())
}

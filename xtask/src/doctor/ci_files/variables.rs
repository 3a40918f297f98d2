//! Checks the environment variables that are part of the keys of a compiler cache.

use std::collections::{BTreeMap, BTreeSet};

use super::{CiFault, VARIABLES, is_own_of_a_run};
use crate::doctor::workflow::{NamedValue, WorkflowJob};

/// Returns the faults in the variables of those jobs of a file that use sccache.
pub(crate) fn variables(jobs: &[WorkflowJob]) -> Vec<CiFault> {
    let cached: Vec<_> = jobs.iter().filter_map(hashed).collect();
    let names: BTreeSet<&str> = cached.iter().flat_map(|it| it.keys().copied()).collect();
    let mut faults = Vec::new();
    for name in names {
        let entries = || cached.iter().filter_map(|it| it.get(name));
        let values = cached.iter().map(|it| it.get(name).map(|it| &it.value));
        let values: BTreeSet<_> = values.collect();
        let found = if name == "CARGO_INCREMENTAL" {
            let on = entries().find(|it| ["1", "true"].contains(&it.value.as_str()));
            on.map(|it| (it, "is on together with sccache"))
        } else if let Some(own) = entries().find(|it| is_own_of_a_run(&it.value)) {
            Some((own, "differs in each run, and is part of sccache's keys"))
        } else if values.len() > 1 && SILENT.iter().any(|it| name.starts_with(it)) {
            let any = entries().next();
            any.map(|it| (it, "differs between jobs that use sccache"))
        } else {
            None
        };
        faults.extend(found.map(|(entry, fault)| CiFault {
            check: &VARIABLES,
            at: entry.line,
            message: format!("{name} {fault}"),
            fix: "Set it in `.cargo/config.toml`.",
        }));
    }
    faults
}

/// Prefixes of the variables that do not change what is compiled.
const SILENT: [&str; 4] = [
    "CARGO_TERM_",
    "CARGO_NET_",
    "CARGO_HTTP_",
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

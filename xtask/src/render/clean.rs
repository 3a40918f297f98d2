//! What `clean-affected` is going to do, and whether it did.

use std::fmt::Write as _;

use super::count;
use crate::action::clean::CleanPlan;
use crate::action::verify::Verification;

/// The plan, a line a package and a directory.
pub fn plan(plan: &CleanPlan) -> String {
    let mut text = String::new();
    let width = plan
        .packages
        .iter()
        .map(|planned| planned.name.chars().count())
        .max();
    let width = width.unwrap_or(0);
    for planned in &plan.packages {
        let _ = writeln!(text, "{:<width$}  ← {}", planned.name, planned.because);
    }
    if !plan.packages.is_empty() {
        for directory in &plan.directories {
            let _ = write!(text, "in {} (profile {}", directory.path, directory.profile);
            if let Some(triple) = &directory.triple {
                let _ = write!(text, ", {triple}");
            }
            text.push(')');
            if !directory.kept.is_empty() {
                let _ = write!(text, ", except for the running kit");
            }
            text.push('\n');
        }
    }
    text
}

/// What cargo compiled, held against the plan.
pub fn verification(found: &Verification) -> String {
    let mut text = String::new();
    let groups = [
        ("compiled as announced", &found.compiled),
        ("compiled besides", &found.besides),
        ("announced, yet not compiled", &found.missed),
    ];
    for (title, packages) in groups {
        let _ = write!(text, "{title}: {}", count(packages.len(), "package"));
        if !packages.is_empty() {
            let _ = write!(text, ": {}", packages.join(", "));
        }
        text.push('\n');
    }
    let _ = writeln!(text, "stayed fresh: {}", count(found.fresh, "package"));
    text
}

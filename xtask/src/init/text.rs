//! The text of a plan of `init`.

use camino::Utf8Path;
use xtask_impact::quote;

use crate::init::plan::{InitPlan, PlannedFile};

/// Returns the plan for people: each file with the lines that are written.
pub(crate) fn plan(plan: &InitPlan) -> String {
    let mut text = String::new();
    for file in &plan.writes {
        let path = quote::name(&file.path);
        let verb = match file.before {
            None => "new",
            Some(_) => "add to",
        };
        text += &format!("{verb} {path}\n");
        for line in added(file) {
            let line = quote::line(line);
            text += format!("  + {line}").trim_end();
            text += "\n";
        }
    }
    for file in &plan.kept {
        let path = quote::name(&file.path);
        text += &format!("keep {path}: {}\n", quote::line(&file.because));
    }
    for command in &plan.commands {
        text += &format!("run {}\n", command.join(" "));
    }
    text
}

/// Returns the lines that a plan adds to a file, in order.
fn added(file: &PlannedFile) -> Vec<&str> {
    let mut before = file
        .before
        .as_deref()
        .unwrap_or_default()
        .lines()
        .peekable();
    let is_added = |line: &&str| before.next_if_eq(line).is_none();
    file.after.lines().filter(is_added).collect()
}

/// Returns the advice for the next steps. `own` is the folder of the own package.
pub(crate) fn next(plan: &InitPlan, own: &Utf8Path) -> String {
    let lock = own.join("Cargo.lock");
    let mut words = vec!["git", "add"];
    let paths = plan.writes.iter().map(|it| quote::shell(&it.path));
    let paths: Vec<_> = paths.collect();
    words.extend(paths.iter().map(AsRef::as_ref));
    format!(
        "the first call of `cargo {}` builds the kit and writes {}; then commit the files: `{} {}`",
        own.file_name().unwrap_or_default(),
        quote::name(&lock),
        words.join(" "),
        quote::shell(&lock)
    )
}

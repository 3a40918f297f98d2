//! Finds the toolchains that jobs install, and the version that the repository's toolchain file
//! names.

use xtask_impact::cargo_config::toolchain_file;
use xtask_impact::files;

use crate::doctor::context::Context;
use crate::doctor::workflow::WorkflowJob;

/// Returns true if a toolchain file names a version or a date.
pub(crate) fn is_pinned(context: &Context<'_>) -> bool {
    let roots = [context.top_level(), &context.workspace.root];
    let files = roots
        .into_iter()
        .flat_map(|root| toolchain_file::NAMES.map(|file| root.join(file)));
    let texts = files.filter_map(|file| files::read_text(file, files::SETTINGS).ok());
    let mut channels = texts.filter_map(|text| toolchain_file::channel(&text));
    channels.any(|it| it.contains(|char: char| char.is_ascii_digit()))
}

/// Returns the toolchains that a job installs, each with its line.
pub(crate) fn chosen(job: &WorkflowJob) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for step in &job.steps {
        let (action, version) = step.uses.split_once('@').unwrap_or((&step.uses, ""));
        let given = step.with.iter().find(|it| it.name == "toolchain");
        let channel = match (action, given) {
            ("dtolnay/rust-toolchain" | "actions-rs/toolchain", Some(given)) => &*given.value,
            ("actions-rust-lang/setup-rust-toolchain", Some(given)) => &*given.value,
            ("dtolnay/rust-toolchain", None) => version,
            ("actions-rust-lang/setup-rust-toolchain", None) => "stable",
            _ => continue,
        };
        let channel = job.resolved(channel);
        found.push((step.line, channel.unwrap_or_else(|| "unknown".to_owned())));
    }
    for (line, command) in job.commands() {
        let words: Vec<_> = command.split_whitespace().collect();
        if words.first() != Some(&"rustup") {
            continue;
        }
        let installs = ["update", "default", "install", "set"];
        let is_channel = |it: &&&str| {
            let it = it.trim_matches('"');
            let begins = ["stable", "beta", "nightly", "$"];
            begins.iter().any(|begin| it.starts_with(begin))
                || it.starts_with(|it: char| it.is_ascii_digit())
        };
        let mut rest = words.iter().skip_while(|it| !installs.contains(it)).skip(1);
        found.extend(rest.find(is_channel).map(|it| {
            let end = it.find('-').filter(|_| !it.contains("-2"));
            let channel = &it[..end.unwrap_or(it.len())];
            (line, channel.trim_matches('"').to_owned())
        }));
    }
    found
}

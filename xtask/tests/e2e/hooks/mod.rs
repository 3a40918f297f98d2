//! Hooks that git itself runs.

mod commit;
mod frameworks;
mod index;
mod install;
mod push;

use std::process::Command;

use crate::support::{Output, Project};

/// Makes two small libraries, and installs hooks with the given configuration.
fn project(hooks: &str) -> Project {
    let project = Project::with_libraries(&[("base", &[]), ("top", &["base"])]);
    configure(&project, hooks);
    project.commit("Configure the hooks");
    let hooks = [
        "hooks",
        "install",
        "pre-commit",
        "pre-push",
        "post-checkout",
    ];
    project.xtask(&hooks).done();
    project
}

fn configure(project: &Project, hooks: &str) {
    let manifest = project.read("Cargo.toml");
    let manifest = manifest.split("\n[workspace.metadata").next().unwrap();
    let table = format!(
        "{}\n[workspace.metadata.xtask.hooks]\n{hooks}",
        manifest.trim_end()
    );
    project.write("Cargo.toml", &table);
}

/// Returns the configuration of a hook with one step, which is a shell script.
fn one_step(hook: &str, script: &str) -> String {
    format!("{hook}.steps = [\"look\"]\nsteps.look.run = [\"sh\", \"-c\", '''{script}''']\n")
}

/// Runs git, and returns its output even if git fails.
fn git(project: &Project, arguments: &[&str]) -> Output {
    project.run(Command::new("git").args(arguments))
}

//! The texts of the files that `init` writes as a whole.

use crate::init::host::HostRepository;
use crate::init::plan::InitOptions;

/// A file that `init` writes as a whole.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Template {
    /// The manifest of the own package.
    Manifest,
    /// The main file of the own package.
    Main,
    /// The workflow for GitHub.
    Github,
    /// The job for GitLab.
    Gitlab,
    /// The configuration of the pre-commit framework.
    PreCommit,
}

impl Template {
    /// Returns the text for a repository.
    pub(crate) fn text(self, host: &HostRepository, options: &InitOptions) -> String {
        let text = match self {
            Self::Manifest => include_str!("templates/Cargo.toml"),
            // An example of the kit, so that every build of the tests compiles the file.
            Self::Main => include_str!("../../examples/own_xtask.rs"),
            Self::Github => {
                let text = include_str!("templates/github.yml");
                return fill(
                    &text.replace("@KIT@", include_str!("templates/github-kit.yml")),
                    host,
                    options,
                );
            }
            Self::Gitlab => include_str!("templates/gitlab.yml"),
            Self::PreCommit => include_str!("templates/pre-commit.yaml"),
        };
        fill(text, host, options)
    }
}

/// Returns a template with its placeholders filled in.
fn fill(text: &str, host: &HostRepository, options: &InitOptions) -> String {
    let below = host.below.as_str().replace('\\', "/");
    let (prefix, defaults, cd) = match below.as_str() {
        "" => (String::new(), String::new(), String::new()),
        below => (
            format!("{below}/"),
            format!("defaults:\n  run:\n    working-directory: {below}\n\n"),
            format!("    - cd {below}\n"),
        ),
    };
    let target = host.target.as_ref().map_or("target", |it| it.as_str());
    let target = format!("{prefix}{}", target.replace('\\', "/"));
    let file = format!("{prefix}{}.gitlab-ci.yml", options.name);
    [
        ("@NAME@", options.name.as_str()),
        ("@KIT@", &options.kit),
        ("@BRANCH@", &host.branch),
        ("@BELOW@", &prefix),
        ("@DEFAULTS@", &defaults),
        ("@CD@", &cd),
        ("@TARGET@", &target),
        ("@FILE@", &file),
    ]
    .iter()
    .fold(text.replace("\r\n", "\n"), |text, (mark, value)| {
        text.replace(mark, value)
    })
}

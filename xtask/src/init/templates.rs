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
    /// The manifest of the launcher.
    LauncherManifest,
    /// The lock file of the launcher.
    LauncherLock,
    /// The main file of the launcher.
    LauncherMain,
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
            Self::Manifest => include_str!("templates/own.toml"),
            // An example of the kit, so that every build of the tests compiles the file.
            Self::Main => include_str!("../../examples/own_xtask.rs"),
            Self::LauncherManifest => include_str!("templates/launcher.toml"),
            Self::LauncherLock => include_str!("templates/launcher.lock"),
            Self::LauncherMain => return launcher(host, options),
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

/// The line of the example that a launcher does not need.
const EXPECTED_LINT: &str =
    "#![expect(clippy::disallowed_methods, reason = \"it has no dependencies\")]\n\n";

/// Returns the main file of the launcher: the example with the values of a repository.
fn launcher(host: &HostRepository, options: &InitOptions) -> String {
    let text = include_str!("../../examples/own_launcher.rs").replace("\r\n", "\n");
    let flags = host.flags(&options.name);
    let flags: Vec<_> = flags.iter().map(|flag| format!("{flag:?}")).collect();
    let of = |name: &str, flags: &str| {
        [
            format!("const NAME: &str = \"{name}\";"),
            format!("const FLAGS: &[&str] = &[{flags}];"),
        ]
    };
    let example = of("xtask", r#""--target-dir", "target/own-xtask""#);
    let own = of(&options.name, &flags.join(", "));
    // The line is for the lints of the kit's own repository.
    let text = text.replace(EXPECTED_LINT, "");
    let lines = example.iter().zip(&own);
    lines.fold(text, |text, (line, own)| text.replace(line, own))
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
    // The framework starts hooks at the top level, where the alias of a workspace below is unknown.
    let (start, stop) = match below.as_str() {
        "" => (String::new(), ""),
        below => (format!("sh -c 'cd \"{below}\" && exec "), "'"),
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
        ("@START@", &start),
        ("@STOP@", stop),
        ("@TARGET@", &target),
        ("@FILE@", &file),
    ]
    .iter()
    .fold(text.replace("\r\n", "\n"), |text, (mark, value)| {
        text.replace(mark, value)
    })
}

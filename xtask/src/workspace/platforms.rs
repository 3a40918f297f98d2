//! Platforms: which were asked for, and whether what a manifest names is one of them.

use cargo_metadata::cargo_platform::{Cfg, Platform};

use crate::process::{self, Runner};

/// Which platforms' dependencies count.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Platforms {
    /// The host alone.
    #[default]
    Host,
    /// These target triples, and the host for build scripts and proc-macros.
    Triples(Vec<String>),
    /// Every platform that a manifest names.
    All,
}

/// What is known of the platforms that were asked for, looked up when it is first needed.
pub(super) struct PlatformFacts<'a> {
    runner: &'a Runner,
    platforms: &'a Platforms,
    /// Name and `cfg` of each; `None` where the compiler did not tell.
    known: Option<Option<Vec<Fact>>>,
}

impl<'a> PlatformFacts<'a> {
    pub(super) fn new(runner: &'a Runner, platforms: &'a Platforms) -> Self {
        Self {
            runner,
            platforms,
            known: None,
        }
    }

    pub(super) fn may_match(&mut self, platform: &Platform) -> bool {
        let known = self.known.get_or_insert_with(|| match self.platforms {
            Platforms::All => None,
            Platforms::Host => Some(vec![facts(self.runner, None)?]),
            Platforms::Triples(triples) => std::iter::once(None)
                .chain(triples.iter().map(|triple| Some(triple.as_str())))
                .map(|triple| facts(self.runner, triple))
                .collect(),
        });
        let Some(known) = known else { return true };
        known.iter().any(|(name, cfg)| platform.matches(name, cfg))
    }
}

/// The name and the `cfg` of one platform.
type Fact = (String, Vec<Cfg>);

/// The facts of a platform, the host's without a triple.
fn facts(runner: &Runner, triple: Option<&str>) -> Option<Fact> {
    let mut command = runner.rustc();
    command.args(["--print", "host-tuple", "--print", "cfg"]);
    command.args(triple.map(|triple| format!("--target={triple}")));
    let output = process::output(&mut command)
        .ok()
        .filter(|output| output.status.success())?;
    let said = String::from_utf8(output.stdout).ok()?;
    let (host, cfg) = said.split_once('\n')?;
    let cfg = cfg.lines().filter_map(|line| line.parse().ok()).collect();
    Some((triple.unwrap_or(host).to_owned(), cfg))
}

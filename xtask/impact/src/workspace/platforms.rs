//! The platforms that cargo builds for, and what the compiler says about them.

use std::collections::BTreeSet;

use camino::Utf8PathBuf;
use cargo_metadata::cargo_platform::{Cfg, Platform};
use serde::{Deserialize, Serialize};

use super::Workspace;
use crate::cargo_config::CargoConfig;
use crate::process::{self, Runner};

/// The platforms whose dependencies count.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Platforms {
    /// The platforms that cargo builds for by default: `build.target` of its configuration, or the
    /// host.
    #[default]
    Configured,
    /// These target triples, and the host for build scripts and proc-macros.
    Triples(Vec<String>),
    /// Every platform that a manifest names.
    All,
}

/// The facts that the compiler prints about a platform.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlatformFacts {
    /// The target triple.
    pub name: String,
    /// The `cfg` options as `rustc --print cfg` writes them: `unix`, `target_os="linux"`.
    pub cfg: BTreeSet<String>,
}

impl Platforms {
    /// Returns the target triples that cargo builds for in addition to the host; `None` for all
    /// platforms.
    pub(super) fn triples(&self, runner: &Runner) -> Option<Vec<String>> {
        match self {
            Self::Configured => {
                // A configuration that cannot be read is ignored here, because cargo itself reports
                // it.
                let targets = CargoConfig::of(runner).and_then(|it| it.build_targets());
                let targets = targets.unwrap_or_default();
                let triples = targets.iter().filter_map(|it| it.as_str());
                Some(triples.map(str::to_owned).collect())
            }
            Self::Triples(triples) => Some(triples.clone()),
            Self::All => None,
        }
    }
}

impl PlatformFacts {
    /// Asks the compiler for the facts of the host and of these triples, and for its sysroot.
    /// Returns `None` if the compiler fails.
    pub fn of(runner: &Runner, triples: &[String]) -> Option<(Vec<Self>, Utf8PathBuf)> {
        let (host, sysroot) = facts(runner, None)?;
        let others = triples
            .iter()
            .map(|triple| Some(facts(runner, Some(triple))?.0));
        let all: Option<Vec<_>> = std::iter::once(Some(host)).chain(others).collect();
        Some((all?, sysroot))
    }

    /// Returns true if a platform in a manifest or in cargo's configuration (a triple or `cfg(…)`)
    /// matches this platform.
    pub fn matches(&self, platform: &Platform) -> bool {
        let cfg: Vec<Cfg> = self.cfg.iter().filter_map(|it| it.parse().ok()).collect();
        platform.matches(&self.name, &cfg)
    }

    /// Returns whether a `cfg` option is set on this platform; `None` if compiler flags may decide
    /// it.
    pub(super) fn is_set(&self, option: &str, value: Option<&str>) -> Option<bool> {
        const OPTIONS: [&str; 9] = [
            "target_arch",
            "target_endian",
            "target_env",
            "target_family",
            "target_os",
            "target_pointer_width",
            "target_vendor",
            "unix",
            "windows",
        ];
        let written = || value.map_or(option.to_owned(), |value| format!("{option}={value:?}"));
        let is_its = OPTIONS.contains(&option);
        is_its.then(|| self.cfg.contains(&written()))
    }
}

impl Workspace {
    /// Returns whether a `cfg` option is set on the platforms that a target is built for. Returns
    /// `None` if the platforms differ, or if compiler flags may decide it.
    pub fn is_set(&self, option: &str, value: Option<&str>, for_host: bool) -> Option<bool> {
        let platforms = match (for_host, self.platforms.as_deref()?) {
            (true, [host, ..]) => std::slice::from_ref(host),
            // The host counts too: a target may also be a dependency of a build script, which is
            // built for the host.
            (_, all) => all,
        };
        let mut set = platforms.iter().map(|facts| facts.is_set(option, value));
        let first = set.next()?;
        first.filter(|_| set.all(|other| other == first))
    }
}

/// Returns true if a triple has the host's architecture and operating system, as far as that is
/// known without the compiler.
pub fn may_be_host(triple: &str) -> bool {
    let system = match std::env::consts::OS {
        "macos" => "darwin",
        other => other,
    };
    let is_architecture = match std::env::consts::ARCH {
        "x86" => ["i586", "i686"].iter().any(|it| triple.starts_with(it)),
        other => triple.starts_with(other),
    };
    is_architecture && triple.contains(system)
}

/// Returns the facts of a platform and the compiler's sysroot. Without a triple the platform is the
/// host.
fn facts(runner: &Runner, triple: Option<&str>) -> Option<(PlatformFacts, Utf8PathBuf)> {
    let mut command = runner.rustc();
    for what in ["host-tuple", "sysroot", "cfg"] {
        command.args(["--print", what]);
    }
    let triple = triple.filter(|triple| *triple != "host-tuple");
    command.args(triple.map(|triple| format!("--target={triple}")));
    let said = String::from_utf8(process::checked(&mut command).ok()?).ok()?;
    let (host, rest) = said.split_once('\n')?;
    let (sysroot, cfg) = rest.split_once('\n')?;
    let facts = PlatformFacts {
        name: triple.unwrap_or(host).to_owned(),
        cfg: cfg.lines().map(str::to_owned).collect(),
    };
    Some((facts, sysroot.into()))
}

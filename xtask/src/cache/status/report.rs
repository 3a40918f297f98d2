//! The status of the cache, as a value. `docs/json.md` documents the format.

use camino::Utf8PathBuf;
use serde::Serialize;
use xtask_impact::cargo_config::wrapper::Wrapper;
use xtask_impact::workspace::Workspace;

use crate::cache::crates::{CrateNames, explained};
use crate::cache::run::CachedRun;
use crate::compiler_cache::counts::{CacheCounts, ServerReport};
use crate::compiler_cache::log::CacheOutcome;
use crate::compiler_cache::program::Sccache;
use crate::compiler_cache::remote::Remote;
use crate::compiler_cache::settings::CacheSettings;

/// The status of the cache.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Default, Serialize)]
pub(crate) struct StatusReport {
    /// The version of this format.
    pub version: u32,
    /// The wrapper around rustc that cargo uses.
    pub wrapper: Option<WrapperStatus>,
    /// The installed sccache.
    pub sccache: Option<ServerStatus>,
    /// The directory of the cache on the disk, if sccache does not choose it.
    pub disk_directory: Option<String>,
    /// The remote caches.
    pub remotes: Vec<RemoteStatus>,
    /// The last build with `cache run`.
    pub last_run: Option<RunStatus>,
}

/// The wrapper around rustc.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Serialize)]
pub(crate) struct WrapperStatus {
    /// The program.
    #[cfg_attr(test, schemars(with = "String"))]
    pub program: Utf8PathBuf,
    /// The file or the variable that sets the wrapper.
    pub origin: String,
}

/// The installed sccache, and the counts of the user's own server.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Serialize)]
pub(crate) struct ServerStatus {
    /// The program.
    #[cfg_attr(test, schemars(with = "String"))]
    pub program: Utf8PathBuf,
    /// The report of the server. All counts are zero if no server runs.
    #[serde(flatten)]
    pub report: Option<ServerReport>,
    /// The shares of the counts.
    #[serde(flatten)]
    pub shares: CacheShares,
    /// The reason why there is no report.
    pub error: Option<String>,
}

/// The shares of some counts, in percent.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Default, Serialize)]
pub(crate) struct CacheShares {
    /// The share of hits among cacheable compilations.
    pub hit_rate: Option<f64>,
    /// The share of cacheable compilations among all compilations.
    pub coverage: Option<f64>,
}

/// A remote cache.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Serialize)]
pub(crate) struct RemoteStatus {
    /// The kind, the bucket and the servers.
    pub name: String,
    /// True if every server answered in its own protocol and in time.
    pub answers: bool,
    /// The time of the slowest answer.
    pub milliseconds: Option<u64>,
    /// The bytes that a Redis server uses.
    pub size: Option<u64>,
    /// The limit of a Redis server; `None` for no limit.
    pub size_limit: Option<u64>,
    /// The reason why the remote does not answer.
    pub error: Option<String>,
}

/// A build with `cache run`.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Serialize)]
pub(crate) struct RunStatus {
    /// The counts.
    pub counts: CacheCounts,
    /// The shares of the counts.
    #[serde(flatten)]
    pub shares: CacheShares,
    /// True if the remote answered at the start.
    pub used_remote: bool,
    /// The reason why the remote failed during the build.
    pub lost: Option<String>,
    /// The packages that missed, and why, sorted by name.
    pub packages: Vec<MissingPackage>,
}

/// A package with compilations that did not come from the cache.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(crate) struct MissingPackage {
    /// The name of the package, or of the crate if several packages have such a crate.
    pub package: String,
    /// The cause.
    pub cause: String,
    /// The number of compilations.
    pub compilations: usize,
}

impl CacheShares {
    /// Returns the shares of some counts.
    pub(crate) fn of(counts: &CacheCounts) -> Self {
        Self {
            hit_rate: counts.hit_rate(),
            coverage: counts.coverage(),
        }
    }
}

impl StatusReport {
    /// Asks the servers.
    pub(crate) fn new(
        wrapper: Option<&Wrapper>,
        sccache: Option<&Sccache>,
        settings: &CacheSettings,
    ) -> Self {
        Self {
            version: 1,
            wrapper: wrapper.map(|it| WrapperStatus {
                program: it.program.clone(),
                origin: it.origin.to_string(),
            }),
            sccache: sccache.map(server),
            disk_directory: settings.directory.clone(),
            remotes: settings.remotes.iter().map(remote).collect(),
            last_run: None,
        }
    }

    /// Adds the last build with `cache run`.
    #[must_use]
    pub(crate) fn with_last_run(mut self, last: Option<CachedRun>, workspace: &Workspace) -> Self {
        let crates = CrateNames::new(workspace);
        self.last_run = last.map(|last| {
            let mut packages: Vec<MissingPackage> = Vec::new();
            for (name, outcomes) in &last.crates {
                for outcome in outcomes {
                    let cause = match outcome {
                        CacheOutcome::Hit => continue,
                        CacheOutcome::Miss => "it was not in the cache".to_owned(),
                        CacheOutcome::Error => "the cache failed".to_owned(),
                        CacheOutcome::NotCached(reason) => explained(reason),
                    };
                    let package = crates.shown(name);
                    let is_same =
                        |it: &&mut MissingPackage| it.package == package && it.cause == cause;
                    match packages.iter_mut().find(is_same) {
                        Some(known) => known.compilations += 1,
                        None => packages.push(MissingPackage {
                            package,
                            cause,
                            compilations: 1,
                        }),
                    }
                }
            }
            packages.sort();
            RunStatus {
                shares: CacheShares::of(&last.counts),
                counts: last.counts,
                used_remote: last.used_remote,
                lost: last.lost,
                packages,
            }
        });
        self
    }
}

fn server(sccache: &Sccache) -> ServerStatus {
    let (report, error) = match sccache.report(None) {
        Ok(report) => (Some(report), None),
        Err(why) => (None, Some(why)),
    };
    ServerStatus {
        program: sccache.program.clone(),
        shares: report
            .as_ref()
            .map_or_else(CacheShares::default, |it| CacheShares::of(&it.counts)),
        report,
        error,
    }
}

fn remote(remote: &Remote) -> RemoteStatus {
    let answer = remote.ping();
    let memory = answer.as_ref().ok().and_then(|it| it.memory);
    let time = answer.as_ref().ok().map(|it| it.time);
    RemoteStatus {
        name: remote.name.clone(),
        answers: answer.is_ok(),
        milliseconds: time.map(|it| u64::try_from(it.as_millis()).unwrap_or(u64::MAX)),
        size: memory.map(|it| it.0),
        size_limit: memory.map(|it| it.1).filter(|it| *it > 0),
        error: answer.err(),
    }
}

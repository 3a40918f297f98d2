//! The counts of one build with the user's own server.

use xtask_impact::cargo_config::CargoConfig;
use xtask_impact::cargo_config::wrapper::Wrapper;
use xtask_impact::process::Runner;

use super::counts::CacheCounts;
use super::program::Sccache;

/// The name of the server's process.
pub(crate) const SERVER: &str = "sccache";

/// A measurement that has begun.
pub(crate) struct CacheMeter {
    sccache: Sccache,
    before: CacheCounts,
}

impl CacheMeter {
    /// Reads the counts before a build. Returns `None` if cargo does not use sccache, or if sccache
    /// does not answer. Other builds that use the server at the same time are counted, too.
    pub(crate) fn start(runner: &Runner) -> Option<Self> {
        let wrapper = Wrapper::of(&CargoConfig::of(runner).ok()?).ok()??;
        if !wrapper.is_sccache() {
            return None;
        }
        let sccache = Sccache::find(runner, Some(&wrapper))?;
        let before = sccache.report(None).ok()?.counts;
        Some(Self { sccache, before })
    }

    /// Returns the counts since the start.
    pub(crate) fn end(self) -> Option<CacheCounts> {
        let after = self.sccache.report(None).ok()?.counts;
        Some(after.since(&self.before))
    }
}

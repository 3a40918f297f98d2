//! Arguments that limit an answer to some packages.

use std::collections::BTreeSet;

use anyhow::Result;
use xtask_impact::workspace::{PackageIx, Workspace};

use crate::cli::completion::packages;

/// The packages that a command answers for.
#[derive(Debug, Default, clap::Args)]
pub(crate) struct PackageFilter {
    /// Limit the answer to this package (repeatable)
    #[arg(short, long, value_name = "SPEC", add = packages())]
    package: Vec<String>,
    /// Leave this package out (repeatable)
    #[arg(long, hide_short_help = true, value_name = "SPEC", add = packages())]
    exclude: Vec<String>,
}

/// The packages that are left out of an answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct LeftOut {
    /// The packages that the user excluded. A build of the whole workspace excludes these packages,
    /// too.
    pub excluded: BTreeSet<PackageIx>,
    /// The packages that the user did not ask for.
    pub not_asked: BTreeSet<PackageIx>,
}

impl PackageFilter {
    /// Returns all packages that the arguments name.
    pub(crate) fn named(&self) -> Vec<String> {
        let named = self.package.iter().chain(&self.exclude);
        named.cloned().collect()
    }

    /// Returns the packages of a workspace that are left out. `is_one_of_several` is true for one
    /// of several workspaces, which need not have the named packages.
    ///
    /// # Errors
    /// Returns an error if the workspace does not have a named package.
    pub(crate) fn left_out(
        &self,
        workspace: &Workspace,
        is_one_of_several: bool,
    ) -> Result<LeftOut> {
        let find = |specs: &[String]| {
            let found = specs.iter().map(|spec| workspace.find(spec));
            let found = found.filter(|found| found.is_ok() || !is_one_of_several);
            found.collect::<Result<BTreeSet<PackageIx>>>()
        };
        let asked = find(&self.package)?;
        let all = (0..).map(PackageIx).take(workspace.packages.len());
        let not_asked = all.filter(|it| !asked.contains(it));
        Ok(LeftOut {
            excluded: find(&self.exclude)?,
            not_asked: match self.package.is_empty() {
                true => BTreeSet::new(),
                false => not_asked.collect(),
            },
        })
    }
}

impl LeftOut {
    /// Returns true if a package is left out.
    pub(crate) fn contains(&self, package: PackageIx) -> bool {
        self.excluded.contains(&package) || self.not_asked.contains(&package)
    }

    /// Returns all packages that are left out.
    pub(crate) fn all(&self) -> BTreeSet<PackageIx> {
        self.excluded.union(&self.not_asked).copied().collect()
    }
}

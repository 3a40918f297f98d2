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

/// The packages that a report about a build directory shows. The directory has the names of
/// packages, without their versions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ShownPackages {
    /// The names that the user asked for; `None` for all names.
    asked: Option<BTreeSet<String>>,
    excluded: BTreeSet<String>,
}

impl ShownPackages {
    /// Returns the packages of these names; all packages if there is no name.
    #[cfg(test)]
    pub(crate) fn of(names: &[&str]) -> Self {
        let asked: BTreeSet<String> = names.iter().map(|&it| it.to_owned()).collect();
        Self {
            asked: (!asked.is_empty()).then_some(asked),
            excluded: BTreeSet::new(),
        }
    }

    /// Returns true if the report shows the packages of this name.
    pub(crate) fn contains(&self, name: &str) -> bool {
        let is_asked = self.asked.as_ref().is_none_or(|it| it.contains(name));
        is_asked && !self.excluded.contains(name)
    }
}

impl PackageFilter {
    /// Returns the packages that a report about a build directory shows.
    ///
    /// # Errors
    /// Returns an error if the workspace does not have a named package.
    pub(crate) fn shown(&self, workspace: &Workspace) -> Result<ShownPackages> {
        let names = |specs: &[String]| {
            let found = specs.iter().map(|spec| {
                let package = workspace.find(spec)?;
                Ok(workspace.package(package).name.clone())
            });
            found.collect::<Result<BTreeSet<String>>>()
        };
        let asked = names(&self.package)?;
        Ok(ShownPackages {
            asked: (!asked.is_empty()).then_some(asked),
            excluded: names(&self.exclude)?,
        })
    }

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

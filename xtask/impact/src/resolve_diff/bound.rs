//! A cheap test, without asking cargo, for a selection that is built with the features of the whole
//! workspace. If the test succeeds, the features are certainly the same. If it fails, cargo must be
//! asked.
//!
//! The features of the selection are counted from below: by the rules of cargo's resolver (chapters
//! "Features" and "Dependency Resolution" of the Cargo book), without uncertain dependencies. The
//! features of the whole workspace are known from above: `cargo metadata` states them for all
//! platforms, and for host and target together. A smaller selection never activates more features.
//! So if both bounds of a package are equal, cargo's answers for the selection and for the whole
//! workspace lie between them and are equal too.
//!
//! A package that only a feature of an unselected member activates needs no rule of its own. The
//! feature belongs to the package that declares the optional dependency. If this declaring package
//! is below the selection, its features already differ. If it is not, the activated package is not
//! below the selection either.

use std::collections::BTreeSet;

use crate::workspace::features::{UncertainDependencies, activated};
use crate::workspace::{Declared, PackageIx, Workspace};

/// Returns true if these members and everything below them are certainly built with the same
/// features as in the whole workspace, by a command without feature flags. `with_tests` is true if
/// the command builds units that use dev-dependencies.
pub fn is_as_in_whole(
    workspace: &Workspace,
    declared: &Declared,
    selected: &BTreeSet<PackageIx>,
    with_tests: bool,
) -> bool {
    let found = activated(
        workspace,
        declared,
        selected,
        with_tests,
        UncertainDependencies::LeftOut,
    );
    found.iter().all(|((package, _), found)| {
        let whole = workspace.package(*package).features.iter();
        whole.map(String::as_str).eq(found.features.iter().copied())
    })
}

#[cfg(test)]
mod tests;

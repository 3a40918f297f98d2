//! Whether fewer packages are built with the features of the whole workspace, without a question to
//! cargo: a cheap condition that is sufficient.
//!
//! The features that a selection activates are counted from below, by the rules of cargo's resolver
//! (the chapters "Features" and "Dependency Resolution" of the Cargo book) and without whatever is
//! in doubt. Cargo's metadata has those of the whole workspace from above: for all platforms, for
//! host and target together. Fewer packages activate fewer features. So where both bounds of a
//! package agree, what cargo would say of the selection and of the whole lies between them, and
//! agrees too.
//!
//! A package that is reached only by a feature of an unselected member needs no rule of its own:
//! that feature is missed in the package whose optional dependency it is. That one is below the
//! selection, or the package is not.

use std::collections::BTreeSet;

use crate::workspace::features::{UncertainDependencies, activated};
use crate::workspace::{Declared, PackageIx, Workspace};

/// Whether it is certain that these members, and all below them, are built with the same features
/// as in the whole workspace, by a command that is given no features. `with_tests` is whether it
/// builds what uses dev-dependencies.
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

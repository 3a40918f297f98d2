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

use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};

use crate::workspace::{Declared, PackageIx, Request, Table, Workspace};

/// A package, and whether it is built for build scripts and procedural macros. Resolver 1 does not
/// tell the two apart, and activates in both what the others activate in either.
type Key = (PackageIx, bool);

/// What is certain of a package below the selection.
#[derive(Clone, Default)]
struct Found<'a> {
    /// Whether it is built at all.
    is_built: bool,
    features: BTreeSet<&'a str>,
    /// Names of dependencies that were turned on.
    turned_on: BTreeSet<&'a str>,
}

struct Bound<'a> {
    workspace: &'a Workspace,
    declared: &'a Declared,
    found: HashMap<Key, Found<'a>>,
    pending: VecDeque<Key>,
    queued: HashSet<Key>,
}

/// Whether it is certain that these members, and all below them, are built with the same features
/// as in the whole workspace, by a command that is given no features. `with_tests` is whether it
/// builds what uses dev-dependencies.
pub fn is_as_in_whole(
    workspace: &Workspace,
    declared: &Declared,
    selected: &BTreeSet<PackageIx>,
    with_tests: bool,
) -> bool {
    let found = below(workspace, declared, selected, with_tests);
    found.iter().all(|((package, _), found)| {
        let whole = workspace.package(*package).features.iter();
        whole.map(String::as_str).eq(found.features.iter().copied())
    })
}

/// Every package that may be below the selection, with what is certain of it.
fn below<'a>(
    workspace: &'a Workspace,
    declared: &'a Declared,
    selected: &BTreeSet<PackageIx>,
    with_tests: bool,
) -> HashMap<Key, Found<'a>> {
    let mut bound = Bound {
        workspace,
        declared,
        found: HashMap::new(),
        pending: VecDeque::new(),
        queued: HashSet::new(),
    };
    for &package in selected {
        bound.add((package, false), true, ["default"]);
        // A procedural macro's own binaries and tests are built for the target.
        if bound.is_proc_macro(package) {
            bound.add((package, true), true, ["default"]);
        }
    }
    while let Some(key) = bound.pending.pop_front() {
        bound.queued.remove(&key);
        bound.visit(key, with_tests && selected.contains(&key.0));
    }
    bound.found
}

impl<'a> Bound<'a> {
    /// Adds a package, whether it is built for certain, and what is asked of it then.
    fn add(&mut self, key: Key, is_built: bool, asked: impl IntoIterator<Item = &'a str>) {
        let is_new = !self.found.contains_key(&key);
        let found = self.found.entry(key).or_default();
        let before = (found.is_built, found.features.len());
        found.is_built |= is_built;
        let known = &self.declared.0[key.0.0 as usize].features;
        let asked = asked.into_iter().filter(|it| known.contains_key(*it));
        found.features.extend(asked);
        let is_more = is_new || before != (found.is_built, found.features.len());
        if is_more && self.queued.insert(key) {
            self.pending.push_back(key);
        }
    }

    /// Follows what a package's features turn on, in itself and in its dependencies.
    fn visit(&mut self, key: Key, with_dev: bool) {
        let declared = self.declared;
        let declaration = &declared.0[key.0.0 as usize];
        let is_heeded = |it: &&Request| with_dev || it.table != Table::Dev;
        let requests = || declaration.requests.iter().filter(is_heeded);
        let mut found = self.found[&key].clone();
        let mut pending: Vec<&str> = found.features.iter().copied().collect();
        // Features of dependencies, `dependency/feature` and `dependency?/feature`.
        let mut asked: Vec<(&str, &str)> = Vec::new();
        while let Some(feature) = pending.pop() {
            for turned_on in declaration.features.get(feature).into_iter().flatten() {
                let mut feature = turned_on.as_str();
                if let Some(name) = feature.strip_prefix("dep:") {
                    found.turned_on.insert(name);
                    continue;
                }
                if let Some((name, of_it)) = feature.split_once('/') {
                    let strong = name.trim_end_matches('?');
                    asked.push((strong, of_it));
                    let mut those = requests().filter(|it| it.optional && it.name == name);
                    if those.clone().next().is_some() {
                        found.turned_on.insert(name);
                    }
                    // It turns on the feature of the dependency's name, too, where there is one.
                    match those.any(|it| it.certain) {
                        true => feature = name,
                        false => continue,
                    }
                }
                if declaration.features.contains_key(feature) && found.features.insert(feature) {
                    pending.push(feature);
                }
            }
        }
        for request in requests() {
            let for_host =
                key.1 || request.table == Table::Build || self.is_proc_macro(request.package);
            if request.optional && !found.turned_on.contains(request.name.as_str()) {
                // So it is in the whole, or this package's features are not those of the whole.
                continue;
            }
            let on = (request.package, for_host);
            if found.is_built && request.certain {
                let by_features = asked.iter().filter(|(name, _)| *name == request.name);
                let features = request.features.iter().map(String::as_str);
                self.add(on, true, features.chain(by_features.map(|(_, it)| *it)));
            } else {
                self.add(on, false, []);
            }
        }
        // A package may depend on itself for its tests.
        let now = self.found.entry(key).or_default();
        now.features.append(&mut found.features);
        now.turned_on.append(&mut found.turned_on);
    }

    fn is_proc_macro(&self, package: PackageIx) -> bool {
        self.workspace.package(package).is_proc_macro()
    }
}

#[cfg(test)]
mod tests;

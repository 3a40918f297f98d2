//! The features that a selection of members activates, by the rules of cargo's resolver (chapters
//! "Features" and "Dependency Resolution" of the Cargo book).
//!
//! `cargo metadata` prints the features and dependencies of resolver 1. Resolver 1 unifies the
//! features of host and target, and of all platforms, even of platforms that cargo does not build
//! for. It also takes `dependency?/feature` for a reason to build an optional dependency. Resolver 2
//! and later do neither: [`Workspace::narrow_activation`] finds what these resolvers activate.

use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};

use super::{Declared, DeclaredDependency, Dependency, DependencyTable, PackageIx, Workspace};

/// A package, and `true` if it is built for the host (for build scripts and procedural macros).
/// Resolver 1 does not separate host and target: it activates in both the features that later
/// resolvers activate in either.
pub(crate) type FeatureKey = (PackageIx, bool);

/// The activation of a package below the selection. A package below the selection is selected or is
/// a dependency, at any depth, of a selected package.
#[derive(Clone, Default)]
pub(crate) struct ActivatedPackage<'a> {
    /// True if cargo builds the package.
    pub(crate) is_built: bool,
    pub(crate) features: BTreeSet<&'a str>,
    /// The names of the optional dependencies that features turned on.
    turned_on: BTreeSet<&'a str>,
}

/// The treatment of dependencies that are not active for certain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum UncertainDependencies {
    /// Uncertain dependencies do not count: the result is the features that are active for certain.
    LeftOut,
    /// Uncertain dependencies count: the result is all features that may be active.
    Counted,
}

struct Activation<'a> {
    workspace: &'a Workspace,
    declared: &'a Declared,
    doubtful: UncertainDependencies,
    found: HashMap<FeatureKey, ActivatedPackage<'a>>,
    pending: VecDeque<FeatureKey>,
    queued: HashSet<FeatureKey>,
}

impl Workspace {
    /// Replaces the features and dependencies from `cargo metadata` by those that the workspace's
    /// resolver activates if all members and their tests are built.
    pub(super) fn narrow_activation(&mut self, declared: &Declared) {
        if !self.tells_host_and_target_apart() {
            return;
        }
        let members: BTreeSet<PackageIx> = self.members().map(|(index, _)| index).collect();
        let find = |doubtful| activated(self, declared, &members, true, doubtful);
        let (least, most) = (
            find(UncertainDependencies::LeftOut),
            find(UncertainDependencies::Counted),
        );
        let mut narrowed = Vec::new();
        for (index, package) in self.packages() {
            let mut union = BTreeSet::new();
            let mut turned_on = BTreeSet::new();
            let mut builds: Option<Vec<Vec<String>>> = Some(Vec::new());
            let mut is_known = false;
            for key in [(index, false), (index, true)] {
                let Some(all) = most.get(&key).filter(|found| found.is_built) else {
                    continue;
                };
                is_known = true;
                union.extend(all.features.iter().copied());
                turned_on.extend(all.turned_on.iter().copied());
                let is_certain = least
                    .get(&key)
                    .is_some_and(|certain| certain.is_built && certain.features == all.features);
                let features = all.features.iter().map(|&it| it.to_owned()).collect();
                match &mut builds {
                    Some(builds) if is_certain => builds.push(features),
                    _ => builds = None,
                }
            }
            if is_known {
                let known = |name: &&String| union.contains(name.as_str());
                let features: Vec<String> =
                    package.features.iter().filter(known).cloned().collect();
                let requests = &declared.0[index.0 as usize].requests;
                let dependencies = package.dependencies.iter();
                let dependencies: Vec<Dependency> = dependencies
                    .filter_map(|it| it.turned_on_by(requests, &turned_on))
                    .collect();
                narrowed.push((index, features, builds.unwrap_or_default(), dependencies));
            }
        }
        for (index, features, mut builds, dependencies) in narrowed {
            builds.dedup();
            let package = &mut self.packages[index.0 as usize];
            package.features = features;
            package.builds = builds;
            package.dependencies = dependencies;
        }
    }

    /// Returns true if the workspace's resolver is 2 or later. The key `resolver` of the root
    /// manifest decides, or, without that key, the edition of the root package.
    fn tells_host_and_target_apart(&self) -> bool {
        let text = crate::files::read_text(self.root.join("Cargo.toml"), crate::files::SETTINGS);
        let manifest = text.ok().and_then(|text| text.parse::<toml::Table>().ok());
        let Some(manifest) = manifest else {
            return false;
        };
        let table = |name: &str| manifest.get(name).and_then(toml::Value::as_table);
        let text =
            |table: Option<&toml::Table>, key: &str| Some(table?.get(key)?.as_str()?.to_owned());
        let (workspace, package) = (table("workspace"), table("package"));
        let resolver = text(workspace, "resolver").or_else(|| text(package, "resolver"));
        let inherited = || {
            package?;
            text(workspace?.get("package")?.as_table(), "edition")
        };
        match resolver {
            Some(resolver) => resolver != "1",
            None => {
                let edition = text(package, "edition").or_else(inherited);
                edition.is_some_and(|edition| *edition >= *"2021")
            }
        }
    }
}

impl Dependency {
    /// Returns the dependency with the kinds that are not optional or that features turned on.
    /// `requests` are the requests of the dependent, and `turned_on` are the names of its optional
    /// dependencies that may be turned on. Returns `None` if the dependency is off.
    fn turned_on_by(
        &self,
        requests: &[DeclaredDependency],
        turned_on: &BTreeSet<&str>,
    ) -> Option<Self> {
        let is_on = |kind, table| {
            let of_table =
                |it: &&DeclaredDependency| (it.package, it.table) == (self.package, table);
            let mut requests = requests.iter().filter(of_table);
            kind && requests.any(|it| !it.optional || turned_on.contains(it.name.as_str()))
        };
        let narrowed = Self {
            normal: is_on(self.normal, DependencyTable::Normal),
            dev: is_on(self.dev, DependencyTable::Dev),
            build: is_on(self.build, DependencyTable::Build),
            ..self.clone()
        };
        let is_any = narrowed.normal || narrowed.dev || narrowed.build;
        is_any.then_some(narrowed)
    }
}

/// Returns every package that may be below the selected members, with the features that the
/// selection activates. `with_tests` is true if the selected units use dev-dependencies.
pub(crate) fn activated<'a>(
    workspace: &'a Workspace,
    declared: &'a Declared,
    selected: &BTreeSet<PackageIx>,
    with_tests: bool,
    doubtful: UncertainDependencies,
) -> HashMap<FeatureKey, ActivatedPackage<'a>> {
    let mut bound = Activation {
        workspace,
        declared,
        doubtful,
        found: HashMap::new(),
        pending: VecDeque::new(),
        queued: HashSet::new(),
    };
    for &package in selected {
        bound.add((package, false), true, ["default"]);
        // A procedural macro is built for the host, its own binaries and tests for the target.
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

impl<'a> Activation<'a> {
    /// Adds a package and the features that a dependent requests of it. `is_built` is true if cargo
    /// builds the package for certain.
    fn add(&mut self, key: FeatureKey, is_built: bool, asked: impl IntoIterator<Item = &'a str>) {
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

    /// Follows the features of a package to everything that they turn on, in the package itself and
    /// in its dependencies.
    fn visit(&mut self, key: FeatureKey, with_dev: bool) {
        let declared = self.declared;
        let declaration = &declared.0[key.0.0 as usize];
        let is_used = |it: &&DeclaredDependency| with_dev || it.table != DependencyTable::Dev;
        let requests = || declaration.requests.iter().filter(is_used);
        let mut found = self.found[&key].clone();
        let mut pending: Vec<&str> = found.features.iter().copied().collect();
        // The features of dependencies: `dependency/feature` and `dependency?/feature`.
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
                    // `dependency/feature` also turns on the package's own feature that has the
                    // dependency's name, if there is such a feature.
                    match those
                        .any(|it| it.certain || self.doubtful == UncertainDependencies::Counted)
                    {
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
            let for_host = key.1
                || request.table == DependencyTable::Build
                || self.is_proc_macro(request.package);
            if request.optional && !found.turned_on.contains(request.name.as_str()) {
                // The dependency is off here. Then it is off in the whole workspace too, or this
                // selection activates fewer features of the package than the whole workspace does.
                continue;
            }
            let on = (request.package, for_host);
            let counts = request.certain || self.doubtful == UncertainDependencies::Counted;
            if counts && request.name.is_empty() {
                let all = self.declared.0[on.0.0 as usize].features.keys();
                self.add(on, found.is_built, all.map(String::as_str));
            } else if found.is_built && counts {
                let by_features = asked.iter().filter(|(name, _)| *name == request.name);
                let features = request.features.iter().map(String::as_str);
                self.add(on, true, features.chain(by_features.map(|(_, it)| *it)));
            } else {
                self.add(on, false, []);
            }
        }
        // Merge instead of overwriting: a package may depend on itself in its tests, and the loop
        // above has then added to this entry.
        let now = self.found.entry(key).or_default();
        now.features.append(&mut found.features);
        now.turned_on.append(&mut found.turned_on);
    }

    fn is_proc_macro(&self, package: PackageIx) -> bool {
        self.workspace.package(package).is_proc_macro()
    }
}

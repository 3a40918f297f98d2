mod against_cargo;

use std::collections::BTreeMap;

use super::*;
use crate::testing::{place, workspace};
use crate::workspace::{Declaration, DeclaredDependency, DependencyTable};

/// Parses a workspace and its declarations, one package per line: `head: feature=entry,entry ->
/// dependencies`.
///
/// - The head is a name, then `external`, `proc-macro`, and `+feature` for a feature that `cargo
///   metadata` states in addition to the features that the members activate.
/// - A dependency is `dev`, `build`, `optional` or `unsure` where these apply, then a name, then
///   `-default`, `+feature` and `as=key`.
fn declared(text: &str) -> (Workspace, Declared) {
    let lines = || text.lines().map(str::trim).filter(|line| !line.is_empty());
    let plain = lines().map(|line| {
        let head = line.split_once(':').unwrap().0;
        match head.replace(" proc-macro", "") {
            library if library == head => format!("{library}: lib\n"),
            of_macro => format!("{of_macro}: proc-macro\n"),
        }
    });
    let mut workspace = workspace(&plain.collect::<String>());
    let mut declared = Declared(vec![Declaration::default(); workspace.packages.len()]);
    for line in lines() {
        let (head, rest) = line.split_once(':').unwrap();
        let (features, dependencies) = rest.split_once("->").unwrap_or((rest, ""));
        let name = head.split(' ').next().unwrap();
        let features = features.split_whitespace().map(|written| {
            let (feature, what) = written.split_once('=').unwrap();
            let what = what.split(',').filter(|it| !it.is_empty());
            (feature.to_owned(), what.map(str::to_owned).collect())
        });
        let dependencies = dependencies.split(", ").filter(|it| !it.trim().is_empty());
        declared.0[place(&workspace, name).0 as usize] = Declaration {
            features: features.collect(),
            requests: dependencies.map(|it| request(&workspace, it)).collect(),
        };
    }
    let members = workspace.members().map(|(index, _)| index).collect();
    let mut whole: BTreeMap<PackageIx, BTreeSet<String>> = BTreeMap::new();
    let mut all = declared.clone();
    let requests = all.0.iter_mut().flat_map(|it| &mut it.requests);
    requests.for_each(|request| request.certain = true);
    for ((package, _), found) in activated(
        &workspace,
        &all,
        &members,
        true,
        UncertainDependencies::LeftOut,
    ) {
        let features = found.features.iter().map(|&it| it.to_owned());
        whole.entry(package).or_default().extend(features);
    }
    for (package, mut features) in whole {
        let package = &mut workspace.packages[package.0 as usize];
        features.extend(package.features.drain(..));
        package.features = features.into_iter().collect();
    }
    (workspace, declared)
}

fn request(workspace: &Workspace, written: &str) -> DeclaredDependency {
    let words: Vec<&str> = written.split_whitespace().collect();
    let has = |word| words.contains(&word);
    let is_name = |it: &&&str| {
        !it.contains(['+', '-', '=']) && !["dev", "build", "optional", "unsure"].contains(*it)
    };
    let name = words.iter().find(is_name).unwrap();
    let key = words.iter().find_map(|word| word.strip_prefix("as="));
    let features = words.iter().filter_map(|word| word.strip_prefix('+'));
    let default = (!has("-default")).then_some("default");
    DeclaredDependency {
        name: key.unwrap_or(name).to_owned(),
        package: place(workspace, name),
        table: match () {
            () if has("dev") => DependencyTable::Dev,
            () if has("build") => DependencyTable::Build,
            () => DependencyTable::Normal,
        },
        optional: has("optional"),
        features: features.chain(default).map(str::to_owned).collect(),
        certain: !has("unsure"),
    }
}

fn is_certain(text: &str, selected: &[&str], with_tests: bool) -> bool {
    let (workspace, declared) = declared(text);
    let selected = selected.iter().map(|name| place(&workspace, name));
    is_as_in_whole(&workspace, &declared, &selected.collect(), with_tests)
}

#[test]
fn features_that_the_selection_turns_on_itself_are_certain() {
    let rows = [
        (
            "nothing has features",
            "app: -> base\n other: -> base\n base:",
        ),
        (
            "both ask for the same",
            "app: -> base +x\n other: -> base +x\n base: x=",
        ),
        (
            "a default feature of its own asks for more",
            "app: default=full full=base/x -> base\n other: -> base +x\n base: x=",
        ),
        (
            "an optional dependency, by `dep:`, is all that asks",
            "app: default=more more=dep:helper -> optional helper\n other: -> base +x
             helper: -> base +x\n base: x=",
        ),
        (
            "an optional dependency, by its implicit feature",
            "app: default=helper helper=dep:helper -> optional helper\n other: -> base +x
             helper: -> base +x\n base: x=",
        ),
        (
            "an optional dependency, by a feature of it, and the feature of its name",
            "app: default=helper/y helper=dep:helper,base/z -> optional helper, base
             other: -> base +x +z\n helper: y=base/x -> base\n base: x= z=",
        ),
        (
            "a weak feature of a dependency that another feature turns on",
            "app: default=base?/x,more more=dep:base -> optional base\n other: -> base +x
             base: x=",
        ),
        (
            "a dependency is called otherwise",
            "app: default=core/x -> base as=core\n other: -> base +x\n base: x=",
        ),
        (
            "a procedural macro and the target ask for the same",
            "app: -> derive, base +x\n other: -> base +x\n derive proc-macro: -> base +x
             base: x=",
        ),
        (
            "nobody who asks for more is above what is selected",
            "app: -> base\n other: -> base, apart +x\n base:\n apart: x=",
        ),
        (
            "a package tests itself with more features",
            "app: x= -> dev app +x\n other: -> app",
        ),
    ];
    for (why, text) in rows {
        assert!(is_certain(text, &["app"], true), "{why}");
    }
}

#[test]
fn features_that_others_may_turn_on_are_uncertain() {
    let rows = [
        (
            "another member asks for a feature",
            "app: -> base\n other: -> base +x\n base: x=",
        ),
        (
            "another member asks for it of the selected one",
            "app: x=\n other: -> app +x",
        ),
        (
            "another member has the default features",
            "app: -> base -default\n other: -> base\n base: default=x x=",
        ),
        (
            "another member turns an optional dependency on",
            "app: -> middle\n other: -> middle +more
             middle: more=dep:base -> optional base\n base:",
        ),
        (
            "a weak feature waits for a dependency that nobody below turns on",
            "app: default=base?/x base=dep:base -> optional base, helper\n other: -> base +x
             helper: -> base\n base: x=",
        ),
        (
            "only the build script asks for it, and the target has it by another member",
            "app: -> build base +x, base\n other: -> base +x\n base: x=",
        ),
        (
            "only the target asks for it, and the host has it by another member",
            "app: -> derive, base +x\n other: -> build base +x\n derive proc-macro: -> base
             base: x=",
        ),
        (
            "a dependency of the dependency has it for the host alone",
            "app: -> derive, middle\n other: -> middle +y\n derive proc-macro: -> middle +y
             middle: y=base/x -> base\n base external: x=",
        ),
        (
            "a dependency's own dev-dependency does not count below",
            "app: -> middle\n middle: -> base, dev base +x\n base: x=",
        ),
        (
            "the platform may not be the one",
            "app: -> unsure base +x\n other: -> base +x\n base: x=",
        ),
        (
            "what stands below something doubtful is doubtful",
            "app: -> unsure middle, base\n other: -> middle\n middle: -> base +x\n base: x=",
        ),
        (
            "cargo tells of a feature that nobody is seen to ask for",
            "app: -> base\n other:\n base +odd: odd=",
        ),
    ];
    for (why, text) in rows {
        assert!(!is_certain(text, &["app"], true), "{why}");
    }
}

#[test]
fn dev_dependencies_count_only_if_tests_are_built() {
    let text = "app: -> base, dev base +x\n other: -> base +x\n base: x=";
    assert!(is_certain(text, &["app"], true));
    assert!(!is_certain(text, &["app"], false));
}

#[test]
fn selected_members_turn_on_features_together() {
    let text = "app: -> base +x\n other: -> base +y\n third: -> base\n base: x= y=";
    assert!(!is_certain(text, &["app"], true));
    assert!(!is_certain(text, &["app", "third"], true));
    assert!(is_certain(text, &["app", "other"], true));
}

//! Decides which platforms cargo builds for, and which units cargo builds for each platform.

use std::collections::BTreeSet;

use crate::build_dir::profile_dirs;
use crate::cargo_config::CargoConfig;
use crate::source_scan;
use crate::unit_graph::{Link, Mode, Unit, UnitGraph, UnitIx};
use crate::workspace::{Package, TargetKind, Workspace, may_be_host};

/// Returns true if cargo builds for a platform. The platform is a triple or a `cfg(…)` expression;
/// `None` means every platform. Cargo builds for the host, for the triples that its configuration
/// or the query names, and for the triples that have artifacts in the build directory. Example:
/// `cfg(windows)` is false if all these triples are for Linux.
pub(crate) fn is_possible(platform: Option<&str>, workspace: &Workspace) -> bool {
    let Some(platform) = platform else {
        return true;
    };
    if platform.starts_with("cfg(") {
        let evaluate = |for_host| {
            let is_set =
                |option: &str, value: Option<&str>| workspace.is_set(option, value, for_host);
            source_scan::evaluate(platform, &is_set)
        };
        return [true, false].map(evaluate) != [Some(false); 2] || is_built_for_others(workspace);
    }
    let is_named = match &workspace.platforms {
        Some(platforms) => platforms.iter().any(|it| it.name == platform),
        None => may_be_host(platform),
    };
    is_named || workspace.build_directory.join(platform).is_dir()
}

/// Returns true if the build directory has artifacts for triples that cargo does not build for by
/// default.
fn is_built_for_others(workspace: &Workspace) -> bool {
    let known = workspace.platforms.iter().flatten();
    let known: Vec<&str> = known.map(|facts| facts.name.as_str()).collect();
    // A directory that cannot be listed may hold artifacts for any triple.
    profile_dirs(&workspace.build_directory).map_or(true, |built| {
        let mut triples = built.iter().filter_map(|place| place.triple.as_ref());
        triples.any(|triple| !known.contains(&triple.as_str()))
    })
}

/// Returns true if cargo compiles any unit with the flags of the `[target]` table for a platform,
/// or, for `None`, with the flags of `[build]`. Flags of the environment override both, and flags
/// of a table override those of `[build]`. If the change set also changes the overriding flags,
/// they are a difference of their own.
pub(crate) fn rustflags_apply(
    platform: Option<&str>,
    workspace: &Workspace,
    config: Option<&CargoConfig>,
) -> bool {
    let (Some(config), Some([host, named @ ..])) = (config, workspace.platforms.as_deref()) else {
        return true;
    };
    let built_for = match named {
        [] => std::slice::from_ref(host),
        named if is_host_apart(workspace, config) => named,
        _ => return true,
    };
    let mut built_for = built_for.iter();
    built_for.any(|it| it.uses_flags_of(platform, config)) || is_built_for_others(workspace)
}

/// Returns true if cargo uses other flags for host units than for target units. Cargo does so if a
/// triple is named, even the triple of the host. An unstable option can change this rule.
pub(crate) fn is_host_apart(workspace: &Workspace, config: &CargoConfig) -> bool {
    const OPTION: &str = "target-applies-to-host";
    let is_named = workspace.platforms.as_ref().is_some_and(|it| it.len() > 1);
    let keys = [&[OPTION][..], &["unstable", OPTION]];
    is_named && keys.iter().all(|key| matches!(config.get(key), Ok(None)))
}

/// Returns the units that cargo builds for a named triple: the members and their dependencies. The
/// host may need some of these units too.
pub(crate) fn targets_own(workspace: &Workspace, graph: &UnitGraph) -> BTreeSet<UnitIx> {
    let is_members =
        |unit: &Unit| workspace.package(unit.package).member && unit.mode != Mode::RunCustomBuild;
    let members = graph.units().filter(|(_, unit)| is_members(unit));
    let mut pending: Vec<UnitIx> = members.map(|(index, _)| index).collect();
    let mut own = BTreeSet::new();
    while let Some(index) = pending.pop() {
        let unit = graph.unit(index);
        if !runs_on_host(unit, workspace.package(unit.package)) && own.insert(index) {
            let below = graph.dependencies(index);
            let below = below.filter(|&(_, link)| link == Link::Rebuilds);
            pending.extend(below.map(|(on, _)| on));
        }
    }
    own
}

/// Returns true if a unit is a build script, a procedural macro or a test of a procedural macro.
pub(crate) fn runs_on_host(unit: &Unit, package: &Package) -> bool {
    match (unit.kind, unit.mode) {
        (TargetKind::CustomBuild, mode) => mode == Mode::Build,
        (TargetKind::Lib, mode) => mode != Mode::Doctest && package.is_proc_macro(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use camino::Utf8Path;

    use super::*;
    use crate::testing::{name, workspace};
    use crate::unit_graph::Verb;
    use crate::workspace::PlatformFacts;

    #[test]
    fn build_scripts_and_procedural_macros_run_on_the_host() {
        let workspace = workspace(
            "top: lib!test!bench!doctest script -> mid, build: helper
            mid: lib!test!bench!doctest -> maker
            maker: proc-macro!bench -> base
            helper outside: lib
            base outside: lib",
        );
        let graph = UnitGraph::new(&workspace, Verb::Build);
        let names = |is_wanted: &dyn Fn(UnitIx, &Unit) -> bool| {
            let wanted = graph
                .units()
                .filter(|&(index, unit)| is_wanted(index, unit));
            let names = wanted.map(|(index, _)| name(&workspace, &graph, index));
            names.collect::<Vec<_>>().join(", ")
        };
        let on_host = names(&|_, unit| runs_on_host(unit, workspace.package(unit.package)));
        expect_test::expect!["maker lib, maker lib test, top build script"].assert_eq(&on_host);
        let own = targets_own(&workspace, &graph);
        let for_target = names(&|index, _| own.contains(&index));
        expect_test::expect!["mid lib, top lib, top build script run"].assert_eq(&for_target);
    }

    /// Returns true if cargo compiles any unit with flags: of a `[target]` table, or of `[build]`.
    fn apply(platform: Option<&str>, config: &str, named: &[&str], built: &[&str]) -> bool {
        use crate::cargo_config::Surroundings;

        let (_directory, root) = crate::testing::scratch();
        crate::testing::write(&root.join(".cargo/config.toml"), config);
        let mut workspace = workspace("a: lib");
        workspace.build_directory = root.join("target");
        for triple in built {
            let records = root.join("target").join(triple).join("debug/.fingerprint");
            std::fs::create_dir_all(records).unwrap();
        }
        let facts = |name: &&str| PlatformFacts {
            name: (*name).to_owned(),
            cfg: BTreeSet::new(),
        };
        workspace.platforms = Some(["host"].iter().chain(named).map(facts).collect());
        let config = CargoConfig::in_directory(&root, &Surroundings::default()).unwrap();
        assert!(
            rustflags_apply(platform, &workspace, None),
            "nothing is known"
        );
        let apply = rustflags_apply(platform, &workspace, Some(&config));
        workspace.platforms = None;
        assert!(rustflags_apply(platform, &workspace, Some(&config)));
        apply
    }

    #[test]
    fn flags_apply_to_the_platforms_that_cargo_builds_for() {
        let own = "target.host.rustflags = ['-Cx']";
        let of_wasm = "target.wasm32.rustflags = ['-Cx']";
        let same = "target-applies-to-host = true";
        let unstable = "unstable.target-applies-to-host = true";
        for (story, platform, config, named, built, expected) in [
            ("[build]", None, "", &[][..], &[][..], true),
            (
                "[build], overridden for the host",
                None,
                own,
                &[],
                &[],
                false,
            ),
            ("the host", Some("host"), "", &[], &[], true),
            ("another platform", Some("wasm32"), "", &[], &[], false),
            (
                "a platform with artifacts",
                Some("wasm32"),
                "",
                &[],
                &["wasm32"],
                true,
            ),
            (
                "a platform with artifacts",
                None,
                own,
                &[],
                &["wasm32"],
                true,
            ),
            // With a named triple, cargo compiles the units for the host without flags.
            (
                "the named triple",
                Some("wasm32"),
                "",
                &["wasm32"],
                &[],
                true,
            ),
            ("the host", Some("host"), "", &["wasm32"], &[], false),
            (
                "[build], overridden",
                None,
                of_wasm,
                &["wasm32"],
                &[],
                false,
            ),
            (
                "[build], overridden for the host",
                None,
                own,
                &["wasm32"],
                &[],
                true,
            ),
            (
                "known artifacts",
                Some("host"),
                "",
                &["wasm32"],
                &["wasm32"],
                false,
            ),
            // An option of cargo decides for the host.
            ("the host", Some("host"), same, &["wasm32"], &[], true),
            ("the host", Some("host"), unstable, &["wasm32"], &[], true),
        ] {
            let found = apply(platform, config, named, built);
            assert_eq!(found, expected, "{story}, {config}, {named:?}");
        }
    }

    #[test]
    fn a_cfg_that_is_false_on_every_built_platform_is_not_possible() {
        let facts = |name: &str, cfg: &[&str]| PlatformFacts {
            name: name.to_owned(),
            cfg: cfg.iter().map(ToString::to_string).collect(),
        };
        let linux = facts("x86_64-unknown-linux-gnu", &["unix", "target_os=\"linux\""]);
        let windows = facts(
            "x86_64-pc-windows-msvc",
            &["windows", "target_os=\"windows\""],
        );
        let directory = tempfile::tempdir().unwrap();
        let build = Utf8Path::from_path(directory.path()).unwrap();
        let mut workspace = workspace("a: lib");
        workspace.build_directory = build.to_owned();
        let possible = |workspace: &Workspace| {
            [
                "cfg(unix)",
                "cfg(windows)",
                "cfg(not(windows))",
                "cfg(all(unix, target_os = \"macos\"))",
                "cfg(any(windows, my_own))",
            ]
            .map(|cfg| is_possible(Some(cfg), workspace))
        };
        assert_eq!(possible(&workspace), [true; 5], "nothing is known");
        workspace.platforms = Some(vec![linux.clone()]);
        assert_eq!(possible(&workspace), [true, false, true, false, true]);
        workspace.platforms = Some(vec![linux.clone(), windows]);
        assert_eq!(possible(&workspace), [true, true, true, false, true]);
        // Artifacts of a build with `--target`, which the query does not name.
        workspace.platforms = Some(vec![linux]);
        let other = build.join("aarch64-apple-darwin/debug/.fingerprint");
        std::fs::create_dir_all(other).unwrap();
        assert_eq!(possible(&workspace), [true; 5]);
    }
}

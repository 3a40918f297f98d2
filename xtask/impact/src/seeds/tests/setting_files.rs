//! Tests of changed settings files: manifests, the lock file, the toolchain file and cargo's
//! configuration.

use crate::resolve_diff::ResolveDifferences;
use crate::seeds::Resolution;
use crate::testing::scene::Scene;
use crate::unit_graph::Verb;
use crate::vcs::ChangeStatus;

const TEXT: &str = "a: lib!test!bench!doctest -> b\nb: lib!test!bench!doctest";

/// Returns the seeds as one line.
fn seeds(scene: &Scene) -> String {
    scene.seeds().trim_end().replace('\n', ", ")
}

#[test]
fn a_file_that_is_named_as_changed_counts_as_a_whole() {
    let all = "a lib: Doubt, b lib: Doubt";
    let manifest = "[package]\nname = 'a'\n";
    for (path, same, expected) in [
        ("a/Cargo.toml", true, "a lib: Doubt"),
        ("Cargo.toml", true, all),
        ("Cargo.lock", true, all),
        (".cargo/config.toml", true, all),
        ("rust-toolchain.toml", true, all),
        // The file differs from the base, so that the difference counts.
        ("a/Cargo.toml", false, ""),
    ] {
        let mut scene = Scene::new(TEXT, Verb::Check, &[]);
        scene.name_as_changed(path);
        let after = format!("{manifest}# a comment");
        let after = if same { manifest } else { &after };
        scene.set_sides(path, Some(manifest), Some(after));
        assert_eq!(seeds(&scene), expected, "{path}");
    }
}

/// The manifest of a package at the root also holds settings for all packages.
#[test]
fn the_manifest_of_a_root_package_counts_for_all_packages() {
    for path in ["Cargo.toml", "Cargo.lock", "rust-toolchain.toml"] {
        let mut scene = Scene::new(TEXT, Verb::Check, &[]);
        scene.workspace.packages[0].manifest_path = scene.root.join("Cargo.toml");
        scene.name_as_changed(path);
        scene.set_sides(path, Some("# x"), Some("# x"));
        assert_eq!(seeds(&scene), "a lib: Doubt, b lib: Doubt", "{path}");
    }
}

#[test]
fn a_runner_starts_the_tests_in_another_way_and_rebuilds_nothing() {
    let mut scene = Scene::new("a: lib!bench!doctest", Verb::Check, &[]);
    scene.edit(".cargo/config.toml", "", "target.host.runner = 'x'");
    assert_eq!(seeds(&scene), "a lib test: Configuration, rerun");
}

#[test]
fn a_file_outside_the_repository_counts_as_a_whole() {
    let text = "a: lib!test!bench!doctest -> b\nb outside: lib!test!bench!doctest -> c\nc: lib!test!bench!doctest";
    let all = "a lib: Doubt, b lib: Doubt, c lib: Doubt";
    for (path, expected) in [
        ("/outside/b/Cargo.toml", "b lib: Doubt, c lib: Doubt"),
        ("/outside/Cargo.toml", "b lib: Doubt, c lib: Doubt"),
        ("/elsewhere/Cargo.toml", ""),
        ("/.cargo/config.toml", all),
        ("/rust-toolchain", all),
    ] {
        let mut scene = Scene::new(text, Verb::Check, &[]);
        scene.change(path, ChangeStatus::Modified);
        assert_eq!(seeds(&scene), expected, "{path}");
    }
}

#[test]
fn a_manifest_counts_if_it_belongs_to_a_package_or_to_a_workspace_root() {
    let lints = |name: &str| {
        let lints = "[lints.rust]\nunused = 'warn'\n";
        Some(format!("[package]\nname = '{name}'\n{lints}"))
    };
    let plain = |name: &str| Some(format!("[package]\nname = '{name}'\n"));
    let workspace = |edition: &str| Some(format!("[workspace.package]\nedition = '{edition}'\n"));
    let inherits = "[package]\nname = 'b'\nedition.workspace = true\n";
    for (story, path, before, after, expected) in [
        (
            "a new package",
            "a/Cargo.toml",
            None,
            plain("a"),
            "a lib: Manifest",
        ),
        (
            "a lint",
            "a/Cargo.toml",
            plain("a"),
            lints("a"),
            "a lib: Manifest",
        ),
        (
            "a fixture",
            "a/tests/x/Cargo.toml",
            plain("x"),
            lints("x"),
            "",
        ),
        (
            "the root",
            "Cargo.toml",
            workspace("2021"),
            workspace("2024"),
            "b lib: Manifest",
        ),
        // Cargo ignores the tables of a root in the manifest of a member.
        (
            "a member",
            "a/Cargo.toml",
            workspace("2021"),
            workspace("2024"),
            "",
        ),
    ] {
        let mut scene = Scene::new(TEXT, Verb::Check, &[("b/Cargo.toml", inherits)]);
        scene.change(path, ChangeStatus::Modified);
        scene.set_sides(path, before.as_deref(), after.as_deref());
        let found = scene.seeds();
        let by_meaning = found.lines().filter(|it| it.ends_with("Manifest"));
        let by_meaning: Vec<&str> = by_meaning.collect();
        assert_eq!(by_meaning.join(", "), expected, "{story}");
    }
    // A path package outside the workspace inherits from the root above it.
    let mut scene = Scene::new(TEXT, Verb::Check, &[("b/Cargo.toml", inherits)]);
    let b = scene
        .workspace
        .packages
        .iter_mut()
        .find(|it| it.name == "b");
    let b = b.unwrap();
    b.member = false;
    b.manifest_path = scene.root.join("other/b/Cargo.toml");
    scene.write("other/b/Cargo.toml", inherits);
    scene.change("other/Cargo.toml", ChangeStatus::Modified);
    let profile = "[profile.dev]\nopt-level = 1\n";
    let after = format!("{profile}{}", workspace("2024").unwrap());
    scene.set_sides(
        "other/Cargo.toml",
        workspace("2021").as_deref(),
        Some(&after),
    );
    assert_eq!(
        seeds(&scene),
        "b lib: Manifest",
        "its profiles have no effect"
    );
}

#[test]
fn a_deleted_fixture_is_a_setting_and_a_changed_fixture_is_a_file() {
    let text = "a: lib!bench!doctest";
    for (after, expected) in [
        (
            Some("[package]\nname = 'y'"),
            "a lib test: RuntimeInput, rerun",
        ),
        (None, ""),
    ] {
        let mut scene = Scene::new(text, Verb::Check, &[]);
        scene.change("a/fixture/Cargo.toml", ChangeStatus::Modified);
        scene.set_sides("a/fixture/Cargo.toml", Some("[package]\nname = 'x'"), after);
        assert_eq!(seeds(&scene), expected, "{after:?}");
    }
}

#[test]
fn another_spelling_of_the_same_compiler_changes_nothing() {
    for (is_same, after, expected) in [
        (
            false,
            "[toolchain]\nchannel = '1.95'\n",
            "a lib: Toolchain, b lib: Toolchain",
        ),
        (true, "[toolchain]\nchannel = '1.95'\n", ""),
        (false, "# a comment\n[toolchain]\nchannel = '1.94'\n", ""),
    ] {
        let mut scene = Scene::new(TEXT, Verb::Check, &[]);
        scene.is_same_compiler = is_same;
        scene.edit(
            "rust-toolchain.toml",
            "[toolchain]\nchannel = '1.94'\n",
            after,
        );
        assert_eq!(seeds(&scene), expected, "{after}");
    }
}

#[test]
fn an_entry_of_the_lock_file_counts_unless_cargo_compared_the_resolutions() {
    let lock = |version: &str, checksum: &str| {
        format!(
            "version = 4\n[[package]]\nname = \"util\"\nversion = \"{version}\"\n\
             source = \"registry+https://github.com/rust-lang/crates.io-index\"\nchecksum = \"{checksum}\"\n"
        )
    };
    let text = "a: lib!test!bench!doctest -> util@1.0.0\nutil@1.0.0 external: lib\nutil@2.0.0 external: lib";
    let util = "util lib: Resolution";
    for (story, compared, before, after, expected) in [
        (
            "a version",
            false,
            lock("0.9.0", "1"),
            lock("1.0.0", "2"),
            util,
        ),
        (
            "a version",
            true,
            lock("0.9.0", "1"),
            lock("1.0.0", "2"),
            "",
        ),
        (
            "a checksum",
            false,
            lock("1.0.0", "1"),
            lock("1.0.0", "2"),
            util,
        ),
        (
            "a checksum",
            true,
            lock("1.0.0", "1"),
            lock("1.0.0", "2"),
            util,
        ),
        (
            "a broken file",
            false,
            lock("1.0.0", "1"),
            "[".to_owned(),
            "a lib: Doubt, util lib: Doubt",
        ),
    ] {
        let mut scene = Scene::new(text, Verb::Check, &[]);
        if compared {
            scene.resolution = Resolution::Compared(ResolveDifferences::default());
        }
        scene.edit("Cargo.lock", &before, &after);
        assert_eq!(seeds(&scene), expected, "{story}, compared: {compared}");
    }
    let unknown = Resolution::Unknown("no network".to_owned());
    expect_test::expect!["the change in dependency resolution is unknown, so more units are selected than needed: no network"].assert_eq(&unknown.note().unwrap());
    assert_eq!(Resolution::Unchanged.note(), None);
}

/// Without a target triple, cargo compiles the units for the host and for the target alike. The
/// first named triple sets them apart. If nothing else can name a triple, the difference is exact.
#[test]
fn the_only_configuration_file_shows_which_units_a_triple_touches() {
    let host = "build.target = 'host'\nbuild.rustflags = ['-Cx']\n";
    let text = "a: lib!test!bench!doctest -> m\nm: proc-macro!test!bench!doctest";
    let found = |story: &str, prepare: &dyn Fn(&mut Scene)| {
        let mut scene = Scene::new(text, Verb::Check, &[]);
        let path = ".cargo/config.toml";
        scene.edit(path, "", host);
        scene.read_config(&[]);
        scene.resolution = Resolution::Compared(ResolveDifferences::default());
        prepare(&mut scene);
        format!("{story}: {}\n", seeds(&scene))
    };
    let all = [
        found("alone", &|_| {}),
        found("not readable", &|scene| scene.config = None),
        found("a triple of the query", &|scene| {
            scene.targets = vec!["host".to_owned()]
        }),
        found("a variable with a triple", &|scene| {
            scene.read_config(&[("CARGO_BUILD_TARGET", "host")]);
        }),
        found("a variable with flags", &|scene| {
            scene.read_config(&[("CARGO_ENCODED_RUSTFLAGS", "-Cx")]);
        }),
        found("another variable", &|scene| {
            scene.read_config(&[("HOME", "/root")])
        }),
        found("another changed file", &|scene| {
            scene.change(".cargo/config", ChangeStatus::Deleted);
        }),
        found("another file that sets a target", &|scene| {
            scene.write(".cargo/config", "[build]\ntarget = 'host'");
        }),
        found("another file that sets nothing of it", &|scene| {
            scene.write(".cargo/config", "[http]\nproxy = ''");
        }),
    ];
    expect_test::expect![[r#"
        alone: 
        not readable: a lib: Configuration, m lib: Configuration
        a triple of the query: a lib: Configuration, m lib: Configuration
        a variable with a triple: a lib: Configuration, m lib: Configuration
        a variable with flags: a lib: Configuration, m lib: Configuration
        another variable: 
        another changed file: a lib: Configuration, m lib: Configuration
        another file that sets a target: a lib: Configuration, m lib: Configuration
        another file that sets nothing of it: 
    "#]]
    .assert_eq(&all.concat());
}

//! Tests of the checkout that a record belongs to.

use super::*;
use crate::testing::scene::Scene;
use crate::testing::{scratch, workspace, write};
use crate::unit_graph::Verb;

#[test]
fn the_note_names_a_checkout_that_exists_before_one_that_does_not() {
    let shared = |directory: &str, is_there| Shared {
        directory: directory.into(),
        package: "network".to_owned(),
        source: format!("{directory}/network/src/lib.rs").into(),
        is_there,
    };
    assert_eq!(note(&[]), None);
    let (gone, there) = (shared("/gone", false), shared("/there", true));
    expect_test::expect!["/gone was built for another place: `network` was last built from /gone/network/src/lib.rs, which does not exist. If the checkout was moved, run `cargo clean` and build again, so that its records are used"].assert_eq(&note(std::slice::from_ref(&gone)).unwrap());
    expect_test::expect![[r#"/there (and 1 more) is shared with another checkout: `network` was last built there from /there/network/src/lib.rs. Cargo may use artifacts of the other checkout, so the records there are not used. Give each checkout its own build directory in .cargo/config.toml: [build] build-dir = "{cargo-cache-home}/build/{workspace-path-hash}""#]].assert_eq(&note(&[gone, there]).unwrap());
}

#[test]
fn the_root_file_of_a_unit_decides_which_checkout_it_belongs_to() {
    let mut workspace = workspace("network: lib\nlog@0.3.0: lib\nfar: lib");
    let far = workspace.find("far").unwrap();
    // A path package outside the workspace root.
    workspace.packages[far.0 as usize].targets[0].src_path = "/far/src/lib.rs".into();
    let layout = PackageDirectories::new(&workspace);
    let mut own: HashMap<&str, Vec<PackageIx>> = HashMap::new();
    for (index, package) in workspace.packages() {
        own.entry(&package.name).or_default().push(index);
    }
    let mut checkout = Checkout::new(&workspace, &layout, own);
    let cases = [
        ("network", "/w/network/src/lib.rs", CompiledWhere::Here),
        (
            "network",
            "/w/crates/../network/src/lib.rs",
            CompiledWhere::Here,
        ),
        (
            "network",
            "/w2/network/src/lib.rs",
            CompiledWhere::Elsewhere,
        ),
        // A deleted workspace or worktree below this checkout; then a deleted target of this
        // checkout.
        (
            "network",
            "/w/tools/network/src/lib.rs",
            CompiledWhere::Elsewhere,
        ),
        ("network", "/w/network/src/old.rs", CompiledWhere::Beside),
        // Another checkout, but at another path below its root, so that the hashes differ.
        (
            "network",
            "/w2/crates/network/src/main.rs",
            CompiledWhere::Beside,
        ),
        ("far", "/far/src/lib.rs", CompiledWhere::Here),
        ("far", "/further/src/lib.rs", CompiledWhere::Beside),
        (
            "log",
            "/home/.cargo/registry/src/i/log/src/lib.rs",
            CompiledWhere::Beside,
        ),
        ("serde", "/w2/serde/src/lib.rs", CompiledWhere::Unknown),
    ];
    for (package, source, expected) in cases {
        assert_eq!(
            checkout.origin(package, source.into()),
            expected,
            "{source}"
        );
    }
}

#[test]
fn records_of_unknown_origin_count_only_if_no_other_checkout_builds_here() {
    let workspace = workspace("network: lib\nfares: lib");
    let layout = PackageDirectories::new(&workspace);
    let mut own: HashMap<&str, Vec<PackageIx>> = HashMap::new();
    for (index, package) in workspace.packages() {
        own.entry(&package.name).or_default().push(index);
    }
    let record = |package: &str, from: Option<&str>| {
        let name = serde_json::json!({ "mode": "compile", "kind": "lib", "target": package });
        serde_json::json!({
            "package": package, "name": name, "rustc": 1, "features": [], "invoked": null,
            "inputs": [], "compiled_from": from, "hash": "", "value": 1, "likeness": 1,
            "dependencies": [], "names": [], "stamp": null,
        })
    };
    let here = Some("/w/network/src/lib.rs");
    let elsewhere = Some("/w2/network/src/lib.rs");
    let beside = Some("/w/network/src/old.rs");
    for (from, kept) in [
        (here, vec!["network", "fares"]),
        (elsewhere, vec![]),
        (beside, vec!["fares"]),
    ] {
        let place = serde_json::json!({
            "directory": "debug", "path": "/w/target/debug", "is_v1": true, "marks": [],
            "wanted": 0, "units": [record("network", from), record("fares", None)],
        });
        let mut place: ProfileRecords = serde_json::from_value(place).unwrap();
        let mut checkout = Checkout::new(&workspace, &layout, own.clone());
        let shared = checkout.sift(&mut place, "/w/target/debug".into());
        assert_eq!(shared.is_some(), from == elsewhere);
        let units: Vec<_> = place.units.iter().map(|it| &*it.package).collect();
        assert_eq!(units, kept, "{from:?}");
    }
}

/// Queries a checkout without a link, after `cargo build --manifest-path link/Cargo.toml`.
#[test]
#[cfg(unix)]
fn a_link_to_this_checkout_is_not_another_checkout() {
    let (_temporary, top) = scratch();
    let mut workspace = workspace("network: lib");
    workspace.root = top.join("checkout");
    for checkout in ["checkout", "other"] {
        let source = top.join(checkout).join("network/src/lib.rs");
        std::fs::create_dir_all(source.parent().unwrap()).unwrap();
        std::fs::write(source, "").unwrap();
    }
    workspace.packages[0].targets[0].src_path = workspace.root.join("network/src/lib.rs");
    for name in ["checkout", "other"] {
        let link = top.join(format!("link-to-{name}"));
        std::os::unix::fs::symlink(top.join(name), link).unwrap();
    }
    let layout = PackageDirectories::new(&workspace);
    let own = HashMap::from([("network", vec![PackageIx(0)])]);
    let mut checkout = Checkout::new(&workspace, &layout, own);
    let mut origin = |from: &str| checkout.origin("network", &top.join(from));
    assert_eq!(
        origin("link-to-checkout/network/src/lib.rs"),
        CompiledWhere::Here
    );
    assert_eq!(
        origin("link-to-other/network/src/lib.rs"),
        CompiledWhere::Elsewhere
    );
}

/// Returns the units that stay after the records of a scene were sifted, and the other checkout.
fn sifted(scene: &Scene) -> (Vec<String>, Option<Shared>) {
    let layout = PackageDirectories::new(&scene.workspace);
    let mut own: HashMap<&str, Vec<PackageIx>> = HashMap::new();
    for (index, package) in scene.workspace.packages() {
        own.entry(&package.name).or_default().push(index);
    }
    let mut checkout = Checkout::new(&scene.workspace, &layout, own);
    let mut place = scene.places().remove(0);
    let shared = checkout.sift(&mut place, &scene.root.join("target/debug"));
    let units = place.units.iter();
    let units = units.map(|it| format!("{} {}", it.package, it.name.file_name()));
    (units.collect(), shared)
}

/// The record of a binary does not show where the binary was compiled. The `.d` file beside the
/// binary names the checkout that ran cargo last.
#[test]
fn a_binary_of_another_checkout_shows_that_the_directory_is_shared() {
    let text = "tool: lib bin bin=other";
    for (story, source, rule, is_shared) in [
        (
            "here",
            "ROOT/tool/src/bin/tool.rs",
            "target/debug/tool.d",
            false,
        ),
        (
            "another checkout",
            "/w2/tool/src/bin/tool.rs",
            "target/debug/tool.d",
            true,
        ),
        (
            "another program",
            "/w2/tool/src/bin/third.rs",
            "target/debug/tool.d",
            false,
        ),
        (
            "a program without a record",
            "/w2/tool/src/bin/other.rs",
            "target/debug/other.d",
            false,
        ),
        (
            "its library",
            "/w2/tool/src/lib.rs",
            "target/debug/tool.d",
            true,
        ),
        ("nothing", "", "target/debug/else.d", false),
    ] {
        let mut scene = Scene::new(text, Verb::Check, &[]);
        scene.compiled(("tool", "lib"), &["tool/src/lib.rs"], 500, (10, &[]));
        scene.compiled(("tool", "bin"), &["tool/src/bin/tool.rs"], 500, (20, &[10]));
        let source = source.replace("ROOT", scene.root.as_str());
        let rule_text = format!("/w2/target/debug/tool: /w2/x.rs {source}\n");
        scene.write(rule, &rule_text);
        let (units, shared) = sifted(&scene);
        assert_eq!(shared.is_some(), is_shared, "{story}");
        // The records do not show where they were built, so none of them counts.
        assert_eq!(units.is_empty(), is_shared, "{story}");
        if let Some(shared) = shared {
            assert_eq!((&*shared.package, shared.is_there), ("tool", false));
            assert_eq!(shared.source, source);
            assert!(shared.refusal().to_string().contains(&source));
        }
    }
}

#[test]
fn the_binary_that_was_written_last_decides() {
    for (age, is_shared) in [(900, true), (1100, false)] {
        let mut scene = Scene::new("tool: bin\nmore: bin", Verb::Check, &[]);
        for (package, value) in [("tool", 10), ("more", 20)] {
            let source = format!("{package}/src/bin/{package}.rs");
            scene.compiled((package, "bin"), &[&source], 500, (value, &[]));
        }
        let here = format!("x: {}/tool/src/bin/tool.rs\n", scene.root);
        scene.write("target/debug/tool.d", &here);
        scene.write("target/debug/more.d", "x: /w2/more/src/bin/more.rs\n");
        scene.set_age("target/debug/more.d", age);
        assert_eq!(sifted(&scene).1.is_some(), is_shared, "{age}");
    }
}

#[test]
fn a_source_that_exists_is_the_better_evidence() {
    let mut scene = Scene::new("a: lib\nb: lib\nc: lib", Verb::Check, &[]);
    let (_directory, other) = scratch();
    write(&other.join("b/src/lib.rs"), "");
    for (package, root) in [("a", "/gone"), ("b", other.as_str()), ("c", "/gone")] {
        scene.compiled((package, "lib"), &[], 500, (10, &[]));
        let from = format!("{root}/{package}/src/lib.rs");
        scene.set_in_record("compiled_from", serde_json::json!(from));
    }
    let shared = sifted(&scene).1.unwrap();
    assert_eq!((&*shared.package, shared.is_there), ("b", true));
    assert_eq!(shared.source, other.join("b/src/lib.rs"));
}

/// Another workspace of this repository has the same package at the same path below its root.
#[test]
fn another_workspace_of_this_repository_is_no_other_checkout() {
    for (repository, source, expected) in [
        (".git/HEAD", "tools/a/src/lib.rs", CompiledWhere::Beside),
        (
            ".git/HEAD",
            "tools/gone/a/src/lib.rs",
            CompiledWhere::Elsewhere,
        ),
        // A worktree or another repository inside this checkout.
        (
            "tools/.git/HEAD",
            "tools/a/src/lib.rs",
            CompiledWhere::Elsewhere,
        ),
    ] {
        let files = [
            ("tools/a/src/lib.rs", ""),
            ("tools/Cargo.toml", "[workspace]"),
        ];
        let scene = Scene::new("a: lib", Verb::Check, &files);
        scene.write(".git/HEAD", "");
        scene.write(repository, "");
        let layout = PackageDirectories::new(&scene.workspace);
        let own = HashMap::from([("a", vec![PackageIx(0)])]);
        let mut checkout = Checkout::new(&scene.workspace, &layout, own);
        let found = checkout.origin("a", &scene.root.join(source));
        assert_eq!(found, expected, "{repository}: {source}");
        // The answer for a directory is kept.
        assert_eq!(checkout.origin("a", &scene.root.join(source)), expected);
    }
}

#[test]
fn a_build_directory_is_read_from_disk() {
    let mut scene = Scene::new("a: lib", Verb::Check, &[]);
    scene.workspace.target_directory = scene.root.join("target");
    let hash = "0000000000000001";
    let json = r#"{"rustc":1,"features":"[]","deps":[],"local":[],"rustflags":[]}"#;
    let directory = format!("target/debug/.fingerprint/a-{hash}");
    scene.write(&format!("{directory}/lib-a"), hash);
    scene.write(&format!("{directory}/lib-a.json"), json);
    let dep_info = format!("target/debug/deps/a-{hash}.d");
    let read = |source: &str| {
        scene.write(
            &dep_info,
            &format!("deps/liba.rmeta: {source}\n\n{source}:\n"),
        );
        let layout = PackageDirectories::new(&scene.workspace);
        let directories = scene.workspace.directories();
        let found = read((&scene.workspace, &layout), &directories, false, None).unwrap();
        let units = found.0.iter().map(|place| place.units.len()).sum::<usize>();
        (
            units,
            found.1.len(),
            sharing(&scene.workspace).unwrap().len(),
        )
    };
    let here = scene.root.join("a/src/lib.rs");
    assert_eq!(read(here.as_str()), (1, 0, 0));
    assert_eq!(read("/w2/a/src/lib.rs"), (0, 1, 1));
}

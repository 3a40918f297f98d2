use camino::Utf8Path;

use super::super::diagnostics::read;
use super::super::situation::Situation;
use super::explain;

/// Writes packages, and explains the cycle of cargo's text. `ROOT` stands for the directory.
fn explained(packages: &[(&str, &str, &str)], text: &str) -> String {
    let directory = tempfile::tempdir().unwrap();
    let root = Utf8Path::from_path(directory.path())
        .unwrap()
        .canonicalize_utf8()
        .unwrap();
    std::fs::write(
        root.join("Cargo.toml"),
        "[workspace]\nmembers = [\"*\"]\n[workspace.dependencies]\nc = { path = \"c\" }\n",
    )
    .unwrap();
    for (name, dependencies, source) in packages {
        let package = root.join(name);
        std::fs::create_dir_all(package.join("src")).unwrap();
        let manifest = format!("[package]\nname = \"{name}\"\n{dependencies}");
        std::fs::write(package.join("Cargo.toml"), manifest).unwrap();
        std::fs::write(package.join("src/lib.rs"), source).unwrap();
    }
    let error = &read(&text.replace("ROOT", root.as_str()))[0];
    let Situation::Cycle { packages } = Situation::of(error) else {
        panic!("{error:?}");
    };
    let found = explain(error, &packages);
    let advice = found.advice.unwrap_or_default();
    let told = format!("{}\n{}\n{advice}\n", found.says, found.evidence.join("\n"));
    told.replace(root.as_str(), "ROOT")
}

const TEXT: &str =
    "error: cyclic package dependency: package `a v0.1.0 (ROOT/a)` depends on itself. Cycle:
package `a v0.1.0 (ROOT/a)`
    ... which satisfies path dependency `a` of package `d v0.1.0 (ROOT/d)`
    ... which satisfies path dependency `d` of package `c v0.1.0 (ROOT/c)`
    ... which satisfies path dependency `c` of package `b v0.1.0 (ROOT/b)`
    ... which satisfies path dependency `b` of package `a v0.1.0 (ROOT/a)`
";

#[test]
fn the_shortest_cycle_and_its_easiest_edge_are_named() {
    let d = (
        "d",
        "[dependencies]\na = { path = \"../a\" }\n",
        "pub use a::All;\n",
    );
    let b = "[dependencies]\nc.workspace = true\n";
    let c = "[dependencies]\nd = { path = \"../d\" }\n\n[build-dependencies]\nb = { path = \"../b\" }\n";
    let a = (
        "a",
        "[dependencies]\nb = { path = \"../b\" }\n",
        "pub fn f() { b::g() }\n",
    );
    let told = [
        explained(
            &[
                a,
                ("b", b, "pub fn g() { c::h(); c::I; }\n"),
                ("c", c, "pub fn h() { b::g() }\n"),
                d,
            ],
            TEXT,
        ),
        explained(
            &[
                a,
                (
                    "b",
                    b,
                    "pub fn g() {}\n#[cfg(test)]\nmod tests {\n    use c::h;\n}\n",
                ),
                ("c", c, "pub use b::g;\n"),
                d,
            ],
            TEXT,
        ),
        explained(
            &[a, ("b", b, "// c::h\n"), ("c", c, "pub use b::g;\n"), d],
            TEXT,
        ),
        explained(&[a, ("b", "", ""), ("c", "", ""), d], TEXT),
    ];
    expect_test::expect![[r#"
        the shortest cycle is c → b → c
        ROOT/c/Cargo.toml:7: c → b in [build-dependencies], which uses g
        ROOT/b/Cargo.toml:4: b → c in [dependencies], which uses I, h
        move g of b into a new package, and let c and b depend on the new package

        the shortest cycle is c → b → c
        ROOT/c/Cargo.toml:7: c → b in [build-dependencies], which uses g
        ROOT/b/Cargo.toml:4: b → c in [dependencies]
        move line 4 of ROOT/b/Cargo.toml to [dev-dependencies]: only tests of b use c

        the shortest cycle is c → b → c
        ROOT/c/Cargo.toml:7: c → b in [build-dependencies], which uses g
        ROOT/b/Cargo.toml:4: b → c in [dependencies]
        remove line 4 of ROOT/b/Cargo.toml: no source of b uses c

        cargo names this cycle: a ← d ← c ← b ← a
        the manifests on disk have no cycle of path dependencies

    "#]]
    .assert_eq(&told.join("\n"));
}

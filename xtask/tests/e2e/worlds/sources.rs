//! Classes of changes of files that sources compile or include, or only seem to name.

use super::Class;
use super::draft::{Change, Draft, PackageKind};

pub(super) const CLASSES: &[Class] = &[
    ("module", module),
    ("nested-module", nested_module),
    ("path-attribute", path_attribute),
    ("conditional-path", conditional_path),
    ("test-module", test_module),
    ("module-that-is-off", module_that_is_off),
    ("known-predicate", known_predicate),
    ("include", include),
    ("documentation-include", documentation_include),
    ("conditional-documentation", conditional_documentation),
    ("path-made-by-own-macro", path_made_by_own_macro),
    ("file-of-another-package", file_of_another_package),
    ("inert-file-that-is-included", inert_file_that_is_included),
    (
        "module-declared-by-another-macro",
        module_declared_by_another_macro,
    ),
    ("macro-exported-three-times", macro_exported_three_times),
    ("procedural-macro-with-a-path", procedural_macro_with_a_path),
    ("decoy", decoy),
    ("unused-file", unused_file),
    ("runtime-fixture", runtime_fixture),
    ("link-to-a-source", link_to_a_source),
    ("new-target", new_target),
    ("removed-target", removed_target),
    ("renamed-target", renamed_target),
];

fn module(draft: &mut Draft<'_>) -> Option<()> {
    let package = draft.package_of(PackageKind::Library)?;
    let name = draft.name();
    draft.code(package, &format!("mod {name};"));
    let path = draft.path(package, &format!("src/{name}.rs"));
    draft.file(&path, "");
    draft.appending("module", &path);
    Some(())
}

fn nested_module(draft: &mut Draft<'_>) -> Option<()> {
    let package = draft.package_of(PackageKind::Library)?;
    let name = draft.name();
    draft.code(package, &format!("mod {name};"));
    let below = |end: &str| format!("src/{name}{end}.rs");
    let (upper, deeper) = (
        draft.path(package, &below("")),
        draft.path(package, &below("/deeper")),
    );
    draft.file(upper, "#[cfg(not(never))]\nmod deeper;\n");
    draft.file(&deeper, "");
    draft.appending("nested-module", &deeper);
    Some(())
}

fn path_attribute(draft: &mut Draft<'_>) -> Option<()> {
    let package = draft.package_of(PackageKind::Library)?;
    let name = draft.name();
    let code = format!("#[path = \"../odd/{name}.rs\"]\nmod {name};");
    draft.code(package, &code);
    let path = draft.path(package, &format!("odd/{name}.rs"));
    draft.file(&path, "");
    draft.appending("path-attribute", &path);
    Some(())
}

fn conditional_path(draft: &mut Draft<'_>) -> Option<()> {
    let package = draft.package_of(PackageKind::Library)?;
    let name = draft.name();
    let code = format!(
        "#[cfg_attr(windows, path = \"{name}_windows.rs\")]\n\
         #[cfg_attr(not(windows), path = \"{name}_other.rs\")]\nmod {name};"
    );
    draft.code(package, &code);
    for end in ["windows", "other"] {
        let path = draft.path(package, &format!("src/{name}_{end}.rs"));
        draft.file(&path, "");
        draft.appending("conditional-path", &path);
    }
    Some(())
}

fn test_module(draft: &mut Draft<'_>) -> Option<()> {
    let package = draft.package_of(PackageKind::Library)?;
    let name = draft.name();
    draft.code(package, &format!("#[cfg(test)]\nmod {name};"));
    let path = draft.path(package, &format!("src/{name}.rs"));
    draft.file(&path, "#[test]\nfn holds() {}\n");
    draft.appending("test-module", &path);
    Some(())
}

fn module_that_is_off(draft: &mut Draft<'_>) -> Option<()> {
    let package = draft.package_of(PackageKind::Library)?;
    let name = draft.name();
    let manifest = &mut draft.packages[package].manifest;
    if !manifest.has("features", &format!("{name} ")) {
        manifest.line("features", format!("{name} = []"));
    }
    let predicate = draft
        .random
        .pick(&["windows", "FEATURE", "all(unix, windows)", "any()"])?
        .replace("FEATURE", &format!("feature = \"{name}\""));
    draft.code(package, &format!("#[cfg({predicate})]\nmod {name};"));
    let path = draft.path(package, &format!("src/{name}.rs"));
    draft.file(&path, "");
    draft.appending("module-that-is-off", &path);
    Some(())
}

/// Modules under predicates whose value is known for every build.
fn known_predicate(draft: &mut Draft<'_>) -> Option<()> {
    let package = draft.package_of(PackageKind::Library)?;
    let name = draft.name();
    let predicate = draft.random.pick(&[
        "not(debug_assertions)",
        "debug_assertions",
        "panic = \"unwind\"",
        "panic = \"abort\"",
        "miri",
        "not(miri)",
        "doctest",
        "proc_macro",
    ])?;
    draft.code(package, &format!("#[cfg({predicate})]\nmod {name};"));
    let path = draft.path(package, &format!("src/{name}.rs"));
    draft.file(&path, "");
    draft.appending("known-predicate", &path);
    Some(())
}

fn include(draft: &mut Draft<'_>) -> Option<()> {
    let package = draft.package_of(PackageKind::Library)?;
    let name = draft.name();
    let (code, below) = draft.random.pick(&[
        ("const NAME: &str = include_str!(\"NAME.txt\");", "src/NAME.txt"),
        ("const NAME: &[u8] = include_bytes!(\"../data/NAME.bin\");", "data/NAME.bin"),
        (
            "const NAME: &str = include_str!(concat!(env!(\"CARGO_MANIFEST_DIR\"), \"/data/NAME.txt\"));",
            "data/NAME.txt",
        ),
        ("include!(\"NAME.in\");", "src/NAME.in"),
    ])?;
    draft.code(package, &code.replace("NAME", &name));
    let path = draft.path(package, &below.replace("NAME", &name));
    draft.file(&path, "");
    if !path.ends_with(".in") {
        draft.appending("include", &path);
    } else {
        let text = format!("// {name}\n");
        draft.offer("include", vec![Change::Append(path, text)]);
    }
    Some(())
}

fn documentation_include(draft: &mut Draft<'_>) -> Option<()> {
    let package = draft.package_of(PackageKind::Library)?;
    let name = draft.name();
    let code = format!("#[doc = include_str!(\"../{name}.md\")]\npub struct D{name};");
    draft.code(package, &code);
    let path = draft.path(package, &format!("{name}.md"));
    draft.file(&path, "# Text\n");
    draft.appending("documentation-include", &path);
    Some(())
}

/// A document that is included under a condition, such as `doc` or `doctest`.
fn conditional_documentation(draft: &mut Draft<'_>) -> Option<()> {
    let package = draft.package_of(PackageKind::Library)?;
    let name = draft.name();
    let predicate = draft
        .random
        .pick(&["doctest", "doc", "docsrs", "test", "not(windows)"])?;
    let code = format!(
        "#[cfg_attr({predicate}, doc = include_str!(\"../{name}.md\"))]\npub struct C{name};"
    );
    draft.code(package, &code);
    let path = draft.path(package, &format!("{name}.md"));
    draft.file(&path, "# Text\n");
    draft.appending("conditional-documentation", &path);
    Some(())
}

fn path_made_by_own_macro(draft: &mut Draft<'_>) -> Option<()> {
    let package = draft.package_of(PackageKind::Library)?;
    let name = draft.name();
    let code = format!(
        "macro_rules! p{name} {{ ($x:literal) => {{ concat!(env!(\"CARGO_MANIFEST_DIR\"), \"/data/\", $x) }} }}\n\
         #[allow(dead_code)]\nconst {name}: &str = include_str!(p{name}!(\"{name}.bin\"));"
    );
    draft.code(package, &code);
    let path = draft.path(package, &format!("data/{name}.bin"));
    draft.file(&path, "");
    draft.appending("path-made-by-own-macro", &path);
    Some(())
}

fn file_of_another_package(draft: &mut Draft<'_>) -> Option<()> {
    let package = draft.package_of(PackageKind::Library)?;
    let other = draft.random.below(draft.packages.len());
    let name = draft.name();
    let directory = draft.packages[other].directory.replacen("crates/", "", 1);
    let code = format!(
        "macro_rules! o{name} {{ ($x:literal) => {{ concat!(env!(\"CARGO_MANIFEST_DIR\"), \"/../{directory}/\", $x) }} }}\n\
         #[allow(dead_code)]\nconst {name}: &str = include_str!(o{name}!(\"{name}.bin\"));"
    );
    draft.code(package, &code);
    let path = draft.path(other, &format!("{name}.bin"));
    draft.file(&path, "");
    draft.appending("file-of-another-package", &path);
    Some(())
}

fn inert_file_that_is_included(draft: &mut Draft<'_>) -> Option<()> {
    let package = draft.package_of(PackageKind::Library)?;
    let name = draft.name();
    let inert = [
        "LICENSE",
        "README.md",
        "CHANGELOG.md",
        "docs/guide.md",
        ".editorconfig",
    ];
    let file = draft.random.pick(&inert)?;
    let code = format!(
        "macro_rules! i{name} {{ ($x:literal) => {{ concat!(env!(\"CARGO_MANIFEST_DIR\"), \"/../../\", $x) }} }}\n\
         #[allow(dead_code)]\nconst {name}: &str = include_str!(i{name}!(\"{file}\"));"
    );
    draft.code(package, &code);
    draft.file(file, "");
    draft.appending("inert-file-that-is-included", file);
    Some(())
}

fn module_declared_by_another_macro(draft: &mut Draft<'_>) -> Option<()> {
    let user = draft.package_of(PackageKind::Library)?;
    let maker = draft.dependency_of(user)?;
    let name = draft.name();
    let declare = format!("#[macro_export]\nmacro_rules! d{name} {{ () => {{ mod {name}; }} }}");
    draft.code(maker, &declare);
    let call = format!("{}::d{name}!();", draft.crate_name(maker));
    draft.code(user, &call);
    let upper = draft.path(user, &format!("src/{name}.rs"));
    let deeper = draft.path(user, &format!("src/{name}/deeper.rs"));
    draft.file(&upper, "mod deeper;\n");
    draft.file(&deeper, "");
    draft.appending("module-declared-by-another-macro", &upper);
    draft.appending("module-declared-by-another-macro", &deeper);
    Some(())
}

fn macro_exported_three_times(draft: &mut Draft<'_>) -> Option<()> {
    let mut chain: Vec<usize> = (0..draft.packages.len())
        .filter(|&it| draft.packages[it].kind == PackageKind::Library)
        .collect();
    while chain.len() > 4 {
        chain.remove(draft.random.below(chain.len()));
    }
    let [first, second, third, user] = chain[..] else {
        return None;
    };
    let edges = [(second, first), (third, second), (user, third)];
    // Every build must find the macro under the package's own name.
    let is_other = |&(from, to): &(usize, usize)| {
        let edge = draft.edges.iter().find(|it| it.from == from && it.to == to);
        edge.is_some_and(|it| it.kind != "normal")
    };
    if edges.iter().any(is_other) {
        return None;
    }
    let name = draft.name();
    let make = format!(
        "#[macro_export]\nmacro_rules! r{name} {{ ($x:literal) => {{ include_str!($x) }} }}"
    );
    draft.code(first, &make);
    for (from, to) in edges {
        draft.depend(from, to, "normal");
    }
    for (from, to) in [(second, first), (third, second)] {
        let export = format!("pub use {}::r{name};", draft.crate_name(to));
        draft.code(from, &export);
    }
    let call = format!(
        "const {name}: &str = {}::r{name}!(\"{name}.txt\");",
        draft.crate_name(third)
    );
    draft.code(user, &call);
    let path = draft.path(user, &format!("src/{name}.txt"));
    draft.file(&path, "");
    draft.appending("macro-exported-three-times", &path);
    Some(())
}

fn procedural_macro_with_a_path(draft: &mut Draft<'_>) -> Option<()> {
    let maker = draft.package_of(PackageKind::ProcMacro)?;
    let users: Vec<usize> = (maker + 1..draft.packages.len())
        .filter(|&it| draft.packages[it].kind == PackageKind::Library)
        .collect();
    let user = draft.random.pick(&users)?;
    draft.depend(user, maker, "proc-macro");
    let name = draft.name();
    let make = format!(
        "extern crate proc_macro;\n#[proc_macro]\npub fn f{name}(_: proc_macro::TokenStream) -> proc_macro::TokenStream {{\n    \
         r#\"include_str!(concat!(env!(\"CARGO_MANIFEST_DIR\"), \"/data/{name}.txt\"))\"#.parse().unwrap()\n}}"
    );
    let source = &mut draft.packages[maker].source;
    let make = match source.contains("extern crate proc_macro;") {
        true => make.replacen("extern crate proc_macro;\n", "", 1),
        false => make,
    };
    draft.code(maker, &make);
    let call = format!(
        "const {name}: &str = {}::f{name}!();",
        draft.crate_name(maker)
    );
    draft.code(user, &call);
    let path = draft.path(user, &format!("data/{name}.txt"));
    draft.file(&path, "");
    draft.appending("procedural-macro-with-a-path", &path);
    Some(())
}

/// A file that comments, strings or an uncalled macro name, and that nothing reads.
fn decoy(draft: &mut Draft<'_>) -> Option<()> {
    let package = draft.package_of(PackageKind::Library)?;
    let name = draft.name();
    let code = draft.random.pick(&[
        "const NAME: () = (); // mod NAME;",
        "const NAME: &str = r#\"mod NAME;\"#;",
        "const NAME: &str = stringify!(mod NAME;);",
        "const NAME: &str = \"NAME.rs\";",
    ])?;
    draft.code(package, &code.replace("NAME", &name));
    let path = draft.path(package, &format!("src/{name}.rs"));
    draft.file(&path, "");
    draft.appending("decoy", &path);
    Some(())
}

/// Files that no source names, in a package and in the repository.
fn unused_file(draft: &mut Draft<'_>) -> Option<()> {
    let package = draft.random.below(draft.packages.len());
    let name = draft.name();
    let of_package = draft.path(package, &format!("notes/{name}.yml"));
    let of_repository = format!(".github/ISSUE_TEMPLATE/{name}.yml");
    let nested = draft.path(package, "fuzz/Cargo.toml");
    for path in [of_package, of_repository] {
        draft.file(&path, "");
        draft.appending("unused-file", &path);
    }
    draft.file(
        &nested,
        "[package]\nname = \"fuzz\"\nversion = \"0.0.0\"\n\n[workspace]\n",
    );
    draft.appending("unused-file", &nested);
    Some(())
}

/// A file that a test reads when it runs. Cargo rebuilds nothing.
fn runtime_fixture(draft: &mut Draft<'_>) -> Option<()> {
    let package = draft.package_of(PackageKind::Library)?;
    let name = draft.name();
    let test = draft.path(package, &format!("tests/{name}.rs"));
    let code = format!(
        "#[test]\nfn reads() {{\n    std::fs::read_to_string(\"fixtures/{name}.json\").unwrap();\n}}\n"
    );
    draft.file(test, code);
    let path = draft.path(package, &format!("fixtures/{name}.json"));
    draft.file(&path, "");
    draft.appending("runtime-fixture", &path);
    Some(())
}

/// A module that is a symbolic link. The edit changes the target of the link.
fn link_to_a_source(draft: &mut Draft<'_>) -> Option<()> {
    let package = draft.package_of(PackageKind::Library)?;
    let name = draft.name();
    draft.code(package, &format!("mod {name};"));
    let original = format!("shared/{name}.rs");
    draft.file(&original, "");
    let link = draft.path(package, &format!("src/{name}.rs"));
    draft.links.insert(link, format!("../../../{original}"));
    draft.appending("link-to-a-source", &original);
    Some(())
}

fn new_target(draft: &mut Draft<'_>) -> Option<()> {
    let package = draft.package_of(PackageKind::Library)?;
    let name = draft.name();
    let directory = draft
        .random
        .pick(&["src/bin", "tests", "examples", "benches"])?;
    let path = draft.path(package, &format!("{directory}/{name}.rs"));
    draft.offer(
        "new-target",
        vec![Change::Write(path, "fn main() {}\n".to_owned())],
    );
    Some(())
}

fn removed_target(draft: &mut Draft<'_>) -> Option<()> {
    let package = draft.package_of(PackageKind::Library)?;
    let name = draft.name();
    let directory = draft.random.pick(&["src/bin", "tests", "examples"])?;
    let path = draft.path(package, &format!("{directory}/{name}.rs"));
    draft.file(&path, "fn main() {}\n");
    draft.offer("removed-target", vec![Change::Remove(path)]);
    Some(())
}

fn renamed_target(draft: &mut Draft<'_>) -> Option<()> {
    let package = draft.package_of(PackageKind::Library)?;
    let (name, other) = (draft.name(), draft.name());
    let directory = draft.random.pick(&["src/bin", "tests", "examples"])?;
    let path = draft.path(package, &format!("{directory}/{name}.rs"));
    let to = draft.path(package, &format!("{directory}/{other}.rs"));
    draft.file(&path, "fn main() {}\n");
    draft.offer("renamed-target", vec![Change::Rename(path, to)]);
    Some(())
}

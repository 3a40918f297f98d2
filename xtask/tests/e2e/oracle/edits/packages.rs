//! Edits that add, remove or move packages, or put packages in unusual places.

use super::{Chance, Edit, Maker};

pub(super) const MAKERS: &[Maker] = &[
    new_package,
    new_package,
    removed_package,
    moved_package,
    outside_package,
    patched_package,
    nested_package,
    new_macro,
];

/// Adds a member with a few dependencies. A dependency may enable a feature that other packages
/// see.
fn new_package(chance: &mut Chance<'_>) -> Option<Edit> {
    let name = chance.name("newcomer");
    let dependencies = [
        "daytime = { workspace = true, features = [\"serde\"] }",
        "stations = { workspace = true, features = [\"suggest\"] }",
        "zones.workspace = true",
        "tables.workspace = true",
        "serde = { workspace = true, features = [\"rc\"] }",
        "petgraph = { workspace = true, features = [\"stable_graph\"] }",
        "glob.workspace = true",
        "serde_json = { workspace = true, features = [\"raw_value\"] }",
    ];
    let mut manifest = format!(
        "[package]\nname = \"{name}\"\nversion.workspace = true\nedition.workspace = true\n"
    );
    let mut has_script = false;
    for kind in ["dependencies", "dev-dependencies", "build-dependencies"] {
        if chance.random.one_in(2) {
            let dependency = chance.random.pick(&dependencies)?;
            manifest.push_str(&format!("\n[{kind}]\n{dependency}\n"));
            has_script = kind == "build-dependencies";
        }
    }
    let mut edit = Edit::new(format!("add package {name}: {manifest:?}"))
        .write(format!("crates/{name}/Cargo.toml"), manifest)
        .write(format!("crates/{name}/src/lib.rs"), "");
    if chance.random.one_in(2) {
        edit = edit.write(format!("crates/{name}/tests/it.rs"), "");
    }
    if has_script {
        edit = edit.write(format!("crates/{name}/build.rs"), "fn main() {}\n");
    }
    Some(edit)
}

fn removed_package(chance: &mut Chance<'_>) -> Option<Edit> {
    let package = chance.random.pick(&["crates/cli", "crates/term-windows"])?;
    let package = match chance.random.one_in(2) {
        true => package.to_owned(),
        false => chance
            .package()
            .filter(|package| package.contains("newcomer"))?,
    };
    chance.has(&format!("{package}/Cargo.toml")).then_some(())?;
    Some(Edit::new(format!("remove {package}")).remove(package))
}

fn moved_package(chance: &mut Chance<'_>) -> Option<Edit> {
    let package = chance
        .package()
        .filter(|package| package.matches('/').count() == 1)?;
    let to = format!("{package}-moved");
    let text = chance
        .read("Cargo.toml")
        .replace(&format!("\"{package}\""), &format!("{to:?}"));
    let edit = Edit::new(format!("move {package} to {to}"));
    Some(edit.rename(&package, &to).write("Cargo.toml", text))
}

/// Adds a path dependency on a package in another workspace of the repository.
fn outside_package(chance: &mut Chance<'_>) -> Option<Edit> {
    let package = chance.package_with("src/lib.rs")?;
    let manifest = format!("{package}/Cargo.toml");
    let (name, root) = (chance.name("outsider"), chance.name("elsewhere"));
    let up = "../".repeat(package.matches('/').count() + 1);
    let dependency = format!("{name} = {{ path = \"{up}{root}/{name}\" }}");
    let text = super::settings::with_line(&chance.read(&manifest), "dependencies", &dependency);
    Some(
        Edit::new(format!("{manifest}: {dependency}"))
            .write(
                format!("{root}/Cargo.toml"),
                format!(
                    "[workspace]\nresolver = \"2\"\nmembers = [\"{name}\"]\n\n\
                     [workspace.package]\nversion = \"1.0.0\"\nedition = \"2021\"\n\n\
                     [workspace.lints.rust]\nunused = \"warn\"\n"
                ),
            )
            .write(
                format!("{root}/{name}/Cargo.toml"),
                format!(
                    "[package]\nname = \"{name}\"\nversion.workspace = true\n\
                     edition.workspace = true\n\n[lints]\nworkspace = true\n"
                ),
            )
            .write(format!("{root}/{name}/src/lib.rs"), "mod part;\n")
            .write(format!("{root}/{name}/src/part.rs"), "")
            .write(format!("{root}/{name}/tests/it.rs"), "")
            .write(manifest, text),
    )
}

/// Replaces a registry dependency by a package in the repository (`[patch]`).
fn patched_package(chance: &mut Chance<'_>) -> Option<Edit> {
    let root = chance.read("Cargo.toml");
    if root.contains("[patch") {
        return None;
    }
    let patch = "[patch.crates-io]\nstrsim = { path = \"vendored/strsim\" }\n";
    Some(
        Edit::new(format!("Cargo.toml: {patch:?}"))
            .write("Cargo.toml", root + "\n" + patch)
            .write(
                "vendored/strsim/Cargo.toml",
                "[package]\nname = \"strsim\"\nversion = \"0.11.1\"\nedition = \"2021\"\n\n[workspace]\n",
            )
            .write(
                "vendored/strsim/src/lib.rs",
                "pub fn jaro_winkler(_: &str, _: &str) -> f64 {\n    0.0\n}\n\
                 pub fn levenshtein(_: &str, _: &str) -> usize {\n    0\n}\n\
                 pub fn damerau_levenshtein(_: &str, _: &str) -> usize {\n    0\n}\n\
                 pub fn normalized_damerau_levenshtein(_: &str, _: &str) -> f64 {\n    0.0\n}\n\
                 pub fn jaro(_: &str, _: &str) -> f64 {\n    0.0\n}\n",
            ),
    )
}

/// Adds a member inside the directory of another member.
fn nested_package(chance: &mut Chance<'_>) -> Option<Edit> {
    let package = chance.package()?;
    let name = chance.name("nested");
    let root = chance.read("Cargo.toml");
    let text = root.replacen(
        "\"crates/*\"",
        &format!("\"crates/*\", \"{package}/{name}\""),
        1,
    );
    let manifest = format!("[package]\nname = \"{name}\"\nedition.workspace = true\n");
    Some(
        Edit::new(format!("add member {package}/{name}"))
            .write("Cargo.toml", text)
            .write(format!("{package}/{name}/Cargo.toml"), manifest)
            .write(format!("{package}/{name}/notes.txt"), "")
            .write(format!("{package}/{name}/src/lib.rs"), ""),
    )
}

/// Adds a procedural macro that generates an `include_str!`.
fn new_macro(chance: &mut Chance<'_>) -> Option<Edit> {
    let user = chance
        .package_with("src/lib.rs")
        .filter(|package| !package.contains("derive"))?;
    let name = chance.name("macro");
    let (library, manifest) = (format!("{user}/src/lib.rs"), format!("{user}/Cargo.toml"));
    let text = chance.read(&library)
        + &format!("#[allow(dead_code)]\nconst {name}: &str = {name}::text!();\n");
    let dependency = format!(
        "{name} = {{ path = \"{}crates/{name}\" }}",
        super::climb(&manifest)
    );
    let source = format!(
        "use proc_macro::TokenStream;\n\n#[proc_macro]\npub fn text(_: TokenStream) -> TokenStream {{\n    \
         r#\"include_str!(concat!(env!(\"CARGO_MANIFEST_DIR\"), \"/{name}.txt\"))\"#.parse().unwrap()\n}}\n"
    );
    Some(
        Edit::new(format!("a macro {name} that writes an inclusion into {library}"))
            .write(
                format!("crates/{name}/Cargo.toml"),
                format!("[package]\nname = \"{name}\"\nedition.workspace = true\n\n[lib]\nproc-macro = true\n"),
            )
            .write(format!("crates/{name}/src/lib.rs"), source)
            .write(format!("{user}/{name}.txt"), "")
            .write(manifest.clone(), super::settings::with_line(&chance.read(&manifest), "dependencies", &dependency))
            .write(library, text),
    )
}

//! Classes of changes of the sources, the inputs and the outputs of build scripts.

use super::Class;
use super::draft::{Change, Draft, PackageKind};

pub(super) const CLASSES: &[Class] = &[
    ("script-source", script_source),
    ("script-without-instructions", script_without_instructions),
    ("watched-file", watched_file),
    ("watched-directory", watched_directory),
    ("watched-through-a-function", watched_through_a_function),
    ("watched-through-a-helper", watched_through_a_helper),
    ("watched-sibling", watched_sibling),
    ("watched-by-variable-alone", watched_by_variable_alone),
    ("generated-inclusion", generated_inclusion),
    ("variable-with-a-path", variable_with_a_path),
    ("links-metadata", links_metadata),
    ("overridden-links", overridden_links),
    ("override-changed", override_changed),
    ("removed-script", removed_script),
];

/// Returns a random library whose build script no other class of change has written.
fn scriptless(draft: &mut Draft<'_>) -> Option<usize> {
    let all: Vec<usize> = (0..draft.packages.len())
        .filter(|&it| {
            draft.packages[it].kind == PackageKind::Library && draft.packages[it].has_free_script()
        })
        .collect();
    draft.random.pick(&all)
}

fn script_source(draft: &mut Draft<'_>) -> Option<()> {
    let package = scriptless(draft)?;
    let name = draft.name();
    let script = draft.new_script(package)?;
    script.items = format!("#[path = \"build/{name}.rs\"]\nmod {name};");
    script.main = "println!(\"cargo::rerun-if-changed=build.rs\");".to_owned();
    let helper = draft.path(package, &format!("build/{name}.rs"));
    draft.file(&helper, "");
    let script = draft.path(package, "build.rs");
    draft.appending("script-source", &helper);
    draft.appending("script-source", &script);
    Some(())
}

fn script_without_instructions(draft: &mut Draft<'_>) -> Option<()> {
    let package = scriptless(draft)?;
    let name = draft.name();
    draft.new_script(package)?.main = "println!(\"cargo::warning=nothing\");".to_owned();
    let path = draft.path(package, &format!("notes-{name}.txt"));
    draft.file(&path, "");
    draft.appending("script-without-instructions", &path);
    let manifest = draft.manifest_of(package);
    draft.appending("script-without-instructions", &manifest);
    Some(())
}

fn watched_file(draft: &mut Draft<'_>) -> Option<()> {
    let package = scriptless(draft)?;
    draft.new_script(package)?.main = "println!(\"cargo::rerun-if-changed=watched.txt\");\n    \
         println!(\"cargo::rustc-env=WATCHED={}\", std::fs::read_to_string(\"watched.txt\").unwrap().len());"
        .to_owned();
    let (watched, other) = (
        draft.path(package, "watched.txt"),
        draft.path(package, "other.txt"),
    );
    for path in [watched, other] {
        draft.file(&path, "");
        draft.appending("watched-file", &path);
    }
    Some(())
}

fn watched_directory(draft: &mut Draft<'_>) -> Option<()> {
    let package = scriptless(draft)?;
    draft.new_script(package)?.main = "println!(\"cargo:rerun-if-changed=inputs\");".to_owned();
    let path = draft.path(package, "inputs/deep/one.txt");
    draft.file(&path, "");
    draft.appending("watched-directory", &path);
    let new = draft.path(package, "inputs/two.txt");
    draft.offer("watched-directory", vec![Change::Write(new, String::new())]);
    Some(())
}

fn watched_through_a_function(draft: &mut Draft<'_>) -> Option<()> {
    let package = scriptless(draft)?;
    let script = draft.new_script(package)?;
    script.items =
        "fn watch(path: &str) {\n    println!(\"cargo::rerun-if-changed={path}\");\n}".to_owned();
    script.main =
        "watch(\"data/one.in\");\n    watch(&format!(\"data/{}.in\", \"two\"));".to_owned();
    for name in ["one", "two", "three"] {
        let path = draft.path(package, &format!("data/{name}.in"));
        draft.file(&path, "");
        draft.appending("watched-through-a-function", &path);
    }
    let manifest = draft.manifest_of(package);
    draft.appending("watched-through-a-function", &manifest);
    Some(())
}

/// A build-dependency prints the inputs of the build script.
fn watched_through_a_helper(draft: &mut Draft<'_>) -> Option<()> {
    let user = scriptless(draft)?;
    let helpers: Vec<usize> = (0..user)
        .filter(|&it| draft.packages[it].kind == PackageKind::Library)
        .collect();
    let helper = draft.random.pick(&helpers)?;
    if draft
        .edges
        .iter()
        .any(|edge| edge.from == user && edge.to == helper)
    {
        return None;
    }
    let name = draft.name();
    draft.depend(user, helper, "build");
    let code = format!(
        "pub fn w{name}() {{\n    println!(\"cargo::rerun-if-changed=schema/{name}.sql\");\n}}"
    );
    draft.code(helper, &code);
    let call = format!("{}::w{name}();", draft.crate_name(helper));
    draft.script(user).main = call;
    let path = draft.path(user, &format!("schema/{name}.sql"));
    draft.file(&path, "");
    draft.appending("watched-through-a-helper", &path);
    Some(())
}

fn watched_sibling(draft: &mut Draft<'_>) -> Option<()> {
    let package = scriptless(draft)?;
    let other = draft.random.below(draft.packages.len());
    let directory = draft.packages[other].directory.replacen("crates/", "", 1);
    let name = draft.name();
    draft.new_script(package)?.main =
        format!("println!(\"cargo::rerun-if-changed=../{directory}/shared-{name}\");");
    let path = draft.path(other, &format!("shared-{name}/x.txt"));
    draft.file(&path, "");
    draft.appending("watched-sibling", &path);
    Some(())
}

fn watched_by_variable_alone(draft: &mut Draft<'_>) -> Option<()> {
    let package = scriptless(draft)?;
    draft.new_script(package)?.main =
        "println!(\"cargo::rerun-if-env-changed=NOBODY_SETS_THIS\");".to_owned();
    let path = draft.path(package, "notes.txt");
    draft.file(&path, "");
    draft.appending("watched-by-variable-alone", &path);
    Some(())
}

fn generated_inclusion(draft: &mut Draft<'_>) -> Option<()> {
    let package = scriptless(draft)?;
    let name = draft.name();
    draft.new_script(package)?.main = format!(
        "println!(\"cargo::rerun-if-changed=build.rs\");\n    \
         let here = std::env::var(\"CARGO_MANIFEST_DIR\").unwrap();\n    \
         let code = format!(\"pub const {name}: &str = include_str!({{:?}});\", here + \"/data/{name}.txt\");\n    \
         std::fs::write(std::env::var(\"OUT_DIR\").unwrap() + \"/{name}.rs\", code).unwrap();"
    );
    let code =
        format!("mod g{name} {{\n    include!(concat!(env!(\"OUT_DIR\"), \"/{name}.rs\"));\n}}");
    draft.code(package, &code);
    let path = draft.path(package, &format!("data/{name}.txt"));
    draft.file(&path, "");
    draft.appending("generated-inclusion", &path);
    Some(())
}

fn variable_with_a_path(draft: &mut Draft<'_>) -> Option<()> {
    let package = scriptless(draft)?;
    let other = draft.random.below(draft.packages.len());
    let directory = draft.packages[other].directory.replacen("crates/", "", 1);
    let name = draft.name();
    draft.new_script(package)?.main = format!(
        "println!(\"cargo::rerun-if-changed=build.rs\");\n    \
         let here = std::env::var(\"CARGO_MANIFEST_DIR\").unwrap();\n    \
         println!(\"cargo::rustc-env=V_{name}={{here}}/../{directory}/{name}.bin\");"
    );
    draft.code(
        package,
        &format!("const {name}: &str = include_str!(env!(\"V_{name}\"));"),
    );
    let path = draft.path(other, &format!("{name}.bin"));
    draft.file(&path, "");
    draft.appending("variable-with-a-path", &path);
    Some(())
}

fn links_metadata(draft: &mut Draft<'_>) -> Option<()> {
    let package = scriptless(draft)?;
    let name = draft.name();
    let script = draft.new_script(package)?;
    script.main = "println!(\"cargo::rerun-if-changed=version.txt\");\n    \
         println!(\"cargo::metadata=version={}\", std::fs::read_to_string(\"version.txt\").unwrap().trim());"
        .to_owned();
    let links = format!("links = \"{name}\"");
    draft.packages[package].manifest.line("package", links);
    let path = draft.path(package, "version.txt");
    draft.file(&path, "1\n");
    draft.appending("links-metadata", &path);
    Some(())
}

/// The configuration overrides the build script (`links`).
fn overridden_links(draft: &mut Draft<'_>) -> Option<()> {
    let (package, _) = overridden(draft)?;
    let path = draft.path(package, "watched.txt");
    let (script, manifest) = (draft.path(package, "build.rs"), draft.manifest_of(package));
    for path in [path, script, manifest] {
        draft.appending("overridden-links", &path);
    }
    Some(())
}

/// The values that the configuration gives instead of a script change or are removed.
fn override_changed(draft: &mut Draft<'_>) -> Option<()> {
    let (_, line) = overridden(draft)?;
    let path = draft.config_file;
    let other = line
        .replace("rustc-cfg", "rustc-env")
        .replace("[\"", "{ O = \"");
    let other = other.replace("\"]", "\" }");
    draft.replacing("override-changed", path, &line, &other);
    draft.replacing("override-changed", path, &format!("{line}\n"), "\n");
    Some(())
}

/// Adds a library with a script that the configuration overrides. Returns the package, and the line
/// that overrides the script.
fn overridden(draft: &mut Draft<'_>) -> Option<(usize, String)> {
    let package = scriptless(draft)?;
    let name = draft.name();
    let line = format!("{name}.rustc-cfg = [\"overridden_{name}\"]");
    draft.configure(&format!("target.{}", super::host()), line.as_str());
    draft.new_script(package)?.main =
        "println!(\"cargo::rerun-if-changed=watched.txt\");".to_owned();
    let manifest = &mut draft.packages[package].manifest;
    manifest.line("package", format!("links = \"{name}\""));
    let path = draft.path(package, "watched.txt");
    draft.file(&path, "");
    Some((package, line))
}

fn removed_script(draft: &mut Draft<'_>) -> Option<()> {
    let package = scriptless(draft)?;
    draft.new_script(package)?.main = "println!(\"cargo::rerun-if-changed=build.rs\");".to_owned();
    let path = draft.path(package, "build.rs");
    draft.offer("removed-script", vec![Change::Remove(path)]);
    Some(())
}

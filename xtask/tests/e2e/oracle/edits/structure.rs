//! Edits of the structure: targets, and the places of files.

use super::{Chance, Edit, Maker, is_of_the_workspace};

pub(super) const MAKERS: &[Maker] = &[
    new_target,
    new_target,
    removed_target,
    moved_target,
    removed_file,
    moved_module,
    module_as_directory,
    moved_file,
    linked_file,
    shared_module,
];

fn new_target(chance: &mut Chance<'_>) -> Option<Edit> {
    let package = chance.package_with("src/lib.rs")?;
    let name = chance.name("new");
    let path = match chance.random.below(6) {
        0 => format!("tests/{name}.rs"),
        1 => format!("examples/{name}.rs"),
        2 => format!("benches/{name}.rs"),
        3 => format!("src/bin/{name}.rs"),
        4 => format!("src/bin/{name}/main.rs"),
        _ => format!("tests/{name}/main.rs"),
    };
    let path = format!("{package}/{path}");
    if path.contains("labels-derive/src") {
        return None;
    }
    Some(Edit::new(format!("add {path}")).write(path, "fn main() {}\n"))
}

fn removed_target(chance: &mut Chance<'_>) -> Option<Edit> {
    let file = chance.file(is_target)?;
    Some(Edit::new(format!("remove {file}")).remove(file))
}

fn moved_target(chance: &mut Chance<'_>) -> Option<Edit> {
    let file = chance.file(is_target)?;
    let name = chance.name("moved");
    let to = format!("{}/{name}.rs", file.rsplit_once('/')?.0);
    Some(Edit::new(format!("move {file} to {to}")).rename(file, to))
}

fn is_target(path: &str) -> bool {
    let parts: Vec<&str> = path.rsplit('/').collect();
    is_of_the_workspace(path)
        && path.ends_with(".rs")
        && (["tests", "examples", "benches"].contains(&parts[1]) || path.contains("/src/bin/"))
}

fn removed_file(chance: &mut Chance<'_>) -> Option<Edit> {
    let file = chance.file(|path| {
        let is_kept = [".rs", "Cargo.toml", ".gitignore"]
            .iter()
            .any(|end| path.ends_with(end));
        !is_kept
    })?;
    Some(Edit::new(format!("remove {file}")).remove(file))
}

fn moved_file(chance: &mut Chance<'_>) -> Option<Edit> {
    let file = chance.file(|path| is_of_the_workspace(path) && !path.ends_with("Cargo.toml"))?;
    let name = chance.name("moved");
    let to = format!(
        "{}/{name}.{}",
        file.rsplit_once('/')?.0,
        file.rsplit('.').next()?
    );
    Some(Edit::new(format!("move {file} to {to}")).rename(file, to))
}

/// Moves the file of a module, and names the new file by `#[path]`.
fn moved_module(chance: &mut Chance<'_>) -> Option<Edit> {
    let (root, name) = declared_module(chance)?;
    let directory = root.rsplit_once('/')?.0;
    let (from, to) = (
        format!("{directory}/{name}.rs"),
        format!("{directory}/{name}_moved.rs"),
    );
    let text = chance.read(&root).replace(
        &format!("mod {name};"),
        &format!("#[path = \"{name}_moved.rs\"]\nmod {name};"),
    );
    Some(
        Edit::new(format!("move {from} to {to}"))
            .rename(from, to)
            .write(root, text),
    )
}

fn module_as_directory(chance: &mut Chance<'_>) -> Option<Edit> {
    let (root, name) = declared_module(chance)?;
    let directory = root.rsplit_once('/')?.0;
    let (from, to) = (
        format!("{directory}/{name}.rs"),
        format!("{directory}/{name}/mod.rs"),
    );
    Some(Edit::new(format!("move {from} to {to}")).rename(from, to))
}

/// Returns a root source, and the name of a module that the source declares and that has its own
/// file.
fn declared_module(chance: &mut Chance<'_>) -> Option<(String, String)> {
    let root = chance.file(|path| {
        is_of_the_workspace(path)
            && (path.ends_with("/src/lib.rs") || path.ends_with("/src/main.rs"))
    })?;
    let text = chance.read(&root);
    let directory = root.rsplit_once('/')?.0;
    let names: Vec<_> = text
        .lines()
        .filter_map(|line| {
            line.trim_start_matches("pub ")
                .strip_prefix("mod ")?
                .strip_suffix(';')
        })
        .filter(|name| chance.has(&format!("{directory}/{name}.rs")))
        .map(str::to_owned)
        .collect();
    let name = chance.random.pick(&names)?;
    Some((root, name))
}

/// Replaces a file by a symbolic link to a copy elsewhere.
fn linked_file(chance: &mut Chance<'_>) -> Option<Edit> {
    let file = chance.file(|path| {
        is_of_the_workspace(path) && !path.ends_with("Cargo.toml") && !path.contains("linked")
    })?;
    let to = chance.name("crates/linked");
    let (text, original) = (
        chance.read(&file),
        "../".repeat(file.matches('/').count()) + &to,
    );
    let edit = Edit::new(format!("make {file} a link to {original}"));
    Some(edit.write(to, text).remove(&file).link(file, original))
}

/// Adds a module that the tests of a package can share.
fn shared_module(chance: &mut Chance<'_>) -> Option<Edit> {
    let test = chance.file(|path| is_target(path) && path.contains("/tests/"))?;
    let directory = test.rsplit_once('/')?.0;
    let name = chance.name("helpers");
    let text = format!("mod {name};\n") + &chance.read(&test);
    if chance.read(&test).starts_with("//!") {
        return None;
    }
    let edit = Edit::new(format!("share {directory}/{name}/mod.rs with {test}"));
    Some(
        edit.write(format!("{directory}/{name}/mod.rs"), "")
            .write(test, text),
    )
}

//! Edits of files that are compiled, that are read, or that nothing uses.

use super::shapes::far_include;
use super::{Chance, Edit, Maker, climb, is_of_the_workspace, is_root};

pub(super) const MAKERS: &[Maker] = &[
    source,
    source,
    source,
    test_or_example,
    build_script,
    data,
    data,
    anything,
    included_file,
    module_by_path,
    unused_file,
    unused_file,
    doc_include,
    env_reader,
];

/// The edits of a file that an earlier edit wrote or made relevant.
pub(super) const OF_RECENT_FILES: &[Maker] = &[
    edited_recent,
    edited_recent,
    edited_recent,
    removed_recent,
    moved_recent,
    beside_recent,
];

fn edited_recent(chance: &mut Chance<'_>) -> Option<Edit> {
    let file = chance.recent()?;
    touched(chance, &file)
}

fn removed_recent(chance: &mut Chance<'_>) -> Option<Edit> {
    let file = chance.recent()?;
    Some(Edit::new(format!("remove {file}")).remove(file))
}

fn moved_recent(chance: &mut Chance<'_>) -> Option<Edit> {
    let file = chance.recent()?;
    let to = beside(chance, &file)?;
    Some(Edit::new(format!("move {file} to {to}")).rename(file, to))
}

/// Adds a new file in the directory of a recent file.
fn beside_recent(chance: &mut Chance<'_>) -> Option<Edit> {
    let file = chance.recent()?;
    let path = beside(chance, &file)?;
    Some(Edit::new(format!("add {path}")).write(path, ""))
}

fn beside(chance: &mut Chance<'_>, file: &str) -> Option<String> {
    let name = chance.name("beside");
    let (directory, old) = file.rsplit_once('/')?;
    Some(format!("{directory}/{name}.{}", old.rsplit('.').next()?))
}

fn source(chance: &mut Chance<'_>) -> Option<Edit> {
    let file = chance.file(|path| path.ends_with(".rs") && path.contains("/src/"))?;
    touched(chance, &file)
}

fn test_or_example(chance: &mut Chance<'_>) -> Option<Edit> {
    let file = chance.file(|path| {
        path.ends_with(".rs")
            && ["/tests/", "/examples/", "/benches/"]
                .iter()
                .any(|part| path.contains(part))
    })?;
    touched(chance, &file)
}

fn build_script(chance: &mut Chance<'_>) -> Option<Edit> {
    let file = chance.file(|path| path.ends_with("/build.rs"))?;
    touched(chance, &file)
}

fn data(chance: &mut Chance<'_>) -> Option<Edit> {
    let file = chance.file(|path| {
        [".csv", ".txt", ".json", ".toml"]
            .iter()
            .any(|end| path.ends_with(end))
            && path.starts_with("crates/")
            && !path.ends_with("Cargo.toml")
    })?;
    touched(chance, &file)
}

fn anything(chance: &mut Chance<'_>) -> Option<Edit> {
    let file = chance.file(|_| true)?;
    touched(chance, &file)
}

/// Changes a file at its end without changing its meaning.
fn touched(chance: &mut Chance<'_>, file: &str) -> Option<Edit> {
    let number = chance.random.below(10_000);
    let text = chance.read(file);
    let text = match file.rsplit('.').next()? {
        "rs" => text + &format!("// {number}\n"),
        "toml" | "lock" | "gitignore" => text + &format!("# {number}\n"),
        "csv" | "json" => text + "\n",
        // This file has one character for each hour.
        _ if file.ends_with("peak-hours.txt") => match text.strip_prefix("------") {
            Some(later) => format!("-----#{later}"),
            None => format!("------{}", text.get(6..)?),
        },
        _ if file.ends_with("zones.txt") => text + "\n",
        _ => text + &format!("{number}\n"),
    };
    Some(Edit::new(format!("edit {file}")).write(file, text))
}

/// Includes a file in a source: a file of the same package or of another package.
fn included_file(chance: &mut Chance<'_>) -> Option<Edit> {
    let file = chance.file(|path| is_of_the_workspace(path) && path.ends_with(".rs"))?;
    let included = chance.file(|path| path.ends_with(".csv") || path.ends_with(".md"))?;
    let name = chance.name("INCLUDED_");
    let path = far_include(chance, &file, &included);
    let text = chance.read(&file)
        + &format!("#[allow(dead_code)]\nconst {name}: &str = include_str!({path});\n");
    Some(
        Edit::new(format!("include {included} in {file} by {path}"))
            .write(file, text)
            .concerning(included),
    )
}

fn doc_include(chance: &mut Chance<'_>) -> Option<Edit> {
    let file = chance.file(|path| is_of_the_workspace(path) && path.ends_with(".rs"))?;
    let included = chance.file(|path| path.ends_with(".md"))?;
    let name = chance.name("Documented");
    let path = climb(&file) + &included;
    let text = chance.read(&file)
        + &format!("#[doc = include_str!({path:?})]\n#[allow(dead_code)]\nstruct {name};\n");
    Some(
        Edit::new(format!("document with {included} in {file}"))
            .write(file, text)
            .concerning(included),
    )
}

fn module_by_path(chance: &mut Chance<'_>) -> Option<Edit> {
    let file = chance.file(|path| is_of_the_workspace(path) && is_root(path))?;
    let name = chance.name("shared");
    let path = format!("crates/{name}.rs");
    let declared = format!("#[path = {:?}]\nmod {name};\n", climb(&file) + &path);
    let edit = Edit::new(format!("declare {declared:?} in {file}"));
    Some(
        edit.write(&file, chance.read(&file) + &declared)
            .write(path, "// Shared.\n"),
    )
}

/// Adds a file that nothing reads, or that only a build script without declared inputs watches.
fn unused_file(chance: &mut Chance<'_>) -> Option<Edit> {
    let places = [
        "",
        "src/",
        "data/",
        "fixtures/",
        "tests/",
        "examples/",
        "tests/common/",
        "docs/",
    ];
    let ends = ["txt", "md", "csv", "json", "toml", "rs", "proto"];
    let (place, end) = (chance.random.pick(&places)?, chance.random.pick(&ends)?);
    let starts_a_target = end == "rs" && matches!(place, "tests/" | "examples/");
    let package = match chance.random.below(6) {
        0 => "crates/embedded-signs/messages".to_owned(),
        1 => "docs".to_owned(),
        _ => chance.package()?,
    };
    let path = format!("{package}/{place}{}.{end}", chance.name("unused"));
    let text = if starts_a_target {
        "fn main() {}\n"
    } else {
        "\n"
    };
    Some(Edit::new(format!("add {path}")).write(path, text))
}

/// Adds code that reads a fact about the package from cargo's variables, or a variable of the user.
fn env_reader(chance: &mut Chance<'_>) -> Option<Edit> {
    let file = chance.file(|path| is_of_the_workspace(path) && path.ends_with(".rs"))?;
    let name = chance.name("READ_");
    let read = chance.random.pick(&[
        "env!(\"CARGO_PKG_DESCRIPTION\")",
        "env!(\"CARGO_PKG_VERSION_MINOR\")",
        "match option_env!(\"RAIL_BUILD_LABEL\") { Some(label) => label, None => \"\" }",
        "env!(\"CARGO_PKG_AUTHORS\")",
    ])?;
    let text = chance.read(&file) + &format!("#[allow(dead_code)]\nconst {name}: &str = {read};\n");
    Some(Edit::new(format!("read {read} in {file}")).write(file, text))
}

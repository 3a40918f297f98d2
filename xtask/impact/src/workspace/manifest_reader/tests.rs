//! Comparisons of the reader with `cargo metadata`.

mod refusals;
mod shapes;

use camino::Utf8Path;

use crate::process::Runner;
use crate::testing::write;
use crate::workspace::{AskedWorkspace, LoadOptions, Workspace};

/// Writes files. The text has a line `## PATH` before the content of each file.
fn write_files(directory: &Utf8Path, text: &str) {
    for file in text.split("\n## ").skip(1) {
        let (path, content) = file.split_once('\n').unwrap_or((file, ""));
        write(&directory.join(path), content);
    }
}

/// Compares the reader's answer with cargo's. Returns the differences.
pub(crate) fn differences(ours: AskedWorkspace, cargos: AskedWorkspace) -> Option<String> {
    let sorted = |(workspace, declared, mut named): AskedWorkspace| {
        named.sort();
        (workspace, declared, named)
    };
    let (ours, cargos) = (sorted(ours), sorted(cargos));
    if ours == cargos {
        return None;
    }
    let (ours, cargos) = (format!("{ours:#?}"), format!("{cargos:#?}"));
    let mut package = "";
    let mut shown = Vec::new();
    for (ours, cargos) in ours.lines().zip(cargos.lines()) {
        if cargos.trim_start().starts_with("manifest_path: ") {
            package = cargos.trim();
        }
        if ours != cargos && shown.len() < 12 {
            shown.push(format!(
                "  after {package}: {} | {}",
                ours.trim(),
                cargos.trim()
            ));
        }
    }
    Some(format!("reader | cargo\n{}", shown.join("\n")))
}

/// Requires that the reader answers, and that its answer equals cargo's.
fn assert_equal(what: &str, directory: &Utf8Path, options: &LoadOptions) {
    let runner = Runner::new().unwrap().in_directory(directory);
    let ours = Workspace::by_manifests(&runner, options).unwrap();
    let ours = ours.unwrap_or_else(|because| panic!("{what}: asks cargo, since {because}"));
    let cargos = Workspace::by_cargo(&runner, options).unwrap();
    if let Some(differences) = differences(ours, cargos) {
        panic!("{what}: {differences}");
    }
}

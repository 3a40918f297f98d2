//! Errors about names that do not exist: usually an error in the code, and sometimes an artifact that
//! is older than its sources. Rustc prints the same text for both.

use cargo_metadata::camino::{Utf8Path, Utf8PathBuf};
use xtask_impact::build_dir::unit_inputs::Roots;
use xtask_impact::{files, quote};

use super::diagnostics::Diagnostic;
use super::judge::ErrorJudge;
use super::verdict::{ErrorReport, ErrorVerdict};
use crate::artifacts::inspect::inventory::BuiltIx;
use crate::artifacts::inspect::stale::metadata_file;

/// Explains E0425, E0432 and their like. An artifact is stale if a source of the dependency defines
/// the name as a public item and the artifact's metadata does not hold the name.
pub(super) fn missing(judge: &ErrorJudge<'_>, error: &Diagnostic, names: &[String]) -> ErrorReport {
    let mut found = ErrorReport::new(error, ErrorVerdict::ErrorInCode);
    let package = judge.package(error);
    let used = package
        .map(|it| judge.used_by_failed(it))
        .unwrap_or_default();
    let all: Vec<BuiltIx> = match used.is_empty() {
        false => used.into_iter().collect(),
        true => (0..judge.inventory.units.len()).collect(),
    };
    for unit in all {
        let built = &judge.inventory.units[unit];
        let is_external = judge.workspace.package(built.package).source.is_some();
        if !built.is_library() || is_external || Some(built.package) == package {
            continue;
        }
        for name in names {
            let Some((source, path)) = defined_and_absent(judge, unit, name) else {
                continue;
            };
            found = judge.with_fault(found, unit);
            found.verdict = ErrorVerdict::Stale;
            found.says = format!(
                "{} is older than its sources, as far as the names tell",
                path.file_name().unwrap_or_default()
            );
            let (source, name) = (quote::name(&source), quote::name(name));
            found = found.evidence(format!(
                "{source} defines `{name}`, and {path} does not hold that name"
            ));
            break;
        }
    }
    if found.verdict == ErrorVerdict::Stale {
        return found.advice(
            "`cargo xtask freshness verify` compares the content of all sources with the records",
        );
    }
    found
        .says("no artifact explains the missing name: the sources do not define it either")
        .advice(
            "if the name does exist in the sources, `cargo xtask freshness verify` finds artifacts \
             that are older than their sources",
        )
}

/// Returns the source that defines a public item `name` and the artifact that does not hold the
/// name.
fn defined_and_absent(
    judge: &ErrorJudge<'_>,
    unit: BuiltIx,
    name: &str,
) -> Option<(Utf8PathBuf, Utf8PathBuf)> {
    let built = &judge.inventory.units[unit];
    let path = metadata_file(built)?;
    // The name of the crate itself is in every artifact.
    if name == built.crate_name() {
        return None;
    }
    let metadata = files::read(path, files::LARGE).ok()?;
    if memchr::memmem::find(&metadata, name.as_bytes()).is_some() {
        return None;
    }
    let package = judge.workspace.package(built.package);
    let roots = Roots {
        workspace: &judge.workspace.root,
        package: package.directory(),
    };
    let place = judge.inventory.place(built);
    let sources = place.cargo_sources(&built.package_name, &built.hash, &built.name, roots)?;
    let mut sources = sources.files.into_iter();
    let source = sources.find(|source| defines(source, name))?;
    Some((source, path.clone()))
}

fn defines(source: &Utf8Path, name: &str) -> bool {
    let is_rust = source.extension() == Some("rs");
    let text = is_rust
        .then(|| files::read_text(source, files::SOURCE).ok())
        .flatten();
    text.is_some_and(|text| text.lines().any(|line| is_definition(line, name)))
}

/// Returns true if a line defines a public item at the top of a file: `pub fn name`. A method of the
/// same name stands further right.
fn is_definition(line: &str, name: &str) -> bool {
    const WORDS: &[&str] = &["async", "unsafe", "extern", "\"C\"", "const", "safe"];
    const KINDS: &[&str] = &[
        "fn", "struct", "enum", "trait", "type", "const", "static", "mod", "union", "use",
    ];
    let Some(rest) = line.strip_prefix("pub ") else {
        return false;
    };
    let mut words = rest.split_whitespace().peekable();
    let mut kind = None;
    while let Some(word) = words.next_if(|it| WORDS.contains(it) || KINDS.contains(it)) {
        kind = KINDS.contains(&word).then_some(word).or(kind);
    }
    let Some(word) = words.next().filter(|_| kind.is_some()) else {
        return false;
    };
    let ends = |it: char| !it.is_alphanumeric() && it != '_';
    match kind {
        // `pub use inner::name;`
        Some("use") => rest.split(ends).any(|it| it == name),
        _ => word.split(ends).next() == Some(name),
    }
}

#[cfg(test)]
mod tests {
    use super::is_definition;

    #[test]
    fn public_items_at_the_top_are_definitions() {
        for (line, expected) in [
            ("pub fn three() -> u64 { 3 }", true),
            ("pub const unsafe fn three<T>()", true),
            ("pub const three: u32 = 1;", true),
            ("pub use inner::{two, three};", true),
            ("pub fn thirty_three()", false),
            ("    pub fn three(&self)", false),
            ("fn three()", false),
            ("pub(crate) fn three()", false),
            ("// pub fn three()", false),
        ] {
            assert_eq!(is_definition(line, "three"), expected, "{line}");
        }
    }
}

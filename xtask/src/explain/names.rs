//! Errors about names that do not exist: usually an error in the code, and sometimes an artifact that
//! is older than its sources. Rustc prints the same text for both.

use std::time::SystemTime;

use camino::{Utf8Path, Utf8PathBuf};
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
    // Methods and fields stand in other items.
    let place = match error.code.as_deref() {
        Some("E0407" | "E0437" | "E0438" | "E0559" | "E0560" | "E0576" | "E0599" | "E0609") => {
            ItemPlace::Anywhere
        }
        _ => ItemPlace::Top,
    };
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
            let Some((source, path)) = defined_and_absent(judge, unit, (name, place)) else {
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
        .says(
            "no artifact explains the missing name: no public item of the sources that the artifacts \
             lack has it",
        )
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
    (name, place_of): (&str, ItemPlace),
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
    let compiled = place.reference(&built.package_name, &built.hash, &built.name);
    let compiled = compiled.metadata().and_then(|it| it.modified()).ok()?;
    let mut sources = sources.files.into_iter();
    let source = sources
        .find(|source| !is_untouched(source, compiled) && defines(source, name, place_of))?;
    Some((source, path.clone()))
}

/// Returns true if a file certainly has the content of a moment, since nothing changed the file
/// after it. `cp -p` and `mv` keep the time of the content, and set the time of the last change.
#[cfg(unix)]
fn is_untouched(source: &Utf8Path, moment: SystemTime) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let since = moment.duration_since(SystemTime::UNIX_EPOCH);
    let (Ok(metadata), Ok(since)) = (source.metadata(), since) else {
        return false;
    };
    let changed = (metadata.ctime(), metadata.ctime_nsec());
    let moment = (
        since.as_secs().cast_signed(),
        i64::from(since.subsec_nanos()),
    );
    changed < moment
}

#[cfg(not(unix))]
fn is_untouched(_: &Utf8Path, _: SystemTime) -> bool {
    false
}

/// The place of an item in a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ItemPlace {
    /// At the start of a line: a function, a type, a module.
    Top,
    /// Also inside of another item: a method, a field.
    Anywhere,
}

fn defines(source: &Utf8Path, name: &str, place: ItemPlace) -> bool {
    let is_rust = source.extension() == Some("rs");
    let text = is_rust
        .then(|| files::read_text(source, files::SOURCE).ok())
        .flatten();
    text.is_some_and(|text| {
        let mut lines = always_compiled(&text);
        lines.any(|line| match place {
            ItemPlace::Top => is_definition(line, name),
            ItemPlace::Anywhere => {
                let line = line.trim_start();
                is_definition(line, name) || is_field(line, name)
            }
        })
    })
}

/// Returns the lines that do not stand in an item under `#[cfg(…)]` or `#[test]`, as far as the
/// indentation shows.
fn always_compiled(text: &str) -> impl Iterator<Item = &str> {
    let indentation = |line: &str| line.len() - line.trim_start().len();
    // The indentation of the conditional item, and true while its body is open.
    let mut conditional: Option<(usize, bool)> = None;
    text.lines().filter(move |line| {
        let (at, rest) = (indentation(line), line.trim_start());
        match conditional {
            Some((start, true)) => {
                if at <= start && rest.starts_with('}') {
                    conditional = None;
                }
                false
            }
            Some((start, false)) => {
                if !rest.starts_with(['#', '/']) && !rest.is_empty() {
                    conditional = rest.ends_with('{').then_some((start, true));
                }
                false
            }
            None => {
                let is_condition = rest.starts_with("#[cfg(") || rest.starts_with("#[test]");
                if is_condition {
                    conditional = Some((at, false));
                }
                !is_condition
            }
        }
    })
}

/// Returns true if a line declares a public field: `pub name: u32`.
fn is_field(line: &str, name: &str) -> bool {
    let field = line
        .strip_prefix("pub ")
        .and_then(|it| it.strip_prefix(name));
    field.is_some_and(|rest| rest.starts_with(':') && !rest.starts_with("::"))
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
    use super::{always_compiled, is_definition, is_field};

    #[test]
    fn items_under_a_condition_are_left_out() {
        let text = "pub fn a() {\n    b();\n}\n#[cfg(test)]\n#[allow(dead_code)]\nmod tests {\n    pub \
                    fn c() {\n    }\n}\nimpl X {\n    #[cfg(unix)]\n    pub fn d() {\n        e();\n    \
                    }\n    pub fn f() {}\n}\n#[cfg(unix)]\npub const G: u32 = 1;\npub const H: u32 = 2;\n";
        let kept: Vec<&str> = always_compiled(text).map(str::trim).collect();
        assert_eq!(
            kept.join(" "),
            "pub fn a() { b(); } impl X { pub fn f() {} } pub const H: u32 = 2;"
        );
        assert!(is_field("pub three: u32,", "three"));
        assert!(!is_field("pub three_more: u32,", "three"));
    }

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

//! Errors of the linker: damaged objects in libraries and caches, and undefined symbols.

use std::collections::BTreeSet;

use camino::Utf8Path;
use xtask_impact::{files, quote};

use super::diagnostics::Diagnostic;
use super::judge::ErrorJudge;
use super::metadata::{named_units, with_damaged};
use super::native;
use super::verdict::{ErrorReport, ErrorVerdict};
use crate::artifacts::inspect::damage::damaged_caches;
use crate::artifacts::inspect::inventory::BuiltIx;

/// Explains an error of the linker.
pub(super) fn explain(judge: &ErrorJudge<'_>, error: &Diagnostic) -> ErrorReport {
    let inventory = judge.inventory;
    let named = named_units(judge, error);
    let found = ErrorReport::new(error, ErrorVerdict::NothingOnDisk);
    let mut found = with_damaged(judge, found, &named);
    for cache in caches(judge, &named) {
        found = found.evidence(format!("{} {}", cache.1, cache.2));
        let because = format!("{} {}", cache.1, cache.2);
        found.invalid.caches.insert(cache.0, because);
        if found.verdict == ErrorVerdict::NothingOnDisk {
            found.verdict = ErrorVerdict::Damaged;
            found.says = "an object in the incremental cache is damaged".to_owned();
        }
    }
    let symbols = undefined(error);
    let is_damaged = found.verdict == ErrorVerdict::Damaged;
    for symbol in symbols.iter().filter(|_| !is_damaged) {
        let Some((crate_name, _)) = symbol.split_once("::") else {
            continue;
        };
        let libraries = judge
            .libraries(crate_name, judge.package(error))
            .into_iter();
        let built = libraries.filter(|&it| inventory.units[it].output("rlib").is_some());
        for unit in built.filter(|&it| !holds(judge, it, symbol)) {
            found = judge.with_fault(found, unit);
            found.verdict = ErrorVerdict::Stale;
            found.says = format!(
                "the library of `{}` lacks a symbol",
                quote::name(crate_name)
            );
            found = found.evidence(format!("undefined symbol: {symbol}"));
        }
    }
    if found.verdict != ErrorVerdict::NothingOnDisk {
        return found;
    }
    if let Some(native) = native::of_linker(judge, error) {
        return native;
    }
    without_artifact(error, found, &symbols)
}

/// Explains an error of the linker that no artifact causes.
fn without_artifact(
    error: &Diagnostic,
    mut found: ErrorReport,
    symbols: &BTreeSet<String>,
) -> ErrorReport {
    let mut lines = error.all_lines();
    let library = lines.find(|it| {
        [
            "unable to find library",
            "cannot find -l",
            "library not found",
        ]
        .iter()
        .any(|text| it.contains(text))
    });
    let mut signals = error.all_lines();
    if let Some(line) = library {
        found.verdict = ErrorVerdict::Environment;
        found.says = "a system library is not installed".to_owned();
        return found.evidence(line.trim());
    }
    if signals.any(|line| line.contains("signal: 9") || line.contains("Killed")) {
        found.verdict = ErrorVerdict::Environment;
        return found.says("the linker was ended by another process, often for lack of memory");
    }
    if let Some(symbol) = symbols.first() {
        found.verdict = ErrorVerdict::ErrorInCode;
        return found
            .says("a symbol is defined by no library; no artifact is damaged")
            .evidence(format!("undefined symbol: {symbol}"))
            .advice(
                "name the library that defines the symbol: `cargo::rustc-link-lib` in the build \
                     script",
            );
    }
    found.verdict = ErrorVerdict::NotUnderstood;
    found.says("no artifact that the linker names is damaged")
}

/// Returns the damaged incremental caches of units: directory, file and fault.
fn caches(
    judge: &ErrorJudge<'_>,
    units: &[BuiltIx],
) -> Vec<(camino::Utf8PathBuf, camino::Utf8PathBuf, &'static str)> {
    let caches = units
        .iter()
        .flat_map(|&unit| judge.inventory.incremental_of(&judge.inventory.units[unit]));
    let caches: BTreeSet<_> = caches.collect();
    let found = damaged_caches(caches.into_iter()).into_iter();
    found
        .map(|it| (it.directory, it.path, it.fault.text()))
        .collect()
}

/// Returns the undefined symbols that the linker names, without arguments of generics.
fn undefined(error: &Diagnostic) -> BTreeSet<String> {
    const STARTS: &[&str] = &[
        "undefined symbol: ",
        "undefined reference to `",
        "unresolved external symbol ",
    ];
    let symbols = error.all_lines().filter_map(|line| {
        let (_, rest) = STARTS.iter().find_map(|start| line.split_once(start))?;
        let end = rest.find(['\'', '`', ' ', '(']).unwrap_or(rest.len());
        Some(demangled(&rest[..end]))
    });
    symbols.collect()
}

/// Returns the path of a symbol in rustc's older mangling: `_ZN4base3one17h0123456789abcdefE` is
/// `base::one::h0123456789abcdef`. Other symbols stay as they are.
fn demangled(symbol: &str) -> String {
    let parts = || {
        let mut rest = symbol.strip_prefix("_ZN")?.strip_suffix('E')?;
        let mut parts = Vec::new();
        while !rest.is_empty() {
            let digits = rest.find(|c: char| !c.is_ascii_digit())?;
            let length: usize = rest[..digits].parse().ok()?;
            parts.push(rest.get(digits..digits + length)?);
            rest = &rest[digits + length..];
        }
        Some(parts.join("::"))
    };
    parts().unwrap_or_else(|| symbol.to_owned())
}

/// Returns true unless the library of a unit certainly lacks a symbol. The hash at the symbol's end
/// stands in the library as it is.
fn holds(judge: &ErrorJudge<'_>, unit: BuiltIx, symbol: &str) -> bool {
    let hash = symbol
        .rsplit("::")
        .next()
        .filter(|it| it.len() == 17 && it.starts_with('h'));
    let path: Option<&Utf8Path> = judge.inventory.units[unit]
        .output("rlib")
        .map(|it| it.as_path());
    let library = path.and_then(|path| files::read(path, files::LARGE).ok());
    match hash.zip(library) {
        Some((hash, library)) => memchr::memmem::find(&library, hash.as_bytes()).is_some(),
        None => true,
    }
}

#[cfg(test)]
mod tests {
    use super::super::diagnostics::read;
    use super::undefined;

    #[test]
    fn undefined_symbols_are_read_from_three_linkers() {
        let text = "error: linking with `cc` failed: exit status: 1
  = note: rust-lld: error: undefined symbol: base::one::hedf66d25081b09d3
          /usr/bin/ld: x.rs:1: undefined reference to `_ZN4base3two17h0123456789abcdefE'
          app.o : error LNK2019: unresolved external symbol zlibVersion referenced in function main
";
        let found: Vec<_> = undefined(&read(text)[0]).into_iter().collect();
        let expected = [
            "base::one::hedf66d25081b09d3",
            "base::two::h0123456789abcdef",
            "zlibVersion",
        ];
        assert_eq!(found, expected);
    }
}

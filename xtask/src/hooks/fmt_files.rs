//! Chooses the packages and main files that the format step passes to rustfmt.
//!
//! `cargo fmt` starts rustfmt with the main file of every target, once for each edition; rustfmt
//! itself follows the modules. The step does the same for the packages that a change can concern.

use std::collections::{BTreeMap, BTreeSet};

use camino::{Utf8Path, Utf8PathBuf};
use memchr::memmem;

/// A member of the workspace. Paths are relative to the top level if they lie below it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct FmtMember {
    /// The directory of the member's manifest.
    pub directory: Utf8PathBuf,
    /// The main file of each target, with the edition of the target.
    pub targets: Vec<(Utf8PathBuf, String)>,
}

/// Changed paths, sorted by their meaning for the format of a package.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Changed<'a> {
    /// Files that may be modules.
    pub sources: Vec<&'a Utf8Path>,
    /// Files that set the format of all Rust files in their directory and below.
    pub settings: Vec<&'a Utf8Path>,
    /// Files that are formatted only if a `#[path]` attribute names them.
    pub others: Vec<&'a Utf8Path>,
}

impl<'a> Changed<'a> {
    /// Sorts the changed paths. `is_link` returns true for symbolic links.
    pub(crate) fn new(
        paths: impl IntoIterator<Item = &'a Utf8PathBuf>,
        is_link: &dyn Fn(&Utf8Path) -> bool,
    ) -> Self {
        let mut changed = Self::default();
        for path in paths {
            let group = match path.file_name() {
                Some("rustfmt.toml" | ".rustfmt.toml") => &mut changed.settings,
                Some("rust-toolchain" | "rust-toolchain.toml") => &mut changed.settings,
                Some("Cargo.toml") => &mut changed.sources,
                _ if path.extension() == Some("rs") || is_link(path) => &mut changed.sources,
                _ => &mut changed.others,
            };
            group.push(path);
        }
        changed
    }
}

/// Returns the members whose format a change can concern. These are the members whose directory
/// contains a changed file, the members below or around changed settings, and the members for which
/// `reaches_out` returns true (they compile files from outside their directory).
pub(crate) fn concerned<'a>(
    members: &'a [FmtMember],
    changed: &Changed<'_>,
    reaches_out: &dyn Fn(&FmtMember) -> bool,
) -> Vec<&'a FmtMember> {
    let is_set = |member: &FmtMember, setting: &Utf8Path| {
        let above = setting.parent().unwrap_or(setting);
        member.directory.starts_with(above) || above.starts_with(&member.directory)
    };
    let members = members.iter().filter(|member| {
        let is_inside = |path: &&Utf8Path| path.starts_with(&member.directory);
        changed.settings.iter().any(|path| is_set(member, path))
            || changed.sources.iter().any(is_inside)
            || !changed.sources.is_empty() && reaches_out(member)
    });
    members.collect()
}

/// Returns the main files to format, by edition. If a file is the main file of several targets, the
/// file has the edition of the first target, as in `cargo fmt`.
pub(crate) fn targets(
    all: &[FmtMember],
    concerned: &[&FmtMember],
    canonical: &dyn Fn(&Utf8Path) -> Utf8PathBuf,
) -> BTreeMap<String, BTreeSet<Utf8PathBuf>> {
    let mut editions: BTreeMap<Utf8PathBuf, &str> = BTreeMap::new();
    for (path, edition) in all.iter().flat_map(|member| &member.targets) {
        editions.entry(canonical(path)).or_insert(edition);
    }
    let mut found: BTreeMap<String, BTreeSet<Utf8PathBuf>> = BTreeMap::new();
    for (path, _) in concerned.iter().flat_map(|member| &member.targets) {
        let path = canonical(path);
        if let Some(edition) = editions.get(&path) {
            found.entry((*edition).to_owned()).or_default().insert(path);
        }
    }
    found
}

/// Returns the values of all text in a Rust source that looks like `path = "…"`, as in `#[path =
/// "…"]` and `#[cfg_attr(…, path = "…")]`.
pub(crate) fn path_attributes(source: &str) -> Vec<&str> {
    let starts = memmem::find_iter(source.as_bytes(), "path");
    let values = starts.filter_map(|start| {
        let rest = source[start + "path".len()..].trim_start();
        let rest = rest.strip_prefix('=')?.trim_start();
        let rest = rest.strip_prefix('r').unwrap_or(rest);
        let rest = rest.trim_start_matches('#').strip_prefix('"')?;
        Some(&rest[..rest.find('"')?])
    });
    values.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(directory: &str, targets: &[(&str, &str)]) -> FmtMember {
        let targets = targets.iter();
        let targets = targets.map(|(path, edition)| ((*path).into(), (*edition).to_owned()));
        FmtMember {
            directory: directory.into(),
            targets: targets.collect(),
        }
    }

    #[test]
    fn a_change_concerns_its_packages_and_packages_with_outside_paths() {
        let members = ["", "a", "a/deep", "b", "far"].map(|it| member(it, &[]));
        let told = |path: &str| {
            let paths = [Utf8PathBuf::from(path)];
            let changed = Changed::new(&paths, &|path| path == "b/link");
            let found = concerned(&members, &changed, &|it| it.directory == "far");
            let found: Vec<_> = found
                .iter()
                .map(|it| format!("[{}]", it.directory))
                .collect();
            format!("{path}: {}\n", found.join(" "))
        };
        let paths = [
            "a/src/lib.rs",
            "a/deep/src/lib.rs",
            "shared.rs",
            "b/link",
            "b/Cargo.toml",
            "rustfmt.toml",
            "a/.rustfmt.toml",
            "a/src/rustfmt.toml",
            "rust-toolchain",
            "b/README.md",
        ];
        expect_test::expect![[r#"
            a/src/lib.rs: [] [a] [far]
            a/deep/src/lib.rs: [] [a] [a/deep] [far]
            shared.rs: [] [far]
            b/link: [] [b] [far]
            b/Cargo.toml: [] [b] [far]
            rustfmt.toml: [] [a] [a/deep] [b] [far]
            a/.rustfmt.toml: [] [a] [a/deep]
            a/src/rustfmt.toml: [] [a]
            rust-toolchain: [] [a] [a/deep] [b] [far]
            b/README.md: 
        "#]]
        .assert_eq(&paths.map(told).concat());
    }

    #[test]
    fn a_main_file_has_the_edition_of_its_first_target() {
        let members = [
            member("a", &[("a/src/lib.rs", "2018"), ("shared.rs", "2018")]),
            member("b", &[("b/build.rs", "2021"), ("shared.rs", "2021")]),
        ];
        let found = targets(&members, &[&members[1]], &Utf8Path::to_owned);
        let told: Vec<_> = found.iter().map(|it| format!("{it:?}")).collect();
        assert_eq!(
            told,
            [r#"("2018", {"shared.rs"})"#, r#"("2021", {"b/build.rs"})"#]
        );
    }

    #[test]
    fn path_attributes_of_every_form_are_found() {
        let source = r##"
            #[path = "a.rs"] mod a;
            #[cfg_attr(windows, path="../b.inc")] mod b;
            #[path
                = r#"c.rs"#]
            mod c;
            let path = 3; let paths = "no"; // path
        "##;
        assert_eq!(path_attributes(source), ["a.rs", "../b.inc", "c.rs"]);
    }
}

//! Decides which files in a target or build directory were made by cargo, and which belong to the
//! user.
//!
//! The directory may be the user's own, such as `build/` or the workspace's root. So a file counts
//! as cargo's only with evidence. The evidence is a name that only cargo gives, in a directory that
//! cargo locks or keeps fingerprints in; or the dep-info next to the file. Files that tests leave
//! in `tmp/` are not cargo's.

use camino::Utf8Path;
use cargo_metadata::semver::Version;
use xtask_impact::build_dir::{hash_in, is_hash, split_hash};
use xtask_impact::{build_dir, files};

/// Returns true if cargo made a file. `below` is the path of the file, relative to the target or
/// build directory `root`.
pub(crate) fn is_made(root: &Utf8Path, below: &Utf8Path) -> bool {
    let parts: Vec<&str> = below.iter().collect();
    let profile = [1, 2].into_iter().find(|at| is_profile(root, &parts, *at));
    if let Some((at, inside)) = profile.and_then(|at| Some((at, parts.get(at..)?))) {
        return is_artifact(&joined(root, &parts[..at]), inside);
    }
    match &parts[..] {
        [".rustc_info.json" | ".rustdoc_fingerprint.json" | ".future-incompat-report.json"] => true,
        ["CACHEDIR.TAG"] => build_dir::is_tagged(root),
        [triple, "CACHEDIR.TAG"] => build_dir::is_tagged(&root.join(triple)),
        ["cargo-timings", name] => name.starts_with("cargo-timing") && name.ends_with(".html"),
        ["package", inside @ ..] => is_packaged(&root.join("package"), inside),
        ["doc", inside @ ..] => is_documentation(&root.join("doc"), inside),
        [triple, "doc", inside @ ..] if triple.contains('-') => {
            is_documentation(&joined(root, &[triple, "doc"]), inside)
        }
        _ => false,
    }
}

/// Returns true if cargo made every file of a directory, as far as the disk shows. Then git can
/// ignore the whole directory without hiding a file of the user.
pub(crate) fn is_all_made(root: &Utf8Path, below: &Utf8Path) -> bool {
    // Cargo tags a directory only if cargo creates the directory itself.
    if below.as_str().is_empty() && build_dir::is_tagged(root) {
        return true;
    }
    let mut pending = vec![below.to_owned()];
    while let Some(directory) = pending.pop() {
        if !directory.as_str().is_empty() && is_made(root, &directory.join("any/any")) {
            // In the directory of a unit, every name belongs to cargo.
            continue;
        }
        let Ok(entries) = root.join(&directory).read_dir_utf8() else {
            return false;
        };
        for entry in entries {
            let Ok(entry) = entry else { return false };
            let path = directory.join(entry.file_name());
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => pending.push(path),
                Ok(_) if is_made(root, &path) => {}
                _ => return false,
            }
        }
    }
    true
}

/// Returns true if the first parts of a path are a profile directory: `debug`, or
/// `x86_64-unknown-linux-gnu/debug`.
fn is_profile(root: &Utf8Path, parts: &[&str], length: usize) -> bool {
    let Some((name, above)) = parts.get(..length).and_then(|it| it.split_last()) else {
        return false;
    };
    let directory = joined(root, above).join(name);
    let is_triple = |it: &&str| it.contains('-') || build_dir::is_tagged(&root.join(it));
    let is_locked = || LOCKS.iter().any(|lock| directory.join(lock).is_file());
    above.iter().all(is_triple) && (directory.join(".fingerprint").is_dir() || is_locked())
}

/// The names of cargo's lock files in a profile directory.
const LOCKS: [&str; 3] = [".cargo-lock", ".cargo-build-lock", ".cargo-artifact-lock"];

/// Returns true for a file of a profile directory that cargo or rustc wrote.
fn is_artifact(profile: &Utf8Path, inside: &[&str]) -> bool {
    match inside {
        [name] => LOCKS.contains(name) || is_in_dep_info(profile, name),
        [".fingerprint", unit, _, ..] => split_hash(unit).is_some(),
        // The first pattern is the former layout; the second pattern is the layout of cargo 1.100.
        ["build", unit, _, ..] if split_hash(unit).is_some() => true,
        ["build", _, unit, _, ..] => is_hash(unit),
        ["incremental", state, session, ..] => {
            let suffix = state.rsplit_once('-').map(|(_, suffix)| suffix);
            let is_base_36 = |it: &str| it.bytes().all(|it| it.is_ascii_alphanumeric());
            session.starts_with("s-") && suffix.is_some_and(|it| it.len() > 9 && is_base_36(it))
        }
        ["deps", directory, "full.rmeta"] => directory.starts_with("rmeta"),
        [room @ ("deps" | "examples"), name] => {
            hash_in(name).is_some() || is_in_dep_info(&profile.join(room), name)
        }
        // Debug information on macOS.
        ["deps" | "examples", bundle, _, ..] => {
            bundle.ends_with(".dSYM") && hash_in(bundle).is_some()
        }
        _ => false,
    }
}

/// Returns true for an artifact that a dep-info file in the same directory names as its output.
/// Also returns true for such a dep-info file, and for the debug information of such an output.
fn is_in_dep_info(directory: &Utf8Path, name: &str) -> bool {
    let stem = |name: &str| name.split('.').next().unwrap_or_default().replace('-', "_");
    let own = name.split('.').next().unwrap_or_default();
    let extension = Utf8Path::new(name).extension().unwrap_or_default();
    let is_companion = ["pdb", "dwp", "exp", "lib"].contains(&extension);
    let is_own = |output: &str| {
        let mut parts = output.rsplit(['/', '\\']);
        let (made, above) = (parts.next().unwrap_or_default(), parts.next());
        above == directory.file_name()
            && (made == name
                || extension == "d"
                || is_companion && !made.is_empty() && stem(made) == stem(name))
    };
    let bare = own.strip_prefix("lib").unwrap_or(own);
    let candidates = [own, bare, &format!("lib{own}")].map(|it| format!("{it}.d"));
    candidates.iter().any(|candidate| {
        let text = files::read_text(directory.join(candidate), files::RECORD);
        let is_asked = extension != "d" || candidate == name;
        is_asked
            && text.is_ok_and(|text| {
                let outputs = text.lines().map(|line| match line.split_once(": ") {
                    Some((output, _)) => output,
                    None => line.trim_end_matches(':'),
                });
                outputs.filter(|it| !it.is_empty()).any(is_own)
            })
    })
}

/// Returns true for a file of `cargo package`: an archive, or a file of an unpacked archive.
fn is_packaged(package: &Utf8Path, inside: &[&str]) -> bool {
    let is_archive = |name: &str| name.strip_suffix(".crate").is_some_and(has_version);
    match inside {
        [name] | ["tmp-crate", name] => is_archive(name),
        [directory, ..] => {
            let unpacked = package.join(directory);
            has_version(directory)
                && package.join(format!("{directory}.crate")).is_file()
                && unpacked.join("Cargo.toml.orig").is_file()
                // A vendored package has a checksum file.
                && !unpacked.join(".cargo-checksum.json").exists()
        }
        [] => false,
    }
}

/// Returns true if a name ends with a version. Example: `my-lib-0.1.0`.
fn has_version(name: &str) -> bool {
    let mut dashes = name.match_indices('-');
    dashes.any(|(at, _)| at > 0 && Version::parse(&name[at + 1..]).is_ok())
}

/// Returns true for a file that rustdoc wrote below `doc/`.
fn is_documentation(doc: &Utf8Path, inside: &[&str]) -> bool {
    if !doc.join("static.files").is_dir() || !doc.join("crates.js").is_file() {
        return false;
    }
    let ends = |endings: &[&str]| {
        let extension = inside.last().and_then(|it| Utf8Path::new(it).extension());
        extension.is_some_and(|it| endings.contains(&it))
    };
    match inside {
        [name] => {
            let own = [".lock", "crates.js", "help.html", "settings.html"];
            let indexes = ["search-index", "src-files", "source-files"];
            own.contains(name) || indexes.iter().any(|it| name.starts_with(it)) && ends(&["js"])
        }
        ["static.files" | "search.index" | "search.desc", ..] => true,
        ["trait.impl" | "type.impl" | "implementors", ..] => ends(&["js"]),
        ["src", _, ..] => ends(&["html"]),
        [crate_name, ..] => {
            let pages = ["all.html", "index.html"];
            let is_crate = pages
                .iter()
                .all(|it| doc.join(crate_name).join(it).is_file());
            is_crate && ends(&["html", "js"])
        }
        [] => false,
    }
}

fn joined(root: &Utf8Path, parts: &[&str]) -> camino::Utf8PathBuf {
    let mut path = root.to_owned();
    path.extend(parts);
    path
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    const TAG: &str = "Signature: 8a477f597d28d172789f06886806bc55\n\
                       # This file is a cache directory tag created by cargo.\n";

    fn written(top: &Utf8Path, files: &[(&str, &str)]) {
        for (path, text) in files {
            let path = top.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
    }

    #[test]
    fn files_of_cargo_and_of_the_user_are_told_apart() {
        let (_directory, top) = xtask_impact::testing::scratch();
        written(
            &top,
            &[
                ("debug/.cargo-lock", ""),
                ("debug/tool.d", "/else/where/debug/tool: /w/src/main.rs\n"),
                (
                    "debug/libx.d",
                    "/w/debug/libx.so: /w/x.rs\n/w/debug/libx.a: /w/x.rs\n",
                ),
                ("debug/other.d", "/w/release/other: /w/x.rs\n"),
                ("debug/deps/libx.d", "debug/deps/libx.so: src/lib.rs\n"),
                (
                    "x86_64-unknown-linux-gnu/release/.fingerprint/a-0123456789abcdef/lib-a",
                    "",
                ),
                ("plain/release/.cargo-lock", ""),
                ("doc/crates.js", ""),
                ("doc/static.files/a.css", ""),
                ("doc/app/all.html", ""),
                ("doc/app/index.html", ""),
                ("package/app-0.1.0.crate", ""),
                ("package/app-0.1.0/Cargo.toml.orig", ""),
                ("package/serde-1.0.0/Cargo.toml.orig", ""),
            ],
        );
        for (path, expected) in [
            (".rustc_info.json", true),
            ("CACHEDIR.TAG", false),
            ("Dockerfile", false),
            ("debug/.cargo-lock", true),
            ("debug/.cargo-build-lock", true),
            ("debug/tool", true),
            ("debug/tool.d", true),
            ("debug/tool.pdb", true),
            ("debug/tool.sh", false),
            ("debug/libx.so", true),
            ("debug/libx.a", true),
            ("debug/libx.md", false),
            ("debug/other", false),
            ("debug/other.d", false),
            ("debug/README.md", false),
            ("debug/deps/libapp-0123456789abcdef.rlib", true),
            ("debug/deps/app-0123456789abcdef.app.1-cgu.0.rcgu.o", true),
            ("debug/deps/rmetaAbC/full.rmeta", true),
            ("debug/deps/libx.so", true),
            ("debug/deps/list.txt", false),
            ("debug/deps/mine/list.txt", false),
            ("debug/build/app-0123456789abcdef/out/x.rs", true),
            ("debug/build/app/0123456789abcdef/out/x.rs", true),
            ("debug/build/Dockerfile", false),
            ("debug/build/mine/Dockerfile", false),
            ("debug/.fingerprint/app-0123456789abcdef/lib-app", true),
            ("debug/.fingerprint/notes", false),
            ("debug/incremental/app-2gzvdc54kznah/s-a-b/x.o", true),
            ("debug/incremental/app-2gzvdc54kznah/notes", false),
            ("debug/examples/ex-0123456789abcdef", true),
            ("debug/examples/ex.rs", false),
            (
                "x86_64-unknown-linux-gnu/release/deps/a-0123456789abcdef",
                true,
            ),
            // The directory `plain` is neither a triple nor tagged.
            ("plain/release/deps/a-0123456789abcdef", false),
            // The directory is neither locked nor has fingerprints.
            ("release/deps/libapp-0123456789abcdef.rlib", false),
            ("doc/crates.js", true),
            ("doc/static.files/a.css", true),
            ("doc/app/struct.X.html", true),
            ("doc/guide/index.html", false),
            ("doc/app/notes.md", false),
            ("package/app-0.1.0.crate", true),
            ("package/app-0.1.0/src/lib.rs", true),
            ("package/serde-1.0.0/src/lib.rs", false),
            ("package/package.json", false),
            ("cargo-timings/cargo-timing.html", true),
            ("cargo-timings/notes.html", false),
            ("tmp/left", false),
        ] {
            assert_eq!(is_made(&top, Utf8Path::new(path)), expected, "{path}");
        }
        fs::write(top.join("CACHEDIR.TAG"), TAG).unwrap();
        assert!(is_made(&top, "CACHEDIR.TAG".into()));
    }

    #[test]
    fn directories_with_only_files_of_cargo_are_recognized() {
        let (_directory, top) = xtask_impact::testing::scratch();
        let all = |below: &str| is_all_made(&top, below.into());
        written(
            &top,
            &[
                ("debug/.cargo-lock", ""),
                ("debug/deps/a-0123456789abcdef.d", ""),
                ("debug/build/a-0123456789abcdef/out/any.txt", ""),
            ],
        );
        assert!(all("") && all("debug"));
        fs::write(top.join("debug/build/Dockerfile"), "").unwrap();
        assert!(!all("") && !all("debug") && !all("debug/build"));
        assert!(all("debug/deps") && all("debug/build/a-0123456789abcdef"));
        // Cargo made every file of a directory that it tagged.
        fs::write(top.join("CACHEDIR.TAG"), TAG).unwrap();
        assert!(all("") && !all("debug"));
    }
}

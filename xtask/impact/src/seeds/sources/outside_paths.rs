//! The paths outside a package's directory that its sources name.

use std::cell::Cell;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::rc::Rc;

use camino::{Utf8Path, Utf8PathBuf};
use serde::{Deserialize, Serialize};

use super::Sources;
use super::source_files::{UNREAD, each_entry, is_of_package, read, read_text};
use crate::parallel;
use crate::paths::{normalized, resolved};
use crate::workspace::{PackageIx, Target};

/// The paths outside a package's directory that the package reaches, according to the text of its
/// sources.
#[derive(Debug, Default)]
pub struct OutsidePaths {
    /// The targets of links, and the paths in string literals that lead out of the directory.
    reached: Vec<Utf8PathBuf>,
    /// The targets of links.
    pub(super) linked: Vec<Utf8PathBuf>,
    /// True if code in a file without the extension `rs` is included. The search does not cover
    /// such files.
    includes_others: bool,
    /// True if the sources may learn the location of a package or of the workspace while they run.
    pub(super) knows_location: bool,
    /// True if the package may step up to the directory above its own: in its sources, or in
    /// scripts and other texts that its sources name.
    pub(super) may_climb: bool,
    /// True if there are links, or directories that were not searched for links.
    has_links: bool,
    /// True if a source was not read, so that the package may reach any path.
    has_unread: bool,
}

/// The outside paths of several directories.
pub type Outsides = HashMap<Utf8PathBuf, OutsidePaths>;

impl OutsidePaths {
    /// Finds the outside paths of the sources below a directory.
    pub fn of(directory: &Utf8Path) -> Self {
        let mut outside = Self::default();
        let has_links = Cell::new(false);
        let is_entered = |path: &Utf8Path, names: &[&str]| {
            let is_entered = is_of_package(path, names);
            has_links.set(has_links.get() || !is_entered);
            is_entered
        };
        let mut texts = Vec::new();
        let mut named = HashSet::new();
        each_entry(directory, &is_entered, &mut |path, is_link| {
            if is_link {
                has_links.set(true);
                let to = resolved(path);
                if !to.starts_with(directory) {
                    outside.linked.push(to.clone());
                    outside.reached.push(to);
                }
            }
            if path.extension() == Some("rs")
                && let Some(text) = read(path)
            {
                outside.add(directory, path, &text);
                named.extend(named_files(&text));
            } else if path.extension() != Some("rs") {
                texts.push(path.to_owned());
            }
        });
        outside.may_climb = outside.may_climb
            || texts.iter().any(|path| {
                let is_named = path.file_name().is_some_and(|it| named.contains(it));
                is_named && read_text(path).is_some_and(|text| climbs(&text))
            });
        outside.has_links = has_links.get();
        outside
    }

    /// Returns true if there is certainly no link below the directory.
    pub fn has_no_links(&self) -> bool {
        !self.has_links
    }

    fn add(&mut self, directory: &Utf8Path, file: &Utf8Path, text: &str) {
        self.has_unread |= text == UNREAD;
        self.knows_location = self.knows_location || asks_for_location(text);
        self.may_climb = self.may_climb || climbs(text);
        // The code may build a path that leads upward from several strings.
        self.includes_others |= text.contains("\"..\"") || text.contains("/..\"");
        let mut included = text.split("include!(\"").skip(1);
        self.includes_others |= included.any(|rest| {
            let path = rest.split('"').next();
            path.is_some_and(|path| !path.ends_with(".rs"))
        });
        for literal in climbing_literals(text) {
            for from in [file.parent().unwrap_or(directory), directory] {
                let path = normalized(&from.join(literal.trim_start_matches('/')));
                if !path.starts_with(directory) {
                    self.reached.push(resolved(&path));
                }
            }
        }
    }
}

/// Returns true if a text contains `..` as a step up to the directory above.
fn climbs(text: &str) -> bool {
    text.match_indices("..").any(|(at, _)| {
        let is_part = |char: Option<char>| {
            char.is_none_or(|char| char.is_whitespace() || "\"'`/\\;:=".contains(char))
        };
        is_part(text[..at].chars().next_back()) && is_part(text[at + 2..].chars().next())
    })
}

/// Returns the file names with an extension that the string literals of a text may contain.
fn named_files(text: &str) -> impl Iterator<Item = String> {
    let names = text
        .split('"')
        .filter_map(|it| it.rsplit(['/', '\\']).next());
    let is_name = |it: &&str| {
        (3..100).contains(&it.len()) && it.contains('.') && !it.contains(char::is_whitespace)
    };
    names.filter(is_name).map(str::to_owned)
}

/// Returns true if code may ask for the location of its package, the workspace or the repository:
/// by a call, or by a variable that cargo does not set for every package.
fn asks_for_location(text: &str) -> bool {
    const CALLS: [&str; 7] = [
        "CARGO_MANIFEST_DIR",
        "workspace_root",
        "show-toplevel",
        "locate-project",
        "current_dir()",
        "current_exe()",
        "canonicalize(\".\")",
    ];
    const READERS: [&str; 4] = ["env!(\"", "var(\"", "var_os(\"", "option_env!(\""];
    const ORDINARY: [&str; 5] = [
        "CARGO_PKG_",
        "CARGO_BIN_",
        "CARGO_CRATE_",
        "OUT_DIR",
        "RUST_",
    ];
    let names_other = |reader: &&str| {
        let mut read = text.split(*reader).skip(1);
        read.any(|rest| !ORDINARY.iter().any(|name| rest.starts_with(name)))
    };
    CALLS.iter().any(|call| text.contains(call)) || READERS.iter().any(names_other)
}

/// Returns the string literals of a text that contain `../`. A literal is roughly the text between
/// two quotes. This is a coarse filter; the scan of the target decides.
pub(super) fn climbing_literals(text: &str) -> impl Iterator<Item = &str> {
    /// The length of the longest path that a system opens, in bytes.
    const LONGEST: usize = 4096;
    let inside = text.split_once('"').and_then(|(_, it)| it.rsplit_once('"'));
    let between_quotes = inside.into_iter().flat_map(|(inside, _)| inside.split('"'));
    between_quotes.filter(|it| it.len() <= LONGEST && it.contains("../"))
}

/// The paths that a package reaches outside its directory.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Far {
    /// The paths outside the directory that the sources name, and the targets of links. A source
    /// names such a path with `../`, so a text without `../` names none.
    pub(super) paths: Vec<Utf8PathBuf>,
    /// The targets of links.
    pub(super) linked: Vec<Utf8PathBuf>,
    /// True if the sources may learn the location of a package or of the workspace while they run.
    pub(super) knows_location: bool,
    /// True if the package may step up to the directory above its own.
    pub(super) may_climb: bool,
    /// True if code in a file without the extension `rs` is included. A module of such code may name
    /// paths that are not listed here.
    pub(super) includes_others: bool,
}

impl Sources<'_> {
    /// Returns the packages whose sources may read a path. One of them is the package that contains
    /// the path. The others name a path outside their own directory: the path itself, a directory
    /// above the path, or a module whose directory contains the path.
    pub fn may_read(&mut self, path: &Utf8Path) -> Vec<PackageIx> {
        let reaching = self.reaching();
        let mut found: BTreeSet<PackageIx> = self.unread.iter().copied().collect();
        found.extend(self.layout.owner(path));
        let leading = path.ancestors().filter_map(|above| reaching.get(above));
        found.extend(leading.flatten());
        found.into_iter().collect()
    }

    /// Returns true if a package may reach a path outside its directory: see [`Self::may_read`].
    pub(super) fn reaches(&mut self, package: PackageIx, path: &Utf8Path) -> bool {
        let reaching = self.reaching();
        let mut leading = path.ancestors().filter_map(|above| reaching.get(above));
        self.unread.contains(&package) || leading.any(|packages| packages.contains(&package))
    }

    /// Returns the packages that reach a path outside their directory, by this path. A source
    /// stands for its directory too, which may contain modules.
    fn reaching(&mut self) -> Rc<HashMap<Utf8PathBuf, Vec<PackageIx>>> {
        if let Some(known) = &self.reaching {
            return Rc::clone(known);
        }
        self.look_outside();
        let mut reaching: HashMap<Utf8PathBuf, Vec<PackageIx>> = HashMap::new();
        for (package, _) in self.layout.packages() {
            for far in &self.far(package).paths {
                let beside = far.parent().filter(|_| far.extension() == Some("rs"));
                for to in [Some(far.as_path()), beside].into_iter().flatten() {
                    reaching.entry(to.to_owned()).or_default().push(package);
                }
            }
        }
        let reaching = Rc::new(reaching);
        self.reaching = Some(Rc::clone(&reaching));
        reaching
    }

    /// Returns the paths that a package reaches outside its directory.
    pub(super) fn far(&mut self, package: PackageIx) -> Rc<Far> {
        if let Some(known) = self.far.get(&package) {
            return Rc::clone(known);
        }
        let Some(directory) = self.layout.directory(package) else {
            return Rc::default();
        };
        let kept = self.facts.borrow().far(directory);
        let far = Rc::new(kept.unwrap_or_else(|| {
            let far = self.find_far(package, directory);
            self.facts.borrow_mut().keep_far(directory, &far);
            far
        }));
        self.far.insert(package, Rc::clone(&far));
        far
    }

    /// Reads the sources of all packages without known facts, once.
    pub(super) fn look_outside(&mut self) {
        if std::mem::replace(&mut self.has_looked_outside, true) {
            return;
        }
        let facts = self.facts.borrow();
        let unknown = self.layout.packages().filter(|(package, directory)| {
            !self.far.contains_key(package)
                && facts.far(directory).is_none()
                && !self.outsides.contains_key(*directory)
        });
        let unknown: Vec<&Utf8Path> = unknown.map(|(_, directory)| directory).collect();
        let found = parallel::parts(&unknown, |part| {
            part.iter()
                .map(|directory| OutsidePaths::of(directory))
                .collect()
        });
        let unknown = unknown.into_iter().map(Utf8Path::to_owned);
        self.outsides.extend(unknown.zip(found));
    }

    fn find_far(&mut self, package: PackageIx, directory: &Utf8Path) -> Far {
        let outside = self.outsides.remove(directory);
        let outside = outside.unwrap_or_else(|| OutsidePaths::of(directory));
        let OutsidePaths {
            knows_location,
            may_climb,
            linked,
            ..
        } = &outside;
        let (knows_location, may_climb, linked) = (*knows_location, *may_climb, linked.clone());
        let has_no_links = outside.has_no_links();
        let includes_others = outside.includes_others;
        if outside.has_unread {
            self.unread.insert(package);
        }
        let mut far = outside.reached;
        let declared = self.workspace.package(package);
        // The root of a target may lie anywhere, with its modules in the same directory.
        for Target { src_path, .. } in &declared.targets {
            let is_below = src_path.starts_with(declared.directory());
            if has_no_links && is_below && !src_path.as_str().contains("..") {
                continue;
            }
            let root = self.real.resolved(src_path);
            if !root.starts_with(directory) {
                far.push(root);
            }
        }
        // A file outside the package may name more files, or have modules in its own directory.
        if !far.is_empty() || includes_others {
            for target in &declared.targets {
                // The result is cached for other features too.
                let root = self.real.resolved(&target.src_path);
                let mut facts = self.facts.borrow_mut();
                let scan = facts.files.scan(&root, directory, &|_, _| None);
                let named = [scan.modules, scan.included, scan.missing];
                let files = named.iter().flatten();
                let files = files.flat_map(|file| [file.clone(), resolved(file)]);
                far.extend(files.filter(|file| self.layout.owner(file) != Some(package)));
            }
        }
        far.sort();
        far.dedup();
        Far {
            paths: far,
            linked,
            knows_location,
            may_climb,
            includes_others,
        }
    }

    /// Returns true if a package's sources name a path outside the package at or below `path`.
    pub fn names_below(&mut self, package: PackageIx, path: &Utf8Path) -> bool {
        self.far(package)
            .paths
            .iter()
            .any(|far| far.starts_with(path))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn climbing_literals_stand_between_quotes() {
        let climb = |levels| "../".repeat(levels);
        let (long, longer) = (climb(1365), climb(1366));
        let endless = climb(1 << 20);
        for (text, expected) in [
            ("f(\"../x\", \"y\", \"a/../b\")", vec!["../x", "a/../b"]),
            ("// ../x", vec![]),
            ("../x \"y\" ../z", vec![]),
            ("\"../x", vec![]),
            (&format!("\"{long}\""), vec![&*long]),
            (&format!("\"{longer}\""), vec![]),
            (&endless, vec![]),
        ] {
            let found: Vec<_> = climbing_literals(text).collect();
            assert_eq!(found, expected, "{}", &text[..text.len().min(40)]);
        }
    }

    #[test]
    fn a_text_climbs_by_two_dots_between_separators() {
        for (text, expected) in [
            ("\"..\"", true),
            ("\"../x\"", true),
            ("cd ..", true),
            ("..", true),
            ("x/..", true),
            ("DIR=../x", true),
            ("'..\\\\x'", true),
            ("\"a..b\"", false),
            ("0..10", false),
            ("for x in 0.. {", false),
            ("[first, ..]", false),
            ("\"...\"", false),
        ] {
            assert_eq!(climbs(text), expected, "{text}");
        }
    }

    #[test]
    fn code_asks_for_its_location_by_calls_and_by_variables() {
        for (text, expected) in [
            ("env!(\"CARGO_MANIFEST_DIR\")", true),
            ("git(\"--show-toplevel\")", true),
            ("std::env::current_dir()", true),
            ("var(\"HOME_OF_DATA\")", true),
            ("option_env!(\"PLACE\")", true),
            ("env!(\"CARGO_PKG_NAME\")", false),
            ("env!(\"CARGO_PKG_NAME\"), env!(\"PLACE\")", true),
            ("var(\"RUST_LOG\")", false),
            ("include!(concat!(env!(\"OUT_DIR\"), \"/x.rs\"))", false),
            ("fn f() {}", false),
        ] {
            assert_eq!(asks_for_location(text), expected, "{text}");
        }
    }

    #[test]
    fn names_of_files_have_an_extension_and_no_blank() {
        let long = format!("{}.sh", "x".repeat(97));
        for (literal, expected) in [
            ("run.sh", Some("run.sh")),
            ("scripts/run.sh", Some("run.sh")),
            ("scripts\\\\run.sh", Some("run.sh")),
            ("x.y", Some("x.y")),
            (".y", None),
            ("run", None),
            ("run it.sh", None),
            (&*long, None),
        ] {
            let text = format!("f(\"{literal}\")");
            let mut found = named_files(&text);
            assert_eq!(
                found.find(|it| *it != "f(" && *it != ")").as_deref(),
                expected,
                "{literal}"
            );
        }
    }

    /// Returns what the sources of a package reach outside its directory, for one source file and
    /// more files.
    fn of(source: &str, files: &[(&str, &str)]) -> OutsidePaths {
        let (_directory, root) = crate::testing::scratch();
        crate::testing::write(&root.join("a/src/lib.rs"), source);
        for (path, text) in files {
            crate::testing::write(&root.join(path), text);
        }
        let mut outside = OutsidePaths::of(&root.join("a"));
        for path in &mut outside.reached {
            *path = path.strip_prefix(&root).unwrap_or(path).to_owned();
        }
        outside
    }

    #[test]
    fn literals_lead_out_of_the_package_from_the_source_and_from_the_package() {
        for (source, expected) in [
            ("open(\"../../b/x\")", &["b/x"][..]),
            ("open(\"../b/x\")", &["b/x"]),
            (
                "concat!(env!(\"CARGO_MANIFEST_DIR\"), \"/../b/x\")",
                &["b/x"],
            ),
            ("open(\"x/../y\")", &[]),
            ("open(\"b/x\")", &[]),
        ] {
            let outside = of(source, &[]);
            let inside: Vec<_> = outside
                .reached
                .iter()
                .filter(|it| it.starts_with("b"))
                .collect();
            assert_eq!(inside, expected, "{source}");
        }
    }

    #[test]
    fn included_code_is_known_only_in_rust_files() {
        for (source, expected) in [
            ("include!(\"code.rs\");", false),
            ("include!(\"code.in\");", true),
            ("include!(\"code.rs\"); include!(\"code.in\");", true),
            ("fn f() { Path::new(\"..\").join(\"b\"); }", true),
            ("fn f() { Path::new(\"x/..\").join(\"b\"); }", true),
        ] {
            assert_eq!(of(source, &[]).includes_others, expected, "{source}");
        }
    }

    #[test]
    fn texts_that_a_source_names_step_up_for_the_package() {
        let up = ("a/run.sh", "cd ..");
        let stays = ("a/run.sh", "cd src");
        for (source, file, expected) in [
            ("fn f() {}", up, false),
            ("run(\"run.sh\")", up, true),
            ("run(\"run.sh\")", stays, false),
            ("Path::new(\"..\")", stays, true),
        ] {
            assert_eq!(of(source, &[file]).may_climb, expected, "{source} {file:?}");
        }
    }

    #[test]
    fn directories_that_are_not_searched_may_hold_links() {
        let plain = of("", &[("a/data/x", "")]);
        assert!(plain.has_no_links());
        for path in ["a/.hidden/x", "a/nested/Cargo.toml"] {
            assert!(!of("", &[(path, "")]).has_no_links(), "{path}");
        }
    }

    #[test]
    #[cfg(unix)]
    fn a_link_leads_out_of_the_package() {
        let (_directory, root) = crate::testing::scratch();
        for path in ["a/src/lib.rs", "b/x"] {
            crate::testing::write(&root.join(path), "");
        }
        let link = |to: &str, from: &str| {
            std::os::unix::fs::symlink(root.join(to), root.join(from)).unwrap();
        };
        link("a/src", "a/inside");
        let outside = OutsidePaths::of(&root.join("a"));
        assert_eq!(outside.linked, [""; 0]);
        assert!(!outside.has_no_links());
        link("b", "a/data");
        let outside = OutsidePaths::of(&root.join("a"));
        assert_eq!(
            (outside.linked, outside.reached),
            (vec![root.join("b")], vec![root.join("b")])
        );
    }
}

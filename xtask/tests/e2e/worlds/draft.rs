//! Drafts of generated workspaces: packages, edges, files, and the edits that they allow.

use std::collections::BTreeMap;
use std::fs;

use crate::oracle::random::Random;
use crate::support::{Project, tree};

/// A workspace before it is written to disk.
pub(crate) struct Draft<'a> {
    pub(crate) random: &'a mut Random,
    pub(crate) packages: Vec<Package>,
    pub(crate) edges: Vec<Edge>,
    /// The lines of the root manifest.
    pub(crate) root: Manifest,
    /// The lines of cargo's configuration.
    pub(crate) config: Manifest,
    /// The path of the file that holds cargo's configuration.
    pub(crate) config_file: &'static str,
    /// All other files, by their path below the root.
    pub(crate) files: BTreeMap<String, String>,
    /// Symbolic links with their targets, by their path below the root.
    pub(crate) links: BTreeMap<String, String>,
    pub(crate) edits: Vec<Edit>,
    names: usize,
}

/// A package of a drafted workspace.
pub(crate) struct Package {
    pub(crate) name: String,
    /// The directory below the root, such as `crates/base`.
    pub(crate) directory: String,
    pub(crate) kind: PackageKind,
    pub(crate) manifest: Manifest,
    /// The text of `src/lib.rs`, or of `src/main.rs` if there is no library.
    pub(crate) source: String,
    /// The items and statements of `build.rs`, if there is a build script.
    pub(crate) script: Option<Script>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum PackageKind {
    Library,
    ProcMacro,
    Binary,
}

/// The items and the `main` function of a build script.
#[derive(Default, PartialEq)]
pub(crate) struct Script {
    pub(crate) items: String,
    pub(crate) main: String,
}

impl Script {
    /// Returns a script whose only input is its own source.
    pub(crate) fn plain() -> Self {
        Self {
            items: String::new(),
            main: "println!(\"cargo::rerun-if-changed=build.rs\");".to_owned(),
        }
    }
}

impl Package {
    /// Returns true if a class of change can write the build script of the package.
    pub(crate) fn has_free_script(&self) -> bool {
        self.script.as_ref().is_none_or(|it| *it == Script::plain())
    }
}

/// A dependency of one package on another.
pub(crate) struct Edge {
    pub(crate) from: usize,
    pub(crate) to: usize,
    pub(crate) kind: &'static str,
}

/// The tables of a TOML file with their lines, in order.
#[derive(Default)]
pub(crate) struct Manifest(Vec<(String, Vec<String>)>);

impl Manifest {
    /// Adds a line to a table. A header such as `[bin]` begins a new element of an array each time.
    pub(crate) fn line(&mut self, table: &str, line: impl Into<String>) {
        let is_element = table.starts_with('[');
        let known = self.0.iter_mut().find(|(known, _)| known == table);
        match known {
            Some((_, lines)) if !is_element => lines.push(line.into()),
            _ => self.0.push((table.to_owned(), vec![line.into()])),
        }
    }

    /// Returns true if a table has a line that begins with `start`.
    pub(crate) fn has(&self, table: &str, start: &str) -> bool {
        self.0
            .iter()
            .any(|(known, lines)| known == table && lines.iter().any(|it| it.starts_with(start)))
    }

    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        for (table, lines) in &self.0 {
            text.push_str(&format!("[{table}]\n{}\n\n", lines.join("\n")));
        }
        text
    }
}

/// An edit that a drafted workspace allows.
#[derive(Clone, Debug)]
pub(crate) struct Edit {
    /// The class of change that the edit stands for. Each class is a row of the table of results.
    pub(crate) class: &'static str,
    pub(crate) what: String,
    changes: Vec<Change>,
}

#[derive(Clone, Debug)]
pub(crate) enum Change {
    Append(String, String),
    /// Replaces the first occurrence of the first text by the second text.
    Replace(String, String, String),
    Write(String, String),
    Rename(String, String),
    Remove(String),
}

impl Edit {
    /// Makes the edit. Returns false if an earlier edit removed something that this edit needs.
    pub(crate) fn apply(&self, project: &Project) -> bool {
        self.changes.iter().all(|change| change.apply(project))
    }
}

impl Change {
    fn apply(&self, project: &Project) -> bool {
        let read = |path: &str| fs::read_to_string(project.path(path)).ok();
        match self {
            Self::Append(path, text) => {
                let before = read(path);
                if let Some(before) = &before {
                    project.write(path, &format!("{before}{text}"));
                }
                before.is_some()
            }
            Self::Replace(path, old, new) => match read(path) {
                Some(before) if before.contains(old.as_str()) => {
                    project.write(path, &before.replacen(old.as_str(), new, 1));
                    true
                }
                _ => false,
            },
            Self::Write(path, text) => {
                project.write(path, text);
                true
            }
            Self::Rename(from, to) => {
                let is_there = project.path(from).exists();
                if is_there {
                    project.rename(from, to);
                    tree::touch(&project.path(to));
                }
                is_there
            }
            Self::Remove(path) => {
                let is_there = project.path(path).exists();
                if is_there {
                    project.remove(path);
                }
                is_there
            }
        }
    }
}

impl<'a> Draft<'a> {
    pub(crate) fn new(random: &'a mut Random) -> Self {
        Self {
            random,
            packages: Vec::new(),
            edges: Vec::new(),
            root: Manifest::default(),
            config: Manifest::default(),
            config_file: ".cargo/config.toml",
            files: BTreeMap::new(),
            links: BTreeMap::new(),
            edits: Vec::new(),
            names: 0,
        }
    }

    /// Returns an identifier that is unused in the workspace.
    pub(crate) fn name(&mut self) -> String {
        self.names += 1;
        format!("n{}", self.names)
    }

    /// Returns a random package of a kind, if there is one.
    pub(crate) fn package_of(&mut self, kind: PackageKind) -> Option<usize> {
        let all: Vec<usize> = (0..self.packages.len())
            .filter(|&it| self.packages[it].kind == kind)
            .collect();
        self.random.pick(&all)
    }

    /// Makes `user` depend on a random library that is built before it. Returns this library.
    pub(crate) fn dependency_of(&mut self, user: usize) -> Option<usize> {
        let all: Vec<usize> = (0..user)
            .filter(|&it| self.packages[it].kind == PackageKind::Library)
            .collect();
        let on = self.random.pick(&all)?;
        self.depend(user, on, "normal");
        Some(on)
    }

    /// Returns a path below a package's directory.
    pub(crate) fn path(&self, package: usize, below: &str) -> String {
        format!("{}/{below}", self.packages[package].directory)
    }

    /// Returns the path of a package's manifest.
    pub(crate) fn manifest_of(&self, package: usize) -> String {
        self.path(package, "Cargo.toml")
    }

    /// Returns the path of the root source of a package's library or main binary.
    pub(crate) fn source_of(&self, package: usize) -> String {
        let is_binary = self.packages[package].kind == PackageKind::Binary;
        self.path(
            package,
            if is_binary {
                "src/main.rs"
            } else {
                "src/lib.rs"
            },
        )
    }

    /// Returns the name of a package in the sources of other packages.
    pub(crate) fn crate_name(&self, package: usize) -> String {
        self.packages[package].name.replace('-', "_")
    }

    pub(crate) fn file(&mut self, path: impl Into<String>, text: impl Into<String>) {
        self.files.insert(path.into(), text.into());
    }

    /// Adds a line to cargo's configuration.
    pub(crate) fn configure(&mut self, table: &str, line: impl Into<String>) {
        self.config.line(table, line);
    }

    /// Adds a line to cargo's configuration that changes all units, and offers an edit of the line.
    pub(crate) fn configure_all_units(&mut self, class: &'static str) {
        self.configure("profile.dev", "codegen-units = 7");
        self.replacing(class, self.config_file, "units = 7", "units = 8");
    }

    /// Adds code to the root source of a package.
    pub(crate) fn code(&mut self, package: usize, code: &str) {
        let source = &mut self.packages[package].source;
        source.push_str("#[allow(dead_code, non_upper_case_globals)]\n");
        source.push_str(code);
        source.push('\n');
    }

    /// Returns the build script of a package. A missing script is added.
    pub(crate) fn script(&mut self, package: usize) -> &mut Script {
        self.packages[package]
            .script
            .get_or_insert_with(Script::default)
    }

    /// Gives a package an empty build script. Returns `None` if a class of change has already
    /// written the script.
    pub(crate) fn new_script(&mut self, package: usize) -> Option<&mut Script> {
        let package = &mut self.packages[package];
        package
            .has_free_script()
            .then(|| package.script.insert(Script::default()))
    }

    /// Adds a dependency, unless there is already one between the two packages.
    pub(crate) fn depend(&mut self, from: usize, to: usize, kind: &'static str) {
        let is_known = self
            .edges
            .iter()
            .any(|edge| edge.from == from && edge.to == to);
        if is_known || from == to {
            return;
        }
        let name = self.packages[to].name.clone();
        let path = self.packages[to].directory.replacen("crates/", "../", 1);
        let table = match kind {
            "dev" | "dev-cycle" => "dev-dependencies",
            "build" => "build-dependencies",
            "target-on" => "target.'cfg(unix)'.dependencies",
            "target-off" => "target.'cfg(windows)'.dependencies",
            _ => "dependencies",
        };
        let line = match kind {
            "renamed" => {
                let alias = self.name();
                format!("{alias} = {{ package = \"{name}\", path = \"{path}\" }}")
            }
            "optional-on" | "optional-off" => {
                format!("{name} = {{ path = \"{path}\", optional = true }}")
            }
            "without-defaults" => {
                format!("{name} = {{ path = \"{path}\", default-features = false }}")
            }
            _ => format!("{name} = {{ path = \"{path}\" }}"),
        };
        let manifest = &mut self.packages[from].manifest;
        manifest.line(table, line);
        if kind == "optional-on" {
            manifest.line("features", format!("with-{name} = [\"dep:{name}\"]"));
            self.root_feature(from, &format!("with-{name}"));
        } else if kind == "optional-off" {
            manifest.line("features", format!("with-{name} = [\"dep:{name}\"]"));
        }
        if kind == "build" {
            self.packages[from].script.get_or_insert_with(Script::plain);
        }
        self.edges.push(Edge { from, to, kind });
    }

    /// Adds a feature to the default features of a package.
    fn root_feature(&mut self, package: usize, feature: &str) {
        let manifest = &mut self.packages[package].manifest;
        let features = manifest.0.iter_mut().find(|(table, _)| table == "features");
        let Some((_, lines)) = features else {
            return;
        };
        match lines
            .iter_mut()
            .find(|line| line.starts_with("default = ["))
        {
            Some(line) => *line = line.replacen('[', &format!("[\"{feature}\", "), 1),
            None => lines.push(format!("default = [\"{feature}\"]")),
        }
    }

    /// Offers an edit that appends text without meaning to a file.
    pub(crate) fn appending(&mut self, class: &'static str, path: &str) {
        let number = self.random.below(10_000);
        let text = match path.rsplit('.').next() {
            Some("rs") => format!("// {number}\n"),
            Some("toml" | "lock") => format!("# {number}\n"),
            _ => format!("{number}\n"),
        };
        self.offer(class, vec![Change::Append(path.to_owned(), text)]);
    }

    /// Offers an edit of several changes.
    pub(crate) fn offer(&mut self, class: &'static str, changes: Vec<Change>) {
        let what = format!("{class}: {changes:?}");
        self.edits.push(Edit {
            class,
            what,
            changes,
        });
    }

    /// Offers an edit that replaces a text in a file.
    pub(crate) fn replacing(&mut self, class: &'static str, path: &str, old: &str, new: &str) {
        self.offer(
            class,
            vec![Change::Replace(path.into(), old.into(), new.into())],
        );
    }

    /// Writes the workspace to disk.
    pub(crate) fn write(&self, project: &Project) {
        project.write("Cargo.toml", &self.root.text());
        let config = self.config.text();
        if !config.is_empty() {
            project.write(self.config_file, &config);
        }
        for package in &self.packages {
            let path = |below: &str| format!("{}/{below}", package.directory);
            project.write(path("Cargo.toml"), &package.manifest.text());
            if let Some(Script { items, main }) = &package.script {
                project.write(
                    path("build.rs"),
                    &format!("{items}\nfn main() {{\n    {main}\n}}\n"),
                );
            }
            let (source, end) = match package.kind {
                PackageKind::Binary => ("src/main.rs", "fn main() {}\n"),
                _ => ("src/lib.rs", ""),
            };
            project.write(path(source), &format!("{}{end}", package.source));
        }
        for (path, text) in &self.files {
            project.write(path, text);
        }
        for (path, original) in &self.links {
            let at = project.path(path);
            if at.is_symlink() || at.exists() {
                fs::remove_file(&at).unwrap();
            }
            fs::create_dir_all(at.parent().unwrap()).unwrap();
            tree::symlink(original, at).unwrap();
        }
    }
}

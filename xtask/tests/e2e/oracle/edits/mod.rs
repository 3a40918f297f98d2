//! The edits of the oracle: edits that people usually make to a workspace, and some unusual edits.

mod packages;
mod scripts;
mod settings;
mod shapes;
mod sources;
mod structure;

use super::random::Random;
use crate::support::{Project, tree};

/// An edit as a value, so that the edit can be repeated.
#[derive(Clone, Debug)]
pub(crate) struct Edit {
    /// A description, for a reader who wants to make the edit by hand.
    pub(crate) what: String,
    /// The files that the edit writes, and existing files that matter because of the edit.
    pub(crate) concerns: Vec<String>,
    steps: Vec<Step>,
}

#[derive(Clone, Debug)]
enum Step {
    Write(String, String),
    Rename(String, String),
    Remove(String),
    Link(String, String),
    Cargo(Vec<String>),
}

impl Edit {
    fn new(what: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            concerns: Vec::new(),
            steps: Vec::new(),
        }
    }

    fn write(mut self, path: impl Into<String>, text: impl Into<String>) -> Self {
        let path = path.into();
        self.concerns.push(path.clone());
        self.steps.push(Step::Write(path, text.into()));
        self
    }

    fn rename(mut self, from: impl Into<String>, to: impl Into<String>) -> Self {
        let to = to.into();
        self.concerns.push(to.clone());
        self.steps.push(Step::Rename(from.into(), to));
        self
    }

    fn remove(mut self, path: impl Into<String>) -> Self {
        self.steps.push(Step::Remove(path.into()));
        self
    }

    fn concerning(mut self, path: impl Into<String>) -> Self {
        self.concerns.push(path.into());
        self
    }

    /// Adds a step that makes `path` a symbolic link to `original`.
    fn link(mut self, path: impl Into<String>, original: impl Into<String>) -> Self {
        self.steps.push(Step::Link(path.into(), original.into()));
        self
    }

    fn cargo(mut self, arguments: &[&str]) -> Self {
        self.steps.push(Step::Cargo(
            arguments.iter().map(|&one| one.to_owned()).collect(),
        ));
        self
    }

    /// Makes the edit. A cargo command that fails is ignored.
    pub(crate) fn apply(&self, project: &Project) {
        for step in &self.steps {
            match step {
                Step::Write(path, text) => project.write(path, text),
                Step::Rename(from, to) => {
                    project.rename(from, to);
                    tree::touch(&project.path(to));
                }
                Step::Remove(path) => project.remove(path),
                Step::Link(path, original) => {
                    tree::symlink(original, project.path(path)).unwrap();
                }
                Step::Cargo(arguments) => {
                    project.cargo(&arguments.iter().map(String::as_str).collect::<Vec<_>>());
                }
            }
        }
    }
}

/// The source of random edits: random numbers, and the present state of the project.
pub(crate) struct Chance<'a> {
    pub(crate) random: &'a mut Random,
    project: &'a Project,
    files: Vec<String>,
    recent: Vec<String>,
}

/// A function that makes an edit, if the project has a file that suits the edit.
type Maker = fn(&mut Chance<'_>) -> Option<Edit>;

/// Returns a random edit of the present project. Half of the edits concern files of earlier edits.
pub(crate) fn random_edit(random: &mut Random, project: &Project, earlier: &[Edit]) -> Edit {
    let kinds: [&[Maker]; 6] = [
        sources::MAKERS,
        structure::MAKERS,
        settings::MAKERS,
        shapes::MAKERS,
        scripts::MAKERS,
        packages::MAKERS,
    ];
    let files = tree::files(project.root());
    let concerned = earlier.iter().flat_map(|edit| &edit.concerns);
    let recent = concerned
        .filter(|path| files.contains(path))
        .cloned()
        .collect();
    let mut chance = Chance {
        random,
        project,
        files,
        recent,
    };
    loop {
        let makers = match chance.random.one_in(2) {
            true => sources::OF_RECENT_FILES,
            false => chance
                .random
                .pick(&kinds)
                .expect("there are kinds of edits"),
        };
        let maker = chance
            .random
            .pick(makers)
            .expect("there are edits of each kind");
        if let Some(edit) = maker(&mut chance) {
            return edit;
        }
    }
}

impl Chance<'_> {
    /// Returns a random file for which `wanted` returns true.
    fn file(&mut self, wanted: impl Fn(&str) -> bool) -> Option<String> {
        let wanted: Vec<_> = self
            .files
            .iter()
            .filter(|file| wanted(file))
            .cloned()
            .collect();
        self.random.pick(&wanted)
    }

    /// Returns a random file of the earlier edits.
    fn recent(&mut self) -> Option<String> {
        self.random.pick(&self.recent)
    }

    /// Returns the directory of the package that contains a file.
    fn owner(&self, file: &str) -> Option<String> {
        let mut directory = file;
        loop {
            directory = directory.rsplit_once('/')?.0;
            if self.has(&format!("{directory}/Cargo.toml")) {
                return Some(directory.to_owned());
            }
        }
    }

    /// Returns the directory of a random package of the workspace.
    fn package(&mut self) -> Option<String> {
        let manifest = self.file(is_member_manifest)?;
        manifest.strip_suffix("/Cargo.toml").map(str::to_owned)
    }

    /// Returns the directory of a random package that contains the given file.
    fn package_with(&mut self, file: &str) -> Option<String> {
        let end = format!("/{file}");
        let found = self.file(|path| path.ends_with(&end) && is_of_the_workspace(path))?;
        found.strip_suffix(&end).map(str::to_owned)
    }

    fn has(&self, path: &str) -> bool {
        self.files.iter().any(|file| file == path)
    }

    fn read(&self, path: &str) -> String {
        self.project.read(path)
    }

    /// Returns a random name that is probably unused.
    fn name(&mut self, start: &str) -> String {
        format!("{start}{}", self.random.below(10_000))
    }
}

fn is_of_the_workspace(path: &str) -> bool {
    path.starts_with("crates/") && !path.starts_with("crates/embedded-signs/")
}

fn is_member_manifest(path: &str) -> bool {
    is_of_the_workspace(path) && path.ends_with("/Cargo.toml")
}

/// Returns true for the root source of a library, of a binary or of the test `it`.
fn is_root(path: &str) -> bool {
    ["/src/lib.rs", "/src/main.rs", "/tests/it.rs"]
        .iter()
        .any(|end| path.ends_with(end))
}

/// Returns the relative path from a file's directory to the top level.
fn climb(file: &str) -> String {
    "../".repeat(file.matches('/').count())
}

//! The edits that the oracle makes: what people do to a workspace, and some things that they
//! seldom do.

mod packages;
mod scripts;
mod settings;
mod shapes;
mod sources;
mod structure;

use super::random::Random;
use crate::support::{Project, tree};

/// One edit, as a value, so that it can be made again.
#[derive(Clone, Debug)]
pub(crate) struct Edit {
    /// What it is, for a reader who wants to make it by hand.
    pub(crate) what: String,
    /// The files that it makes, and those that it makes matter.
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

    /// `path` becomes a symbolic link to `original`.
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

    /// Makes the edit. What cannot be made, as where cargo refuses, is left out.
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

/// What an edit is made from: the project as it is, and chance.
pub(crate) struct Chance<'a> {
    pub(crate) random: &'a mut Random,
    project: &'a Project,
    files: Vec<String>,
    recent: Vec<String>,
}

/// Makes an edit if there is something in the project that it can be made to.
type Maker = fn(&mut Chance<'_>) -> Option<Edit>;

/// An edit of the project as it is now, half the times of what earlier edits were about.
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
    /// One of the files for which `wanted` holds.
    fn file(&mut self, wanted: impl Fn(&str) -> bool) -> Option<String> {
        let wanted: Vec<_> = self
            .files
            .iter()
            .filter(|file| wanted(file))
            .cloned()
            .collect();
        self.random.pick(&wanted)
    }

    /// One of the files that earlier edits were about.
    fn recent(&mut self) -> Option<String> {
        self.random.pick(&self.recent)
    }

    /// The directory of the package that a file lies in.
    fn owner(&self, file: &str) -> Option<String> {
        let mut directory = file;
        loop {
            directory = directory.rsplit_once('/')?.0;
            if self.has(&format!("{directory}/Cargo.toml")) {
                return Some(directory.to_owned());
            }
        }
    }

    /// The directory of a package of the workspace.
    fn package(&mut self) -> Option<String> {
        let manifest = self.file(is_member_manifest)?;
        manifest.strip_suffix("/Cargo.toml").map(str::to_owned)
    }

    /// The directory of a package whose files `wanted` accepts.
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

    /// A name that is in nobody's way.
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

/// A source at which a target begins, or which is all there is of one.
fn is_root(path: &str) -> bool {
    ["/src/lib.rs", "/src/main.rs", "/tests/it.rs"]
        .iter()
        .any(|end| path.ends_with(end))
}

/// From a file's directory up to the top.
fn climb(file: &str) -> String {
    "../".repeat(file.matches('/').count())
}

//! What a hook is about, and where its steps run: in the work tree where that agrees with what is
//! checked on all that a step reads, and in a mirror of it otherwise.

use std::collections::{BTreeSet, HashSet};
use std::fs::{self, File};
use std::sync::{Mutex, OnceLock, PoisonError};

use anyhow::{Context as _, Result, anyhow};
use cargo_metadata::camino::{Utf8Path, Utf8PathBuf};

use super::target_directory;
use crate::action::run::{Options, Selection, Tool};
use crate::changes::{Asked, Comparison, NamedFiles};
use crate::exec::select::Selector;
use crate::graph::{UnitGraph, UnitIx};
use crate::hooks::Hook;
use crate::impact::Rule;
use crate::impact::layout::Layout;
use crate::process::Runner;
use crate::question::{Answer, Question};
use crate::quote;
use crate::render;
use crate::repo::git::{Commit, Repository, State};
use crate::repo::lock_file::{self, LockFile, LockState};
use crate::repo::{files, hashed, state};
use crate::usage;
use crate::workspace::{LoadOptions, PackageIx, Workspace};

/// What is checked.
#[derive(Clone)]
pub(super) struct Subject {
    /// The index, or a commit.
    pub(super) state: State,
    /// What a push is compared with; nothing for everything.
    pub(super) base: Option<Commit>,
    /// Changed paths that the state has, relative to the top level.
    pub(super) present: Vec<Utf8PathBuf>,
    /// Changed paths that it has no more.
    pub(super) gone: Vec<Utf8PathBuf>,
    /// Paths by which the work tree differs from the state.
    pub(super) unlike: Vec<Utf8PathBuf>,
    /// Whether those are all, so that the work tree may do in its place.
    pub(super) in_place: bool,
}

/// Where steps run.
#[derive(Clone)]
pub(super) struct Place {
    pub(super) runner: Runner,
    /// The top level of the work tree.
    pub(super) top: Utf8PathBuf,
    /// The directory of the root manifest.
    pub(super) root: Utf8PathBuf,
}

/// A hook that is running.
pub(super) struct Scene<'a> {
    pub(super) here: &'a Place,
    pub(super) repository: &'a Repository,
    pub(super) subject: Subject,
    /// The hook whose cargo steps say when they start; nothing where they do not.
    pub(super) announces: Option<Hook>,
    pub(super) progress: render::hooks::Progress,
    mirror: OnceLock<Result<Mirror>>,
    /// Files that git ignores and that a cargo step would compile in the work tree.
    compiled_and_ignored: Mutex<BTreeSet<Utf8PathBuf>>,
}

struct Mirror {
    place: Place,
    /// Held as long as the mirror is used.
    _lock: File,
}

/// What a cargo step is going to do, and where.
pub(super) struct Selected {
    pub(super) place: Place,
    pub(super) answer: Answer,
    pub(super) selection: Selection,
    pub(super) notes: Vec<String>,
    /// Cargo may write the lock file there: it is no part of what is checked.
    pub(super) in_private_copy: bool,
}

impl Place {
    /// Returns a path relative to the top level, where it lies below.
    fn below<'p>(&self, path: &'p Utf8Path) -> &'p Utf8Path {
        path.strip_prefix(&self.top).unwrap_or(path)
    }
}

impl<'a> Scene<'a> {
    pub(super) fn new(here: &'a Place, repository: &'a Repository, subject: Subject) -> Self {
        Self {
            here,
            repository,
            subject,
            announces: None,
            progress: render::hooks::Progress::default(),
            mirror: OnceLock::new(),
            compiled_and_ignored: Mutex::new(BTreeSet::new()),
        }
    }

    /// What a cargo command is to be run on, and where; nothing where nothing is concerned.
    pub(super) fn selected(&self, tool: Tool, forwarded: &[String]) -> Result<Option<Selected>> {
        let Subject {
            unlike, in_place, ..
        } = &self.subject;
        let is_setting = |path: &Utf8PathBuf| {
            let name = path.file_name();
            matches!(name, Some("Cargo.toml" | "Cargo.lock"))
                || path.iter().any(|it| it == ".cargo")
        };
        if *in_place {
            match self.selected_in(self.here, tool, forwarded) {
                Ok((lock_file, None))
                    if !unlike.iter().any(is_setting)
                        && !self.is_at_fault(&lock_file, self.here)? =>
                {
                    return Ok(None);
                }
                // A build would write the lock file of the work tree.
                Ok((lock_file, Some(_)))
                    if lock_file.state != LockState::Current
                        || self.is_at_fault(&lock_file, self.here)? => {}
                Ok((_, Some(found))) if self.reads_nothing_else(&found)? => return Ok(Some(found)),
                // What is in the work tree alone may be what stands in the way.
                Err(error) if unlike.is_empty() => return Err(error),
                _ => {}
            }
        }
        let mirror = self.mirror()?;
        let (lock_file, mut selected) = self.selected_in(mirror, tool, forwarded)?;
        let ignored = self.compiled_and_ignored.lock();
        for path in &*ignored.unwrap_or_else(PoisonError::into_inner) {
            let note = format!(
                "git ignores {}, which is compiled here and is missing in a clone: the step \
                 runs without it\nhint: `git add --force {}`, or change .gitignore",
                quote::name(path),
                quote::shell(path)
            );
            selected
                .iter_mut()
                .for_each(|it| it.notes.push(note.clone()));
        }
        if self.is_at_fault(&lock_file, mirror)? {
            return Err(self.stale(&lock_file, mirror));
        }
        if let Some(found) = &mut selected {
            found.in_private_copy = lock_file.state != LockState::Current;
        }
        Ok(selected)
    }

    /// Returns whether a lock file is part of what is checked, and does not fit the manifests there.
    fn is_at_fault(&self, lock_file: &LockFile, place: &Place) -> Result<bool> {
        let is_current = lock_file.state == LockState::Current;
        if is_current && !self.concerns_lock_file() {
            return Ok(false);
        }
        let path = place.below(&lock_file.path);
        let entries = self.repository.entries(&self.subject.state)?;
        let is_tracked = entries.iter().any(|entry| entry.path == *path);
        if !is_tracked || !is_current {
            return Ok(is_tracked);
        }
        lock_file::would_be_written(&place.runner, &lock_file.path)
    }

    /// Returns whether a manifest or a lock file is among the changed paths.
    fn concerns_lock_file(&self) -> bool {
        let mut changed = self.subject.present.iter().chain(&self.subject.gone);
        changed.any(|path| matches!(path.file_name(), Some("Cargo.toml" | "Cargo.lock")))
    }

    fn stale(&self, lock_file: &LockFile, place: &Place) -> anyhow::Error {
        let path = place.below(&lock_file.path);
        let (of, then) = match &self.subject.state {
            State::Commit(commit) => (format!("of commit {}", commit.0), "commit"),
            _ => ("in the index".to_owned(), "stage"),
        };
        usage!(
            "{name} is stale: it does not fit the manifests {of}\n\
             hint: run `cargo update --workspace`, and {then} {name}",
            name = quote::name(path)
        )
    }

    /// Selects what a command is to be run on in a place; with the workspace's lock file.
    fn selected_in(
        &self,
        place: &Place,
        tool: Tool,
        forwarded: &[String],
    ) -> Result<(LockFile, Option<Selected>)> {
        let workspace = load(place)?;
        let lock_file = workspace.lock_file.clone();
        let mut asked = Asked::default();
        let owners = self.owners(place, &workspace);
        match (&self.subject.state, &self.subject.base) {
            (State::Commit(commit), Some(base)) => {
                asked.compare = Some(Comparison::Since {
                    revision: base.0.clone(),
                    head: Some(commit.0.clone()),
                });
            }
            (State::Commit(_), None) => asked.all = true,
            _ if owners.is_empty() => return Ok((lock_file, None)),
            _ => {
                let id = |&owner: &PackageIx| workspace.package(owner).id.clone();
                asked.assumed = owners.iter().map(id).collect();
            }
        }
        let answer = question(place, workspace, asked, tool).answer()?;
        let options = Options {
            forwarded,
            ..Options::default()
        };
        let selection = match self.subject.state {
            State::Commit(_) => Selection::new(&answer, tool, &options.excluded),
            _ => Selection::of_packages(&answer, tool, &owners),
        };
        let selector = Selector::new(&place.runner, &answer, tool, &options);
        let (selection, mut notes) = selector.keep(selection);
        if selection.is_empty() {
            return Ok((lock_file, None));
        }
        notes.extend(answer.notes.iter().cloned());
        let selected = Selected {
            place: place.clone(),
            answer,
            selection,
            notes,
            in_private_copy: false,
        };
        Ok((lock_file, Some(selected)))
    }

    /// The members that own a changed path.
    fn owners(&self, place: &Place, workspace: &Workspace) -> BTreeSet<PackageIx> {
        let layout = Layout::new(workspace);
        let changed = self.subject.present.iter().chain(&self.subject.gone);
        changed
            .filter_map(|path| layout.owner(&place.top.join(path)))
            .filter(|&owner| workspace.package(owner).member)
            .collect()
    }

    /// Whether nothing of what is selected is built from what only the work tree has.
    fn reads_nothing_else(&self, found: &Selected) -> Result<bool> {
        let unlike = self.built_from(found, &self.subject.unlike, |_| true)?;
        if !unlike.is_empty() {
            return Ok(false);
        }
        let is_compiled = |rule| {
            let rules = [
                Rule::Source,
                Rule::BuildScriptInput,
                Rule::Target,
                Rule::Manifest,
            ];
            rules.contains(&rule)
        };
        let mut ignored = self.repository.ignored()?;
        // Everybody builds with the lock file, and the mirror has a copy of one that is ignored.
        ignored.retain(|path| path.file_name() != Some("Cargo.lock"));
        let ignored = self.built_from(found, &ignored, is_compiled)?;
        let is_empty = ignored.is_empty();
        let known = self.compiled_and_ignored.lock();
        known
            .unwrap_or_else(PoisonError::into_inner)
            .extend(ignored);
        Ok(is_empty)
    }

    /// Returns the files, of these, that what is selected is built from by certain rules. Nothing
    /// is returned only if no file is.
    fn built_from(
        &self,
        found: &Selected,
        files: &[Utf8PathBuf],
        by: impl Fn(Rule) -> bool,
    ) -> Result<BTreeSet<Utf8PathBuf>> {
        if files.is_empty() {
            return Ok(BTreeSet::new());
        }
        let asked = Asked {
            files: Some(NamedFiles::at(
                files.iter().map(|it| self.here.top.join(it)),
            )),
            ..Asked::default()
        };
        let answer = &found.answer;
        let mut question = question(self.here, answer.workspace.clone(), asked, Tool::Check);
        question.verb = answer.verb;
        let touched = question.answer()?.affected;
        let packages = found.selection.packages.union(&found.selection.beside);
        let built = below(&answer.graph, packages);
        let units = touched.units().filter(|(unit, _)| built.contains(unit));
        let seeds = units.filter_map(|(unit, _)| touched.chain(unit));
        let seeds = seeds.map(|(_, seed)| seed).filter(|seed| by(seed.rule));
        Ok(seeds
            .map(|seed| seed.path.clone().unwrap_or_default())
            .collect())
    }

    /// The mirror, brought up to date.
    pub(super) fn mirror(&self) -> Result<&Place> {
        let mirror = self.mirror.get_or_init(|| self.make_mirror()).as_ref();
        let place = mirror.map(|mirror| &mirror.place);
        place.map_err(|error| anyhow!("{error:#}"))
    }

    fn make_mirror(&self) -> Result<Mirror> {
        // Where the work tree's manifests are broken, cargo does not say where it would build.
        let (target, lock_file) = match load(self.here) {
            Ok(workspace) => {
                let lock_file = workspace.lock_file.in_real_directory();
                (workspace.target_directory, lock_file)
            }
            Err(_) => (
                self.here.root.join("target"),
                LockFile::path(&self.here.runner, &self.here.root),
            ),
        };
        let directory = state::in_target(&target).join(name_of(&self.here.top));
        target_directory::create(&target)
            .and_then(|()| state::create(&directory))
            .with_context(|| format!("cannot create {}", quote::name(&directory)))?;
        let path = directory.join("lock");
        let lock = File::create(&path)
            .and_then(|file| file.lock().map(|()| file))
            .with_context(|| format!("cannot lock {}", quote::name(&path)))?;
        let state = &self.subject.state;
        if let Err(first) = self.repository.mirror(state, &directory) {
            // A disk that lost a part of it is no reason to fail.
            for part in ["tree", "git"] {
                drop(fs::remove_dir_all(directory.join(part)));
            }
            self.repository.mirror(state, &directory).context(first)?;
        }
        let top = directory.join("tree");
        let inside = self.here.root.strip_prefix(&self.here.top);
        let root = top.join(inside.context("the workspace lies outside the repository")?);
        let locked = match lock_file.strip_prefix(&self.here.top) {
            Ok(inside) => top.join(inside),
            Err(_) => root.join("Cargo.lock"),
        };
        // A lock file that git ignores is part of no commit, and yet everybody builds with it.
        if !lock_file.starts_with(&self.here.top) || self.repository.is_ignored(&lock_file)? {
            let text = files::read(&lock_file, files::SETTINGS).unwrap_or_default();
            if !text.is_empty() && files::read(&locked, files::SETTINGS).unwrap_or_default() != text
            {
                fs::write(&locked, text)
                    .with_context(|| format!("cannot write {}", quote::name(&locked)))?;
            }
        }
        let mut runner = self.here.runner.in_directory(&root);
        if lock_file != self.here.root.join("Cargo.lock") {
            runner = runner.with_variable(lock_file::VARIABLE, &locked);
        }
        let runner = runner.without_variable("GIT_INDEX_FILE");
        let target = directory.join("target");
        let runner = runner.with_variable("CARGO_TARGET_DIR", &target);
        // A build directory of the user's own would take the mirror's packages for the work tree's.
        let runner = runner.with_variable("CARGO_BUILD_BUILD_DIR", &target);
        Ok(Mirror {
            place: Place { runner, top, root },
            _lock: lock,
        })
    }
}

pub(super) fn load(place: &Place) -> Result<Workspace> {
    Workspace::load(&place.runner, &LoadOptions::default())
}

pub(super) fn question(place: &Place, workspace: Workspace, asked: Asked, tool: Tool) -> Question {
    Question::new(place.runner.clone(), workspace, asked, tool.verb())
}

/// All units of some packages, and what they are built from.
fn below<'a>(graph: &UnitGraph, packages: impl Iterator<Item = &'a PackageIx>) -> HashSet<UnitIx> {
    let mut pending: Vec<UnitIx> = packages
        .flat_map(|&package| graph.units_of(package))
        .copied()
        .collect();
    let mut seen = HashSet::new();
    while let Some(unit) = pending.pop() {
        if seen.insert(unit) {
            pending.extend(graph.dependencies(unit).map(|(on, _)| on));
        }
    }
    seen
}

/// A name for the mirror of a work tree: several may build in one directory.
fn name_of(top: &Utf8PathBuf) -> String {
    format!("mirror-{:016x}", hashed(top))
}

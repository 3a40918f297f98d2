//! The state that a hook checks, and the place where its steps run. Steps run in the work tree if
//! the files that a step reads are the same there as in the checked state. Otherwise the steps run
//! in a mirror of the checked state.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fs::{self, File};
use std::sync::{Mutex, OnceLock, PoisonError};

use anyhow::{Context as _, Result, anyhow};
use camino::{Utf8Path, Utf8PathBuf};
use xtask_impact::change_set::{ChangeRequest, ComparedStates, NamedFiles};
use xtask_impact::lock_file::{LockFile, LockState};
use xtask_impact::paths::hashed;
use xtask_impact::process::Runner;
use xtask_impact::query::{Answer, Query};
use xtask_impact::records::layout::PackageDirectories;
use xtask_impact::seeds::Rule;
use xtask_impact::unit_graph::{UnitGraph, UnitIx};
use xtask_impact::vcs::{Commit, Repository, TreeState};
use xtask_impact::workspace::{LoadOptions, PackageIx, Workspace};
use xtask_impact::{files, lock_file, quote, state, usage};

use super::target_directory;
use crate::checks::Check;
use crate::hooks::model::Hook;
use crate::hooks::text;
use crate::selection::select::Selector;
use crate::selection::unification::FeatureUnification;
use crate::selection::{Selection, Tool, ToolOptions};

/// The state that a hook checks, and the changed paths of this state.
#[derive(Clone)]
pub(crate) struct CheckedState {
    /// The index, or a commit.
    pub(crate) state: TreeState,
    /// The commit that a push is compared with; `None` if everything is checked.
    pub(crate) base: Option<Commit>,
    /// The changed paths that exist in the state, relative to the top level.
    pub(crate) present: Vec<Utf8PathBuf>,
    /// The changed paths that were deleted, relative to the top level.
    pub(crate) gone: Vec<Utf8PathBuf>,
    /// The paths whose content in the work tree differs from the state.
    pub(crate) unstaged_paths: Vec<Utf8PathBuf>,
    /// True if `unstaged_paths` is complete. Only then can a step run in the work tree instead of
    /// the mirror.
    pub(crate) in_place: bool,
}

/// A directory where steps run: the workspace in the work tree, or the workspace in a mirror.
#[derive(Clone)]
pub(crate) struct StepPlace {
    pub(crate) runner: Runner,
    /// The top level of the work tree or of the mirror.
    pub(crate) top: Utf8PathBuf,
    /// The directory of the root manifest.
    pub(crate) root: Utf8PathBuf,
}

/// A hook that is running.
pub(crate) struct HookRun<'a> {
    pub(crate) here: &'a StepPlace,
    pub(crate) repository: &'a Repository,
    pub(crate) subject: CheckedState,
    /// The hook, if its cargo steps print a line when they start; otherwise `None`.
    pub(crate) announces: Option<Hook>,
    pub(crate) progress: text::StepProgress,
    /// The checks that the configuration may name.
    pub(crate) known_checks: Vec<&'static Check>,
    mirror: OnceLock<Result<IndexMirror>>,
    /// The files that git ignores and that a cargo step would compile in the work tree.
    compiled_and_ignored: Mutex<BTreeSet<Utf8PathBuf>>,
    /// The results of `is_at_fault`, by the root of the workspace and by `true` if the lock file is
    /// current.
    at_fault: Mutex<BTreeMap<(Utf8PathBuf, bool), bool>>,
}

struct IndexMirror {
    place: StepPlace,
    /// The lock on the mirror, held as long as the mirror is used.
    _lock: File,
}

/// The packages that a cargo step runs on, and the place where the step runs.
pub(crate) struct Selected {
    pub(crate) place: StepPlace,
    pub(crate) answer: Answer,
    pub(crate) selection: Selection,
    pub(crate) notes: Vec<String>,
    /// True if cargo may write the lock file in this place, because the lock file is not part of
    /// the checked state.
    pub(crate) in_private_copy: bool,
}

impl StepPlace {
    /// Returns a path relative to the top level. A path outside the top level is returned
    /// unchanged.
    fn below<'p>(&self, path: &'p Utf8Path) -> &'p Utf8Path {
        path.strip_prefix(&self.top).unwrap_or(path)
    }
}

impl<'a> HookRun<'a> {
    pub(crate) fn new(
        here: &'a StepPlace,
        repository: &'a Repository,
        subject: CheckedState,
    ) -> Self {
        Self {
            here,
            repository,
            subject,
            announces: None,
            progress: text::StepProgress::default(),
            known_checks: Vec::new(),
            mirror: OnceLock::new(),
            compiled_and_ignored: Mutex::new(BTreeSet::new()),
            at_fault: Mutex::new(BTreeMap::new()),
        }
    }

    /// Returns the packages that a cargo command is run on, and the place where the command runs;
    /// `None` if no package is concerned.
    pub(crate) fn selected(&self, tool: Tool, forwarded: &[String]) -> Result<Option<Selected>> {
        let CheckedState {
            unstaged_paths: differing,
            in_place,
            ..
        } = &self.subject;
        let is_setting = |path: &Utf8PathBuf| {
            let name = path.file_name();
            matches!(name, Some("Cargo.toml" | "Cargo.lock"))
                || path.iter().any(|it| it == ".cargo")
        };
        if *in_place {
            match self.selected_in(self.here, tool, forwarded) {
                Ok((lock_file, None))
                    if !differing.iter().any(is_setting)
                        && !self.is_at_fault(&lock_file, self.here)? =>
                {
                    return Ok(None);
                }
                // A build in the work tree would write the user's lock file, so the mirror is used.
                Ok((lock_file, Some(_)))
                    if lock_file.state != LockState::Current
                        || self.is_at_fault(&lock_file, self.here)? => {}
                Ok((_, Some(found))) if self.reads_nothing_else(&found)? => return Ok(Some(found)),
                // The error can come from unstaged changes, which the mirror does not have.
                Err(error) if differing.is_empty() => return Err(error),
                _ => {}
            }
        }
        let mirror = self.mirror()?;
        let (lock_file, mut selected) = self.selected_in(mirror, tool, forwarded)?;
        let ignored = self.compiled_and_ignored.lock();
        for path in &*ignored.unwrap_or_else(PoisonError::into_inner) {
            let note = format!(
                "git ignores {}, which is compiled here but is missing in a clone: the step runs \
                 without it\nhint: `git add --force {}`, or change .gitignore",
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

    /// Returns true if a lock file belongs to the checked state and does not match the manifests of
    /// that state. Each state of a lock file is examined once, for all steps.
    fn is_at_fault(&self, lock_file: &LockFile, place: &StepPlace) -> Result<bool> {
        let mut known = self.at_fault.lock().unwrap_or_else(PoisonError::into_inner);
        let state = (place.root.clone(), lock_file.state == LockState::Current);
        if let Some(&known) = known.get(&state) {
            return Ok(known);
        }
        let is_at_fault = self.find_fault(lock_file, place)?;
        known.insert(state, is_at_fault);
        Ok(is_at_fault)
    }

    fn find_fault(&self, lock_file: &LockFile, place: &StepPlace) -> Result<bool> {
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

    /// Returns true if a manifest or a lock file is among the changed paths.
    fn concerns_lock_file(&self) -> bool {
        let mut changed = self.subject.present.iter().chain(&self.subject.gone);
        changed.any(|path| matches!(path.file_name(), Some("Cargo.toml" | "Cargo.lock")))
    }

    fn stale(&self, lock_file: &LockFile, place: &StepPlace) -> anyhow::Error {
        let path = place.below(&lock_file.path);
        let (of, then) = match &self.subject.state {
            TreeState::Commit(commit) => (format!("of commit {}", commit.0), "commit"),
            _ => ("in the index".to_owned(), "stage"),
        };
        usage!(
            "{name} is stale: it does not match the manifests {of}\nhint: run `cargo update \
             --workspace`, and {then} {name}",
            name = quote::name(path)
        )
    }

    /// Selects the packages that a command is run on in a place. Also returns the workspace's lock
    /// file.
    fn selected_in(
        &self,
        place: &StepPlace,
        tool: Tool,
        forwarded: &[String],
    ) -> Result<(LockFile, Option<Selected>)> {
        let workspace = load(place)?;
        let lock_file = workspace.lock_file.clone();
        let mut asked = ChangeRequest::default();
        let owners = self.owners(place, &workspace);
        match (&self.subject.state, &self.subject.base) {
            (TreeState::Commit(commit), Some(base)) => {
                asked.compare = Some(ComparedStates::Since {
                    revision: base.0.clone(),
                    head: Some(commit.0.clone()),
                });
            }
            (TreeState::Commit(_), None) => asked.all = true,
            _ if owners.is_empty() => return Ok((lock_file, None)),
            _ => {
                let id = |&owner: &PackageIx| workspace.package(owner).id.clone();
                asked.assumed = owners.iter().map(id).collect();
            }
        }
        let unification = FeatureUnification::or_configured(None, &workspace)?;
        let answer = question(place, workspace, asked, tool).answer()?;
        let options = ToolOptions {
            unification,
            forwarded,
            ..ToolOptions::default()
        };
        let selection = match self.subject.state {
            TreeState::Commit(_) => Selection::new(&answer, tool, &options.left_out.all()),
            _ => Selection::of_packages(&answer, tool, &owners),
        };
        let selector = Selector::new(&place.runner, &answer, tool, &options);
        let (selection, mut notes) = selector.choose(selection);
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

    /// Returns the workspace members that own a changed path.
    fn owners(&self, place: &StepPlace, workspace: &Workspace) -> BTreeSet<PackageIx> {
        let layout = PackageDirectories::new(workspace);
        let changed = self.subject.present.iter().chain(&self.subject.gone);
        changed
            .filter_map(|path| layout.owner(&place.top.join(path)))
            .filter(|&owner| workspace.package(owner).member)
            .collect()
    }

    /// Returns true if the selected packages read no file that differs between the work tree and
    /// the checked state.
    fn reads_nothing_else(&self, found: &Selected) -> Result<bool> {
        let differing = self.built_from(found, &self.subject.unstaged_paths, |_| true)?;
        if !differing.is_empty() {
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
        // A build also reads an ignored lock file, and the mirror has a copy of an ignored lock
        // file.
        ignored.retain(|path| path.file_name() != Some("Cargo.lock"));
        let ignored = self.built_from(found, &ignored, is_compiled)?;
        let is_empty = ignored.is_empty();
        let known = self.compiled_and_ignored.lock();
        known
            .unwrap_or_else(PoisonError::into_inner)
            .extend(ignored);
        Ok(is_empty)
    }

    /// Returns the given files that the selected packages are built from, limited to seeds with a
    /// rule that `by` accepts. If in doubt, a file is returned.
    fn built_from(
        &self,
        found: &Selected,
        files: &[Utf8PathBuf],
        by: impl Fn(Rule) -> bool,
    ) -> Result<BTreeSet<Utf8PathBuf>> {
        if files.is_empty() {
            return Ok(BTreeSet::new());
        }
        let asked = ChangeRequest {
            files: Some(NamedFiles::at(
                files.iter().map(|it| self.here.top.join(it)),
            )),
            ..ChangeRequest::default()
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

    /// Returns the mirror of the checked state, and makes the mirror at the first call.
    pub(crate) fn mirror(&self) -> Result<&StepPlace> {
        let mirror = self.mirror.get_or_init(|| self.make_mirror()).as_ref();
        let place = mirror.map(|mirror| &mirror.place);
        place.map_err(|error| anyhow!("{error:#}"))
    }

    fn make_mirror(&self) -> Result<IndexMirror> {
        // If the manifests of the work tree are broken, cargo cannot name the target directory.
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
            // The mirror may be damaged. Remove the mirror and make a new mirror.
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
        // An ignored lock file is part of no commit, but the build in the work tree uses it.
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
        // In the user's own build directory, cargo would confuse the packages of the mirror with
        // the packages of the work tree.
        let runner = runner.with_variable("CARGO_BUILD_BUILD_DIR", &target);
        Ok(IndexMirror {
            place: StepPlace { runner, top, root },
            _lock: lock,
        })
    }
}

pub(crate) fn load(place: &StepPlace) -> Result<Workspace> {
    Workspace::load(&place.runner, &LoadOptions::default())
}

pub(crate) fn question(
    place: &StepPlace,
    workspace: Workspace,
    asked: ChangeRequest,
    tool: Tool,
) -> Query {
    Query::new(place.runner.clone(), workspace, asked, tool.verb())
}

/// Returns all units of some packages, and all their dependencies.
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

/// Returns the name of the mirror directory of a work tree. Several work trees may share one target
/// directory, so the name contains a hash of the path.
fn name_of(top: &Utf8PathBuf) -> String {
    format!("mirror-{:016x}", hashed(top))
}

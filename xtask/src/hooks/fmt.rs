//! The format step: runs rustfmt on the committed files, as `cargo fmt --check` would.
//!
//! The files that `cargo fmt` could open are written to a private directory. So neither unstaged
//! edits nor files that git does not track can change the verdict. The files above the repository
//! that rustfmt, rustup and cargo read are linked at the same place in the private directory.

use std::collections::BTreeSet;
use std::fs;

use anyhow::{Context as _, Result};
use camino::{Utf8Path, Utf8PathBuf};
use cargo_metadata::Metadata;
use xtask_impact::paths::normalized;
use xtask_impact::private_dir::TemporaryDir;
use xtask_impact::process::Runner;
use xtask_impact::vcs::{EntryKind, Export, TreeEntry, TreeState};
use xtask_impact::{files, process, quote, usage};

use super::scene::HookRun;
use super::steps::RunningStep;
use crate::cli::output;
use crate::hooks::fmt_files::{Changed, FmtMember, concerned, path_attributes, targets};
use crate::hooks::model::Ending;
use crate::selection::placeholders;

/// The names of files above a repository that rustfmt, rustup or cargo read.
const ABOVE: [&str; 5] = [
    "rustfmt.toml",
    ".rustfmt.toml",
    "rust-toolchain",
    "rust-toolchain.toml",
    ".cargo",
];

impl HookRun<'_> {
    /// Checks the format of the packages whose format the changed files can affect.
    pub(crate) fn format(&self, running: &RunningStep<'_>) -> Result<(Ending, String)> {
        let private = TemporaryDir::outside(&self.here.top)?;
        let export = Export::new(self.repository, &self.subject.state, private.path())?;
        let links: BTreeSet<&Utf8Path> = export
            .entries()
            .iter()
            .filter(|it| it.kind == EntryKind::Link)
            .map(|it| it.path.as_path())
            .collect();
        let paths = self.subject.present.iter().chain(&self.subject.gone);
        let mut changed = Changed::new(paths, &|path| links.contains(path));
        // A file of any name is a module if a `#[path]` attribute names the file.
        let named = changed.others.iter().filter_map(|it| it.file_name());
        let named: Vec<String> = named.map(|name| format!("{name}\"")).collect();
        if !named.is_empty() && export.mentions(&named)? {
            changed.sources.append(&mut changed.others);
        }
        if changed.sources.is_empty() && changed.settings.is_empty() {
            return Ok((Ending::Idle, String::new()));
        }
        let copy = Copy::new(self, private, &export)?;
        let members = copy.members(&self.root_in(&copy.top)?)?;
        let changed = self.with_workspace_settings(changed)?;
        let reaches_out = |member: &FmtMember| copy.reaches_out(member, &links);
        let concerned = concerned(&members, &changed, &reaches_out);
        let canonical = |path: &Utf8Path| {
            let path = copy.top.join(path);
            path.canonicalize_utf8().unwrap_or(path)
        };
        self.rustfmt(running, &copy, &targets(&members, &concerned, &canonical))
    }

    /// Returns the directory of the workspace's root manifest in a copy of the repository.
    fn root_in(&self, top: &Utf8Path) -> Result<Utf8PathBuf> {
        let inside = self.here.root.strip_prefix(&self.here.top);
        Ok(top.join(inside.context("the workspace lies outside the repository")?))
    }

    /// Adds the root manifest to the changed settings if its `[workspace]` table has another
    /// `package.edition`, other `members` or another `exclude` than before.
    fn with_workspace_settings<'c>(&self, mut changed: Changed<'c>) -> Result<Changed<'c>> {
        let manifest = self.here.root.join("Cargo.toml");
        let manifest = manifest.strip_prefix(&self.here.top).unwrap_or(&manifest);
        if !changed.sources.contains(&manifest) {
            return Ok(changed);
        }
        let before = match (&self.subject.state, &self.subject.base) {
            (TreeState::Commit(_), Some(base)) => TreeState::Commit(base.clone()),
            (TreeState::Index, _) => self
                .repository
                .head()
                .cloned()
                .map_or(TreeState::Empty, TreeState::Commit),
            _ => TreeState::Empty,
        };
        let path = [manifest.to_owned()];
        let table = |state: &TreeState| -> Result<Option<toml::Value>> {
            let text = self.repository.read(state, &path)?.pop().flatten();
            let text = String::from_utf8_lossy(&text.unwrap_or_default()).into_owned();
            let table = text.parse::<toml::Table>().unwrap_or_default();
            Ok(table.get("workspace").cloned())
        };
        let (old, new) = (table(&before)?, table(&self.subject.state)?);
        let edition =
            |table: &Option<toml::Value>| table.as_ref()?.get("package")?.get("edition").cloned();
        let is_same = |key: &str| {
            let get = |table: &Option<toml::Value>| table.as_ref()?.get(key).cloned();
            get(&old) == get(&new)
        };
        if edition(&old) != edition(&new) || !is_same("members") || !is_same("exclude") {
            let place = changed.sources.iter().position(|it| *it == manifest);
            changed
                .settings
                .extend(place.map(|place| changed.sources[place]));
        }
        Ok(changed)
    }

    /// Runs rustfmt on the main files of targets, in as many processes as the machine has
    /// processors.
    fn rustfmt(
        &self,
        running: &RunningStep<'_>,
        copy: &Copy<'_>,
        targets: &std::collections::BTreeMap<String, BTreeSet<Utf8PathBuf>>,
    ) -> Result<(Ending, String)> {
        let workers = std::thread::available_parallelism().map_or(1, usize::from);
        let mut commands = Vec::new();
        for (edition, files) in targets {
            let files: Vec<Utf8PathBuf> = files.iter().cloned().collect();
            for share in files.chunks(files.len().div_ceil(workers).max(1)) {
                for portion in placeholders::portions(share) {
                    let program = std::env::var_os("RUSTFMT").unwrap_or_else(|| "rustfmt".into());
                    let mut command = copy.runner.program(program);
                    command
                        .args(["--check", "--edition", edition])
                        .args(portion);
                    if output::has_colors() {
                        command.arg("--color=always");
                    }
                    commands.push(command);
                }
            }
        }
        let ended: Vec<Result<_>> = std::thread::scope(|scope| {
            let start = |command| scope.spawn(move || running.to_end(command, Vec::new()));
            let threads: Vec<_> = commands.into_iter().map(start).collect();
            let ended = threads.into_iter().filter_map(|thread| thread.join().ok());
            ended.collect()
        });
        let (mut worst, mut said) = (Ending::Passed, String::new());
        for ended in ended {
            let (ending, output) = ended?;
            if ending != Ending::Passed {
                worst = worst.worse(ending);
                said.push_str(&copy.as_in_work_tree(&output));
            }
        }
        if worst == Ending::Failed {
            said.push_str(advice(&said));
        }
        Ok((worst, said))
    }
}

/// A copy, in a private directory, of the committed files that `cargo fmt` could open.
struct Copy<'a> {
    /// The top level of the repository in the copy.
    top: Utf8PathBuf,
    /// Starts programs with the user's environment: in the user's workspace, or in the copy if the
    /// toolchain settings of the two differ.
    runner: Runner,
    scene: &'a HookRun<'a>,
    export: &'a Export<'a>,
    _private: TemporaryDir,
}

impl<'a> Copy<'a> {
    fn new(scene: &'a HookRun<'a>, private: TemporaryDir, export: &'a Export<'a>) -> Result<Self> {
        let beside = private.path().join("tree");
        let top = in_copy(&beside, &scene.here.top);
        fs::create_dir_all(&top).with_context(|| format!("cannot create {}", quote::name(&top)))?;
        for above in scene.here.top.ancestors().skip(1) {
            for name in ABOVE {
                link(&above.join(name), &in_copy(&beside, above).join(name))?;
            }
        }
        export.write(&top, &is_wanted)?;
        let mut copy = Self {
            runner: scene.here.runner.clone(),
            top,
            scene,
            export,
            _private: private,
        };
        copy.write_odd_modules()?;
        copy.link_outside_dependencies(&beside)?;
        let subject = &scene.subject;
        let decides_toolchain = |path: &Utf8PathBuf| {
            let name = path.file_name().unwrap_or_default();
            name.starts_with("rust-toolchain") || path.iter().any(|it| it == ".cargo")
        };
        // A directory override of rustup holds for the user's directory, but not for the copy.
        if !subject.in_place || subject.unstaged_paths.iter().any(decides_toolchain) {
            copy.runner = copy.runner.in_directory(scene.root_in(&copy.top)?);
        }
        Ok(copy)
    }

    /// Writes the module files that have another extension than `.rs` and that a `#[path]`
    /// attribute names.
    fn write_odd_modules(&self) -> Result<()> {
        let mut names = BTreeSet::new();
        for entry in self.export.entries() {
            if let Some(text) = self.source(entry) {
                let paths = path_attributes(&text).into_iter().map(Utf8Path::new);
                let odd = paths.filter(|path| path.extension() != Some("rs"));
                names.extend(odd.filter_map(|it| it.file_name()).map(str::to_owned));
            }
        }
        if names.is_empty() {
            return Ok(());
        }
        let is_named =
            |entry: &TreeEntry| entry.path.file_name().is_some_and(|it| names.contains(it));
        self.export.write(&self.top, &is_named)
    }

    /// Links the path dependencies outside the repository, because cargo reads their manifests.
    fn link_outside_dependencies(&self, beside: &Utf8Path) -> Result<()> {
        for entry in self.export.entries() {
            if entry.path.file_name() != Some("Cargo.toml") {
                continue;
            }
            let text =
                files::read_text(self.top.join(&entry.path), files::SOURCE).unwrap_or_default();
            let directory = self.scene.here.top.join(&entry.path);
            let directory = directory.parent().unwrap_or(&self.scene.here.top);
            for path in path_attributes(&text)
                .into_iter()
                .filter(|it| it.contains(".."))
            {
                let outside = normalized(&directory.join(path));
                if !outside.starts_with(&self.scene.here.top) {
                    link(&outside, &in_copy(beside, &outside))?;
                }
            }
        }
        Ok(())
    }

    fn source(&self, entry: &TreeEntry) -> Option<String> {
        if entry.kind != EntryKind::File || entry.path.extension() != Some("rs") {
            return None;
        }
        let bytes = files::read(self.top.join(&entry.path), files::SOURCE).ok()?;
        Some(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// Returns the members of the workspace, as cargo reads them from the committed manifests.
    fn members(&self, root: &Utf8Path) -> Result<Vec<FmtMember>> {
        let mut command = self.runner.cargo();
        command.args([
            "metadata",
            "--no-deps",
            "--offline",
            "--format-version",
            "1",
        ]);
        command.args(["--manifest-path", root.join("Cargo.toml").as_str()]);
        let output = process::output(&mut command)?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            return Err(usage!(
                "cargo cannot load the staged manifests of this workspace\n{}",
                self.as_in_work_tree(said.trim_end())
            ));
        }
        let metadata: Metadata =
            serde_json::from_slice(&output.stdout).context("cannot read the output of cargo")?;
        let relative = |path: &Utf8Path| path.strip_prefix(&self.top).unwrap_or(path).to_owned();
        let members = metadata.packages.into_iter().map(|package| FmtMember {
            directory: relative(package.manifest_path.parent().unwrap_or(&self.top)),
            targets: package
                .targets
                .iter()
                .map(|it| (relative(&it.src_path), it.edition.to_string()))
                .collect(),
        });
        Ok(members.collect())
    }

    /// Returns true if a member may compile files from outside its directory.
    fn reaches_out(&self, member: &FmtMember, links: &BTreeSet<&Utf8Path>) -> bool {
        let is_inside = |path: &Utf8Path| path.starts_with(&member.directory);
        let leads_out = |text: String| {
            path_attributes(&text)
                .iter()
                .any(|it| it.contains("..") || it.starts_with('/'))
        };
        member.targets.iter().any(|(path, _)| !is_inside(path))
            || links.iter().any(|path| is_inside(path))
            || self
                .export
                .entries()
                .iter()
                .filter(|entry| is_inside(&entry.path))
                .filter_map(|entry| self.source(entry))
                .any(leads_out)
    }

    /// Replaces the paths of the copy in a text by the paths that the user knows.
    fn as_in_work_tree(&self, text: &str) -> String {
        let separator = std::path::MAIN_SEPARATOR;
        let text = text.replace(&format!("{}{separator}", self.top), "");
        text.replace(self.top.as_str(), self.scene.here.top.as_str())
    }
}

/// Returns the advice to run `cargo fmt`, if the output of rustfmt contains a difference. The
/// advice is empty otherwise: `cargo fmt` cannot fix an error such as a file that does not parse.
fn advice(output: &str) -> &'static str {
    match output.lines().any(|line| line.starts_with("Diff in ")) {
        true => "`cargo fmt`, then `git add` what it changed\n",
        false => "",
    }
}

#[test]
fn cargo_fmt_is_advised_only_if_it_helps() {
    let added = "`cargo fmt`, then `git add` what it changed\n";
    assert_eq!(advice("Diff in src/lib.rs:1:\n-  x\n"), added);
    assert_eq!(
        advice("error: this file contains an unclosed delimiter\n"),
        ""
    );
}

/// Returns true if `cargo fmt` could open a file.
fn is_wanted(entry: &TreeEntry) -> bool {
    const NAMES: [&str; 5] = [
        "Cargo.toml",
        "rustfmt.toml",
        ".rustfmt.toml",
        "rust-toolchain",
        "rust-toolchain.toml",
    ];
    let path = &entry.path;
    entry.kind == EntryKind::Link
        || path.extension() == Some("rs")
        || path.file_name().is_some_and(|it| NAMES.contains(&it))
        || path
            .parent()
            .is_some_and(|it| it.file_name() == Some(".cargo"))
}

/// Returns the place of an absolute path in the copy. Example: `/home/u/x` becomes `COPY/home/u/x`.
fn in_copy(beside: &Utf8Path, path: &Utf8Path) -> Utf8PathBuf {
    let components = path.components();
    let normal = components.filter(|it| matches!(it, camino::Utf8Component::Normal(_)));
    normal.fold(beside.to_owned(), |copy, it| copy.join(it.as_str()))
}

/// Links a file or directory at a new place, if the file exists and the new place is free.
fn link(existing: &Utf8Path, at: &Utf8Path) -> Result<()> {
    if !existing.exists() || at.symlink_metadata().is_ok() {
        return Ok(());
    }
    let above = at.parent().unwrap_or(at);
    fs::create_dir_all(above).with_context(|| format!("cannot create {}", quote::name(above)))?;
    #[cfg(unix)]
    let linked = std::os::unix::fs::symlink(existing, at);
    #[cfg(windows)]
    let linked = match existing.is_dir() {
        true => std::os::windows::fs::symlink_dir(existing, at),
        false => fs::copy(existing, at).map(drop),
    };
    linked.with_context(|| {
        format!(
            "cannot link {} at {}",
            quote::name(existing),
            quote::name(at)
        )
    })
}

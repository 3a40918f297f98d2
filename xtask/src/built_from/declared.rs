//! The inputs of each unit: inputs that cargo compares, and inputs that cargo does not track,
//! although their change makes a build in a fresh clone differ.

use std::collections::{BTreeSet, HashMap, HashSet};

use camino::{Utf8Component, Utf8Path, Utf8PathBuf};
use xtask_impact::build_dir::dep_info::{DepInfo, Local, RecordedPath, first_rule, parse_cargo};
use xtask_impact::build_dir::unit_record::RecordedMode;
use xtask_impact::cargo_config::cargo_home;
use xtask_impact::files;
use xtask_impact::paths::resolved;
use xtask_impact::workspace::{Package, Workspace};

use super::config::FreshnessConfig;
use super::inputs::UnitInput;
use super::macros::MacroReach;
use super::script;
use super::units::{DiskUnit, DiskUnits};

/// Finds the inputs of units.
pub(crate) struct InputFinder<'a> {
    workspace: &'a Workspace,
    units: &'a DiskUnits,
    config: &'a FreshnessConfig,
    /// The directories of the packages, by name.
    roots: HashMap<&'a str, Vec<&'a Utf8Path>>,
    /// The directories of downloaded packages, whose files cargo treats as constant.
    downloaded: Vec<Utf8PathBuf>,
    /// The names of vendored packages, whose files cargo treats as constant, although the
    /// repository has them.
    vendored: BTreeSet<&'a str>,
    /// The commit that is checked out.
    head: Option<&'a str>,
}

impl<'a> InputFinder<'a> {
    /// Returns a finder for the units of a build directory. `head` is the commit that is checked
    /// out.
    pub(crate) fn new(
        workspace: &'a Workspace,
        units: &'a DiskUnits,
        config: &'a FreshnessConfig,
        head: Option<&'a str>,
    ) -> Self {
        let mut roots: HashMap<&str, Vec<&Utf8Path>> = HashMap::new();
        for package in &workspace.packages {
            roots
                .entry(&package.name)
                .or_default()
                .push(package.directory());
        }
        let home = cargo_home().into_iter();
        let downloaded = home.flat_map(|home| ["registry", "git"].map(|name| home.join(name)));
        let downloaded: Vec<_> = downloaded.flat_map(|it| [resolved(&it), it]).collect();
        let is_vendored = |it: &&Package| {
            let directory = it.directory();
            it.source.is_some() && !downloaded.iter().any(|home| directory.starts_with(home))
        };
        let vendored = workspace.packages.iter().filter(is_vendored);
        Self {
            vendored: vendored.map(|it| it.name.as_str()).collect(),
            workspace,
            units,
            config,
            roots,
            downloaded,
            head,
        }
    }

    /// Returns the inputs that cargo compares.
    ///
    /// # Errors
    /// Returns the reason if the inputs cannot be known.
    pub(crate) fn tracked(&self, unit: &DiskUnit) -> Result<Vec<UnitInput>, String> {
        let mut inputs = BTreeSet::new();
        if unit.record.is_none() {
            return Err("its record is not readable".to_owned());
        }
        for script in self.units.scripts(unit) {
            self.check_sources(script)?;
        }
        for local in unit.local() {
            match local {
                Local::CheckDepInfo {
                    by_content: true, ..
                } => {}
                Local::CheckDepInfo { dep_info, .. } => {
                    self.check_place(unit, dep_info)?;
                    self.check_sources(unit)?;
                    for path in self
                        .dep_info(unit)
                        .ok_or("its dep-info is not readable")?
                        .files
                    {
                        let path = match path {
                            RecordedPath::Package(path) => self.root(unit)?.join(path),
                            RecordedPath::Build(path) => self.units.build_directory.join(path),
                        };
                        inputs.extend(self.watched(path));
                    }
                }
                Local::RerunIfChanged { output, paths } => {
                    self.check_place(unit, output)?;
                    for path in paths {
                        let path = match path.is_absolute() {
                            true => path.clone(),
                            false if self.is_downloaded(unit) => continue,
                            false => self.root(unit)?.join(path),
                        };
                        inputs.extend(self.watched(path));
                    }
                }
                Local::Precalculated(_) if unit.watches_package() => {
                    inputs.insert(UnitInput::Package(resolved(self.root(unit)?)));
                }
                Local::Precalculated(_) | Local::RerunIfEnvChanged { .. } => {}
            }
        }
        Ok(inputs.into_iter().collect())
    }

    /// Returns the inputs that cargo does not compare.
    pub(crate) fn untracked(&self, at: usize, reach: MacroReach) -> Vec<UnitInput> {
        let unit = &self.units.units[at];
        let mut inputs = BTreeSet::new();
        let Some(root) = self.local_root(unit) else {
            return Vec::new();
        };
        let configured = self.config.inputs.iter();
        let configured = configured.map(|it| self.workspace.root.join(it));
        inputs.extend(configured.map(UnitInput::Untracked));
        match unit.name.mode {
            RecordedMode::Run => {
                inputs.insert(UnitInput::Ignored(resolved(root)));
                inputs.insert(UnitInput::Environment);
                if script::knows_git(self, at) {
                    inputs.insert(UnitInput::Git);
                }
                if unit.declares_no_file() {
                    inputs.insert(UnitInput::Package(resolved(root)));
                }
                let read = script::read_paths(self, unit, &self.workspace.root, root);
                inputs.extend(read.into_iter().map(UnitInput::Untracked));
                let linked = script::linked_paths(self.units, unit, &self.workspace.root, root);
                inputs.extend(linked.into_iter().map(UnitInput::Untracked));
                inputs.extend(self.vendored_files(unit));
            }
            RecordedMode::Doc => {}
            RecordedMode::Compile | RecordedMode::Test => {
                inputs.extend(self.of_rustc(unit));
                inputs.extend(self.of_macros(unit, root, reach));
                inputs.extend(self.of_flags(unit, root));
            }
        }
        inputs.into_iter().collect()
    }

    /// Returns the files of rustc's dep-info that cargo's own dep-info does not show: the sources of
    /// vendored packages, and files behind symbolic links, under the names that rustc used. Cargo
    /// has the names without links, and does not notice that a link leads elsewhere now.
    fn of_rustc(&self, unit: &DiskUnit) -> Vec<UnitInput> {
        let Some(named) = self.rustc_sources(unit) else {
            return self.vendored_files(unit);
        };
        let is_vendored = self.vendored.contains(unit.package.as_str());
        let is_other = |it: &Utf8PathBuf| {
            let is_plain = it.components().all(|it| it != Utf8Component::ParentDir);
            let is_built = it.starts_with(&self.units.build_directory);
            let is_known = !is_vendored && is_plain && resolved(it) == *it;
            !(is_built || is_known || self.is_in_downloads(it))
        };
        let others = named.into_iter().filter(is_other);
        others.map(UnitInput::Untracked).collect()
    }

    /// Returns the directories of vendored packages that have the name of the unit's package.
    fn vendored_files(&self, unit: &DiskUnit) -> Vec<UnitInput> {
        let is_vendored = self.vendored.contains(unit.package.as_str());
        let roots = self.roots.get(unit.package.as_str()).into_iter().flatten();
        let roots = roots.filter(|_| is_vendored);
        roots.map(|it| UnitInput::Untracked(resolved(it))).collect()
    }

    /// Returns the files that procedural macros may read, and the files that assembly may include.
    fn of_macros(&self, unit: &DiskUnit, root: &Utf8Path, reach: MacroReach) -> Vec<UnitInput> {
        let mut inputs = Vec::new();
        let sources = self.sources(unit);
        if sources.iter().any(|it| it.contains(".incbin")) {
            inputs.push(UnitInput::Package(resolved(root)));
        }
        if reach.package {
            inputs.push(UnitInput::Package(resolved(root)));
            inputs.push(UnitInput::Environment);
        }
        let leaves = |text: &str| text.contains("\"..") || text.contains("/..");
        if reach.work_tree || reach.package && sources.iter().any(|it| leaves(it)) {
            inputs.push(UnitInput::WorkTree);
        }
        if reach.git {
            inputs.push(UnitInput::Git);
        }
        inputs
    }

    /// Returns the files that flags and Clippy's settings name.
    fn of_flags(&self, unit: &DiskUnit, root: &Utf8Path) -> Vec<UnitInput> {
        let flags = unit.record.iter().flat_map(|(_, it)| &it.rustflags);
        let named = flags.flat_map(|it| script::paths_in(it, &[&self.workspace.root, root]));
        let inside = named.filter(|it| it.starts_with(&self.workspace.root));
        let mut inputs: Vec<_> = inside.map(UnitInput::Untracked).collect();
        let is_clippys = |it: &DepInfo<_>| it.env.iter().any(|(name, _)| name == "CLIPPY_ARGS");
        if self.dep_info(unit).as_ref().is_some_and(is_clippys) {
            let names = |directory: &Utf8Path| {
                ["clippy.toml", ".clippy.toml"].map(|name| directory.join(name))
            };
            let settings = root.ancestors().flat_map(names);
            inputs.extend(settings.map(UnitInput::Untracked));
        }
        inputs
    }

    /// Returns the texts of the sources that a compiled unit read, without generated sources.
    pub(crate) fn sources(&self, unit: &DiskUnit) -> Vec<String> {
        let found = self.dep_info(unit).into_iter().flat_map(|it| it.files);
        let paths = found.filter_map(|path| match path {
            RecordedPath::Package(path) => Some(self.root(unit).ok()?.join(path)),
            RecordedPath::Build(path) => path.is_absolute().then_some(path),
        });
        let sources = paths.filter(|it| it.extension() == Some("rs"));
        sources
            .filter_map(|it| files::read_text(it, files::SOURCE).ok())
            .collect()
    }

    /// Returns the units of the build directory.
    pub(crate) fn units(&self) -> &DiskUnits {
        self.units
    }

    /// Returns the commit that is checked out.
    pub(crate) fn head(&self) -> Option<&str> {
        self.head
    }

    /// Returns the directory of the unit's package if the package's files can change: a path
    /// package or a vendored package.
    pub(crate) fn local_root(&self, unit: &DiskUnit) -> Option<&'a Utf8Path> {
        let roots = self.roots.get(unit.package.as_str())?;
        roots.iter().find(|it| !self.is_in_downloads(it)).copied()
    }

    /// Returns the directory of the unit's package.
    fn root(&self, unit: &DiskUnit) -> Result<&'a Utf8Path, String> {
        match self.roots.get(unit.package.as_str()).map(Vec::as_slice) {
            Some(&[root]) => Ok(root),
            None => Err("its package is no longer in the workspace".to_owned()),
            Some(_) => Err(format!("several packages have the name {}", unit.package)),
        }
    }

    /// Returns true if all packages of the unit's name are downloaded.
    fn is_downloaded(&self, unit: &DiskUnit) -> bool {
        let roots = self.roots.get(unit.package.as_str());
        roots.is_some_and(|it| it.iter().all(|it| self.is_in_downloads(it)))
    }

    fn is_in_downloads(&self, path: &Utf8Path) -> bool {
        self.downloaded.iter().any(|it| path.starts_with(it))
    }

    /// Returns a watched path; `None` if cargo treats the path as constant.
    fn watched(&self, path: Utf8PathBuf) -> Option<UnitInput> {
        if self.is_in_downloads(&path) {
            return None;
        }
        Some(match path.iter().any(|it| it == ".git") {
            true => UnitInput::WatchedGit(path),
            false => UnitInput::Watched(path),
        })
    }

    /// Refuses a record that is relative to another build directory: one target directory can lie
    /// inside another.
    fn check_place(&self, unit: &DiskUnit, recorded: &Utf8Path) -> Result<(), String> {
        let recorded = self.units.build_directory.join(recorded);
        match unit.files.reference.as_ref() == Some(&recorded) {
            true => Ok(()),
            false => Err("its record belongs to another build directory".to_owned()),
        }
    }

    /// Refuses a unit that was compiled from other files than those of the package with its name.
    /// Several workspaces can build in one directory.
    fn check_sources(&self, unit: &DiskUnit) -> Result<(), String> {
        let found = self.dep_info(unit).into_iter().flat_map(|it| it.files);
        let own = found.filter_map(|path| match path {
            RecordedPath::Package(path) => Some(self.root(unit).ok()?.join(path)),
            RecordedPath::Build(_) => None,
        });
        let own: HashSet<Utf8PathBuf> = own.collect();
        let Some(named) = self.rustc_sources(unit).filter(|_| !own.is_empty()) else {
            return Ok(());
        };
        let real: HashSet<Utf8PathBuf> = own.iter().map(|it| resolved(it)).collect();
        let is_own = |it: &Utf8PathBuf| own.contains(it) || real.contains(&resolved(it));
        match named.iter().any(is_own) {
            true => Ok(()),
            false => Err("it was compiled from a package of another workspace".to_owned()),
        }
    }

    /// Returns the sources in rustc's dep-info, under the names that rustc used.
    fn rustc_sources(&self, unit: &DiskUnit) -> Option<Vec<Utf8PathBuf>> {
        let place = &self.units.places[unit.place];
        let file = place.find_dep_info(&unit.package, &unit.hash, &unit.name, true)?;
        let text = files::read_text(file, files::RECORD).ok()?;
        let named = first_rule(&text).into_iter();
        Some(named.map(|it| self.workspace.root.join(it)).collect())
    }

    /// Returns the files and variables in cargo's dep-info of a compiled unit.
    pub(crate) fn dep_info(&self, unit: &DiskUnit) -> Option<DepInfo<RecordedPath>> {
        let reference = unit.files.reference.as_ref()?;
        parse_cargo(&files::read(reference, files::RECORD).ok()?)
    }
}

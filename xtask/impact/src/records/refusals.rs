//! Explains for `-v` which records an answer may use, and why the other records are refused.
//!
//! Architecture invariant: this module decides nothing. [`Records::is_current`] decides, and this
//! module looks for the reason.

use camino::Utf8PathBuf;

use super::record::newest_in;
use super::{Record, RecordedInputs, Records, modified};
use crate::build_dir::unit_inputs::Watch;
use crate::quote;
use crate::unit_graph::{Link, Mode, UnitIx, unit_name};

impl Records<'_> {
    /// Logs how many units have a current record. Logs the first refused record with `-v`, and each
    /// refused record with `-vv`.
    pub fn log_use(&self) {
        if !log::log_enabled!(log::Level::Info) {
            return;
        }
        let graph = self.context.graph;
        let mut refused = Vec::new();
        let mut used = 0;
        for (unit, node) in graph.units() {
            let has_records = node.is_compiled() || node.mode == Mode::RunCustomBuild;
            if !has_records || !self.has_all_of(unit) {
                continue;
            }
            match self.refusal(unit) {
                None => used += 1,
                Some(why) => refused.push(format!("{}: {why}", self.name(unit))),
            }
        }
        for refusal in &refused {
            log::debug!("record refused: {refusal}");
        }
        match refused.first() {
            Some(first) => log::info!(
                "records: {used} units used, {} refused, for example {first}",
                refused.len()
            ),
            None => log::info!("records: {used} units used, none refused"),
        }
    }

    /// Returns the reason why the records of a unit are not current; `None` if they are.
    pub fn refusal(&self, unit: UnitIx) -> Option<String> {
        if self.is_current(unit) {
            return None;
        }
        if !self.is_settled_alone(unit, true) {
            return Some(self.refusal_alone(unit));
        }
        let mut below = self.context.graph.dependencies(unit);
        let refused = below.find(|&(on, link)| link == Link::Rebuilds && !self.is_current(on));
        let name = refused.map(|(on, _)| self.name(on)).unwrap_or_default();
        Some(format!("the record of its dependency {name} is refused"))
    }

    fn refusal_alone(&self, unit: UnitIx) -> String {
        let changed = self.context.changed;
        let records = self.of(unit);
        let fitting = || records.iter().filter(|it| it.fits);
        if records.is_empty() {
            return "there is no record".to_owned();
        }
        if !records.iter().any(|it| it.is_here) {
            return "it was built with another profile or toolchain only".to_owned();
        }
        let Some(last) = fitting().max_by_key(|it| it.invoked()) else {
            return "it was built with other features only".to_owned();
        };
        if !fitting().any(|it| it.is_current(changed)) {
            return self.doubt(last);
        }
        let Some(started) = self.started(unit) else {
            return "a variant with other features has no current record".to_owned();
        };
        let workspace = self.context.workspace;
        let package = workspace.package(self.context.graph.unit(unit).package);
        let manifest = &package.manifest_path;
        let manifest = (!changed.contains(manifest)).then(|| manifest.clone());
        let mut settings = self.settings_files().chain(manifest);
        match settings.find(|file| modified(file) > Some(started)) {
            Some(file) => format!("{} is newer than the build", quote::name(&file)),
            None => "its settings are newer than the build".to_owned(),
        }
    }

    /// Returns the reason why a record does not say what its unit reads now.
    fn doubt(&self, record: &Record<'_>) -> String {
        let changed = self.context.changed;
        let Some(started) = record.invoked() else {
            return "the record has no time".to_owned();
        };
        let newer =
            |path: &str| format!("{} is newer than the build, or missing", quote::name(path));
        match record.inputs {
            RecordedInputs::Compiled { files, .. } => {
                let mut files = files.iter().filter(|file| !changed.contains(file));
                let is_newer = |file: &&Utf8PathBuf| modified(file).is_none_or(|at| at > started);
                files.find(is_newer).map(|file| newer(file.as_str()))
            }
            RecordedInputs::Run(Watch::Declared(paths, variables)) => {
                let mut paths = paths.iter().filter(|path| !changed.contains(path));
                let is_newer =
                    |path: &&Utf8PathBuf| newest_in(path, changed).is_none_or(|at| at > started);
                let path = paths.find(is_newer).map(|path| newer(path.as_str()));
                path.or_else(|| {
                    let mut variables = variables.iter();
                    let (name, _) =
                        variables.find(|(name, value)| std::env::var(name).ok() != *value)?;
                    let name = quote::name(name);
                    Some(format!("the variable {name} has another value now"))
                })
            }
            RecordedInputs::Run(_) => None,
        }
        .unwrap_or_else(|| "the record does not say what the unit reads".to_owned())
    }

    fn name(&self, unit: UnitIx) -> String {
        let node = self.context.graph.unit(unit);
        quote::line(&unit_name(self.context.workspace, node)).into_owned()
    }
}

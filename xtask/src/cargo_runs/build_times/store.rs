//! The store of recorded runs: one file for each run, in the kit's directory below the target
//! directory.

use std::fs;
use std::io::ErrorKind::{NotADirectory, NotFound};

use anyhow::{Context as _, Result, anyhow};
use camino::{Utf8Path, Utf8PathBuf};
use serde::Deserialize;
use xtask_impact::private_dir::write_whole;
use xtask_impact::{files, quote, state, usage};

use super::seal;
use crate::cargo_runs::build_times::select::Series;
use crate::cargo_runs::build_times::{BuildRecord, Run, select};
use crate::cli::output;
use crate::cli::write_error::cannot;

/// The limits of the history.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Keep {
    /// The maximum number of runs. The newest runs are kept.
    pub runs: usize,
    /// The maximum age of a run in days.
    pub days: u32,
}

impl Default for Keep {
    fn default() -> Self {
        Self {
            runs: 200,
            days: 365,
        }
    }
}

/// The directory of the recorded runs.
pub struct Store {
    directory: Utf8PathBuf,
}

impl Store {
    /// Returns the store of a target directory. The store's directory need not exist yet.
    pub fn of(target_directory: &Utf8Path) -> Self {
        Self {
            directory: state::in_target(target_directory).join("timings"),
        }
    }

    /// Returns the path of the store's directory.
    pub fn directory(&self) -> &Utf8Path {
        &self.directory
    }

    /// Returns all recorded runs, the oldest first. A damaged record is renamed, and the other
    /// records are used.
    ///
    /// # Errors
    /// Returns an error if the directory cannot be listed, if a record's file cannot be read, or if
    /// a damaged record cannot be renamed.
    pub fn history(&self) -> Result<Vec<Series>> {
        let entries = match self.directory.read_dir_utf8() {
            Err(error) if [NotFound, NotADirectory].contains(&error.kind()) => {
                return Ok(Vec::new());
            }
            entries => {
                entries.with_context(|| format!("cannot list {}", quote::name(&self.directory)))?
            }
        };
        let mut paths = Vec::new();
        for entry in entries {
            let entry =
                entry.with_context(|| format!("cannot list {}", quote::name(&self.directory)))?;
            let path = entry.into_path();
            if path.extension() == Some("json") && path.is_file() {
                paths.push(path);
            }
        }
        paths.sort();
        let mut runs = Vec::new();
        for path in paths {
            let text = read(&path)?;
            match seal::opened(&text).and_then(BuildRecord::head) {
                Ok(run) if path.file_stem() == Some(&run.id) => runs.push(run),
                Ok(run) => set_aside(&path, &format!("it holds the run {}", run.id))?,
                Err(error) if error.starts_with("version ") => {
                    output::note(format_args!("{path} is not used: its {error}"));
                }
                Err(error) => set_aside(&path, &error)?,
            }
        }
        Ok(select::series(&runs))
    }

    /// Returns the records of a series that [`Store::history`] returned. A damaged record is
    /// renamed.
    ///
    /// # Errors
    /// Returns an error if no record of the series can be read.
    pub fn records(&self, series: &Series) -> Result<Vec<BuildRecord>> {
        let mut records = Vec::new();
        for run in series {
            let path = self.path(run);
            match seal::opened(&read(&path)?).and_then(BuildRecord::read) {
                Ok(record) => records.push(record),
                Err(error) => set_aside(&path, &error)?,
            }
        }
        match records.is_empty() {
            true => Err(anyhow!(
                "the record of the run {} is not readable",
                series[0].id
            )),
            false => Ok(records),
        }
    }

    /// Returns the records that a specification names: records of recorded runs, or records in a
    /// file.
    ///
    /// # Errors
    /// Returns an error if the specification names no series or several series, or if the records
    /// cannot be read.
    pub fn find(&self, history: &[Series], spec: &str) -> Result<Vec<BuildRecord>> {
        let path = Utf8Path::new(spec);
        if path.extension() == Some("json") || path.components().count() > 1 && path.is_file() {
            let text = files::read_text(path, files::LARGE)
                .map_err(|error| usage!("cannot read the record {}: {error}", quote::name(path)))?;
            let records = seal::opened(&text).and_then(records_in);
            return records.map_err(|error| {
                usage!(
                    "{} is not a record of `timings` ({error})\nhint: import other files with \
                     `timings import`",
                    quote::name(path)
                )
            });
        }
        let series = select::find(history, spec).map_err(|error| usage!("{error}"))?;
        self.records(series)
    }

    /// Writes a record, and replaces an older record of the same run.
    ///
    /// # Errors
    /// Returns an error if the record cannot be written.
    pub fn save(&self, record: &BuildRecord) -> Result<()> {
        state::create(&self.directory).map_err(|error| cannot("create", &self.directory, error))?;
        let path = self.path(&record.run);
        let text = serde_json::to_string(record).context("cannot write JSON")? + "\n";
        let text = seal::sealed(&text);
        write_whole(&path, text).map_err(|error| cannot("write", &path, error))
    }

    /// Returns true if the run is recorded.
    pub fn has(&self, run: &Run) -> bool {
        self.path(run).is_file()
    }

    /// Writes the page of the newest report, and returns its path.
    ///
    /// # Errors
    /// Returns an error if the page cannot be written.
    pub fn write_page(&self, page: &str) -> Result<Utf8PathBuf> {
        let path = self.directory.join("report.html");
        write_whole(&path, page).map_err(|error| cannot("write", &path, error))?;
        Ok(path)
    }

    /// Writes the page with the graph of the workspace next to the page of the newest report, and
    /// returns its name.
    ///
    /// # Errors
    /// Returns an error if the page cannot be written.
    pub fn write_graph(&self, page: &str) -> Result<&'static str> {
        const NAME: &str = "graph.html";
        let path = self.directory.join(NAME);
        write_whole(&path, page).map_err(|error| cannot("write", &path, error))?;
        Ok(NAME)
    }

    /// Removes the runs that are beyond the limits, and returns their number. `runs` come oldest
    /// first. Labelled runs are kept.
    ///
    /// # Errors
    /// Returns an error if a file cannot be removed.
    pub fn prune(&self, runs: &[&Run], keep: &Keep, today: i64) -> Result<usize> {
        let mut removed = 0;
        for (newer, run) in runs.iter().rev().enumerate() {
            let is_old = run
                .day()
                .is_some_and(|day| today - day > i64::from(keep.days));
            if (is_old || newer >= keep.runs) && run.label.is_none() {
                let path = self.path(run);
                fs::remove_file(&path)
                    .with_context(|| format!("cannot remove {}", quote::name(&path)))?;
                removed += 1;
            }
        }
        Ok(removed)
    }

    fn path(&self, run: &Run) -> Utf8PathBuf {
        self.directory.join(format!("{}.json", run.id))
    }
}

/// Reads one record per line, or one record that spans several lines.
fn records_in(text: &str) -> Result<Vec<BuildRecord>, String> {
    let lines = text.lines().filter(|line| !line.trim().is_empty());
    match lines.map(BuildRecord::read).collect::<Result<Vec<_>, _>>() {
        Ok(records) if !records.is_empty() => Ok(records),
        _ => BuildRecord::read(text).map(|it| vec![it]),
    }
}

fn read(path: &Utf8Path) -> Result<String> {
    let bytes = files::read(path, files::LARGE)
        .with_context(|| format!("cannot read {}", quote::name(&path)))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Renames a damaged record. A measurement is never deleted because it cannot be read.
fn set_aside(path: &Utf8Path, why: &str) -> Result<()> {
    let mut aside = path.with_extension("damaged");
    for number in 1.. {
        if !aside.exists() {
            break;
        }
        aside = path.with_extension(format!("{number}.damaged"));
    }
    fs::rename(path, &aside).with_context(|| format!("cannot rename {}", quote::name(&path)))?;
    output::warning(format_args!(
        "the record of a run is damaged ({why}); it was renamed to {aside}, and the other records \
         are used"
    ));
    Ok(())
}

//! Kept runs: one file each, in a directory of the kit's own below the target directory.

use std::fs;
use std::io::ErrorKind::{NotADirectory, NotFound};

use anyhow::{Context as _, Result, anyhow};
use cargo_metadata::camino::{Utf8Path, Utf8PathBuf};

use super::seal;
use crate::private_dir::write_whole;
use crate::quote;
use crate::render;
use crate::repo::{files, state};
use crate::timings::budget::Keep;
use crate::timings::select::{self, Series};
use crate::timings::{Record, Run};
use crate::usage;

/// The directory of the kept runs.
pub struct Store {
    directory: Utf8PathBuf,
}

impl Store {
    /// The store of a target directory; it need not be there yet.
    pub fn of(target_directory: &Utf8Path) -> Self {
        Self {
            directory: state::in_target(target_directory).join("timings"),
        }
    }

    /// Where it is.
    pub fn directory(&self) -> &Utf8Path {
        &self.directory
    }

    /// All kept runs, oldest first. A damaged record is set aside, and the rest is used.
    ///
    /// # Errors
    /// Where the directory cannot be listed.
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
            match seal::opened(&text).and_then(Record::head) {
                Ok(run) if path.file_stem() == Some(&run.id) => runs.push(run),
                Ok(run) => set_aside(&path, &format!("it holds the run {}", run.id))?,
                Err(error) if error.starts_with("version ") => {
                    render::note(format_args!("{path} is not used: its {error}"));
                }
                Err(error) => set_aside(&path, &error)?,
            }
        }
        Ok(select::series(&runs))
    }

    /// The records of a series that [`Store::history`] gave.
    ///
    /// # Errors
    /// Where none of them can be read; damaged ones are set aside.
    pub fn records(&self, series: &Series) -> Result<Vec<Record>> {
        let mut records = Vec::new();
        for run in series {
            let path = self.path(run);
            match seal::opened(&read(&path)?).and_then(Record::read) {
                Ok(record) => records.push(record),
                Err(error) => set_aside(&path, &error)?,
            }
        }
        match records.is_empty() {
            true => Err(anyhow!(
                "nothing readable is left of the run {}",
                series[0].id
            )),
            false => Ok(records),
        }
    }

    /// The records that a specification means: of kept runs, or of a file.
    ///
    /// # Errors
    /// Where it means none or several, or they cannot be read.
    pub fn find(&self, history: &[Series], spec: &str) -> Result<Vec<Record>> {
        let path = Utf8Path::new(spec);
        if path.extension() == Some("json") || path.components().count() > 1 && path.is_file() {
            let text = files::read_text(path, files::LARGE)
                .map_err(|error| usage!("cannot read the record {}: {error}", quote::name(path)))?;
            let records = seal::opened(&text).and_then(records_in);
            return records.map_err(|error| {
                usage!(
                    "{} is no record of `timings` ({error}); see `timings import`",
                    quote::name(path)
                )
            });
        }
        let series = select::find(history, spec).map_err(|error| usage!("{error}"))?;
        self.records(series)
    }

    /// Keeps a record, in place of an older one of the same run.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn save(&self, record: &Record) -> Result<()> {
        state::create(&self.directory)
            .with_context(|| format!("cannot create {}", quote::name(&self.directory)))?;
        let path = self.path(&record.run);
        let text = serde_json::to_string(record).context("cannot write JSON")? + "\n";
        let text = seal::sealed(&text);
        write_whole(&path, text).with_context(|| format!("cannot write {}", quote::name(&path)))
    }

    /// Whether the run is kept.
    pub fn has(&self, run: &Run) -> bool {
        self.path(run).is_file()
    }

    /// Writes the page of the newest report, and says where it is.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn write_page(&self, page: &str) -> Result<Utf8PathBuf> {
        let path = self.directory.join("report.html");
        write_whole(&path, page).with_context(|| format!("cannot write {}", quote::name(&path)))?;
        Ok(path)
    }

    /// Removes those of these runs, which come oldest first, that are beyond what is to be kept;
    /// labelled ones stay. How many were removed.
    ///
    /// # Errors
    /// Where one cannot be removed.
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

/// Reads a record a line, or one record in several lines.
fn records_in(text: &str) -> Result<Vec<Record>, String> {
    let lines = text.lines().filter(|line| !line.trim().is_empty());
    match lines.map(Record::read).collect::<Result<Vec<_>, _>>() {
        Ok(records) if !records.is_empty() => Ok(records),
        _ => Record::read(text).map(|it| vec![it]),
    }
}

fn read(path: &Utf8Path) -> Result<String> {
    let bytes = files::read(path, files::LARGE)
        .with_context(|| format!("cannot read {}", quote::name(&path)))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Nothing that was measured is deleted because it cannot be read.
fn set_aside(path: &Utf8Path, why: &str) -> Result<()> {
    let mut aside = path.with_extension("damaged");
    for number in 1.. {
        if !aside.exists() {
            break;
        }
        aside = path.with_extension(format!("{number}.damaged"));
    }
    fs::rename(path, &aside).with_context(|| format!("cannot set {} aside", quote::name(&path)))?;
    render::warning(format_args!(
        "a record of a run is damaged ({why}); it is set aside as {aside}, and the rest is used"
    ));
    Ok(())
}

//! Reads records from files.

use anyhow::{Context as _, Result};
use camino::{Utf8Path, Utf8PathBuf};
use xtask_impact::{files, quote, usage};

use super::MeasureRequest;
use crate::cargo_runs::build_times::readers::import;
use crate::cargo_runs::build_times::readers::import::Imported;
use crate::cargo_runs::build_times::store::Store;
use crate::cargo_runs::build_times::{BuildRecord, Order};
use crate::cli::output;

impl MeasureRequest<'_> {
    /// Reads the records in a file.
    ///
    /// # Errors
    /// Returns the errors of [`MeasureRequest::import`], and an error if the file cannot be read.
    pub fn import_file(&self, file: &Utf8Path) -> Result<Vec<BuildRecord>> {
        let text = files::read_named(file)?;
        let text = String::from_utf8_lossy(&text);
        self.import(&text, file.file_stem().unwrap_or_default(), file.as_str())
    }

    /// Reads the records in a file, stores them, and returns the records of the last run. A run
    /// made with `--repeat` has several records.
    ///
    /// # Errors
    /// Returns the errors of [`MeasureRequest::import_file`], and an error if a record cannot be
    /// written.
    pub fn import_last(&self, file: &Utf8Path, store: &Store) -> Result<Vec<BuildRecord>> {
        let mut records = self.import_file(file)?;
        for record in &records {
            store.save(record)?;
        }
        let series = records.last().map(|record| record.run.series.clone());
        records.retain(|record| Some(&record.run.series) == series.as_ref());
        Ok(records)
    }

    /// Reads records from files, directories of files, and standard input (`-`). An unusable file
    /// in a directory is skipped with a warning.
    ///
    /// # Errors
    /// Returns an error if a file that the user named cannot be used.
    pub fn import_all(&self, named: &[Utf8PathBuf]) -> Result<Vec<BuildRecord>> {
        let mut records = Vec::new();
        for path in named {
            if path == "-" {
                let text = files::read_stream(std::io::stdin().lock(), "standard input")?;
                let text = String::from_utf8_lossy(&text);
                records.extend(self.import(&text, "", "standard input")?);
            } else if path.is_dir() {
                for file in reports_in(path)? {
                    match self.import_file(&file) {
                        Ok(found) => records.extend(found),
                        Err(error) => {
                            output::warning(format_args!("a report is left out: {error}"))
                        }
                    }
                }
            } else {
                records.extend(self.import_file(path)?);
            }
        }
        Ok(records)
    }

    /// Reads records from a text: exported records, a report page of cargo, or a build log of
    /// cargo.
    ///
    /// # Errors
    /// Returns an error if the text contains no record.
    pub fn import(&self, text: &str, name: &str, file: &str) -> Result<Vec<BuildRecord>> {
        let imported = import::read(text, name, &|name, version| {
            self.is_proc_macro(name, version)
        });
        match imported.map_err(|error| usage!("cannot use {}: {error}", quote::name(file)))? {
            Imported::Records(records, damaged) => {
                for damage in damaged {
                    output::warning(format_args!("{}: left out, {damage}", quote::name(file)));
                }
                Ok(records)
            }
            Imported::Build(imported) => {
                let (mut run, mut build) = *imported;
                if build.order != Order::UnitGraph {
                    self.add_unit_order(&mut build);
                    if build.order == Order::UnitGraph {
                        output::note(
                            "the dependencies of units are read from the workspace as it is now",
                        );
                    }
                }
                if run.command.is_empty() {
                    run.command = self.command[0].to_owned();
                    run.arguments = self.arguments.to_vec();
                }
                run.label.clone_from(&self.run.label);
                Ok(vec![self.finish(run, build)?])
            }
        }
    }
}

/// Returns the files of a directory that may contain records, sorted.
fn reports_in(directory: &Utf8Path) -> Result<Vec<Utf8PathBuf>> {
    let entries = directory.read_dir_utf8();
    let entries = entries.with_context(|| format!("cannot list {}", quote::name(&directory)))?;
    let paths = entries.filter_map(|entry| Some(entry.ok()?.into_path()));
    let mut files: Vec<_> = paths
        .filter(|path| matches!(path.extension(), Some("json" | "jsonl" | "html")))
        .filter(|path| path.is_file())
        // The first name is a link to the newest report; the second name is a page that the kit
        // wrote.
        .filter(|path| !matches!(path.file_name(), Some("cargo-timing.html" | "report.html")))
        .collect();
    files.sort();
    Ok(files)
}

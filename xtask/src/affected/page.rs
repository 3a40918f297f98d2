//! The page of `affected`: the graph with the affected part, and the reasons.

use anyhow::Result;
use camino::Utf8PathBuf;
use xtask_impact::query::Answer;

use crate::cli::output;
use crate::picture::{Picture, PictureText};
use crate::selection::report::AffectedReport;

/// The answers of all workspaces, for one page.
#[derive(Debug, Default)]
pub(super) struct AffectedPage {
    picture: Picture,
    headline: Vec<String>,
    notes: Vec<String>,
    roots: Vec<Utf8PathBuf>,
}

impl AffectedPage {
    /// Adds an answer. The report holds the units that are shown as affected.
    pub(super) fn add(&mut self, answer: &Answer, report: &AffectedReport, name: Option<&str>) {
        let units: Vec<_> = report.units.iter().map(|unit| unit.index).collect();
        self.picture.add_change(answer, &units);
        self.headline.push(output::of(name, report.headline()));
        let paths = output::count(report.changes.len(), "changed path");
        self.headline.push(output::of(name, paths));
        let notes = report.notes.iter();
        self.notes.extend(notes.map(|note| output::of(name, note)));
        self.roots.push(answer.workspace.root.clone());
    }

    /// Renders the page.
    pub(super) fn render(&self) -> Result<String> {
        let roots = self.roots.iter().map(|root| root.as_path());
        let headline = self.headline.clone();
        let mut text = PictureText::of_change(&self.picture, roots, headline);
        text.notes.clone_from(&self.notes);
        self.picture.page(&text)
    }
}

//! Functions that the command line tools share.
//!
//! `rail` plans journeys and looks up stations, `rail-board` shows a departure board, and
//! `rail-check` checks a timetable before it is put into use.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use stations::Station;
use timetable::{Timetable, Weekday};

pub mod about;
pub mod itinerary;

const SAMPLE: &str = include_str!("../../timetable-csv/samples/weekday.csv");

/// The timetable in the file, or the one that the tools are built with.
pub fn load(file: Option<&Path>) -> Result<Timetable> {
    match file {
        None => timetable_csv::read(SAMPLE),
        Some(file) => {
            let name = || file.display().to_string();
            timetable_csv::read(&fs::read_to_string(file).with_context(name)?).with_context(name)
        }
    }
}

/// The station that a user means: by its code or its name, or the one that is spelt most alike.
pub fn station(text: &str) -> Result<&'static Station> {
    let by_code = text
        .to_ascii_uppercase()
        .parse()
        .ok()
        .and_then(stations::find);
    by_code
        .or_else(|| stations::by_name(text))
        .or_else(|| stations::suggest(text))
        .with_context(|| format!("there is no station like `{text}`"))
}

/// The day of the week whose name starts with `text`, which is long enough to be only one.
pub fn weekday(text: &str) -> Result<Weekday> {
    let text = text.to_ascii_lowercase();
    let mut days = Weekday::ALL
        .iter()
        .filter(|day| day.label().starts_with(&text));
    match (days.next(), days.next()) {
        (Some(day), None) => Ok(*day),
        (Some(_), Some(_)) => anyhow::bail!("`{text}` can be more than one day"),
        (None, _) => anyhow::bail!("`{text}` is not a day of the week"),
    }
}

//! Guesses at misspelt names.

use crate::{Station, all};

/// How alike two names must be, where 1 is the same.
const ALIKE: f64 = 0.8;

/// The station whose name is most like `text`, if any is.
pub fn suggest(text: &str) -> Option<&'static Station> {
    let likeness = |station: &Station| {
        strsim::jaro_winkler(&station.name().to_lowercase(), &text.to_lowercase())
    };
    all()
        .iter()
        .map(|station| (likeness(station), station))
        .filter(|(likeness, _)| *likeness >= ALIKE)
        .max_by(|(a, _), (b, _)| a.total_cmp(b))
        .map(|(_, station)| station)
}

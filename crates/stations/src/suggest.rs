//! Guesses at misspelt names.

use crate::{Station, all};

/// The similarity that two names must have; 1 means equal.
const ALIKE: f64 = 0.8;

/// Returns the station with the name most similar to `text`, if one is similar enough.
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

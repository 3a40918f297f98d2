//! Journeys as text and as JSON.

use std::fmt::Write;

use journeys::{Journey, Means};
use stations::Code;

fn name(code: Code) -> &'static str {
    stations::find(code).map_or("?", |station| station.name())
}

fn means(by: Means) -> String {
    match by {
        Means::Walk => "on foot".to_owned(),
        Means::Ride(trip, line) => format!("{} {trip} ({})", line.code(), line.kind().label()),
    }
}

/// The price for passengers, if the tools are built to know prices.
fn price(journey: &Journey) -> Option<String> {
    #[cfg(feature = "fares")]
    return fares::price(journey).map(|price| price.to_string());
    #[cfg(not(feature = "fares"))]
    return journey.legs.first().and(None);
}

/// The journey as text, a leg in each line.
pub fn text(journey: &Journey) -> String {
    let mut text = String::new();
    for leg in &journey.legs {
        let (depart, arrive) = (leg.depart.on_the_clock(), leg.arrive.on_the_clock());
        let (from, to) = (name(leg.from), name(leg.to));
        writeln!(
            text,
            "{depart} {from:<16} {arrive} {to:<16} {}",
            means(leg.by)
        )
        .expect("a string takes any text");
    }
    let (duration, changes) = (journey.duration(), journey.changes());
    write!(text, "{duration}, changes: {changes}").expect("a string takes any text");
    if let Some(price) = price(journey) {
        write!(text, ", {price}").expect("a string takes any text");
    }
    text
}

/// The journey as JSON.
#[cfg(feature = "json")]
pub fn json(journey: &Journey) -> String {
    let legs = journey.legs.iter().map(|leg| {
        serde_json::json!({
            "by": means(leg.by),
            "from": leg.from.to_string(),
            "depart": leg.depart.to_string(),
            "to": leg.to.to_string(),
            "arrive": leg.arrive.to_string(),
        })
    });
    let legs = Vec::from_iter(legs);
    serde_json::json!({ "legs": legs, "price": price(journey) }).to_string()
}

//! The feed of delays, which is JSON.

use anyhow::{Context, Result};
use daytime::Span;
use serde::Deserialize;

use crate::{Cause, Delays, Report};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    trip: u32,
    #[serde(default)]
    cancelled: bool,
    station: Option<String>,
    #[serde(default)]
    late: Span,
    cause: Option<String>,
}

impl Delays {
    /// Reads a feed: a list of trips that are cancelled, or late at a station.
    pub fn from_json(text: &str) -> Result<Self> {
        let entries: Vec<Entry> = serde_json::from_str(text).context("the feed is not valid")?;
        let mut delays = Self::new();
        for entry in entries {
            let trip = entry.trip;
            if entry.cancelled {
                delays.cancel(trip);
                continue;
            }
            let station = entry
                .station
                .with_context(|| format!("trip {trip} has no station"))?;
            let cause = entry.cause.as_deref().map(cause).transpose()?;
            delays.report(Report {
                trip,
                station: station.parse()?,
                late: entry.late,
                cause,
            });
        }
        Ok(delays)
    }
}

fn cause(label: &str) -> Result<Cause> {
    let found = Cause::ALL.iter().find(|cause| cause.label() == label);
    found
        .copied()
        .with_context(|| format!("`{label}` is not a cause of delays"))
}

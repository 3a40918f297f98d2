//! Timetables as comma-separated text. The README describes the form.

use anyhow::{Context, Result};
use daytime::{Daytime, Span};
use timetable::{Call, Timetable, Trip};

/// Reads a timetable.
pub fn read(text: &str) -> Result<Timetable> {
    let mut trips = Vec::new();
    for row in tables::rows(text, 4)? {
        let trip = read_trip(row.cells()).with_context(|| format!("line {}", row.line()))?;
        trips.push(trip);
    }
    Ok(Timetable::new(trips)?)
}

fn read_trip(cells: &[&str]) -> Result<Trip> {
    let [number, line, days, calls] = cells else {
        unreachable!("rows have 4 cells")
    };
    let number = number
        .parse()
        .with_context(|| format!("`{number}` is not a trip's number"))?;
    let line = network::line(line).with_context(|| format!("there is no line `{line}`"))?;
    let calls: Result<_> = calls.split_whitespace().map(read_call).collect();
    Ok(Trip::new(number, line, days.parse()?, calls?))
}

fn read_call(text: &str) -> Result<Call> {
    let (station, times) = text
        .split_once('@')
        .with_context(|| format!("no time in `{text}`"))?;
    let (arrive, dwell) = times.split_once('+').unwrap_or((times, "0"));
    let arrive: Daytime = arrive.parse()?;
    let dwell = dwell
        .parse()
        .with_context(|| format!("`{dwell}` is not a number of minutes"))?;
    let station = station.parse()?;
    stations::find(station).with_context(|| format!("there is no station {station}"))?;
    Ok(Call {
        station,
        arrive,
        depart: arrive + Span::minutes(dwell),
    })
}

/// Writes a timetable so that [`read`] gives the same one again.
pub fn write(timetable: &Timetable) -> String {
    timetable
        .trips()
        .iter()
        .map(|trip| write_trip(trip) + "\n")
        .collect()
}

fn write_trip(trip: &Trip) -> String {
    let calls: Vec<_> = trip.calls().iter().map(write_call).collect();
    format!(
        "{}, {}, {}, {}",
        trip.number(),
        trip.line().code(),
        trip.days(),
        calls.join(" ")
    )
}

fn write_call(call: &Call) -> String {
    match call.dwell() {
        Span::ZERO => format!("{}@{}", call.station, call.arrive),
        dwell => format!("{}@{}+{}", call.station, call.arrive, dwell.as_minutes()),
    }
}

//! Departure boards.

use std::fmt::Write;

use daytime::{Daytime, Span};
use delays::Delays;
use screen::{Screen, Style};
use stations::Code;
use timetable::{Timetable, Weekday};

#[path = "../../embedded-signs/shared/glyphs.rs"]
pub mod glyphs;
pub mod messages;

/// The departures from a station.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Board {
    station: Code,
    now: Daytime,
    rows: Vec<Row>,
}

/// A departure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The planned time of departure.
    pub planned: Daytime,
    /// The expected delay; `None` if the train does not run.
    pub late: Option<Span>,
    /// The code of the line.
    pub line: &'static str,
    /// The name of the station where the train ends.
    pub destination: &'static str,
    /// The cause of the delay, if the train is late and the cause is known.
    pub cause: Option<&'static str>,
}

impl Board {
    /// Returns the next departures from `station`, at most `count` of them. A late train counts
    /// until it has left.
    pub fn new(
        timetable: &Timetable,
        delays: &Delays,
        (station, day, now): (Code, Weekday, Daytime),
        count: usize,
    ) -> Self {
        let midnight = Daytime::new(0, 0).expect("the day starts at midnight");
        let all = timetable.departures(station, day, midnight);
        let rows = all.into_iter().filter_map(|(trip, call)| {
            let expected = delays.expected(trip, call);
            let destination = stations::find(trip.destination()?)?;
            (expected.unwrap_or(call.depart) >= now).then(|| Row {
                planned: call.depart,
                late: expected.and_then(|expected| expected.since(call.depart)),
                line: trip.line().code(),
                destination: destination.name(),
                cause: delays.cause(trip.number()).map(|cause| cause.label()),
            })
        });
        Self {
            station,
            now,
            rows: rows.take(count).collect(),
        }
    }

    /// The departures in the order in which they are planned.
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// The board as text.
    pub fn render(&self, screen: Screen) -> String {
        let name = stations::find(self.station).map_or("?", |station| station.name());
        let head = format!("{name:<32}{}", self.now.on_the_clock());
        let mut text = screen.paint(Style::Heading, &head) + "\n";
        for row in &self.rows {
            let (style, remark) = row.remark();
            let (time, line, remark) = (
                row.planned.on_the_clock(),
                row.line,
                screen.paint(style, &remark),
            );
            writeln!(text, "{time}  {line:<6} {:<16} {remark}", row.destination)
                .expect("a string takes any text");
        }
        if self.rows.is_empty() {
            text.push_str(messages::NO_TRAINS);
            text.push('\n');
        }
        text
    }
}

impl Row {
    fn remark(&self) -> (Style, String) {
        match (self.late, self.cause) {
            (None, _) => (Style::Bad, messages::CANCELLED.to_owned()),
            (Some(Span::ZERO), _) => (Style::Good, messages::ON_TIME.to_owned()),
            (Some(late), None) => (Style::Warning, format!("{} {late}", messages::DELAYED)),
            (Some(late), Some(cause)) => (
                Style::Warning,
                format!("{} {late}, {cause}", messages::DELAYED),
            ),
        }
    }
}

/// The time in large digits, as signs show it.
pub fn large_clock(now: Daytime) -> String {
    glyphs::lines(&now.on_the_clock(), '█').join("\n")
}

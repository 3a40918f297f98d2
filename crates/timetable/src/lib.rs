//! Trips, their calls at stations, and the days on which they run.

use daytime::Daytime;
use stations::Code;

mod days;
mod fault;
mod trip;

pub use days::{Days, DaysError, Weekday};
pub use fault::Fault;
pub use trip::{Call, Trip};

/// A timetable without faults.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Timetable {
    trips: Vec<Trip>,
}

impl Timetable {
    /// The timetable of these trips, or the first fault in them.
    pub fn new(mut trips: Vec<Trip>) -> Result<Self, Fault> {
        trips.sort_by_key(Trip::number);
        trips.iter().try_for_each(fault::check)?;
        match trips
            .windows(2)
            .find(|pair| pair[0].number() == pair[1].number())
        {
            Some(pair) => Err(Fault::SameNumber(pair[0].number())),
            None => Ok(Self { trips }),
        }
    }

    /// Every trip, by number.
    pub fn trips(&self) -> &[Trip] {
        &self.trips
    }

    /// The trip with this number.
    pub fn trip(&self, number: u32) -> Option<&Trip> {
        let index = self
            .trips
            .binary_search_by_key(&number, Trip::number)
            .ok()?;
        Some(&self.trips[index])
    }

    /// The trips that run on this day of the week.
    pub fn on(&self, day: Weekday) -> impl Iterator<Item = &Trip> {
        self.trips
            .iter()
            .filter(move |trip| trip.days().contains(day))
    }

    /// The departures from a station on a day, from the time `after` on, the earliest first.
    pub fn departures(&self, station: Code, day: Weekday, after: Daytime) -> Vec<(&Trip, &Call)> {
        let calls = self
            .on(day)
            .filter_map(|trip| Some((trip, trip.departure(station)?)));
        let mut departures: Vec<_> = calls.filter(|(_, call)| call.depart >= after).collect();
        departures.sort_by_key(|(trip, call)| (call.depart, trip.number()));
        departures
    }
}

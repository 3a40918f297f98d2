//! Faults of timetables.

use std::fmt;

use stations::Code;

use crate::Trip;

/// The reason why trips do not make a timetable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Two trips have this number.
    SameNumber(u32),
    /// The trip has this number and fewer than two calls.
    TooShort(u32),
    /// The trip with this number calls at a station that is not on its line.
    OffLine(u32, Code),
    /// The trip with this number passes its stations in another order than its line does.
    OutOfOrder(u32, Code),
    /// The trip with this number reaches a station before it can.
    BackInTime(u32, Code),
}

pub(crate) fn check(trip: &Trip) -> Result<(), Fault> {
    let number = trip.number();
    if trip.calls().len() < 2 {
        return Err(Fault::TooShort(number));
    }

    let position = |station| trip.line().position(station);
    let off_line = trip
        .calls()
        .iter()
        .find(|call| position(call.station).is_none());
    if let Some(call) = off_line {
        return Err(Fault::OffLine(number, call.station));
    }

    let first = position(trip.calls()[0].station);
    let outward = position(trip.calls()[1].station) > first;
    for pair in trip.calls().windows(2) {
        let (here, next) = (position(pair[0].station), position(pair[1].station));
        if here == next || (next > here) != outward {
            return Err(Fault::OutOfOrder(number, pair[1].station));
        }
        if pair[0].depart >= pair[1].arrive {
            return Err(Fault::BackInTime(number, pair[1].station));
        }
    }
    match trip.calls().iter().find(|call| call.depart < call.arrive) {
        Some(call) => Err(Fault::BackInTime(number, call.station)),
        None => Ok(()),
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SameNumber(trip) => write!(out, "two trips have the number {trip}"),
            Self::TooShort(trip) => write!(out, "trip {trip} has fewer than two calls"),
            Self::OffLine(trip, station) => {
                write!(
                    out,
                    "trip {trip} calls at {station}, which is not on its line"
                )
            }
            Self::OutOfOrder(trip, station) => {
                write!(out, "trip {trip} calls at {station} out of order")
            }
            Self::BackInTime(trip, station) => {
                write!(out, "trip {trip} is at {station} before it can be there")
            }
        }
    }
}

impl std::error::Error for Fault {}

//! The price of a journey: a base price, a price for every zone, and a surcharge at peak hours.

use std::fmt;

use daytime::Daytime;
use journeys::Journey;

include!(concat!(env!("OUT_DIR"), "/tariff.rs"));

/// For each hour of the clock, whether it is a peak hour, which is marked `#`, and a line feed.
const PEAK_HOURS: &[u8; 25] = include_bytes!("../data/peak-hours.txt");

/// An amount of money.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Price {
    cents: u32,
}

impl Price {
    /// The amount in cents.
    pub fn cents(self) -> u32 {
        self.cents
    }
}

impl fmt::Display for Price {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            out,
            "{}.{:02} {CURRENCY}",
            self.cents / 100,
            self.cents % 100
        )
    }
}

/// Returns true if prices are higher at this time.
pub fn is_peak(time: Daytime) -> bool {
    PEAK_HOURS[usize::from(time.clock_hour())] == b'#'
}

/// Returns the price of a journey; `None` if the journey leaves the fare zones.
///
/// The price depends on the zones between the two ends, not on the way. The departure decides if it
/// is a peak price. A journey without legs is free.
pub fn price(journey: &Journey) -> Option<Price> {
    let (Some(first), Some(last)) = (journey.legs.first(), journey.legs.last()) else {
        return Some(Price::default());
    };
    let passed = u32::from(zones::passed(first.from, last.to)?);
    let normal = BASE + ZONE * passed;
    let percent = if is_peak(first.depart) {
        100 + PEAK_SURCHARGE
    } else {
        100
    };
    Some(Price {
        cents: normal * percent / 100,
    })
}

//! Measures the time of a search.

use std::hint::black_box;
use std::time::Instant;

use journeys::Planner;
use timetable::Weekday;

const ROUNDS: u32 = 500;

fn main() {
    let planner = Planner::new(&testkit::weekday(), Weekday::Monday);
    let (from, to) = (testkit::station("HAR"), testkit::station("LOC"));
    let start = Instant::now();
    for _ in 0..ROUNDS {
        black_box(planner.plan(black_box(from), to, testkit::at("06:00")));
    }
    println!(
        "from the harbour to Lochend: {:?}",
        start.elapsed() / ROUNDS
    );
}

//! Measures the time of reading the sample timetable.

use std::hint::black_box;
use std::time::Instant;

const ROUNDS: u32 = 200;

fn main() {
    let text = timetable_csv::write(&testkit::weekday());
    let start = Instant::now();
    for _ in 0..ROUNDS {
        let timetable = timetable_csv::read(black_box(&text)).expect("the sample has no faults");
        black_box(timetable);
    }
    println!(
        "reading {} bytes: {:?}",
        text.len(),
        start.elapsed() / ROUNDS
    );
}

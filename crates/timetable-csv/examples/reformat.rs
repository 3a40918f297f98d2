//! Reads a timetable from the standard input and writes it by number, without comments:
//! `cargo run -p timetable-csv --example reformat < crates/timetable-csv/samples/weekday.csv`

use std::io::{self, Read};

fn main() -> anyhow::Result<()> {
    let mut text = String::new();
    io::stdin().read_to_string(&mut text)?;
    print!("{}", timetable_csv::write(&timetable_csv::read(&text)?));
    Ok(())
}

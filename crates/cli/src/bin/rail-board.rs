//! `rail-board`: the departures from a station.

use anyhow::Result;
use board::Board;
use clap::Parser;
use daytime::Daytime;
use delays::Delays;
use screen::Screen;
use timetable::Weekday;

#[derive(Parser)]
#[command(version = rail_cli::about::VERSION, about = "The departures from a station")]
struct Arguments {
    /// The station: a code or a name
    station: String,
    /// The time of day
    #[arg(long, default_value = "08:00")]
    at: Daytime,
    /// The day of the week
    #[arg(long, default_value = "monday", value_parser = rail_cli::weekday)]
    day: Weekday,
    /// The maximum number of departures
    #[arg(long, default_value_t = 8)]
    count: usize,
    /// Shows the time in large digits
    #[arg(long)]
    clock: bool,
    /// A file with a feed of delays
    #[cfg(feature = "json")]
    #[arg(long)]
    delays: Option<std::path::PathBuf>,
}

#[cfg(feature = "json")]
fn delays(arguments: &Arguments) -> Result<Delays> {
    match &arguments.delays {
        Some(file) => Delays::from_json(&std::fs::read_to_string(file)?),
        None => Ok(Delays::new()),
    }
}

#[cfg(not(feature = "json"))]
fn delays(_arguments: &Arguments) -> Result<Delays> {
    Ok(Delays::new())
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let place = (
        rail_cli::station(&arguments.station)?.code(),
        arguments.day,
        arguments.at,
    );
    let board = Board::new(
        &rail_cli::load(None)?,
        &delays(&arguments)?,
        place,
        arguments.count,
    );
    if arguments.clock {
        println!("{}\n", board::large_clock(arguments.at));
    }
    print!("{}", board.render(Screen::detect()));
    Ok(())
}

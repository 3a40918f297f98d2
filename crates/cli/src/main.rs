//! `rail`: journeys and stations.

use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::{Parser, Subcommand};
use daytime::Daytime;
use journeys::Planner;
use rail_cli::{about, itinerary};
use timetable::Weekday;

#[derive(Parser)]
#[command(version = about::VERSION, about = "Journeys and stations of the railway")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Finds the journey that arrives first
    Plan {
        /// The station of departure: a code or a name
        from: String,
        /// The station of arrival: a code or a name
        to: String,
        /// The earliest time of departure
        #[arg(long, default_value = "08:00")]
        at: Daytime,
        /// The day of the week
        #[arg(long, default_value = "monday", value_parser = rail_cli::weekday)]
        day: Weekday,
        /// A timetable other than the one that is built in
        #[arg(long)]
        timetable: Option<PathBuf>,
        /// Writes JSON
        #[cfg(feature = "json")]
        #[arg(long)]
        json: bool,
    },
    /// Lists the stations
    Stations,
    /// Shows the version and the licence
    About,
}

fn main() -> Result<()> {
    match Arguments::parse().command {
        Command::Plan {
            from,
            to,
            at,
            day,
            timetable,
            #[cfg(feature = "json")]
            json,
        } => {
            let (from, to) = (rail_cli::station(&from)?, rail_cli::station(&to)?);
            let planner = Planner::new(&rail_cli::load(timetable.as_deref())?, day);
            let journey = planner.plan(from.code(), to.code(), at).with_context(|| {
                format!(
                    "no way leads from {} to {} at this time",
                    from.name(),
                    to.name()
                )
            })?;
            #[cfg(feature = "json")]
            if json {
                println!("{}", itinerary::json(&journey));
                return Ok(());
            }
            println!("{}", itinerary::text(&journey));
        }
        Command::Stations => {
            for station in stations::all() {
                println!("{}  {}", station.code(), station.name());
            }
        }
        Command::About => print!("{}", about::text()),
    }
    Ok(())
}

//! Boards of the sample timetable.

use board::Board;
use daytime::Span;
use delays::{Cause, Delays, Report};
use screen::Screen;
use testkit::{at, station, weekday};
use timetable::Weekday;

fn board(delays: &Delays, code: &str, now: &str) -> Board {
    Board::new(
        &weekday(),
        delays,
        (station(code), Weekday::Monday, at(now)),
        3,
    )
}

#[test]
fn the_next_departures_are_shown() {
    let text = board(&Delays::new(), "HAR", "07:00").render(Screen::plain());
    let expected = "\
Harbour                         07:00
07:10  COAST  Alder Junction   On time
07:15  EXPR   Kingsmoor        On time
08:10  COAST  Alder Junction   On time
";
    assert_eq!(text, expected);
}

#[test]
fn a_late_train_stays_until_it_has_left() {
    let mut delays = Delays::new();
    let (station, late) = (station("HAR"), Span::minutes(9));
    delays.report(Report {
        trip: 1003,
        station,
        late,
        cause: Some(Cause::Weather),
    });
    delays.cancel(3001);

    let text = board(&delays, "HAR", "07:14").render(Screen::plain());
    assert!(text.contains("Delayed 9 min, weather\n"), "{text}");
    assert!(text.contains("Cancelled\n"), "{text}");
    assert_eq!(board(&delays, "HAR", "07:20").rows().len(), 2);
}

#[test]
fn the_last_train_has_left() {
    let text = board(&Delays::new(), "KIN", "22:00").render(Screen::plain());
    assert!(text.ends_with("No more trains today\n"), "{text}");
}

#[test]
fn the_clock_is_large() {
    let clock = board::large_clock(at("25:10"));
    assert_eq!(clock.lines().count(), board::glyphs::ROWS);
    assert!(clock.starts_with("███  █"), "{clock}");
}

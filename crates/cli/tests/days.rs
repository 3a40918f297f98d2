//! Days of the week as users write them.

use rail_cli::weekday;
use timetable::Weekday;

#[test]
fn a_day_can_be_short() {
    assert_eq!(weekday("mon").unwrap(), Weekday::Monday);
    assert_eq!(weekday("Sunday").unwrap(), Weekday::Sunday);
}

#[test]
fn a_day_cannot_be_too_short() {
    assert!(
        weekday("t")
            .unwrap_err()
            .to_string()
            .contains("more than one day")
    );
    assert!(weekday("someday").is_err());
}

#[test]
fn the_timetable_that_is_built_in_is_the_sample() {
    assert_eq!(rail_cli::load(None).unwrap(), testkit::weekday());
}

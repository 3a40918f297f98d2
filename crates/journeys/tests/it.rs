//! Journeys through the sample timetable.

use journeys::{Journey, Means, Planner};
use testkit::{at, station, weekday};
use timetable::Weekday;

fn plan(day: Weekday, from: &str, to: &str, start: &str) -> Option<Journey> {
    Planner::new(&weekday(), day).plan(station(from), station(to), at(start))
}

fn trips(journey: &Journey) -> Vec<Option<u32>> {
    let means = journey.legs.iter().map(|leg| leg.by);
    means
        .map(|by| {
            if let Means::Ride(trip, _) = by {
                Some(trip)
            } else {
                None
            }
        })
        .collect()
}

#[test]
fn a_direct_train_is_taken() {
    let journey = plan(Weekday::Monday, "HAR", "KIN", "07:00").unwrap();
    assert_eq!(trips(&journey), [Some(3001)]);
    assert_eq!(journey.arrive(), Some(at("08:01")));
    assert_eq!(journey.changes(), 0);
}

#[test]
fn the_faster_train_is_taken_although_it_leaves_later() {
    let journey = plan(Weekday::Monday, "HAR", "LOC", "07:08").unwrap();
    assert_eq!(trips(&journey), [Some(3001), Some(2003)]);
    assert_eq!(journey.changes(), 1);
    assert_eq!(journey.duration().to_string(), "1 h 05 min");
}

#[test]
fn changing_takes_time() {
    let journey = plan(Weekday::Monday, "DOV", "CAS", "07:00").unwrap();
    assert_eq!(
        trips(&journey),
        [Some(4001), Some(2003)],
        "at 07:21 the 07:10 has left"
    );
}

#[test]
fn a_walk_can_be_part_of_the_way() {
    let journey = plan(Weekday::Monday, "HAR", "ELM", "07:10").unwrap();
    assert_eq!(trips(&journey), [Some(1003), Some(4003)]);
    let journey = plan(Weekday::Monday, "FER", "MIL", "09:00").unwrap();
    assert_eq!(trips(&journey), [None]);
    assert_eq!(journey.arrive(), Some(at("09:18")));
}

#[test]
fn days_matter() {
    let last = |day| plan(day, "ALD", "HAR", "22:00");
    assert!(last(Weekday::Friday).is_some());
    assert!(last(Weekday::Monday).is_none());
}

#[test]
fn one_is_already_there() {
    let journey = plan(Weekday::Monday, "KIN", "KIN", "23:00").unwrap();
    assert!(journey.legs.is_empty());
}

#[test]
fn legs_follow_each_other() {
    let planner = Planner::new(&weekday(), Weekday::Tuesday);
    for from in stations::all() {
        for to in stations::all() {
            let Some(journey) = planner.plan(from.code(), to.code(), at("06:30")) else {
                continue;
            };
            for pair in journey.legs.windows(2) {
                assert_eq!(pair[0].to, pair[1].from);
                assert!(pair[0].arrive <= pair[1].depart);
            }
        }
    }
}

//! Reading files, which are opened when the tests run.

use std::fs;
use std::path::{Path, PathBuf};

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fixtures")
        .join(name)
}

fn read(path: &Path) -> anyhow::Result<timetable::Timetable> {
    timetable_csv::read(&String::from_utf8(fs::read(path)?)?)
}

#[test]
fn an_evening_is_read() {
    let timetable = read(&fixture("evening.csv")).unwrap();
    assert_eq!(timetable.trips().len(), 2);
    let last = timetable.trip(73).unwrap().calls().last().unwrap();
    assert_eq!(last.arrive.on_the_clock(), "00:15");
}

#[test]
fn no_bad_file_is_read() {
    let pattern = fixture("bad-*.csv");
    let files: Vec<_> = glob::glob(pattern.to_str().unwrap())
        .unwrap()
        .flatten()
        .collect();
    assert_eq!(files.len(), 3);
    for file in files {
        assert!(read(&file).is_err(), "{}", file.display());
    }
}

#[test]
fn errors_say_the_line() {
    let error = read(&fixture("bad-line.csv")).unwrap_err();
    assert_eq!(format!("{error:#}"), "line 3: there is no line `MOON`");
}

#[test]
fn what_is_written_can_be_read_again() {
    let timetable = testkit::weekday();
    let text = timetable_csv::write(&timetable);
    assert_eq!(timetable_csv::read(&text).unwrap(), timetable);
}

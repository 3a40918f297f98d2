//! Signs as passengers see them.

use daytime::Span;
use sign::{Next, show};

#[test]
fn the_time_is_in_dots() {
    let lines = show("17:48".parse().unwrap(), Next::Late(Span::ZERO));
    let expected = [
        " #  ###     # # ###",
        "##    #  #  # # # #",
        " #    #     ### ###",
        " #    #  #    # # #",
    ];
    assert_eq!(lines[..4], expected);
    assert_eq!(lines[5], "On time");
}

#[test]
fn a_delay_is_said() {
    let lines = show("24:10".parse().unwrap(), Next::Late(Span::minutes(7)));
    assert_eq!(lines[5], "Delayed: 7 min");
}

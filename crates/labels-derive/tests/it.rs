//! The macro as another crate uses it.

use labels_derive::Label;

/// The load of a train.
#[derive(Clone, Copy, Debug, PartialEq, Label)]
#[allow(dead_code, reason = "the test compares the list of them")]
pub enum Load {
    /// Nobody stands.
    SeatsFree,
    /// Hardly anybody can get on.
    #[label("full \"to bursting\"")]
    Full,
}

#[test]
fn names_are_words_unless_they_are_given() {
    assert_eq!(Load::SeatsFree.label(), "seats free");
    assert_eq!(Load::Full.label(), "full \"to bursting\"");
}

#[test]
fn variants_are_listed_in_order() {
    assert_eq!(Load::ALL, [Load::SeatsFree, Load::Full]);
}

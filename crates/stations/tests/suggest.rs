//! Guesses at misspelt names, with the feature `suggest`.

use stations::suggest;

#[test]
fn a_misspelt_name_is_recognised() {
    for (text, name) in [("harbor", "Harbour"), ("Castel Hill", "Castle Hill")] {
        assert_eq!(suggest(text).map(|station| station.name()), Some(name));
    }
}

#[test]
fn nothing_is_suggested_for_nonsense() {
    assert_eq!(suggest("xyzzy"), None);
}

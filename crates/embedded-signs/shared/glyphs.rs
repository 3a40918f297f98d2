//! The digits as dots, five rows of three. Signs and screens compile this same file.

/// The number of rows of dots in a glyph.
pub const ROWS: usize = 5;

/// For each digit its rows from the top. Bit 2 is the dot on the left.
const DIGITS: [[u8; ROWS]; 10] = [
    [7, 5, 5, 5, 7],
    [2, 6, 2, 2, 7],
    [7, 1, 7, 4, 7],
    [7, 1, 7, 1, 7],
    [5, 5, 7, 1, 1],
    [7, 4, 7, 1, 7],
    [7, 4, 7, 5, 7],
    [7, 1, 1, 1, 1],
    [7, 5, 7, 5, 7],
    [7, 5, 7, 1, 7],
];

/// The rows of a digit or of a colon. Anything else is dark.
pub fn rows(letter: char) -> [u8; ROWS] {
    match (letter, letter.to_digit(10)) {
        (_, Some(digit)) => DIGITS[digit as usize],
        (':', None) => [0, 2, 0, 2, 0],
        _ => [0; ROWS],
    }
}

/// Returns a text in lines of dots. `lit` stands for a dot that is on.
pub fn lines(text: &str, lit: char) -> [String; ROWS] {
    std::array::from_fn(|row| {
        let dots = text.chars().flat_map(|letter| {
            let bits = rows(letter)[row];
            [4, 2, 1, 0].map(|mask| if bits & mask == 0 { ' ' } else { lit })
        });
        dots.collect::<String>().trim_end().to_owned()
    })
}

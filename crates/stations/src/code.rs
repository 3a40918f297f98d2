//! Station codes.

use std::fmt;
use std::str::FromStr;

/// The code of a station: three capital letters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Code([u8; 3]);

/// A text that is not a station code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CodeError(String);

impl Code {
    /// The code with these letters.
    ///
    /// # Panics
    ///
    /// If one of them is not a capital letter. In a constant that is an error of compilation.
    pub const fn new(letters: [u8; 3]) -> Self {
        assert!(
            Self::is_code(&letters),
            "a station code is three capital letters"
        );
        Self(letters)
    }

    const fn is_code(letters: &[u8; 3]) -> bool {
        let [a, b, c] = letters;
        a.is_ascii_uppercase() && b.is_ascii_uppercase() && c.is_ascii_uppercase()
    }
}

impl FromStr for Code {
    type Err = CodeError;

    fn from_str(text: &str) -> Result<Self, CodeError> {
        match <[u8; 3]>::try_from(text.as_bytes()) {
            Ok(letters) if Self::is_code(&letters) => Ok(Self(letters)),
            _ => Err(CodeError(text.to_owned())),
        }
    }
}

impl fmt::Display for Code {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0
            .iter()
            .try_for_each(|&letter| write!(out, "{}", char::from(letter)))
    }
}

impl fmt::Display for CodeError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "`{}` is not a station code such as HAR", self.0)
    }
}

impl std::error::Error for CodeError {}

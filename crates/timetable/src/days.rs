//! Days of the week.

use std::fmt;
use std::str::FromStr;

use labels_derive::Label;

/// A day of the week.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Label)]
pub enum Weekday {
    /// The first day of the week.
    Monday,
    /// The second.
    Tuesday,
    /// The third.
    Wednesday,
    /// The fourth.
    Thursday,
    /// The fifth.
    Friday,
    /// The sixth.
    Saturday,
    /// The last.
    Sunday,
}

/// The days of the week on which a trip runs, written as in `MTWTF--`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Days(u8);

/// A text that does not say days of the week.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DaysError(String);

const LETTERS: &str = "MTWTFSS";

impl Days {
    /// All seven.
    pub const DAILY: Self = Self(0b111_1111);

    /// Returns true if `day` is one of the days.
    pub const fn contains(self, day: Weekday) -> bool {
        self.0 & (1 << day as u8) != 0
    }
}

impl FromStr for Days {
    type Err = DaysError;

    fn from_str(text: &str) -> Result<Self, DaysError> {
        let error = || DaysError(text.to_owned());
        if text.len() != LETTERS.len() {
            return Err(error());
        }
        let mut days = 0;
        for (index, (given, letter)) in text.bytes().zip(LETTERS.bytes()).enumerate() {
            match given {
                b'-' => {}
                _ if given == letter => days |= 1 << index,
                _ => return Err(error()),
            }
        }
        Ok(Self(days))
    }
}

impl fmt::Display for Days {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, letter) in LETTERS.chars().enumerate() {
            write!(
                out,
                "{}",
                if self.0 & (1 << index) == 0 {
                    '-'
                } else {
                    letter
                }
            )?;
        }
        Ok(())
    }
}

impl fmt::Display for DaysError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            out,
            "`{}` does not say days of the week as in MTWTF--",
            self.0
        )
    }
}

impl std::error::Error for DaysError {}

#![doc = include_str!("../README.md")]

use std::fmt;
use std::ops::{Add, Sub};
use std::str::FromStr;

#[cfg(feature = "serde")]
mod json;

/// The last minute of two days: no service day is longer.
const LAST: u16 = 48 * 60 - 1;

/// A time of a service day, from 00:00 to 47:59.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Daytime(u16);

/// A length of time in whole minutes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span(u16);

/// A text that is not a time of day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseError(String);

impl Daytime {
    /// The time at `hour` and `minute`, if a service day has it.
    pub const fn new(hour: u16, minute: u16) -> Option<Self> {
        if hour < 48 && minute < 60 {
            Some(Self(hour * 60 + minute))
        } else {
            None
        }
    }

    /// Minutes since the start of the service day.
    pub const fn minutes(self) -> u16 {
        self.0
    }

    /// The hour that a clock on the wall shows, from 0 to 23.
    pub const fn clock_hour(self) -> u16 {
        self.0 / 60 % 24
    }

    /// The time as a clock on the wall shows it.
    pub fn on_the_clock(self) -> String {
        format!("{:02}:{:02}", self.clock_hour(), self.0 % 60)
    }

    /// The span from `earlier` to this time, or nothing if `earlier` is later.
    pub fn since(self, earlier: Self) -> Option<Span> {
        self.0.checked_sub(earlier.0).map(Span)
    }
}

impl Span {
    /// No time at all.
    pub const ZERO: Self = Self(0);

    /// A span of `count` minutes.
    pub const fn minutes(count: u16) -> Self {
        Self(count)
    }

    /// The number of minutes in it.
    pub const fn as_minutes(self) -> u16 {
        self.0
    }
}

impl Add<Span> for Daytime {
    type Output = Self;

    /// Returns a later time, at most the last minute of the service day.
    fn add(self, span: Span) -> Self {
        Self(self.0.saturating_add(span.0).min(LAST))
    }
}

impl Add for Span {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl Sub for Span {
    type Output = Self;

    /// Returns the difference, or zero if the other span is longer.
    fn sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl FromStr for Daytime {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let two_digits = |part: &str| {
            let digits = part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit());
            digits.then(|| part.parse().ok()).flatten()
        };
        text.split_once(':')
            .and_then(|(hour, minute)| Self::new(two_digits(hour)?, two_digits(minute)?))
            .ok_or_else(|| ParseError(text.to_owned()))
    }
}

impl fmt::Display for Daytime {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:02}:{:02}", self.0 / 60, self.0 % 60)
    }
}

impl fmt::Display for Span {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.0 / 60, self.0 % 60) {
            (0, minutes) => write!(out, "{minutes} min"),
            (hours, minutes) => write!(out, "{hours} h {minutes:02} min"),
        }
    }
}

impl fmt::Display for ParseError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "`{}` is not a time of day such as 07:05", self.0)
    }
}

impl std::error::Error for ParseError {}

//! The register of stations.
//!
//! ```
//! let harbour = stations::find("HAR".parse()?).expect("it is in the register");
//! assert_eq!(harbour.name(), "Harbour");
//! # Ok::<(), stations::CodeError>(())
//! ```

mod code;
#[cfg(feature = "suggest")]
mod suggest;

pub use code::{Code, CodeError};
#[cfg(feature = "suggest")]
pub use suggest::suggest;

include!(concat!(env!("OUT_DIR"), "/register.rs"));

/// A station of the register.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Station {
    code: Code,
    name: &'static str,
    east: u16,
    north: u16,
}

impl Station {
    /// The code, which is unique.
    pub fn code(&self) -> Code {
        self.code
    }

    /// The name for passengers.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// The distance to another station as the crow flies, in metres.
    pub fn distance(&self, other: &Self) -> u32 {
        let east = u32::from(self.east.abs_diff(other.east));
        let north = u32::from(self.north.abs_diff(other.north));
        (east * east + north * north).isqrt() * 100
    }
}

/// Every station, in the order of the table.
pub fn all() -> &'static [Station] {
    REGISTER
}

/// The station with this code.
pub fn find(code: Code) -> Option<&'static Station> {
    REGISTER.iter().find(|station| station.code == code)
}

/// The station with this name, in whatever case.
pub fn by_name(name: &str) -> Option<&'static Station> {
    REGISTER
        .iter()
        .find(|station| station.name.eq_ignore_ascii_case(name))
}

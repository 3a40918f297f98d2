//! The free space of a file system.

use camino::Utf8Path;

/// Returns the bytes that the user may still write to the file system of a directory. `None` if the
/// system does not report it.
#[cfg(unix)]
pub fn free_space(directory: &Utf8Path) -> Option<u64> {
    let system = nix::sys::statvfs::statvfs(directory.as_str()).ok()?;
    // The types of both figures depend on the system.
    let (blocks, size) = (
        system.blocks_available() as u64,
        system.fragment_size() as u64,
    );
    Some(blocks.saturating_mul(size))
}

/// Returns `None`: the free space is only known on Unix.
#[cfg(not(unix))]
pub fn free_space(_directory: &Utf8Path) -> Option<u64> {
    None
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use crate::process::{self, Runner};

    #[test]
    fn the_free_space_is_that_of_df() {
        let (_directory, top) = crate::testing::scratch();
        let mut df = Runner::new().unwrap().program("df");
        let said = process::checked(df.args(["-Pk", top.as_str()])).unwrap();
        let said = String::from_utf8(said).unwrap();
        let figures = said.lines().nth(1).unwrap().split_whitespace();
        let free: u64 = figures.clone().nth(3).unwrap().parse().unwrap();
        let all: u64 = figures.clone().nth(1).unwrap().parse().unwrap();
        let difference = (free * 1024).abs_diff(free_space(&top).unwrap());
        // Other programs write in the meantime.
        assert!(difference <= all * 1024 / 50, "{said} {difference}");
        assert_eq!(free_space(&top.join("gone")), None);
    }
}

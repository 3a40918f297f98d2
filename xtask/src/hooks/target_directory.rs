//! Creates the target directory if a hook needs the directory before cargo has created it.

use std::fs;
use std::io::{self, ErrorKind};

use camino::Utf8Path;

/// The content of cargo's `CACHEDIR.TAG`. Backup programs and `cargo clean` recognize a target
/// directory by this file.
const TAG: &str = "\
Signature: 8a477f597d28d172789f06886806bc55
# This file is a cache directory tag created by cargo.
# For information about cache directory tags see https://bford.info/cachedir/
";

/// Creates a target directory with cargo's tag. An existing directory is not changed, because cargo
/// tags only a directory that cargo creates.
///
/// # Errors
/// Returns an error if a directory cannot be created or the tag cannot be written.
pub(crate) fn create(target: &Utf8Path) -> io::Result<()> {
    if let Some(above) = target.parent() {
        fs::create_dir_all(above)?;
    }
    match fs::create_dir(target) {
        Ok(()) => fs::write(target.join("CACHEDIR.TAG"), TAG),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use xtask_impact::testing::scratch;

    use super::*;

    #[test]
    fn a_target_directory_is_tagged_only_if_it_is_created() {
        let (_directory, root) = scratch();
        let (new, old) = (root.join("a/new"), root.join("old"));
        fs::create_dir(&old).unwrap();
        create(&new).unwrap();
        create(&old).unwrap();
        assert_eq!(fs::read_to_string(new.join("CACHEDIR.TAG")).unwrap(), TAG);
        assert!(!old.join("CACHEDIR.TAG").exists());
    }
}

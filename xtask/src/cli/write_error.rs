//! Failures to write in cargo's directories and in temporary directories, with a hint.

use std::io::{self, ErrorKind};

use camino::Utf8Path;
use xtask_impact::quote;

/// Returns the error of a failed change of a file in the target directory or build directory.
/// `action` is what failed, such as "write" or "remove".
pub(crate) fn cannot(action: &str, path: &Utf8Path, error: io::Error) -> anyhow::Error {
    let hint = match error.kind() {
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
            "\nhint: make the directory writable for this user, or name another target directory \
             with --target-dir"
        }
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
            "\nhint: free disk space, for example by `cargo xtask sweep`"
        }
        _ => "",
    };
    let message = format!("cannot {action} {}: {error}{hint}", quote::name(path));
    anyhow::Error::new(error).context(message)
}

/// Returns the error of a failed change of a file in a temporary directory.
pub(crate) fn cannot_write_temporary(path: &Utf8Path, error: io::Error) -> anyhow::Error {
    let hint = match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
            "\nhint: set TMPDIR to a directory on a file system with free space, such as /dev/shm"
        }
        _ => "",
    };
    let message = format!("cannot write {}: {error}{hint}", quote::name(path));
    anyhow::Error::new(error).context(message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::status::Status;

    #[test]
    fn a_directory_that_is_not_writable_has_a_hint() {
        let shown: String = [
            ErrorKind::PermissionDenied,
            ErrorKind::ReadOnlyFilesystem,
            ErrorKind::StorageFull,
            ErrorKind::NotADirectory,
        ]
        .map(|kind| {
            let error = cannot("write", Utf8Path::new("target/x"), io::Error::from(kind));
            assert_eq!(Status::of(&error), Status::Failed);
            format!("{error}\n")
        })
        .concat();
        expect_test::expect![[r#"
            cannot write target/x: permission denied
            hint: make the directory writable for this user, or name another target directory with --target-dir
            cannot write target/x: read-only filesystem or storage medium
            hint: make the directory writable for this user, or name another target directory with --target-dir
            cannot write target/x: no storage space
            hint: free disk space, for example by `cargo xtask sweep`
            cannot write target/x: not a directory
        "#]]
        .assert_eq(&shown);
    }

    #[test]
    fn a_full_temporary_directory_has_another_hint() {
        let error = io::Error::from(ErrorKind::StorageFull);
        let error = cannot_write_temporary(Utf8Path::new("/tmp/x"), error);
        assert_eq!(Status::of(&error), Status::Failed);
        let expected = "cannot write /tmp/x: no storage space\nhint: set TMPDIR to a directory on a \
                        file system with free space, such as /dev/shm";
        assert_eq!(error.to_string(), expected);
    }
}

//! The errors of the engine, by what a caller does about them.
//!
//! Functions return [`anyhow::Error`], so that each step can add what it was doing. [`kind`] finds
//! the kind of such an error by its causes.

use std::io;

/// An error that the user can correct: a flag, a name or a setting is wrong.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Usage(pub String);

/// A program that ended with a failure.
#[derive(Debug, thiserror::Error)]
#[error("`{command}` failed\n{stderr}")]
pub struct FailedProgram {
    /// True for git; false for cargo, rustc and other programs of the toolchain.
    pub is_git: bool,
    /// The command as it is shown to the user.
    pub command: String,
    /// The standard error of the program, quoted.
    pub stderr: String,
}

/// The kinds of errors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A flag, a name or a setting is wrong.
    Usage,
    /// Git failed.
    Git,
    /// Cargo, rustc or another program of the toolchain failed.
    Cargo,
    /// A file or a program could not be opened, read, written or started.
    Io,
    /// Another failure, such as an output that the engine does not understand.
    Other,
}

/// Returns the kind of an error. An error with several causes has the kind of the first cause that
/// has a kind; wrong use goes before the others.
pub fn kind(error: &anyhow::Error) -> ErrorKind {
    if is_usage(error) {
        return ErrorKind::Usage;
    }
    let mut kinds = error.chain().filter_map(|cause| {
        if let Some(program) = cause.downcast_ref::<FailedProgram>() {
            return Some(match program.is_git {
                true => ErrorKind::Git,
                false => ErrorKind::Cargo,
            });
        }
        cause.is::<io::Error>().then_some(ErrorKind::Io)
    });
    kinds.next().unwrap_or(ErrorKind::Other)
}

/// Returns true if the user can correct the error: a flag, a name or a setting is wrong.
pub fn is_usage(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| cause.is::<Usage>())
}

/// Makes an [`anyhow::Error`] of the kind [`ErrorKind::Usage`].
#[macro_export]
macro_rules! usage {
    ($($message:tt)*) => {
        ::anyhow::Error::new($crate::error::Usage(format!($($message)*)))
    };
}

#[cfg(test)]
mod tests {
    use anyhow::{Context as _, anyhow};

    use super::*;

    fn failed(is_git: bool) -> anyhow::Error {
        anyhow::Error::new(FailedProgram {
            is_git,
            command: "git status".to_owned(),
            stderr: "fatal".to_owned(),
        })
    }

    #[test]
    fn the_kind_is_found_by_the_causes() {
        let unreadable = || anyhow::Error::new(io::Error::from(io::ErrorKind::NotFound));
        let context = |error: anyhow::Error| Err::<(), _>(error).context("reading").unwrap_err();
        let errors = [
            (usage!("unknown verb"), ErrorKind::Usage),
            (context(usage!("unknown verb")), ErrorKind::Usage),
            (context(failed(true)), ErrorKind::Git),
            (failed(false), ErrorKind::Cargo),
            (context(unreadable()), ErrorKind::Io),
            (anyhow!("unknown layout"), ErrorKind::Other),
        ];
        for (error, expected) in errors {
            assert_eq!(kind(&error), expected, "{error:#}");
        }
    }
}

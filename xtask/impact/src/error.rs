//! The exit statuses of the kit, and the errors that lead to them.

use std::process::ExitCode;

/// An error of the user: a flag, a name or a setting is wrong. All other errors come from git,
/// cargo or the disk.
#[derive(Debug)]
pub struct Usage(pub String);

impl std::fmt::Display for Usage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Usage {}

/// Returns true if the user can correct the error: a flag, a name or a setting is wrong.
pub fn is_usage(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| cause.is::<Usage>())
}

/// Makes an [`anyhow::Error`] with the exit status for wrong use.
#[macro_export]
macro_rules! usage {
    ($($message:tt)*) => {
        ::anyhow::Error::new($crate::error::Usage(format!($($message)*)))
    };
}

/// The exit statuses, which are part of the kit's interface. The worst status is the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Status {
    /// 0: done.
    Done,
    /// 1: a check found something.
    Found,
    /// 2: wrong use or configuration.
    Usage,
    /// 3: git, cargo or the disk failed.
    Failed,
    /// The exit status of a cargo that the kit started on the user's behalf.
    Forwarded(u8),
}

impl Status {
    /// Returns the exit status of an error.
    pub fn of(error: &anyhow::Error) -> Self {
        match is_usage(error) {
            true => Self::Usage,
            false => Self::Failed,
        }
    }
}

impl From<Status> for ExitCode {
    fn from(status: Status) -> Self {
        match status {
            Status::Done => Self::SUCCESS,
            Status::Found => Self::from(1),
            Status::Usage => Self::from(2),
            Status::Failed => Self::from(3),
            Status::Forwarded(status) => Self::from(status),
        }
    }
}

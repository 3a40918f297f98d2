//! The exit statuses, which are part of the kit's interface.

use std::process::ExitCode;

use xtask_impact::error::{self, ErrorKind};

/// The exit statuses. The worst status is the last.
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
        match error::kind(error) {
            ErrorKind::Usage => Self::Usage,
            _ => Self::Failed,
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

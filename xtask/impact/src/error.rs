//! How the kit ends: exit statuses and the errors that lead to them.

use std::process::ExitCode;

/// What was asked cannot be answered: a flag, a name or a setting is wrong. Everything else that
/// fails is git, cargo or the disk.
#[derive(Debug)]
pub struct Usage(pub String);

impl std::fmt::Display for Usage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Usage {}

/// An [`anyhow::Error`] that ends the kit with the status for wrong use.
#[macro_export]
macro_rules! usage {
    ($($message:tt)*) => {
        ::anyhow::Error::new($crate::error::Usage(format!($($message)*)))
    };
}

/// The exit statuses, which are part of the interface; the worst is the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Status {
    /// 0: done.
    Done,
    /// 1: the check found something.
    Found,
    /// 2: wrong use or configuration.
    Usage,
    /// 3: git, cargo or the disk failed.
    Failed,
    /// The status of the cargo that was forwarded to.
    Forwarded(u8),
}

impl Status {
    /// Returns the status with which an error ends the kit.
    pub fn of(error: &anyhow::Error) -> Self {
        match error.chain().any(|cause| cause.is::<Usage>()) {
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

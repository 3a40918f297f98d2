//! Programs that run in the background until the kit stops them.

use std::fs::File;
use std::process::{Command, Stdio};

use anyhow::Result;

use super::children::{Reach, RunningChild, SignalRole};

/// A program that runs in the background, such as a private server. Dropping the value stops the
/// program.
pub struct Service(RunningChild);

impl Service {
    /// Starts a program in a process group of its own. Both streams of its output go to a file.
    ///
    /// # Errors
    /// Returns an error if the program cannot be started.
    pub fn start(command: &mut Command, output: File) -> Result<Self> {
        let errors = output.try_clone()?;
        command.stdin(Stdio::null()).stdout(output).stderr(errors);
        let child = RunningChild::start(command, SignalRole::Helper, Reach::Group)?;
        Ok(Self(child))
    }

    /// Returns true if the program has ended, or if its state cannot be read.
    pub fn has_ended(&mut self) -> bool {
        !matches!(self.0.try_wait(), Ok(None))
    }

    /// Ends the program by force, at once.
    pub fn kill(self) {
        self.0.kill();
    }
}

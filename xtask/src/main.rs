//! `xtask`: the kit's commands, for any Cargo workspace.

use std::process::ExitCode;

fn main() -> ExitCode {
    xtask_kit::main()
}

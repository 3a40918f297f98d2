//! The limits of `sweep`, from the command line and from `[workspace.metadata.xtask.sweep]`.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::Result;
use xtask_impact::workspace::Workspace;

use crate::artifacts::sweep_table::{SweepTable, parse_age, parse_size};
use crate::cargo_runs::no_op::KeepCommand;

/// The limits of a sweep.
#[derive(Clone, Debug)]
pub(crate) struct SweepLimits {
    /// The size in bytes that the directories may have.
    pub max_size: Option<u64>,
    /// The time within which a used unit is kept.
    pub max_age: Option<Duration>,
    /// The commands whose units are kept.
    pub commands: Vec<KeepCommand>,
    /// The toolchains that count as installed. Empty for the toolchains of rustup.
    pub toolchains: BTreeSet<String>,
}

/// The limits that the command line gives. They override the configuration; keep commands are added
/// to the configured ones.
#[derive(Debug, Default, clap::Args)]
pub(crate) struct LimitArgs {
    /// Remove the least recently used units until the directories are no larger than this, for
    /// example 20G or 500M
    // A negative size is a wrong size, not an unknown option.
    #[arg(long, value_name = "SIZE", value_parser = parse_size, allow_hyphen_values = true)]
    pub max_size: Option<u64>,
    /// Keep units that were used within this time, for example 14d or 12h; without --max-size,
    /// remove all other units
    #[arg(long, value_name = "TIME", value_parser = parse_age, allow_hyphen_values = true)]
    pub max_age: Option<Duration>,
    /// Keep the units that this cargo command needs, for example 'clippy --workspace' (repeatable)
    #[arg(long, value_name = "COMMAND")]
    pub keep_command: Vec<String>,
    /// Count only these toolchains as installed, for example 1.95.0 or stable (repeatable)
    #[arg(long, hide_short_help = true, value_name = "TOOLCHAIN")]
    pub toolchain: Vec<String>,
}

/// The keep commands if the user names none.
const DEFAULT_COMMANDS: [&str; 3] = [
    "build --workspace",
    "check --workspace --all-targets",
    "test --workspace",
];

impl SweepLimits {
    /// Returns the limits for a workspace.
    ///
    /// # Errors
    /// Returns an error if a configured value is wrong.
    pub(crate) fn new(args: &LimitArgs, workspace: &Workspace) -> Result<Self> {
        let table: SweepTable = workspace.setting("sweep")?;
        let (max_size, max_age) = (table.max_size()?, table.max_age()?);
        let mut commands = table.keep_commands.unwrap_or_default();
        commands.extend(args.keep_command.iter().cloned());
        let is_default = commands.is_empty();
        if is_default {
            commands.extend(DEFAULT_COMMANDS.map(str::to_owned));
        }
        let commands = commands.iter().map(|text| {
            let mut command = KeepCommand::parse(text)?;
            command.is_default = is_default;
            Ok(command)
        });
        let toolchains = match &args.toolchain[..] {
            [] => table.toolchains.unwrap_or_default(),
            given => given.to_vec(),
        };
        Ok(Self {
            max_size: args.max_size.or(max_size),
            max_age: args.max_age.or(max_age),
            commands: commands.collect::<Result<_>>()?,
            toolchains: toolchains.into_iter().collect(),
        })
    }
}

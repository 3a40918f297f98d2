//! The settings of `sweep`: the table `[workspace.metadata.xtask.sweep]`, sizes and times.

use std::time::Duration;

use anyhow::Result;
use serde::Deserialize;
use xtask_impact::usage;

/// The table `[workspace.metadata.xtask.sweep]`.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub(crate) struct SweepTable {
    pub max_size: Option<String>,
    pub max_age: Option<String>,
    pub keep_commands: Option<Vec<String>>,
    pub toolchains: Option<Vec<String>>,
}

impl SweepTable {
    /// Returns the limit in bytes.
    ///
    /// # Errors
    /// Returns an error if the value is no size.
    pub(crate) fn max_size(&self) -> Result<Option<u64>> {
        let parsed = self.max_size.as_deref().map(parse_size).transpose();
        parsed.map_err(|error| wrong("max-size", &error))
    }

    /// Returns the time within which a used unit is kept.
    ///
    /// # Errors
    /// Returns an error if the value is no time.
    pub(crate) fn max_age(&self) -> Result<Option<Duration>> {
        let parsed = self.max_age.as_deref().map(parse_age).transpose();
        parsed.map_err(|error| wrong("max-age", &error))
    }
}

fn wrong(key: &str, error: &str) -> anyhow::Error {
    usage!("[workspace.metadata.xtask.sweep]: `{key}`: {error}")
}

/// Parses a size: a number with an optional unit. `K`, `M`, `G` and `T` are powers of 1024, also
/// with `B` or `iB` behind them.
pub(crate) fn parse_size(text: &str) -> Result<u64, String> {
    let wrong = || format!("`{text}` is not a size: write for example 20G, 1.5GiB or 500M");
    let (number, unit) = number_and_unit(text).ok_or_else(wrong)?;
    let unit = unit.to_ascii_lowercase();
    let unit = unit
        .strip_suffix("ib")
        .or(unit.strip_suffix('b'))
        .unwrap_or(&unit);
    let factor: u64 = match unit {
        "" => 1,
        "k" => 1 << 10,
        "m" => 1 << 20,
        "g" => 1 << 30,
        "t" => 1 << 40,
        _ => return Err(wrong()),
    };
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a size in bytes needs no more digits, and is not negative"
    )]
    let bytes = (number * factor as f64).round() as u64;
    Ok(bytes)
}

/// Parses a time: a number with a unit (`m`, `h`, `d`, `w`).
pub(crate) fn parse_age(text: &str) -> Result<Duration, String> {
    let wrong = || format!("`{text}` is not a time: write for example 14d, 12h or 2w");
    let (number, unit) = number_and_unit(text).ok_or_else(wrong)?;
    let seconds = match unit {
        "m" => 60.0,
        "h" => 3600.0,
        "d" => 86_400.0,
        "w" => 604_800.0,
        _ => return Err(wrong()),
    };
    Duration::try_from_secs_f64(number * seconds).map_err(|_| wrong())
}

/// Splits a text into a number and its unit.
fn number_and_unit(text: &str) -> Option<(f64, &str)> {
    let text = text.trim();
    let end = text.find(|it: char| !it.is_ascii_digit() && it != '.');
    let (number, unit) = text.split_at(end.unwrap_or(text.len()));
    let number: f64 = number.parse().ok()?;
    Some((number, unit.trim())).filter(|_| number < 1e15)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_times_are_parsed() {
        for (text, expected) in [
            ("0", Some(0)),
            ("1000", Some(1000)),
            ("20G", Some(20 << 30)),
            ("1.5GiB", Some(3 << 29)),
            ("500 MB", Some(500 << 20)),
            ("2t", Some(2 << 40)),
            ("4kib", Some(4096)),
            ("", None),
            ("G", None),
            ("-1G", None),
            ("1X", None),
            ("1.2.3", None),
            ("99999999999999999999", None),
        ] {
            assert_eq!(parse_size(text).ok(), expected, "{text}");
        }
        for (text, expected) in [
            ("14d", Some(14 * 86_400)),
            ("12h", Some(12 * 3600)),
            ("1.5h", Some(5400)),
            ("2w", Some(14 * 86_400)),
            ("30m", Some(1800)),
            ("0d", Some(0)),
            ("14", None),
            ("d", None),
            ("1y", None),
        ] {
            let found = parse_age(text).ok().map(|it| it.as_secs());
            assert_eq!(found, expected, "{text}");
        }
    }
}

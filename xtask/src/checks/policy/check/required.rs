//! The check of values that the policy requires.

use anyhow::Result;
use camino::Utf8PathBuf;
use serde_json::{Map, Value as Json};
use xtask_impact::cargo_config::{ConfigValue, ValueKind, ValueOrigin};
use xtask_impact::usage;

use crate::checks::policy::profiles::{Of, canonical, profiles};
use crate::checks::policy::subject::{KnownWorkspace, PolicySubject, relative};
use crate::checks::policy::{default, text};
use crate::checks::{Check, Finding, Level, Place, Policy};

pub(crate) static REQUIRED_VALUE: Check = Check {
    code: "required-value",
    level: Level::Error,
    finds: "A value that the policy requires and that a build does not use",
    cost: "The repository requires this value, but a build here does not use it.",
    explanation:
        "A value differs from `require` in `[workspace.metadata.xtask.policy]`: a file, a variable \
        or a flag sets another value, or the value is not set. For profiles, the final values \
count, with inherited values and cargo's defaults. Directories are relative to the top level of \
the repository.

Set the value in `.cargo/config.toml`, and unset what overrides it.",
};

pub(crate) fn find(
    subject: &PolicySubject,
    policy: &Policy,
    found: &mut Vec<Finding>,
) -> Result<()> {
    for (key, required) in flat(&policy.require) {
        for known in &subject.workspaces {
            let used = used(subject, known, &key)?;
            let field = key.last().copied().unwrap_or_default();
            let wanted = value_of(required).ok_or_else(|| {
                usage!(
                    "`policy.require.{}` is not a value of cargo's configuration",
                    key.join(".")
                )
            })?;
            let wanted = canonical(field, &wanted);
            if used.as_ref() == Some(&wanted) {
                continue;
            }
            let origin = used.as_ref().map(|it| it.origin.clone());
            let origin = origin.unwrap_or(ValueOrigin::Default);
            let place = match subject.place(&origin) {
                Place::Whole => subject.at(&known.root.join("Cargo.toml"), None),
                place => place,
            };
            let is = used.map_or("not set".to_owned(), |it| it.to_string());
            let finding = REQUIRED_VALUE.found(
                place,
                format!("`{}` is {is}, and {wanted} is required", key.join(".")),
                "Set it in .cargo/config.toml, and unset what overrides it.",
            );
            let default_origin = (origin == ValueOrigin::Default).then(|| subject.named(&origin));
            found.push(finding.evidence(default_origin));
        }
    }
    Ok(())
}

/// Returns the keys and values of nested tables, in order. Dots split a key of the top table only,
/// since a key further down may be a package specification with a version in it.
fn flat(table: &Map<String, Json>) -> Vec<(Vec<&str>, &Json)> {
    fn below<'a>(key: Vec<&'a str>, value: &'a Json) -> Vec<(Vec<&'a str>, &'a Json)> {
        let Json::Object(table) = value else {
            return vec![(key, value)];
        };
        let entries = table.iter();
        let below = entries.flat_map(|(name, value)| below([&key[..], &[name]].concat(), value));
        below.collect()
    }
    let entries = table.iter();
    let below = entries.flat_map(|(key, value)| below(key.split('.').collect(), value));
    below.collect()
}

fn value_of(json: &Json) -> Option<ConfigValue> {
    let kind = match json {
        Json::String(text) => ValueKind::String(text.clone()),
        Json::Bool(is_true) => ValueKind::Boolean(*is_true),
        Json::Number(number) => ValueKind::Integer(number.as_i64()?),
        Json::Array(items) => ValueKind::List(items.iter().map(value_of).collect::<Option<_>>()?),
        Json::Null | Json::Object(_) => return None,
    };
    Some(default(kind))
}

fn used(
    subject: &PolicySubject,
    known: &KnownWorkspace,
    key: &[&str],
) -> Result<Option<ConfigValue>> {
    let directory = |(path, origin): (Utf8PathBuf, ValueOrigin)| ConfigValue {
        kind: text(relative(&path, &subject.top).as_str()),
        origin,
    };
    match key {
        ["build", "target-dir"] => Ok(Some(directory(known.config.target_directory(&known.root)?))),
        ["build", "build-dir"] => match known.config.build_directory(&known.root)? {
            Some(found) => Ok(Some(directory(found))),
            None => used(subject, known, &["build", "target-dir"]),
        },
        ["profile", name, rest @ ..] => {
            // Another workspace may not have the profile.
            let Ok(all) = profiles(known.profiles.as_ref(), &known.config, Some(name)) else {
                return Ok(None);
            };
            let Some(profile) = all.into_iter().find(|it| it.name == **name) else {
                return Ok(None);
            };
            Ok(match rest {
                [field] => profile.values(Of::default()).remove(*field),
                ["build-override", field] => {
                    let of = Of {
                        is_for_build: true,
                        ..Of::default()
                    };
                    profile.values(of).remove(*field)
                }
                ["package", spec, field] => {
                    let said = profile.packages.get(*spec);
                    said.and_then(|it| it.get(*field)).cloned()
                }
                _ => None,
            })
        }
        key => known.config.get(key),
    }
}

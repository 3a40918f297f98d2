//! The text and JSON of the settings by which workspaces are built.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::{Value as Json, json};
use xtask_impact::cargo_config::{ConfigValue, ValueKind, ValueOrigin};
use xtask_impact::quote;

use crate::checks::policy::profiles::{FIELDS, Fields, Of, Profile};
use crate::cli::output::Reports;
use crate::policy::settings::BuildSettings;

/// Returns the settings as JSON. If a profile is named, the other profiles are left out.
pub(crate) fn report(settings: &[BuildSettings], profile: Option<&str>) -> Reports<Json> {
    let of = |settings: &BuildSettings| {
        let directory =
            |(path, origin): &(_, ValueOrigin)| json!({ "value": path, "origin": origin });
        let values = settings
            .values
            .iter()
            .map(|(key, value)| (key.clone(), as_json(value)));
        let env = settings.env.iter().map(|it| {
            json!({ "name": it.name, "value": it.value, "is_overridden": it.is_overridden, "origin": it.origin })
        });
        json!({
            "workspace_root": settings.root,
            "target_directory": directory(&settings.target_directory),
            "build_directory": directory(&settings.build_directory),
            "values": values.collect::<BTreeMap<_, _>>(),
            "env": env.collect::<Vec<_>>(),
            "profiles": chosen(settings, profile).map(of_profile).collect::<Vec<_>>(),
        })
    };
    Reports {
        version: 2,
        workspaces: settings.iter().map(of).collect(),
    }
}

fn chosen<'a>(
    settings: &'a BuildSettings,
    profile: Option<&'a str>,
) -> impl Iterator<Item = &'a Profile> {
    let all = settings.profiles.iter();
    all.filter(move |it| profile.is_none_or(|name| it.name == name))
}

fn of_profile(profile: &Profile) -> Json {
    let fields = |fields: &Fields| -> BTreeMap<&str, Json> {
        fields
            .iter()
            .map(|(field, value)| (*field, as_json(value)))
            .collect()
    };
    let for_build = Of {
        is_for_build: true,
        ..Of::default()
    };
    let packages = profile.packages.iter();
    json!({
        "name": profile.name,
        "inherits": profile.inherits,
        "values": fields(&profile.values(Of::default())),
        "build_override": fields(&profile.values(for_build)),
        "packages": packages.map(|(spec, it)| (spec, fields(it))).collect::<BTreeMap<_, _>>(),
    })
}

fn as_json(value: &ConfigValue) -> Json {
    match &value.kind {
        ValueKind::List(items) => json!({
            "value": value,
            "origins": items.iter().map(|it| &it.origin).collect::<Vec<_>>(),
        }),
        _ => json!({ "value": value, "origin": value.origin }),
    }
}

/// Returns the settings as text. If a profile is named, the other profiles are left out.
pub(crate) fn text(settings: &[BuildSettings], profile: Option<&str>) -> String {
    let mut text = String::new();
    for settings in settings {
        let _ = writeln!(text, "{}", quote::name(&settings.root));
        let mut lines = Vec::new();
        for (name, (path, origin)) in [
            ("target directory", &settings.target_directory),
            ("build directory", &settings.build_directory),
        ] {
            lines.push((name.to_owned(), path.to_string(), origin.to_string()));
        }
        for (key, value) in &settings.values {
            lines.extend(each(key, value));
        }
        for variable in &settings.env {
            let value = match variable.is_overridden {
                true => format!("{}, but the shell sets another value", variable.value),
                false => variable.value.clone(),
            };
            lines.push((
                format!("env.{}", variable.name),
                value,
                variable.origin.to_string(),
            ));
        }
        table(&mut text, 2, &lines);
        for profile in chosen(settings, profile) {
            of_profile_text(&mut text, profile);
        }
        text.push('\n');
    }
    text.truncate(text.trim_end().len());
    text + "\n"
}

fn of_profile_text(text: &mut String, profile: &Profile) {
    let inherits = match &profile.inherits[..] {
        [] => String::new(),
        above => format!(", which inherits from {}", above.join(", ")),
    };
    let _ = writeln!(
        text,
        "  profile {}{}",
        quote::line(&profile.name),
        quote::line(&inherits)
    );
    let values = profile.values(Of::default());
    let (mut lines, mut default) = (Vec::new(), Vec::new());
    for field in FIELDS {
        match values.get(field) {
            Some(value) if value.origin == ValueOrigin::Default => {
                default.push(format!("{field} = {value}"));
            }
            Some(value) => lines.extend(each(field, value)),
            None => {}
        }
    }
    for (field, value) in &profile.build_override {
        lines.extend(each(&format!("build-override.{field}"), value));
    }
    for (spec, fields) in &profile.packages {
        for (field, value) in fields {
            lines.extend(each(&format!("package.{spec}.{field}"), value));
        }
    }
    table(text, 4, &lines);
    if !default.is_empty() {
        let _ = writeln!(text, "    by default: {}", quote::line(&default.join(", ")));
    }
}

/// A key, its value, and the origin of the value.
type SettingLine = (String, String, String);

/// Returns one line for a value. A list has one line for each item, because each item may have
/// another origin.
fn each(key: &str, value: &ConfigValue) -> Vec<SettingLine> {
    let line = |value: &ConfigValue| {
        let shown = value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned);
        (key.to_owned(), shown, value.origin.to_string())
    };
    match &value.kind {
        ValueKind::List(items) if !items.is_empty() => items.iter().map(line).collect(),
        _ => vec![line(value)],
    }
}

fn table(text: &mut String, indent: usize, lines: &[SettingLine]) {
    let (mut first, mut second) = (0, 0);
    let shown = |text: &String| quote::line(text).into_owned();
    let safe = |(key, value, origin): &SettingLine| (shown(key), shown(value), shown(origin));
    let lines: Vec<SettingLine> = lines.iter().map(safe).collect();
    for (key, value, _) in &lines {
        first = first.max(key.chars().count());
        second = second.max(value.chars().count()).min(50);
    }
    for (key, value, origin) in &lines {
        let _ = writeln!(
            text,
            "{:indent$}{key:first$}  {value:second$}  ← {origin}",
            ""
        );
    }
}

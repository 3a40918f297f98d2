//! Checks of profile settings that conflict with each other.

use anyhow::Result;
use camino::Utf8Path;
use xtask_impact::cargo_config::{ConfigValue, ValueKind, ValueOrigin};

use crate::checks::policy::profiles::{Of, Profile, incremental, profiles};
use crate::checks::policy::subject::{KnownWorkspace, PolicySubject};
use crate::checks::policy::tool;
use crate::checks::{Check, Finding, Level};

pub(crate) static INCREMENTAL_WITH_CACHE: Check = Check {
    code: "incremental-with-cache",
    level: Level::Warning,
    finds: "Incremental compilation together with a compiler cache",
    cost: "A compiler cache does not cache incremental builds, and sccache fails if \
           `CARGO_INCREMENTAL` is set.",
    explanation: "`rustc-wrapper` is a compiler cache, and `incremental` is turned on explicitly: \
in a profile, in `build.incremental`, or by `CARGO_INCREMENTAL`. The default of `dev` is not \
reported: then dependencies are cached, and only your own code is not.

Turn one of the two off: incremental builds help if you edit code, the cache helps elsewhere, for \
example in CI.",
};

pub(crate) static CODEGEN_UNITS_WITH_INCREMENTAL: Check = Check {
    code: "codegen-units-with-incremental",
    level: Level::Warning,
    finds: "An incremental profile with few codegen units",
    cost: "An incremental build compiles whole codegen units. With few codegen units, each edit \
           compiles most of the crate.",
    explanation: "A profile is incremental and has fewer than 16 `codegen-units`; rustc uses 256 \
for an incremental build by default.

Remove `codegen-units`, or turn `incremental` off for that profile.",
};

pub(crate) static LTO_WITH_INCREMENTAL: Check = Check {
    code: "lto-with-incremental",
    level: Level::Warning,
    finds: "An incremental profile with `lto`",
    cost: "With `lto`, every build optimises the whole program again, even after an edit of one \
           line.",
    explanation: "A profile has `lto` `\"thin\"` or `\"fat\"` and is incremental, which is the \
default of `dev` and `test`.

Set `lto` only in the profile of releases.",
};

pub(crate) static DEBUG_STRIPPED: Check = Check {
    code: "debug-stripped",
    level: Level::Warning,
    finds: "A profile that generates debug information and strips it",
    cost: "Debug information is generated, linked, and then removed.",
    explanation: "A profile sets `debug` and also `strip`, which removes the debug information, \
but not `split-debuginfo`, which would keep it in separate files.

Remove one of the two.",
};

pub(crate) static FULL_DEBUG_INFO: Check = Check {
    code: "full-debug-info",
    level: Level::Note,
    finds: "A development profile with full debug information",
    cost: "Full debug information can double the target directory, and the linker's time; \
           \"line-tables-only\" keeps the lines of backtraces.",
    explanation:
        "Full `debug` information is set explicitly where it is rarely used: in `release`, for \
dependencies, or for build scripts. Custom profiles, for example for profiling, are not checked.

`\"line-tables-only\"` or `\"limited\"` is enough for backtraces and most profilers.",
};

pub(crate) fn find(subject: &PolicySubject, found: &mut Vec<Finding>) -> Result<()> {
    for known in &subject.workspaces {
        let mut all = profiles(known.profiles.as_ref(), &known.config, None)?;
        cache(subject, known, &all, found)?;
        // An inherited value is reported for the profile that sets the value.
        all.sort_by_key(|it| it.inherits.len());
        for profile in &all {
            let mut of_profile = Vec::new();
            pairs(subject, profile, &mut of_profile);
            for finding in of_profile {
                let is_it = |it: &Finding| it.check == finding.check && it.place == finding.place;
                if !found.iter().any(is_it) {
                    found.push(finding);
                }
            }
        }
    }
    Ok(())
}

/// Returns true if the repository or a variable sets the value.
fn is_explicit(subject: &PolicySubject, value: &ConfigValue) -> bool {
    subject.is_own(&value.origin) || matches!(value.origin, ValueOrigin::Variable(_))
}

fn cache(
    subject: &PolicySubject,
    known: &KnownWorkspace,
    all: &[Profile],
    found: &mut Vec<Finding>,
) -> Result<()> {
    let Some(wrapper) = tool(&known.config, "rustc-wrapper")? else {
        return Ok(());
    };
    let name = wrapper.as_str();
    let name = name.and_then(|it| Utf8Path::new(it).file_stem());
    let Some(name) = name.filter(|it| ["sccache", "cachepot", "kache"].contains(it)) else {
        return Ok(());
    };
    let beating = incremental(&known.config)?;
    let said = all.iter().filter_map(|it| it.said.get("incremental"));
    let asking: Vec<&ConfigValue> = match &beating {
        Some(value) => vec![value],
        None => said.collect(),
    };
    let is_on = |it: &&ConfigValue| it.kind == ValueKind::Boolean(true) && is_explicit(subject, it);
    for value in asking.into_iter().filter(is_on) {
        let finding = INCREMENTAL_WITH_CACHE.found(
            subject.place(&value.origin),
            format!("incremental compilation is on, but {name} does not cache it"),
            format!("Turn `incremental` off, or do not use {name}."),
        );
        found.push(finding.evidence([subject.named(&wrapper.origin)]));
    }
    Ok(())
}

fn pairs(subject: &PolicySubject, profile: &Profile, found: &mut Vec<Finding>) {
    let name = &profile.name;
    let values = profile.values(Of::default());
    let text = |field: &str| values.get(field).map_or("", |it| it.as_str().unwrap_or(""));
    let said = |field: &str| {
        profile
            .said
            .get(field)
            .filter(|it| is_explicit(subject, it))
    };
    let is_incremental =
        values.get("incremental").map(|it| &it.kind) == Some(&ValueKind::Boolean(true));
    if let Some(units) = said("codegen-units")
        && let ValueKind::Integer(number @ ..16) = units.kind
        && is_incremental
    {
        found.push(CODEGEN_UNITS_WITH_INCREMENTAL.found(
            subject.place(&units.origin),
            format!("`{name}` is incremental, and has {number} codegen units"),
            "Remove `codegen-units`, or turn `incremental` off.",
        ));
    }
    if let Some(lto) = said("lto")
        && matches!(text("lto"), "thin" | "fat")
        && is_incremental
    {
        found.push(LTO_WITH_INCREMENTAL.found(
            subject.place(&lto.origin),
            format!("`{name}` is incremental, and has `lto = {lto}`"),
            "Remove `lto` from the profile.",
        ));
    }
    if let (Some(debug), Some(strip)) = (said("debug"), said("strip"))
        && text("debug") != "none"
        && matches!(text("strip"), "debuginfo" | "symbols")
        && !matches!(text("split-debuginfo"), "packed" | "unpacked")
    {
        let finding = DEBUG_STRIPPED.found(
            subject.place(&strip.origin),
            format!("`{name}` has `debug = {debug}`, and `strip = {strip}` removes it"),
            "Remove one of the two.",
        );
        found.push(finding.evidence([subject.named(&debug.origin)]));
    }
    let tables = [
        ("", Some(&profile.said).filter(|_| name == "release")),
        (".build-override", Some(&profile.build_override)),
        (".package.\"*\"", profile.packages.get("*")),
    ];
    for (table, fields) in tables {
        if let Some(debug) = fields.and_then(|it| it.get("debug"))
            && debug.as_str() == Some("full")
            && is_explicit(subject, debug)
        {
            found.push(FULL_DEBUG_INFO.found(
                subject.place(&debug.origin),
                format!("`{name}{table}` has full debug information"),
                "Use \"line-tables-only\" or \"limited\" if that is enough.",
            ));
        }
    }
}

//! JSON Schemas of the reports and of the configuration.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::{Value, json};
use xtask_impact::testing::schema::problems;

use super::{check, commands, metadata};
use crate::artifacts::plan::CleanPlan;
use crate::artifacts::sweep_table::SweepTable;
use crate::artifacts::text::Rooted;
use crate::audit::comparison::Comparison;
use crate::audit::text::AuditReport;
use crate::built_from::config::FreshnessConfig;
use crate::cache::{ProbeReport, StatusReport};
use crate::cargo_runs::build_times::BuildRecord;
use crate::checks::Policy;
use crate::checks::report::FindingsReport;
use crate::ci::key::CacheKey;
use crate::ci::matrix::Matrix;
use crate::cli::output::Reports;
use crate::explain::text::{CheckJson, ExplainJson};
use crate::freshness::report::FreshnessReport;
use crate::graph::text::GraphReport;
use crate::hooks::model::Config;
use crate::init::keys::{self, KEYS};
use crate::init::plan::InitPlan;
use crate::rebuilds::report::RebuildReport;
use crate::selection::report::AffectedReport;
use crate::selection::unification::FeatureUnification;
use crate::sweep::SweepReport;
use crate::timings::budget::TimingsSettings;
use crate::timings::compare::TimingsComparison;
use crate::timings::experiment::TrialReport;
use crate::timings::review::Review;
use crate::timings::text::{RunList, TimingsJson, WhatIfJson};
use crate::timings::trend::Trend;

/// Returns the schema of every JSON output, by the name of its file. The file of a command's
/// `--format json` has the words of the command.
fn reports() -> BTreeMap<&'static str, Value> {
    BTreeMap::from([
        ("affected", report::<AffectedReport>()),
        (
            "affected-all-workspaces",
            report::<Reports<AffectedReport>>(),
        ),
        ("audit", report::<AuditReport<'static>>()),
        ("audit-against", report::<Comparison>()),
        ("cache-lint", report::<FindingsReport<'static>>()),
        ("cache-probe", report::<ProbeReport>()),
        ("cache-status", report::<StatusReport>()),
        ("ci-cache-key", report::<CacheKey>()),
        ("ci-matrix", report::<Matrix>()),
        ("clean-affected", report::<CleanPlan>()),
        ("clean-affected-all-workspaces", report::<Reports<Rooted>>()),
        ("doctor", report::<FindingsReport<'static>>()),
        ("explain", report::<ExplainJson<'static>>()),
        ("explain-check", report::<CheckJson<'static>>()),
        ("freshness-restore", report::<FreshnessReport>()),
        ("freshness-save", report::<FreshnessReport>()),
        ("freshness-verify", report::<FreshnessReport>()),
        ("graph", report::<GraphReport>()),
        ("graph-all-workspaces", report::<Reports<GraphReport>>()),
        ("init", report::<InitPlan>()),
        ("policy-check", report::<FindingsReport<'static>>()),
        ("policy-show", policy_show()),
        ("rebuilds", report::<RebuildReport>()),
        ("sweep", report::<SweepReport>()),
        ("sweep-recursive", report::<Reports<SweepReport>>()),
        ("timings", report::<TimingsJson<'static>>()),
        ("timings-diff", report::<TimingsComparison>()),
        ("timings-list", report::<RunList<'static>>()),
        ("timings-record", report::<BuildRecord>()),
        ("timings-review", report::<Review>()),
        ("timings-show", report::<TimingsJson<'static>>()),
        ("timings-trend", report::<Trend>()),
        ("timings-try", report::<TrialReport>()),
        ("timings-what-if", report::<WhatIfJson<'static>>()),
    ])
}

fn report<T: JsonSchema>() -> Value {
    let settings = SchemaSettings::draft2020_12().for_serialize();
    settings
        .into_generator()
        .into_root_schema_for::<T>()
        .to_value()
}

/// Returns the schema of `policy show`, whose values have the types of cargo's configuration.
fn policy_show() -> Value {
    let place = json!({
        "type": "object",
        "properties": { "path": { "type": "string" }, "line": { "type": "integer" } },
        "required": ["path", "line"],
    });
    let one = |name: &str, schema: &Value| json!({ "type": "object", "properties": { name: schema }, "required": [name] });
    let text = json!({ "type": "string" });
    let values = json!({ "type": "object", "additionalProperties": { "$ref": "#/$defs/value" } });
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "PolicyShow",
        "type": "object",
        "properties": {
            "version": { "type": "integer" },
            "workspaces": { "type": "array", "items": { "$ref": "#/$defs/workspace" } },
        },
        "required": ["version", "workspaces"],
        "$defs": {
            "origin": { "oneOf": [
                { "const": "default" },
                one("file", &place),
                one("variable", &text),
                one("flag", &text),
                one("flag-file", &place),
            ] },
            "value": {
                "type": "object",
                "properties": {
                    "value": true,
                    "origin": { "$ref": "#/$defs/origin" },
                    "origins": { "type": "array", "items": { "$ref": "#/$defs/origin" } },
                },
                "required": ["value"],
            },
            "variable": {
                "type": "object",
                "properties": {
                    "name": text,
                    "value": text,
                    "is_overridden": { "type": "boolean" },
                    "origin": { "$ref": "#/$defs/origin" },
                },
                "required": ["name", "value", "is_overridden", "origin"],
            },
            "profile": {
                "type": "object",
                "properties": {
                    "name": text,
                    "inherits": { "type": "array", "items": text },
                    "values": values,
                    "build_override": values,
                    "packages": { "type": "object", "additionalProperties": values },
                },
                "required": ["name", "inherits", "values", "build_override", "packages"],
            },
            "workspace": {
                "type": "object",
                "properties": {
                    "workspace_root": text,
                    "target_directory": { "$ref": "#/$defs/value" },
                    "build_directory": { "$ref": "#/$defs/value" },
                    "values": values,
                    "env": { "type": "array", "items": { "$ref": "#/$defs/variable" } },
                    "profiles": { "type": "array", "items": { "$ref": "#/$defs/profile" } },
                },
                "required": [
                    "workspace_root", "target_directory", "build_directory", "values", "env",
                    "profiles",
                ],
            },
        },
    })
}

/// Returns the schema of `[workspace.metadata.xtask]`.
fn configuration() -> Value {
    let mut generator = SchemaSettings::draft2020_12().into_generator();
    let tables = json!({
        "feature-unification": generator.subschema_for::<FeatureUnification>(),
        "freshness": generator.subschema_for::<FreshnessConfig>(),
        "hooks": generator.subschema_for::<Config>(),
        "policy": generator.subschema_for::<Policy>(),
        "rules": xtask_impact::seeds::rules::rules_schema(&mut generator),
        "sweep": generator.subschema_for::<SweepTable>(),
        "timings": generator.subschema_for::<TimingsSettings>(),
    });
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": format!("[{}]", keys::TABLE),
        "type": "object",
        "properties": tables,
        "additionalProperties": false,
        "$defs": generator.definitions(),
    })
}

#[test]
fn the_schemas_are_current() {
    let mut all = reports();
    all.insert("configuration", configuration());
    for (name, schema) in &all {
        let text = serde_json::to_string_pretty(schema).unwrap() + "\n";
        check(&format!("schemas/{name}.json"), &text);
    }
    let directory = crate::architecture::package().join("docs/schemas");
    let files = directory.read_dir_utf8().unwrap().map(|it| it.unwrap());
    let mut files: Vec<_> = files
        .map(|it| it.file_name().replace(".json", ""))
        .collect();
    files.sort();
    assert!(all.keys().eq(files.iter()), "{files:?}");
}

#[test]
fn every_command_that_prints_json_has_a_schema() {
    let reports = reports();
    for command in commands() {
        if command.get_arguments().any(|it| it.get_id() == "json") {
            let name = command.get_bin_name().unwrap().replace("cargo xtask ", "");
            let name = name.replace(' ', "-");
            assert!(
                reports.contains_key(&*name),
                "add the report of `{name}` to `reports` in xtask/src/reference/schemas.rs"
            );
        }
    }
}

#[test]
fn the_schema_of_the_configuration_accepts_what_the_kit_accepts() {
    let schema = configuration();
    for keys in KEYS.chunk_by(|one, other| one.table() == other.table()) {
        let value = metadata(&keys::example(keys));
        assert_eq!(problems(&schema, &value), Vec::<String>::new(), "{value}");
    }
    for wrong in [
        json!({ "hook": {} }),
        json!({ "hooks": { "pre-commit": { "steps": "fmt" } } }),
        json!({ "hooks": { "pre-push": { "over-budget": "warn" } } }),
        json!({ "policy": { "levels": { "x": "fatal" } } }),
        json!({ "policy": { "exceptions": [{ "code": "x" }] } }),
        json!({ "rules": [{ "files": ["x"] }] }),
        json!({ "timings": { "keep": { "runs": -1.5 } } }),
    ] {
        assert_ne!(problems(&schema, &wrong), Vec::<String>::new(), "{wrong}");
    }
}

//! A check of JSON values against the JSON Schemas that `schemars` generates.

use serde_json::{Map, Value};

/// Returns the places at which a value breaks a schema, each with the broken rule. An object whose
/// schema lists properties must have no others, so that every field is documented. A keyword that
/// this check does not know is a broken rule, too.
pub fn problems(schema: &Value, value: &Value) -> Vec<String> {
    let mut check = SchemaCheck {
        root: schema,
        found: Vec::new(),
    };
    check.value(schema, value, "$");
    check.found
}

struct SchemaCheck<'a> {
    root: &'a Value,
    found: Vec<String>,
}

impl SchemaCheck<'_> {
    fn value(&mut self, schema: &Value, value: &Value, at: &str) {
        let rules = match schema {
            Value::Bool(true) => return,
            Value::Object(rules) => rules,
            other => return self.found.push(format!("{at}: {other} allows nothing")),
        };
        for (keyword, rule) in rules {
            self.rule(rules, (keyword, rule), value, at);
        }
        if let (Some(known), Some(fields)) = (rules.get("properties"), value.as_object()) {
            let others = fields
                .iter()
                .filter(|(name, _)| known.get(name.as_str()).is_none());
            for (name, field) in others {
                let other = rules
                    .get("additionalProperties")
                    .unwrap_or(&Value::Bool(false));
                self.value(other, field, &format!("{at}.{name}"));
            }
        }
    }

    fn rule(
        &mut self,
        rules: &Map<String, Value>,
        (keyword, rule): (&str, &Value),
        value: &Value,
        at: &str,
    ) {
        let holds = match keyword {
            "$ref" => {
                let pointer = rule.as_str().unwrap_or_default().trim_start_matches('#');
                let Some(named) = self.root.pointer(pointer) else {
                    return self.found.push(format!("{at}: {rule} does not exist"));
                };
                return self.value(named, value, at);
            }
            "properties" => {
                for (name, schema) in rule.as_object().into_iter().flatten() {
                    if let Some(field) = value.get(name) {
                        self.value(schema, field, &format!("{at}.{name}"));
                    }
                }
                true
            }
            "items" => {
                let first = rules.get("prefixItems").and_then(Value::as_array);
                let first = first.map_or(0, Vec::len);
                for (index, item) in value.as_array().into_iter().flatten().enumerate() {
                    if index >= first {
                        self.value(rule, item, &format!("{at}[{index}]"));
                    }
                }
                true
            }
            "prefixItems" => {
                let items = value.as_array().into_iter().flatten();
                for (schema, item) in rule.as_array().into_iter().flatten().zip(items) {
                    self.value(schema, item, at);
                }
                true
            }
            "additionalProperties" if !rules.contains_key("properties") => {
                for (name, field) in value.as_object().into_iter().flatten() {
                    self.value(rule, field, &format!("{at}.{name}"));
                }
                true
            }
            "anyOf" => self.matching(rule, value) > 0,
            "oneOf" => self.matching(rule, value) == 1,
            "type" => match rule {
                Value::Array(types) => types.iter().any(|it| is_of_type(value, it)),
                one => is_of_type(value, one),
            },
            "const" => value == rule,
            "enum" => rule.as_array().is_some_and(|it| it.contains(value)),
            "required" => {
                let mut names = rule
                    .as_array()
                    .into_iter()
                    .flatten()
                    .flat_map(Value::as_str);
                !value.is_object() || names.all(|name| value.get(name).is_some())
            }
            "$schema"
            | "$defs"
            | "title"
            | "description"
            | "default"
            | "format"
            | "minimum"
            | "maximum"
            | "minItems"
            | "maxItems"
            | "uniqueItems"
            | "additionalProperties" => true,
            _ => false,
        };
        if !holds {
            self.found
                .push(format!("{at}: {keyword}: {rule}, but found {value}"));
        }
    }

    /// Returns the number of schemas in a list that a value fits.
    fn matching(&self, schemas: &Value, value: &Value) -> usize {
        let fits = |schema: &&Value| {
            let mut check = SchemaCheck {
                root: self.root,
                found: Vec::new(),
            };
            check.value(schema, value, "$");
            check.found.is_empty()
        };
        schemas
            .as_array()
            .into_iter()
            .flatten()
            .filter(fits)
            .count()
    }
}

fn is_of_type(value: &Value, name: &Value) -> bool {
    match name.as_str() {
        Some("null") => value.is_null(),
        Some("boolean") => value.is_boolean(),
        Some("integer") => value.is_i64() || value.is_u64(),
        Some("number") => value.is_number(),
        Some("string") => value.is_string(),
        Some("array") => value.is_array(),
        Some("object") => value.is_object(),
        _ => false,
    }
}

#[test]
fn a_broken_rule_is_found_at_its_place() {
    use serde_json::json;

    let schema = json!({
        "type": "object",
        "properties": {
            "name": { "type": ["string", "null"] },
            "list": { "type": "array", "items": { "$ref": "#/$defs/kind" } },
        },
        "required": ["list"],
        "$defs": { "kind": { "oneOf": [{ "const": "a" }, { "enum": ["b", 1] }] } },
    });
    let broken = |value: Value| problems(&schema, &value).join("; ");
    assert_eq!(broken(json!({ "list": ["a", "b", 1], "name": null })), "");
    assert!(broken(json!({})).starts_with("$: required"));
    assert!(broken(json!({ "list": ["c"] })).starts_with("$.list[0]: oneOf"));
    assert!(broken(json!({ "list": [], "name": 1 })).starts_with("$.name: type"));
    assert!(broken(json!({ "list": [], "new": 1 })).starts_with("$.new: false"));
    let unknown = problems(&json!({ "pattern": "x" }), &json!("x"));
    assert!(unknown[0].starts_with("$: pattern"), "{unknown:?}");
}

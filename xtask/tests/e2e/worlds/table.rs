//! Counts the classes of change, the rules and the kinds of edges that occurred in the cases.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde_json::Value;

/// The rules by which a change can touch a unit. `assumed` is left out, because it needs a flag
/// instead of a change.
const RULES: &[&str] = &[
    "source",
    "build-script-input",
    "target",
    "manifest",
    "resolution",
    "configuration",
    "configured",
    "runtime-input",
    "doubt",
];

/// The number of cases in which each row occurred.
#[derive(Default)]
pub(crate) struct Table {
    rows: BTreeMap<(String, String), usize>,
}

impl Table {
    pub(crate) fn count_classes(&mut self, classes: impl Iterator<Item = &'static str>) {
        for class in classes.collect::<BTreeSet<_>>() {
            self.count("class", class);
        }
    }

    pub(crate) fn count_edges(&mut self, kinds: BTreeSet<&'static str>) {
        for kind in kinds {
            self.count("edge", kind);
        }
    }

    /// Counts the rules by which any of a case's answers in JSON names a unit.
    pub(crate) fn count_rules(&mut self, answers: &[Value]) {
        let units = answers
            .iter()
            .flat_map(|it| it["units"].as_array().unwrap());
        let rules: BTreeSet<&str> = units
            .filter_map(|unit| unit["seed"]["rule"].as_str())
            .collect();
        for rule in rules {
            self.count("rule", rule);
        }
    }

    fn count(&mut self, group: &str, row: &str) {
        self.add_to(group, row, 1);
    }

    fn add_to(&mut self, group: &str, row: &str, count: usize) {
        let row = (group.to_owned(), row.to_owned());
        *self.rows.entry(row).or_default() += count;
    }

    /// Returns the counts, so that another run can add them to its own counts.
    pub(crate) fn counts(&self) -> Value {
        let rows = self.rows.iter();
        rows.map(|((group, row), count)| serde_json::json!([group, row, count]))
            .collect()
    }

    /// Adds the counts of another run.
    pub(crate) fn add(&mut self, counts: &Value) {
        let rows: Vec<(String, String, usize)> = serde_json::from_value(counts.clone()).unwrap();
        for (group, row, count) in rows {
            self.add_to(&group, &row, count);
        }
    }

    /// Returns the rows that occurred in fewer cases than `least`.
    pub(crate) fn rows_below(
        &self,
        least: usize,
        classes: impl Iterator<Item = &'static str>,
        edges: &[&'static str],
    ) -> Vec<String> {
        let wanted = classes.map(|class| ("class", class));
        let wanted = wanted.chain(edges.iter().map(|&edge| ("edge", edge)));
        let wanted = wanted.chain(RULES.iter().map(|&rule| ("rule", rule)));
        wanted
            .filter_map(|(group, row)| {
                let count = self.rows.get(&(group.to_owned(), row.to_owned())).copied();
                let count = count.unwrap_or_default();
                (count < least).then(|| format!("{group} {row}: {count}"))
            })
            .collect()
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for ((group, row), count) in &self.rows {
            writeln!(f, "{count:>6}  {group} {row}")?;
        }
        Ok(())
    }
}

//! The results of all cases.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde_json::Value;

use crate::support::{Output, Unit};

#[derive(Default)]
pub(crate) struct Tally {
    discarded: usize,
    pub(crate) misses: Vec<String>,
    /// The number of predicted units, and the number of predicted units that were rebuilt, by kind
    /// of evidence.
    named: BTreeMap<String, (usize, usize)>,
}

/// The units that the kit predicted with some kind of evidence, each with its reason.
pub(crate) type Answer = (&'static str, Result<Vec<(Unit, String)>, Output>);

impl Tally {
    /// Counts a change with which the workspace does not build. Such a change proves nothing.
    pub(crate) fn discard(&mut self, story: &str) {
        println!("{story}: does not build");
        self.discarded += 1;
    }

    /// Compares the answers with the units that cargo rebuilt.
    pub(crate) fn count(&mut self, story: &str, rebuilt: &BTreeSet<Unit>, answers: Vec<Answer>) {
        println!("{story}: {} rebuilt", rebuilt.len());
        for (evidence, answer) in answers {
            match answer {
                Ok(named) => self.compare(story, evidence, rebuilt, named.into_iter().collect()),
                Err(said) => {
                    self.miss(format!("{story}\n  with {evidence} the kit failed\n{said}"))
                }
            }
        }
    }

    fn compare(
        &mut self,
        story: &str,
        evidence: &'static str,
        rebuilt: &BTreeSet<Unit>,
        named: BTreeMap<Unit, String>,
    ) {
        let missed: Vec<_> = rebuilt
            .iter()
            .filter(|unit| !named.contains_key(unit))
            .collect();
        let (all, rightly) = self.named.entry(evidence.to_owned()).or_default();
        *all += named.len();
        *rightly += rebuilt.len() - missed.len();
        if !missed.is_empty() {
            let missed: String = missed.iter().map(|unit| format!("    {unit}\n")).collect();
            self.miss(format!("{story}\n  missed with {evidence}:\n{missed}"));
        }
        let mut too_many: BTreeMap<&str, Vec<&Unit>> = BTreeMap::new();
        for (unit, because) in named.iter().filter(|(unit, _)| !rebuilt.contains(unit)) {
            too_many.entry(because).or_default().push(unit);
        }
        for (because, units) in too_many {
            println!(
                "  {} too many with {evidence}: {} … ← {because}",
                units.len(),
                units[0]
            );
        }
    }

    fn miss(&mut self, miss: String) {
        println!("MISS {miss}");
        self.misses.push(miss);
    }

    /// Returns the numbers, so that another run can add them to its own numbers.
    pub(crate) fn counts(&self) -> Value {
        serde_json::json!(self.named)
    }

    /// Adds the numbers of another run.
    pub(crate) fn add(&mut self, counts: &Value) {
        let counts = counts.clone();
        let counts: BTreeMap<String, (usize, usize)> = serde_json::from_value(counts).unwrap();
        for (evidence, (all, rightly)) in counts {
            let named = self.named.entry(evidence).or_default();
            *named = (named.0 + all, named.1 + rightly);
        }
    }

    /// Returns the precision in per cent: the share of predicted units that were rebuilt.
    pub(crate) fn precision(&self, evidence: &str) -> f64 {
        match self.named.get(evidence) {
            Some(&(named, rightly)) if named > 0 => 100.0 * rightly as f64 / named as f64,
            _ => 100.0,
        }
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{} cases do not build, {} misses",
            self.discarded,
            self.misses.len()
        )?;
        for (evidence, (named, rightly)) in &self.named {
            let precision = self.precision(evidence);
            writeln!(
                f,
                "{evidence}: {rightly} of {named} named were rebuilt, {precision:.1}%"
            )?;
        }
        Ok(())
    }
}

//! The counts of a server of sccache.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::log::{CacheOutcome, Outcomes};

/// The requests of builds to a compiler cache.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct CacheCounts {
    /// The number of compilations that asked the cache, cacheable or not.
    pub compilations: u64,
    /// The number of results that came from the cache.
    pub hits: u64,
    /// The number of cacheable compilations whose result was not in the cache.
    pub misses: u64,
    /// The number of failures to read or write the cache, timeouts included.
    pub errors: u64,
    /// The number of compilations that cannot be cached, by reason.
    pub not_cached: BTreeMap<String, u64>,
}

/// The report of a server: its counts, its version and the size of its cache on the disk.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(crate) struct ServerReport {
    /// The version of sccache.
    pub version: String,
    /// The counts since the server started.
    pub counts: CacheCounts,
    /// The bytes of the cache on the disk, if sccache reports them.
    pub size: Option<u64>,
    /// The limit of these bytes.
    pub size_limit: Option<u64>,
}

/// The questions of cargo to rustc that are no compilations: `rustc -vV` and `rustc --print`.
const QUESTIONS: [&str; 2] = ["missing input", "-"];

impl CacheCounts {
    /// Returns the number of compilations that the cache can serve.
    pub fn cacheable(&self) -> u64 {
        self.hits + self.misses
    }

    /// Returns the share of hits among cacheable compilations, in percent. `None` if there were no
    /// cacheable compilations.
    pub fn hit_rate(&self) -> Option<f64> {
        percent(self.hits, self.cacheable())
    }

    /// Returns the share of cacheable compilations among all compilations, in percent. `None` if
    /// there were no compilations.
    pub fn coverage(&self) -> Option<f64> {
        percent(self.cacheable(), self.compilations)
    }

    /// Returns the counts since an earlier state of the same server. A server that was restarted in
    /// the meantime has lower counts; its present counts are then returned.
    pub(crate) fn since(&self, before: &Self) -> Self {
        if self.compilations < before.compilations || self.hits < before.hits {
            return self.clone();
        }
        let not_cached = self.not_cached.iter().map(|(reason, count)| {
            let former = before.not_cached.get(reason).copied().unwrap_or(0);
            (reason.clone(), count.saturating_sub(former))
        });
        Self {
            compilations: self.compilations - before.compilations,
            hits: self.hits - before.hits,
            misses: self.misses.saturating_sub(before.misses),
            errors: self.errors.saturating_sub(before.errors),
            not_cached: not_cached.filter(|(_, count)| *count > 0).collect(),
        }
    }

    /// Adds the counts of another server.
    pub(crate) fn add(&mut self, other: &Self) {
        self.compilations += other.compilations;
        self.hits += other.hits;
        self.misses += other.misses;
        self.errors += other.errors;
        for (reason, count) in &other.not_cached {
            *self.not_cached.entry(reason.clone()).or_default() += count;
        }
    }

    /// Returns the counts of outcomes.
    pub(crate) fn of(outcomes: &Outcomes) -> Self {
        let mut counts = Self::default();
        for outcome in outcomes.values().flatten() {
            counts.compilations += 1;
            match outcome {
                CacheOutcome::Hit => counts.hits += 1,
                CacheOutcome::Miss => counts.misses += 1,
                CacheOutcome::Error => counts.errors += 1,
                CacheOutcome::NotCached(reason) => {
                    *counts.not_cached.entry(reason.clone()).or_default() += 1;
                }
            }
        }
        counts
    }

    /// Returns the counts in one line.
    pub(crate) fn line(&self) -> String {
        let share = |share: Option<f64>| share.map_or("none".to_owned(), |it| format!("{it:.0}%"));
        format!(
            "{} of {} cacheable compilations were hits ({}), {} of {} compilations were cacheable \
             ({})",
            self.hits,
            self.cacheable(),
            share(self.hit_rate()),
            self.cacheable(),
            self.compilations,
            share(self.coverage()),
        )
    }
}

fn percent(part: u64, whole: u64) -> Option<f64> {
    #[expect(clippy::cast_precision_loss, reason = "a share does not need 52 bits")]
    let share = part as f64 * 100.0 / whole as f64;
    (whole > 0).then_some((share * 100.0).round() / 100.0)
}

/// The parts of the output of `sccache --show-stats --stats-format json` that the kit reads.
#[derive(Deserialize)]
struct SccacheReport {
    stats: SccacheCounts,
    #[serde(default)]
    cache_size: Option<u64>,
    #[serde(default)]
    max_cache_size: Option<u64>,
    #[serde(default)]
    version: String,
}

#[derive(Deserialize)]
struct SccacheCounts {
    compile_requests: u64,
    cache_hits: ByLanguage,
    cache_misses: ByLanguage,
    cache_errors: ByLanguage,
    #[serde(default)]
    cache_timeouts: u64,
    #[serde(default)]
    cache_read_errors: u64,
    #[serde(default)]
    cache_write_errors: u64,
    #[serde(default)]
    not_cached: BTreeMap<String, u64>,
}

#[derive(Deserialize)]
struct ByLanguage {
    #[serde(default)]
    counts: BTreeMap<String, u64>,
}

impl ByLanguage {
    /// Returns the sum of all languages: build scripts may compile C with the same cache.
    fn sum(&self) -> u64 {
        self.counts.values().sum()
    }
}

impl ServerReport {
    /// Reads the output of `sccache --show-stats --stats-format json`. Lines before the report are
    /// skipped, since sccache prints warnings there.
    ///
    /// # Errors
    /// Returns a message if there is no report in the output.
    pub(crate) fn read(output: &str) -> Result<Self, String> {
        let start = output.find('{').ok_or("sccache printed no report")?;
        let mut reports = serde_json::Deserializer::from_str(&output[start..]).into_iter();
        let report: SccacheReport = match reports.next() {
            Some(report) => report.map_err(|error| format!("the report of sccache: {error}"))?,
            None => return Err("sccache printed no report".to_owned()),
        };
        let stats = report.stats;
        let mut not_cached = stats.not_cached;
        let questions = QUESTIONS.map(|reason| not_cached.remove(reason).unwrap_or(0));
        let questions: u64 = questions.iter().sum();
        Ok(Self {
            version: report.version,
            counts: CacheCounts {
                compilations: stats.compile_requests.saturating_sub(questions),
                hits: stats.cache_hits.sum(),
                misses: stats.cache_misses.sum(),
                errors: stats.cache_errors.sum()
                    + stats.cache_timeouts
                    + stats.cache_read_errors
                    + stats.cache_write_errors,
                not_cached,
            },
            size: report.cache_size,
            size_limit: report.max_cache_size,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The output of sccache 0.16 after two builds of two libraries and a binary.
    const REPORT: &str = r#"sccache: warning: something
{"stats":{"compile_requests":12,"requests_not_cacheable":8,"cache_errors":{"counts":{},
"adv_counts":{}},"cache_hits":{"counts":{"Rust":2},"adv_counts":{"rust":2}},"cache_misses":{
"counts":{"Rust":1,"C/C++":1},"adv_counts":{}},"cache_timeouts":0,"cache_read_errors":1,
"cache_write_errors":2,"not_cached":{"missing input":4,"-":2,"crate-type":2}},
"cache_location":"Multi-level (1 levels)","cache_size":9043,"max_cache_size":1073741824,
"version":"0.16.0"}"#;

    #[test]
    fn questions_of_cargo_are_no_compilations() {
        let report = ServerReport::read(REPORT).unwrap();
        assert_eq!(report.counts.compilations, 6);
        assert_eq!(report.counts.errors, 3);
        assert_eq!(report.counts.hit_rate(), Some(50.0));
        assert_eq!(report.counts.coverage(), Some(66.67));
        assert_eq!(report.size_limit, Some(1 << 30));
        assert_eq!(
            report.counts.line(),
            "2 of 4 cacheable compilations were hits (50%), 4 of 6 compilations were cacheable (67%)"
        );
        assert_eq!(
            ServerReport::read("sccache: error: no").unwrap_err(),
            "sccache printed no report"
        );
    }

    #[test]
    fn counts_are_those_of_one_build() {
        let after = ServerReport::read(REPORT).unwrap().counts;
        let before = CacheCounts {
            compilations: 4,
            hits: 1,
            misses: 2,
            not_cached: [("crate-type".to_owned(), 2)].into(),
            ..CacheCounts::default()
        };
        let own = after.since(&before);
        assert_eq!((own.compilations, own.hits, own.misses), (2, 1, 0));
        assert!(own.not_cached.is_empty());
        // The server was started again.
        let high = CacheCounts {
            compilations: 100,
            ..before
        };
        assert_eq!(after.since(&high), after);
        assert_eq!(CacheCounts::default().hit_rate(), None);
    }
}

//! The durations of test binaries, as nextest recorded them.

use std::collections::HashMap;

/// Durations in milliseconds, by nextest's names of the test binaries.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Durations {
    known: HashMap<String, u64>,
}

impl Durations {
    /// Adds the durations of a JUnit report. For every test, nextest writes a `testcase` with
    /// `classname`, the test binary, and `time`, in seconds. A later report overrides an earlier
    /// report.
    pub(crate) fn add(&mut self, junit: &str) {
        let mut read: HashMap<String, u64> = HashMap::new();
        for case in junit.split("<testcase ").skip(1) {
            let attributes = case.split('>').next().unwrap_or_default();
            let time = attribute(attributes, "time").and_then(|time| time.parse::<f64>().ok());
            if let Some((binary, seconds)) = attribute(attributes, "classname").zip(time) {
                // The time is rounded up, so that every test counts.
                let milliseconds = (seconds.max(0.0) * 1000.0).ceil() as u64;
                *read.entry(binary.to_owned()).or_default() += milliseconds;
            }
        }
        self.known.extend(read);
    }

    /// Returns the expected duration of a test binary: its recorded duration, or the median of all
    /// durations if the binary never ran.
    pub(crate) fn of(&self, binary: &str) -> u64 {
        self.known.get(binary).copied().unwrap_or_else(|| {
            let mut all: Vec<u64> = self.known.values().copied().collect();
            all.sort_unstable();
            all.get(all.len() / 2).copied().unwrap_or(1)
        })
    }

    /// Returns true if no duration is known.
    pub(crate) fn is_empty(&self) -> bool {
        self.known.is_empty()
    }
}

fn attribute<'a>(attributes: &'a str, name: &str) -> Option<&'a str> {
    let start = attributes.find(&format!("{name}=\""))? + name.len() + 2;
    attributes[start..].split('"').next()
}

#[test]
fn a_report_is_summed_up_by_binary() {
    let mut durations = Durations::default();
    assert_eq!((durations.of("a"), durations.is_empty()), (1, true));
    durations.add(
        r#"<testsuites><testsuite name="a" tests="2">
            <testcase name="one" classname="a" timestamp="2026" time="1.200"></testcase>
            <testcase name="two" classname="a" time="0.3001"><failure message="x > y"/></testcase>
        </testsuite><testsuite name="a::it"><testcase name="t" classname="a::it" time="9"/>
        <testcase name="t" classname="b" time="0.5"/></testsuite></testsuites>"#,
    );
    assert_eq!(durations.of("a"), 1501);
    assert_eq!(durations.of("a::it"), 9000);
    assert_eq!(durations.of("unknown"), 1501);
    durations.add(r#"<testcase name="t" classname="a::it" time="1"/>"#);
    assert_eq!(durations.of("a::it"), 1000);
}

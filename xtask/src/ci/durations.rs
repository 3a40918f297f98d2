//! How long test binaries took, as nextest recorded it.

use std::collections::HashMap;

/// Milliseconds by the names that nextest gives test binaries.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Durations {
    known: HashMap<String, u64>,
}

impl Durations {
    /// Adds those of a JUnit report, in which nextest writes a `testcase` with `classname`, the
    /// binary, and `time`, in seconds, for every test; a later report overrides an earlier one.
    pub fn add(&mut self, junit: &str) {
        let mut read: HashMap<String, u64> = HashMap::new();
        for case in junit.split("<testcase ").skip(1) {
            let attributes = case.split('>').next().unwrap_or_default();
            let time = attribute(attributes, "time").and_then(|time| time.parse::<f64>().ok());
            if let Some((binary, seconds)) = attribute(attributes, "classname").zip(time) {
                // Rounded up, so that nothing takes no time at all.
                let milliseconds = (seconds.max(0.0) * 1000.0).ceil() as u64;
                *read.entry(binary.to_owned()).or_default() += milliseconds;
            }
        }
        self.known.extend(read);
    }

    /// How long a test binary is going to take: what it took, or as long as the one in the middle
    /// where it never ran.
    pub fn of(&self, binary: &str) -> u64 {
        self.known.get(binary).copied().unwrap_or_else(|| {
            let mut all: Vec<u64> = self.known.values().copied().collect();
            all.sort_unstable();
            all.get(all.len() / 2).copied().unwrap_or(1)
        })
    }

    /// Whether nothing is known.
    pub fn is_empty(&self) -> bool {
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

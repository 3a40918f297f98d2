//! Readers of what cargo and rustc print about a build: timings pages, messages, logs, unit graphs.

pub(crate) mod build_log;
pub(crate) mod import;
pub(crate) mod messages;
pub(crate) mod report_html;
pub(crate) mod unit_graph;

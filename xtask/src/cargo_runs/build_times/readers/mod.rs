//! Readers of cargo's output about a build: timings pages, messages, logs and unit graphs.

pub(crate) mod build_log;
pub(crate) mod import;
pub(crate) mod messages;
pub(crate) mod report_html;
pub(crate) mod unit_graph;

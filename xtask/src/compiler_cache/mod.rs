//! The compiler cache that the user's builds use: sccache, its servers, its configuration and its
//! counts.

pub(crate) mod counts;
pub(crate) mod log;
pub(crate) mod meter;
pub(crate) mod ping;
pub(crate) mod program;
pub(crate) mod remote;
pub(crate) mod server;
pub(crate) mod settings;

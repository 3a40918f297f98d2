//! The log of the route of an answer: which evidence the answer rests on.

use super::Evidence;
use crate::quote;
use crate::records::Records;
use crate::seeds::Resolution;

/// Logs which records the answer may use, and if cargo was asked for its unit graph.
pub(super) fn log(evidence: &Evidence, records: &Records<'_>, resolution: &Resolution) {
    match evidence {
        Evidence::Records(_) => records.log_use(),
        Evidence::Sources => log::info!("records: none are used"),
    }
    match resolution {
        Resolution::Unchanged => {
            log::info!("cargo's unit graph: not asked, since no changed file affects resolution");
        }
        Resolution::Compared(compared) => log::info!(
            "cargo's unit graph: asked for both sides; {} units differ",
            compared.differences.len()
        ),
        Resolution::Unknown(why) => {
            log::info!("cargo's unit graph: not known: {}", quote::line(why));
        }
    }
}

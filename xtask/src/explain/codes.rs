//! The codes of rustc's errors that artifacts can cause, in general words.

use anyhow::Result;
use xtask_impact::process::{self, Runner};
use xtask_impact::usage;

use super::situation::MISSING_NAMES;

/// Checks that rustc has an error with this code.
///
/// # Errors
/// Returns an error for wrong use if rustc does not know the code.
pub(super) fn check_known(runner: &Runner, code: &str) -> Result<()> {
    match process::checked(runner.rustc().args(["--explain", code])) {
        Ok(_) => Ok(()),
        Err(_) => Err(usage!(
            "rustc has no error with the code {code}\nhint: pipe the error: `cargo check 2>&1 | \
             cargo xtask explain -`"
        )),
    }
}

/// Returns true if the text is the code of an error of rustc: `E0786`.
pub(super) fn is_code(text: &str) -> bool {
    let digits = text.strip_prefix(['E', 'e']).unwrap_or_default();
    digits.len() == 4 && digits.bytes().all(|byte| byte.is_ascii_digit())
}

/// Returns the meaning of a code for artifacts; `None` if the code is always an error in the code.
pub(super) fn meaning(code: &str) -> Option<&'static str> {
    Some(match code {
        "E0786" => "rustc cannot read the metadata of a library: the file is damaged",
        "E0463" => {
            "rustc finds no usable file of a crate: its metadata is empty, or the manifest does \
             not declare the dependency, or the target is not installed"
        }
        "E0460" => {
            "a library was compiled against another build of its dependency than the one on disk"
        }
        "E0514" => "a library was compiled by another rustc than the one in use",
        _ if MISSING_NAMES.contains(&code) => {
            "a name does not exist: an error in the code, unless the artifact of the dependency is \
             older than its sources"
        }
        "E0308" | "E0277" => {
            "types do not fit: an error in the code, unless two versions of one package meet"
        }
        _ => return None,
    })
}

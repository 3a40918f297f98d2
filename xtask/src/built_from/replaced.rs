//! Files whose content is new and whose time is old: neither cargo nor a comparison of commits sees
//! them, but the record of the last build does.

use cargo_metadata::camino::{Utf8Path, Utf8PathBuf};
use xtask_impact::parallel;
use xtask_impact::workspace::Workspace;

use super::content::{ContentHash, ContentReader, FileStamp, PathContent};
use super::record;

/// Returns the files below the workspace root that have another content than when they were
/// recorded, although they were modified before. Returns nothing if there is no record.
pub(crate) fn files(workspace: &Workspace) -> Vec<Utf8PathBuf> {
    let Some(record) = record::of(&workspace.root, &workspace.build_directory) else {
        return Vec::new();
    };
    let reader = ContentReader::default();
    let mut found = parallel::parts(&record.stamps, |part| {
        let replaced = part.iter().filter(|(path, stamp, hash)| {
            let path = Utf8Path::new(path);
            path.starts_with(&workspace.root)
                && !path.starts_with(&workspace.build_directory)
                && is_replaced(&reader, path, stamp, hash, record.saved)
        });
        replaced.map(|(path, ..)| Utf8PathBuf::from(path)).collect()
    });
    found.sort();
    found
}

fn is_replaced(
    reader: &ContentReader,
    path: &Utf8Path,
    then: &FileStamp,
    hash: &ContentHash,
    saved: i64,
) -> bool {
    let now = std::fs::metadata(path).map(|it| FileStamp::of(&it));
    let is_candidate = now.is_ok_and(|now| now != *then && now.modified < saved);
    is_candidate
        && match reader.file(path) {
            Ok((_, PathContent::File { hash: now, .. })) => now != *hash,
            _ => false,
        }
}

//! Files with a new content and an old modification time. Neither cargo nor a comparison of commits
//! notices them; the record of the last build shows them.

use std::collections::{BTreeSet, HashMap};

use camino::{Utf8Path, Utf8PathBuf};
use xtask_impact::files::FileStamp;
use xtask_impact::parallel;
use xtask_impact::workspace::Workspace;

use super::content::{ContentHash, ContentReader, PathContent};
use super::record::{self, BuildRecord};

/// Returns the files below the workspace root that have another content than when they were
/// recorded, although they were modified before. Returns nothing if there is no record.
pub(crate) fn files(workspace: &Workspace) -> Vec<Utf8PathBuf> {
    let Some(record) = record::of(&workspace.root, &workspace.build_directory) else {
        return Vec::new();
    };
    let is_source = |path: &Utf8Path| {
        path.starts_with(&workspace.root) && !path.starts_with(&workspace.build_directory)
    };
    let mut recorded = recorded_files(&record);
    recorded.retain(|(path, _)| is_source(path));
    let stamps = record.stamps.iter();
    let stamps: HashMap<&Utf8Path, &FileStamp> = stamps
        .map(|(path, stamp, _)| (Utf8Path::new(path), stamp))
        .collect();
    let reader = ContentReader::default();
    let mut found = parallel::parts(&recorded, |part| {
        let replaced = part.iter().filter(|(path, hash)| {
            let stamp = stamps.get(path).copied();
            is_replaced(&reader, path, stamp, hash, record.saved)
        });
        replaced.map(|(path, _)| (*path).to_owned()).collect()
    });
    found.sort();
    found.dedup();
    found
}

/// Returns the files of a record, each with its content.
fn recorded_files(record: &BuildRecord) -> Vec<(&Utf8Path, &ContentHash)> {
    let items = record.inputs.iter().flat_map(|it| &it.items);
    let files: BTreeSet<_> = items
        .filter_map(|item| match &item.content {
            PathContent::File { hash, .. } => Some((Utf8Path::new(&item.path), hash)),
            _ => None,
        })
        .collect();
    files.into_iter().collect()
}

/// Returns true if a file has another content, and a time before `saved`. A file whose stamp is the
/// recorded one is not read.
fn is_replaced(
    reader: &ContentReader,
    path: &Utf8Path,
    then: Option<&FileStamp>,
    hash: &ContentHash,
    saved: i64,
) -> bool {
    let now = std::fs::metadata(path).map(|it| FileStamp::of(&it));
    let is_candidate = now.is_ok_and(|now| Some(&now) != then && now.modified < saved);
    is_candidate
        && match reader.file(path) {
            Ok((_, PathContent::File { hash: now, .. })) => now != *hash,
            _ => false,
        }
}

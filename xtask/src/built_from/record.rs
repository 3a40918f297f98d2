//! The record of builds: for every unit of a build directory, the contents that the unit was built
//! from. It lies in the kit's own directory in the build directory, so that a cache of the build
//! directory carries the record along.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::io;

use camino::{Utf8Path, Utf8PathBuf};
use serde::{Deserialize, Serialize};
use xtask_impact::files::FileStamp;
use xtask_impact::private_dir::write_whole;
use xtask_impact::{files, state};

use super::config::FreshnessConfig;
use super::content::{ContentHash, ContentItem, DirectoryIdentity, hash_of};
use super::inputs::UnitInput;

/// The record of one build directory.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct BuildRecord {
    /// The directories and the cargo that the record belongs to.
    pub owner: RecordOwner,
    /// The identity of the build directory when it was recorded; another identity means a copy.
    pub build_identity: Option<DirectoryIdentity>,
    /// The identity of the workspace root.
    pub root_identity: Option<DirectoryIdentity>,
    /// The time of the file system when the record was made.
    pub saved: i64,
    /// The contents of inputs. A unit names them by index.
    pub inputs: Vec<RecordedInput>,
    /// The units, sorted by key.
    pub units: Vec<RecordedUnit>,
    /// The watched files that git did not track: a build script may have written them.
    pub generated: BTreeSet<Utf8PathBuf>,
    /// The stamps and hashes of files, so that the next reading hashes changed files only.
    pub stamps: Vec<(String, FileStamp, ContentHash)>,
}

/// The directories and the cargo that a record belongs to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RecordOwner {
    /// The workspace root.
    pub root: Utf8PathBuf,
    /// The build directory.
    pub build_directory: Utf8PathBuf,
    /// The version of cargo.
    pub cargo: String,
    /// The settings, which name inputs of every unit.
    pub settings: FreshnessConfig,
}

/// An input with the content that a unit was built from.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct RecordedInput {
    /// The input.
    pub input: UnitInput,
    /// The paths of the input, sorted.
    pub items: Vec<ContentItem>,
}

/// The record of one unit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct RecordedUnit {
    /// The path of the hash file, relative to the build directory.
    pub key: String,
    /// The fingerprint.
    pub value: u64,
    /// The nonce in `invoked.timestamp`.
    pub nonce: String,
    /// The keys and nonces of the dependencies; the reason if they cannot be known.
    pub dependencies: Result<Vec<(String, String)>, String>,
    /// The indexes of the inputs in [`BuildRecord::inputs`]; the reason if they cannot be known.
    pub inputs: Result<Vec<u32>, String>,
    /// The artifacts, relative to the build directory, with their sizes.
    pub outputs: Vec<(String, u64)>,
}

/// The result of reading a record.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum ReadRecord {
    /// There is no record.
    Absent,
    /// The record belongs to this workspace, build directory and cargo.
    Own(Box<BuildRecord>),
    /// The record cannot be used, for this reason.
    Unusable(String),
}

/// The header of a record. The number changes with the format.
const HEADER: &[u8] = b"xtask-freshness 3\n";

/// Returns the path of the record of a build directory.
pub(crate) fn path(build_directory: &Utf8Path) -> Utf8PathBuf {
    state::in_target(build_directory).join("freshness")
}

/// Reads the record of a build directory.
pub(crate) fn read(owner: &RecordOwner) -> ReadRecord {
    let bytes = match files::read(path(&owner.build_directory), files::STATE) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return ReadRecord::Absent,
        Err(error) => return ReadRecord::Unusable(format!("it cannot be read: {error}")),
        Ok(bytes) => bytes,
    };
    let Some(record) = parse(&bytes) else {
        let is_kits = bytes.starts_with(&HEADER[..HEADER.len() - 2]) && !bytes.starts_with(HEADER);
        return ReadRecord::Unusable(match is_kits {
            true => "another version of the kit wrote it".to_owned(),
            false => "it is damaged".to_owned(),
        });
    };
    let differs = |what: &str, then: &str, now: &str| {
        ReadRecord::Unusable(format!("it was made for {what} {then}, not for {now}"))
    };
    let (then, now) = (&record.owner, owner);
    if then.root != now.root {
        return differs("the workspace", then.root.as_str(), now.root.as_str());
    }
    if then.build_directory != now.build_directory {
        let (then, now) = (then.build_directory.as_str(), now.build_directory.as_str());
        return differs("the build directory", then, now);
    }
    if then.cargo != now.cargo {
        return differs("cargo", &then.cargo, &now.cargo);
    }
    if then.settings != now.settings {
        let reason = "it was made with other settings in [workspace.metadata.xtask.freshness]";
        return ReadRecord::Unusable(reason.to_owned());
    }
    ReadRecord::Own(Box::new(record))
}

/// Returns the record of a workspace and a build directory, made with any version of cargo.
pub(crate) fn of(root: &Utf8Path, build_directory: &Utf8Path) -> Option<BuildRecord> {
    let bytes = files::read(path(build_directory), files::STATE).ok()?;
    let record = parse(&bytes)?;
    let is_own = record.owner.root == root && record.owner.build_directory == build_directory;
    is_own.then_some(record)
}

fn parse(bytes: &[u8]) -> Option<BuildRecord> {
    let (sum, body) = bytes.strip_prefix(HEADER)?.split_first_chunk::<16>()?;
    (*sum == hash_of(body)).then(|| postcard::from_bytes(body).ok())?
}

/// Writes a record as a whole: a reader sees the former record or the new one.
///
/// # Errors
/// Returns an error if the record cannot be written.
pub(crate) fn write(record: &BuildRecord) -> io::Result<()> {
    let body = postcard::to_allocvec(record).map_err(io::Error::other)?;
    let file = path(&record.owner.build_directory);
    if let Some(parent) = file.parent() {
        state::create(parent)?;
    }
    write_whole(&file, [HEADER, &hash_of(&body), &body].concat())?;
    let stamp = postcard::to_allocvec(&FileStamp::at(&file)).map_err(io::Error::other)?;
    write_whole(&stamp_path(&record.owner.build_directory), stamp)
}

/// Returns the path of the file with the stamp of the record.
fn stamp_path(build_directory: &Utf8Path) -> Utf8PathBuf {
    state::in_target(build_directory).join("freshness-stamp")
}

/// Returns true if the record is the file that [`write`] wrote, not a copy of it: an archive may
/// have been unpacked over the build directory, which keeps its identity then.
pub(crate) fn is_original(build_directory: &Utf8Path) -> bool {
    let stamp = files::read(stamp_path(build_directory), files::RECORD).ok();
    let stamp: Option<Option<FileStamp>> = stamp.and_then(|it| postcard::from_bytes(&it).ok());
    stamp
        .flatten()
        .is_some_and(|it| Some(it) == FileStamp::at(&path(build_directory)))
}

/// Collects the inputs of a record, each content once.
#[derive(Debug, Default)]
pub(crate) struct InputTable {
    known: HashMap<RecordedInput, u32>,
    /// The inputs, in the order of their indexes.
    pub inputs: Vec<RecordedInput>,
}

impl InputTable {
    /// Returns the paths of all inputs.
    pub(crate) fn paths(&self) -> HashSet<&str> {
        let items = self.inputs.iter().flat_map(|it| &it.items);
        items.map(|it| it.path.as_str()).collect()
    }

    /// Returns the index of an input, which is added if it is new.
    pub(crate) fn index(&mut self, input: RecordedInput) -> u32 {
        let next = u32::try_from(self.inputs.len()).unwrap_or(u32::MAX);
        *self.known.entry(input).or_insert_with_key(|input| {
            self.inputs.push(input.clone());
            next
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(build_directory: &Utf8Path) -> BuildRecord {
        BuildRecord {
            owner: RecordOwner {
                root: "/w".into(),
                build_directory: build_directory.to_owned(),
                cargo: "1.95.0".to_owned(),
                settings: FreshnessConfig::default(),
            },
            build_identity: None,
            root_identity: None,
            saved: 0,
            inputs: Vec::new(),
            units: vec![RecordedUnit {
                key: "debug/.fingerprint/a-0/lib-a".to_owned(),
                value: 7,
                nonce: "n".to_owned(),
                dependencies: Ok(Vec::new()),
                inputs: Err("no reason".to_owned()),
                outputs: Vec::new(),
            }],
            generated: BTreeSet::new(),
            stamps: Vec::new(),
        }
    }

    #[test]
    fn a_record_is_read_by_its_owner_alone() {
        let (_scratch, top) = xtask_impact::testing::scratch();
        let owner = record(&top).owner;
        assert_eq!(read(&owner), ReadRecord::Absent);
        write(&record(&top)).unwrap();
        assert_eq!(read(&owner), ReadRecord::Own(Box::new(record(&top))));
        let others = [
            RecordOwner {
                root: "/other".into(),
                ..owner.clone()
            },
            RecordOwner {
                cargo: "1.96.0".to_owned(),
                ..owner.clone()
            },
            RecordOwner {
                settings: FreshnessConfig {
                    inputs: vec!["schema".into()],
                    ..FreshnessConfig::default()
                },
                ..owner.clone()
            },
        ];
        let told = others.map(|it| match read(&it) {
            ReadRecord::Unusable(reason) => reason + "\n",
            other => panic!("{other:?}"),
        });
        expect_test::expect![[r#"
            it was made for the workspace /w, not for /other
            it was made for cargo 1.95.0, not for 1.96.0
            it was made with other settings in [workspace.metadata.xtask.freshness]
        "#]]
        .assert_eq(&told.concat());
        let (_other, moved) = xtask_impact::testing::scratch();
        std::fs::create_dir(moved.join("xtask")).unwrap();
        std::fs::copy(path(&top), path(&moved)).unwrap();
        let moved = RecordOwner {
            build_directory: moved,
            ..owner
        };
        assert!(matches!(read(&moved), ReadRecord::Unusable(_)));
    }

    #[test]
    fn a_damaged_record_is_not_read() {
        let (_scratch, top) = xtask_impact::testing::scratch();
        write(&record(&top)).unwrap();
        let whole = std::fs::read(path(&top)).unwrap();
        let owner = record(&top).owner;
        for at in 0..whole.len() {
            let mut damaged = whole.clone();
            damaged[at] ^= 1;
            std::fs::write(path(&top), damaged).unwrap();
            assert!(matches!(read(&owner), ReadRecord::Unusable(_)), "byte {at}");
            std::fs::write(path(&top), &whole[..at]).unwrap();
            assert!(
                matches!(read(&owner), ReadRecord::Unusable(_)),
                "cut at {at}"
            );
        }
    }
}

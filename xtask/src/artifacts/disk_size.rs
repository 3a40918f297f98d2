//! The size of a file on the disk. A file with several hard links takes its space once.

use std::fs::Metadata;

/// Returns the bytes that a file or a directory takes on the disk.
pub(crate) fn bytes(metadata: &Metadata) -> u64 {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt as _;
        metadata.blocks() * 512
    }
    #[cfg(not(unix))]
    metadata.len()
}

/// Returns the number of a file in its file system; 0 on systems without such numbers.
pub(crate) fn inode(metadata: &Metadata) -> u64 {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt as _;
        metadata.ino()
    }
    #[cfg(not(unix))]
    {
        let _ = metadata;
        0
    }
}

/// The identity of a file with several hard links: the device and the number of the file.
pub(crate) type HardLink = (u64, u64);

/// Returns the identity of a file that has several hard links. Returns `None` for a file with one
/// name, and on systems without this information.
pub(crate) fn link(metadata: &Metadata) -> Option<HardLink> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt as _;
        (metadata.is_file() && metadata.nlink() > 1).then(|| (metadata.dev(), metadata.ino()))
    }
    #[cfg(not(unix))]
    {
        let _ = metadata;
        None
    }
}

use std::io::Cursor;

use super::archive::metadata_at;
use super::crate_metadata;
use super::file_format::{FileFault, FileFormat, fault};

fn fault_in(bytes: &[u8], format: FileFormat) -> Option<FileFault> {
    fault(&mut Cursor::new(bytes), bytes.len() as u64, format).unwrap()
}

/// Returns metadata as rustc 1.95 writes it: head, root with target, hash and name, and end.
fn metadata(name: &str, hash: u8) -> Vec<u8> {
    let text = |text: &str| {
        let length = u8::try_from(text.len()).unwrap();
        [&[length][..], text.as_bytes(), &[0xc1]].concat()
    };
    let mut bytes = [
        b"rust\0\0\0\x0a".as_slice(),
        &[0; 8],
        &text("rustc 1.95.0 (abc)"),
    ]
    .concat();
    let root = bytes.len() as u64;
    bytes[8..16].copy_from_slice(&root.to_le_bytes());
    bytes.extend([&[0][..], &text("x86_64-unknown-linux-gnu"), &[hash; 16]].concat());
    bytes.extend([&[0][..], &text(name), b"rust-end-file"].concat());
    bytes
}

/// Returns an object of 64-bit ELF with one section of this content.
fn object(content: &[u8]) -> Vec<u8> {
    let sections = 64 + content.len() as u64;
    let mut bytes = b"\x7fELF\x02\x01\x01".to_vec();
    bytes.resize(64, 0);
    bytes[40..48].copy_from_slice(&sections.to_le_bytes());
    bytes[58] = 64;
    bytes[60] = 2;
    bytes.extend(content);
    bytes.resize(bytes.len() + 64, 0);
    bytes.extend([1; 64]);
    bytes
}

fn archive(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut bytes = b"!<arch>\n".to_vec();
    for (name, content) in members {
        let size = content.len();
        bytes.extend(format!("{name:<16}{:<32}{size:<10}`\n", "0").bytes());
        bytes.extend(*content);
        bytes.resize(bytes.len() + size % 2, b'\n');
    }
    bytes
}

/// Damages bytes in the ways of a full disk and of a crash.
fn damages(bytes: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    let half = bytes.len() / 2;
    let mut zero_end = bytes.to_vec();
    zero_end[half..].fill(0);
    vec![
        ("whole", bytes.to_vec()),
        ("empty", Vec::new()),
        ("zero", vec![0; bytes.len()]),
        ("half", bytes[..half].to_vec()),
        ("zero end", zero_end),
    ]
}

#[test]
fn damage_of_each_format_is_found() {
    let code = object(b"some code of the crate");
    let wrapped = object(&metadata("base", 7));
    let library = archive(&[
        ("/", b"\0\0\0\0"),
        ("//", b"base-0123.rcgu.o/\n"),
        ("lib.rmeta/", &wrapped),
        ("/0", &code),
    ]);
    let bsd = archive(&[
        ("__.SYMDEF", b"\0\0"),
        ("#1/12", &[b"lib.rmeta\0\0\0", &wrapped[..]].concat()),
    ]);
    let mut table = String::new();
    for (name, bytes, format) in [
        ("metadata", metadata("base", 7), FileFormat::Metadata),
        ("library", library, FileFormat::RustLibrary),
        ("library on macOS", bsd, FileFormat::RustLibrary),
        ("object", code.clone(), FileFormat::Object),
        ("executable", code, FileFormat::Executable),
        (
            "of another system",
            b"MZ and more".to_vec(),
            FileFormat::Executable,
        ),
    ] {
        for (damage, bytes) in damages(&bytes) {
            let found = fault_in(&bytes, format);
            table.push_str(&format!("{name}, {damage}: {found:?}\n"));
        }
    }
    expect_test::expect![[r#"
        metadata, whole: None
        metadata, empty: Some(Empty)
        metadata, zero: Some(Zeroed)
        metadata, half: Some(Truncated)
        metadata, zero end: Some(Zeroed)
        library, whole: None
        library, empty: Some(Empty)
        library, zero: Some(Zeroed)
        library, half: Some(Truncated)
        library, zero end: Some(Zeroed)
        library on macOS, whole: None
        library on macOS, empty: Some(Empty)
        library on macOS, zero: Some(Zeroed)
        library on macOS, half: Some(Truncated)
        library on macOS, zero end: Some(DamagedMember)
        object, whole: None
        object, empty: Some(Empty)
        object, zero: Some(Zeroed)
        object, half: Some(Truncated)
        object, zero end: Some(Zeroed)
        executable, whole: None
        executable, empty: Some(Empty)
        executable, zero: Some(Zeroed)
        executable, half: Some(Truncated)
        executable, zero end: Some(Zeroed)
        of another system, whole: None
        of another system, empty: Some(Empty)
        of another system, zero: Some(Zeroed)
        of another system, half: None
        of another system, zero end: None
    "#]]
    .assert_eq(&table);
}

#[test]
fn a_damaged_object_in_a_library_is_found() {
    let code = object(b"some code of the crate");
    let wrapped = object(&metadata("base", 7));
    let zero = vec![0; code.len()];
    let mut without_end = wrapped.clone();
    let end = without_end.len() - 150;
    without_end[end..].fill(0);
    let mut cut = metadata("base", 7);
    cut.truncate(cut.len() - 4);
    let cut = object(&cut);
    type Members<'a> = Vec<(&'a str, &'a [u8])>;
    let cases: [(&str, Members<'_>); 6] = [
        ("whole", vec![("lib.rmeta/", &wrapped), ("a.o/", &code)]),
        (
            "zero object",
            vec![("lib.rmeta/", &wrapped), ("a.o/", &zero)],
        ),
        (
            "short object",
            vec![("lib.rmeta/", &wrapped), ("a.o/", &code[..100])],
        ),
        ("no metadata", vec![("a.o/", &code)]),
        (
            "zero metadata",
            vec![("lib.rmeta/", &without_end), ("a.o/", &code)],
        ),
        (
            "short metadata",
            vec![("lib.rmeta/", &cut), ("a.o/", &code)],
        ),
    ];
    let found = cases.map(|(name, members)| {
        let found = fault_in(&archive(&members), FileFormat::RustLibrary);
        format!("{name}: {found:?}\n")
    });
    expect_test::expect![[r#"
        whole: None
        zero object: Some(DamagedMember)
        short object: Some(DamagedMember)
        no metadata: Some(NoMetadata)
        zero metadata: Some(DamagedMember)
        short metadata: Some(NoMetadata)
    "#]]
    .assert_eq(&found.concat());
}

#[test]
fn metadata_of_an_unknown_format_has_no_fault() {
    let mut older = metadata("base", 7);
    older[7] = 8;
    older.truncate(older.len() - 4);
    assert_eq!(fault_in(&older, FileFormat::Metadata), None);
    let other = b"something else".as_slice();
    assert_eq!(
        fault_in(other, FileFormat::Metadata),
        Some(FileFault::NoMetadata)
    );
}

#[test]
fn the_compiler_is_read_from_library_metadata() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("libbase-0.rmeta");
    let path = camino::Utf8Path::from_path(&path).unwrap();
    let compiler = |bytes: &[u8]| {
        std::fs::write(path, bytes).unwrap();
        crate_metadata::compiler_of(path)
    };
    let head = [
        b"rust\0\0\0\x0a\x7d\x76\x01\0\0\0\0\0\x0c",
        &b"rustc 1.95.0\xc1rest"[..],
    ]
    .concat();
    assert_eq!(compiler(&head).as_deref(), Some("rustc 1.95.0"));
    assert_eq!(compiler(b"!<arch>\n"), None);
}

#[test]
fn the_head_of_metadata_is_read() {
    let directory = tempfile::tempdir().unwrap();
    let directory = camino::Utf8Path::from_path(directory.path()).unwrap();
    let library = archive(&[("lib.rmeta/", &object(&metadata("base", 9)))]);
    let length = library.len() as u64;
    assert!(
        metadata_at(&mut Cursor::new(&library), length)
            .unwrap()
            .is_some()
    );
    let mut told = String::new();
    for (file, bytes) in [
        ("libbase-0.rmeta", metadata("base", 7)),
        ("libbase-1.rlib", library),
        ("libbase-2.rmeta", metadata("other", 7)),
        ("libbase-3.rmeta", metadata("base", 7)[..40].to_vec()),
        ("libbase-4.rmeta", b"rust".to_vec()),
    ] {
        let path = directory.join(file);
        std::fs::write(&path, bytes).unwrap();
        let header = crate_metadata::header_of(&path, "base");
        let shown = header.map(|it| (it.rustc, it.hash.map(|hash| hash[0])));
        told.push_str(&format!("{file}: {shown:?}\n"));
    }
    expect_test::expect![[r#"
        libbase-0.rmeta: Some(("rustc 1.95.0 (abc)", Some(7)))
        libbase-1.rlib: Some(("rustc 1.95.0 (abc)", Some(9)))
        libbase-2.rmeta: Some(("rustc 1.95.0 (abc)", None))
        libbase-3.rmeta: Some(("rustc 1.95.0 (abc)", None))
        libbase-4.rmeta: None
    "#]]
    .assert_eq(&told);
}

use std::collections::HashMap;

use super::*;

#[test]
fn files_are_counted_by_package_age_and_profile() {
    let mut usage = DiskUsage::default();
    let packages = HashMap::from([("0123456789abcdef".to_owned(), "my-lib".to_owned())]);
    for (path, bytes, days) in [
        ("debug/deps/libmy_lib-0123456789abcdef.rmeta", 10, 0),
        (
            "debug/.fingerprint/my-lib-0123456789abcdef/lib-my_lib",
            1,
            0,
        ),
        (
            "wasm32-wasip1/release/deps/libx-fedcba9876543210.rlib",
            20,
            40,
        ),
        ("debug/incremental/my_lib-2abc/s-x/query.bin", 5, 0),
        ("debug/build/new/0123456789abcdef/out/x.rs", 3, 8),
        ("doc/index.html", 2, 0),
    ] {
        let path = Utf8Path::new("/t").join(path);
        usage.count("/t".into(), &path, bytes, days, &packages);
    }
    assert_eq!(
        usage.shown(),
        [
            "by profile: wasm32-wasip1/release 20B, debug 19B, doc 2B",
            "by package: others 20B, my-lib 11B, incremental state 5B, new 3B",
            "by when it was written: in the last week 18B, more than 7 days ago 3B, \
             more than 30 days ago 20B",
        ]
    );
    assert_eq!(
        usage.incremental[Utf8Path::new("/t/debug/incremental/my_lib-2abc")],
        5
    );
}

#[test]
fn the_compiler_is_read_from_library_metadata() {
    let head = [
        b"rust\0\0\0\x0a\x7d\x76\x01\0\0\0\0\0\x0c",
        &b"rustc 1.95.0rest"[..],
    ]
    .concat();
    assert_eq!(version_in(&head).as_deref(), Some("rustc 1.95.0"));
    assert_eq!(version_in(b"!<arch>\n"), None);
}

#[test]
fn sizes_are_shown_with_a_unit() {
    for (bytes, expected) in [
        (0, "0B"),
        (1023, "1023B"),
        (1536, "1.5KiB"),
        (3 << 30, "3.0GiB"),
    ] {
        assert_eq!(size(bytes), expected);
    }
}

#[test]
fn large_or_old_directories_are_worth_a_finding() {
    const GIB: u64 = 1 << 30;
    for (bytes, old, free, expected) in [
        // A small size is never worth a finding.
        (5 << 20, 5 << 20, Some(0), false),
        (GIB - 1, GIB - 1, None, false),
        // A quarter of the bytes is old.
        (GIB, GIB / 4, Some(1000 * GIB), true),
        (4 * GIB, GIB - 1, Some(1000 * GIB), false),
        // The size is a tenth of the space.
        (10 * GIB, 0, Some(90 * GIB), true),
        (10 * GIB, 0, Some(91 * GIB), false),
        (10 * GIB, 0, None, false),
        (20 * GIB, 0, None, true),
    ] {
        assert_eq!(
            is_large(bytes, old, free),
            expected,
            "{bytes} {old} {free:?}"
        );
    }
}

use super::*;

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

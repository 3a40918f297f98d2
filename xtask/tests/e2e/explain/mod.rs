//! `explain`, and the checks `damaged-artifact` and `stale-artifact` of `doctor`: artifacts are
//! damaged on disk, real cargo fails, and the proposed command alone makes the next build pass.

mod cures;
mod errors_in_code;
mod scene;

use expect_test::expect;

use self::scene::{Scene, cut, damage, zero};

/// Rustc links the metadata of a library from its incremental cache, so damage of the file is damage
/// of both: without the removal of the cache, rustc would write the damaged file again.
#[test]
fn doctor_finds_and_fixes_damaged_artifacts() {
    let scene = Scene::new();
    let doctor = [
        "doctor",
        "--only",
        "damaged-artifact",
        "--only",
        "stale-artifact",
    ];
    scene.project.xtask(&doctor).is(expect![[r#"
        --- stderr
        note: nothing found
    "#]]);
    damage(&scene.metadata_of_check("base"), cut);
    // Nothing rebuilds this program, so cargo would call it fresh for ever.
    damage(&scene.program(), |it| zero(it));
    std::fs::remove_file(scene.generated()).unwrap();
    scene.edit("mid");
    assert!(scene.fails(&["check"]).is_some());
    scene.project.xtask(&doctor).is(expect![[r#"
        error[damaged-artifact]: 3 damaged artifacts in [ROOT]/target/debug
          at target/debug
          read: [ROOT]/target/debug/deps/app-[HASH] holds zeros where it must not (app bin app)
          read: [ROOT]/target/debug/deps/libbase-[HASH].rmeta is cut short (base lib)
          read: [ROOT]/target/debug/build/mid-[HASH]/out/g.rs is missing, although its unit is recorded as built (mid build script run)
          costs: Cargo considers the damaged unit fresh, so its dependents fail to compile or link, or a damaged program runs.
          here: [COUNT] files, [SIZE] to remove; cargo then builds at least 6 units again.
          fix: `cargo xtask doctor --fix --only damaged-artifact` removes the records of these units alone.

        --- stderr
        note: 1 error
        --- exit status 1
    "#]]);
    let fix = [&doctor[..], &["--fix"]].concat();
    scene.project.xtask(&[&fix[..], &["--dry-run"]].concat());
    scene.project.xtask(&fix).is(expect![[r#"
        --- stderr
               Fixed removed [ROOT]/target/debug/.fingerprint/app-[HASH]/dep-bin-app, [SIZE]
               Fixed removed [ROOT]/target/debug/.fingerprint/base-[HASH]/dep-lib-base, [SIZE]
               Fixed removed [ROOT]/target/debug/build/mid-[HASH]/output, [SIZE]
               Fixed removed [ROOT]/target/debug/.fingerprint/app-[HASH]/bin-app, [SIZE]
               Fixed removed [ROOT]/target/debug/.fingerprint/base-[HASH]/lib-base, [SIZE]
               Fixed removed [ROOT]/target/debug/.fingerprint/mid-[HASH]/run-build-script-build-script-build, [SIZE]
               Fixed removed [ROOT]/target/debug/incremental/base-[HASH], [SIZE]
        note: nothing found
    "#]]);
    assert_eq!(scene.fails(&["check"]), None);
    assert_eq!(scene.project.cargo(&["run", "-q"]).done(), "12\n");
}

mod with_cargo;

use xtask_impact::build_dir::Layout;
use xtask_impact::testing::{scratch, write};

use super::*;

fn place(root: &Utf8Path) -> ProfileDir {
    ProfileDir {
        path: root.join("build/debug"),
        build_directory: root.join("build"),
        triple: None,
        directory: "debug".to_owned(),
        layout: Layout::V1,
    }
}

#[test]
fn every_lock_file_is_taken_exclusively() {
    let all = ["build/debug", "target/debug"]
        .map(|directory| NAMES.map(|name| format!("{directory}/{name}")));
    for busy in all.as_flattened() {
        let (_scratch, root) = scratch();
        for file in all.as_flattened() {
            write(&root.join(file), "");
        }
        let other = open(&root.join(busy)).unwrap().unwrap();
        other.lock_shared().unwrap();
        let take = || BuildLocks::take(&place(&root), &root.join("target"), false).unwrap();
        assert!(take().is_none(), "{busy}");
        other.unlock().unwrap();
        let lock = take().unwrap();
        assert!(lock.keeps_cargo_out);
        assert!(other.try_lock_shared().is_err(), "{busy}");
        drop(lock);
        assert!(other.try_lock_shared().is_ok());
    }
}

#[test]
fn a_lock_file_that_appears_or_is_replaced_is_not_held_yet() {
    let (_scratch, root) = scratch();
    let (build, target) = (root.join("build/debug"), root.join("target"));
    write(&build.join(".cargo-lock"), "");
    let mut lock = BuildLocks::take(&place(&root), &target, false)
        .unwrap()
        .unwrap();
    assert!(lock.is_complete());
    write(&build.join(".cargo-artifact-lock"), "");
    assert!(!lock.is_complete());
    assert_eq!(lock.try_all().unwrap(), None);
    assert!(lock.is_complete());
    fs::remove_file(build.join(".cargo-lock")).unwrap();
    write(&build.join(".cargo-lock"), "");
    assert!(!lock.is_complete(), "another file of that name");
    assert_eq!(lock.try_all().unwrap(), None);
    assert!(lock.is_complete());
}

#[test]
fn the_lock_file_of_another_cargo_version_is_created() {
    for (there, expected) in [
        (&["build/debug/.cargo-lock"][..], true),
        (&["build/debug/.cargo-build-lock"], true),
        (
            &["build/debug/.cargo-build-lock", "target/debug/.cargo-lock"],
            true,
        ),
        // An empty directory may be any directory, so the kit must not make it look like cargo's.
        (&["target/debug/.cargo-lock"], false),
        (&["build/debug/other"], false),
    ] {
        let (_scratch, root) = scratch();
        for file in there {
            write(&root.join(file), "");
        }
        let lock = BuildLocks::take(&place(&root), &root.join("target"), false).unwrap();
        let lock = lock.unwrap();
        assert_eq!(lock.keeps_cargo_out, expected, "{there:?}");
        let build = root.join("build/debug");
        for path in EVERY_CARGOS.map(|name| build.join(name)) {
            let is_held = lock.held.iter().any(|it| it.path == path);
            assert_eq!((is_held, path.exists()), (expected, expected), "{path}");
        }
    }
}

#[test]
fn a_plan_is_repeated_if_cargo_created_a_lock_file() {
    let (_scratch, root) = scratch();
    write(&root.join("build/debug/.cargo-lock"), "");
    let mut plans = 0;
    let plan = || {
        plans += 1;
        write(&root.join("target/debug/.cargo-artifact-lock"), "");
        Ok(plans)
    };
    let (lock, planned) =
        BuildLocks::while_planning(&place(&root), &root.join("target"), plan).unwrap();
    assert!(lock.is_complete());
    assert_eq!(planned, 2);
}

/// Cargo up to 1.95 takes the target directory's lock first, then the build directory's.
#[test]
fn no_lock_is_held_while_waiting_for_another_lock() {
    let (_scratch, root) = scratch();
    let first = root.join("build/debug/.cargo-lock");
    let second = root.join("target/debug/.cargo-lock");
    write(&first, "");
    write(&second, "");
    let busy = open(&second).unwrap().unwrap();
    busy.lock().unwrap();
    let taking = std::thread::spawn({
        let root = root.clone();
        move || BuildLocks::take(&place(&root), &root.join("target"), true).unwrap()
    });
    // This call blocks for ever if the other thread keeps the first lock while it waits.
    std::thread::sleep(std::time::Duration::from_millis(50));
    let other = open(&first).unwrap().unwrap();
    other.lock().unwrap();
    other.unlock().unwrap();
    busy.unlock().unwrap();
    assert!(taking.join().unwrap().unwrap().is_complete());
}

#[test]
fn a_path_lies_on_the_nearest_mount_above_the_path() {
    let mounts = "\
        /dev/a / ext4 rw 0 0\n\
        server:/home /home nfs4 rw 0 0\n\
        /dev/b /home/me/far\\040away btrfs rw 0 0\n\
        /dev/c /mnt/a\\011b\\012c\\134d xfs rw 0 0\n\
        server:/d /mnt/\\134040 nfs rw 0 0\n\
        tmpfs /home/me/target tmpfs rw 0 0\n\
        server:/x /home/me/target nfs rw 0 0\n";
    for (path, expected) in [
        ("/etc", "ext4"),
        ("/homeland", "ext4"),
        ("/home/me", "nfs4"),
        ("/home/me/far away/target", "btrfs"),
        ("/mnt/a\tb\nc\\d/target", "xfs"),
        ("/mnt/\\040", "nfs"),
        ("/home/me/target/debug", "nfs"),
    ] {
        assert_eq!(
            file_system(mounts, Utf8Path::new(path)),
            Some(expected),
            "{path}"
        );
    }
    assert_eq!(file_system("", Utf8Path::new("/")), None);
}

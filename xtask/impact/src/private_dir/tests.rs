use std::collections::BTreeMap;

use super::*;
use crate::testing::scratch;

#[test]
fn a_temporary_directory_is_private_and_removed_on_drop() {
    let (_scratch, tree) = scratch();
    let made = TemporaryDir::outside(&tree).unwrap();
    let other = TemporaryDir::outside(&tree).unwrap();
    assert_ne!(made.path(), other.path());
    let path = made.path().to_owned();
    assert!(!path.starts_with(&tree) && path.is_dir());
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o7777, 0o700);
    }
    fs::create_dir_all(path.join("a/b")).unwrap();
    fs::write(path.join("a/b/c"), "").unwrap();
    drop(made);
    assert!(!path.exists() && other.path().is_dir());
}

#[test]
fn a_file_is_replaced_atomically_without_leftovers() {
    let (_scratch, root) = scratch();
    let file = root.join("file");
    let names = || -> Vec<_> {
        let entries = root.read_dir_utf8().unwrap();
        entries
            .map(|it| it.unwrap().file_name().to_owned())
            .collect()
    };
    write_whole(&file, "one").unwrap();
    assert_eq!(fs::read_to_string(&file).unwrap(), "one");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = || fs::metadata(&file).unwrap().permissions().mode() & 0o777;
        assert_ne!(mode() & 0o044, 0, "as the umask has it");
        fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
        write_whole(&file, "two").unwrap();
        assert_eq!(mode(), 0o640);
        write_program(&file, "three").unwrap();
        assert_eq!(mode() & 0o700, 0o700);
        assert_eq!(fs::read_to_string(&file).unwrap(), "three");
    }
    assert_eq!(names(), ["file"]);
    assert!(write_whole(&root.join("none/file"), "").is_err());
    fs::create_dir(root.join("directory")).unwrap();
    assert!(write_whole(&root.join("directory"), "").is_err());
    let left: BTreeMap<_, _> = names().into_iter().map(|name| (name, ())).collect();
    assert_eq!(left.into_keys().collect::<Vec<_>>(), ["directory", "file"]);
}

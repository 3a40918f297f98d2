//! Hashes that need few instructions. Each unit of a build directory is looked up several times. With
//! the standard library's hash, the look-ups would take a quarter of a sweep. That hash also resists
//! keys that somebody chose in order to slow a program down; the names in a build directory are
//! cargo's.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher as _, Hash};

use foldhash::{fast, quality};

/// A map with a fast hash.
pub(crate) type QuickMap<K, V> = HashMap<K, V, fast::FixedState>;

/// A set with a fast hash.
pub(crate) type QuickSet<T> = HashSet<T, fast::FixedState>;

/// Returns a hash of a value. The hash is the same in every run of the same build of the kit.
pub(crate) fn quick_hash(value: impl Hash) -> u64 {
    quality::FixedState::default().hash_one(value)
}

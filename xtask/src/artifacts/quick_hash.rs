//! A hash that needs few instructions, even in a build of the kit without optimization. Each unit of
//! a build directory is looked up several times. With the standard library's hash, the look-ups would
//! take a quarter of a sweep. That hash also resists keys that somebody chose in order to slow a
//! program down. The names in a build directory are cargo's.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher as _, BuildHasherDefault, Hash, Hasher};

/// A map with [`QuickHasher`].
pub(crate) type QuickMap<K, V> = HashMap<K, V, BuildHasherDefault<QuickHasher>>;

/// A set with [`QuickHasher`].
pub(crate) type QuickSet<T> = HashSet<T, BuildHasherDefault<QuickHasher>>;

/// Returns a hash of a value. The hash is the same in every run of the same build of the kit.
pub(crate) fn quick_hash(value: impl Hash) -> u64 {
    BuildHasherDefault::<QuickHasher>::default().hash_one(value)
}

/// A hasher that multiplies eight bytes at a time.
#[derive(Debug)]
pub(crate) struct QuickHasher(u64);

impl Default for QuickHasher {
    fn default() -> Self {
        Self(0x2d35_8dcc_aa6c_78a5)
    }
}

impl Hasher for QuickHasher {
    fn write(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks();
        for word in words {
            self.write_u64(u64::from_le_bytes(*word));
        }
        if !rest.is_empty() {
            let mut last = [0; 8];
            last[..rest.len()].copy_from_slice(rest);
            self.write_u64(u64::from_le_bytes(last));
        }
    }

    fn write_u8(&mut self, value: u8) {
        self.write_u64(value.into());
    }

    fn write_u32(&mut self, value: u32) {
        self.write_u64(value.into());
    }

    fn write_u64(&mut self, value: u64) {
        const FACTOR: u128 = 0x9e37_79b9_7f4a_7c15;
        // The product has 128 bits, and both halves depend on all bits of the value.
        let product = u128::from(self.0 ^ value).wrapping_mul(FACTOR);
        self.0 = (product as u64) ^ (product >> 64) as u64;
    }

    fn write_usize(&mut self, value: usize) {
        self.write_u64(value as u64);
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn different_values_have_different_hashes() {
        // Times and lengths often differ in few bits.
        let pairs = (0..250_u64).flat_map(|a| (0..250_u64).map(move |b| (a, b)));
        let values: HashSet<_> = pairs
            .flat_map(|(a, b)| [(a, b), (a << 40, b << 56)])
            .collect();
        let hashes: HashSet<u64> = values.iter().map(quick_hash).collect();
        assert_eq!(hashes.len(), values.len());

        let texts = [
            "",
            "a",
            "b",
            "ab",
            "ba",
            "abcdefgh",
            "abcdefghi",
            "bacdefgh",
        ];
        let hashes: HashSet<u64> = texts.iter().map(quick_hash).collect();
        assert_eq!(hashes.len(), texts.len());
    }
}

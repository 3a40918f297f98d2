//! What continuous integration asks: since when, in which parts, and under which key.
//!
//! Architecture invariant: nothing here starts a process or reads the environment by itself.

pub mod base;

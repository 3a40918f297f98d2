//! `freshness`: restored target directories, compared with real cargo.

mod breakages;
mod carry;
mod generated;
mod places;
mod real;
mod times;
mod world;

//! The integration suite: one binary, modules by subject.

mod properties;
mod support;
mod tamper;
mod vectors;

//! The integration suite: one binary, modules by subject. It runs on the test kit.

mod cloud;
mod forged;
mod freshness;
mod keyrings;
mod kms_double;
mod leaks;
mod legacy;
mod pages;
mod properties;
mod records;
mod schema;
mod support;
mod table;
mod tamper;
mod vectors;

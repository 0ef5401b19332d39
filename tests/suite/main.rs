//! The integration suite: one binary, modules by subject. It runs on the test kit.

mod chaos;
mod cloud;
mod doctor;
mod erasure;
mod events;
mod forged;
mod freshness;
mod hierarchical;
mod key_store;
mod keyrings;
mod kms_double;
mod kms_failover;
mod leaks;
mod legacy;
mod observability;
mod pages;
mod properties;
mod records;
mod regions;
mod schema;
mod support;
mod table;
mod table_key;
mod tamper;
mod tenants;
mod vectors;

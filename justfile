# Each recipe is a step, or a few, of .ci/run: green here means green there.

# Everything that CI runs, in its order.
ci:
    .ci/run

# Formatting, lints, the shipped tree.
check:
    .ci/run fmt deps clippy

# Unit tests, the suite, the ui tests, the documentation's examples.
test:
    .ci/run test

# Documentation without and with the test kit, warnings denied.
doc:
    .ci/run doc

# The library without features, and with each alone.
features:
    .ci/run features

# What the derive accepts, and what it says when it does not.
ui:
    .ci/run ui

# A thousand seeds of random faults over random operations.
chaos:
    .ci/run chaos

# Licences, bans, sources, and advisories, which need the network. `cargo install cargo-deny --locked` first.
deny:
    .ci/run deny
    cargo deny check advisories

# Items of five shapes against the primitives alone.
bench:
    .ci/run bench

# Against the independent implementation in ../shared/oracle, both directions.
interop:
    .ci/run interop

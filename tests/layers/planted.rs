//! Proves that the checker can fail: it is fed what it must find.

use super::source::Source;
use super::{CRYPTO_CRATES, MAX_LINES, test_modules, violations};

/// The violations in a planted source.
fn planted(module: &[&str], text: &str) -> Vec<String> {
    violations(&Source::read(module, text))
}

#[test]
fn sees_a_room_named_from_below() {
    for text in [
        "use crate::item::Item;",
        "use crate::{error::SealError, item::Item};",
        "use crate::{\n    error::{self, SealError},\n    item::{Item},\n};",
        "fn f() { crate::item::Item::new() }",
        "use super::super::item::Item;",
        "use super::{super::item::Item};",
        "mod sealed { use super::super::super::item; }",
        "type X = Vec<crate::item::Item>;",
        "use crate::engine::*; use crate::item as goods;",
    ] {
        let found = planted(&["keyring", "kms"], text);
        assert_eq!(found.len(), 1, "{text}: {found:?}");
        assert!(
            found[0].contains("`crate::item") && found[0].ends_with("is not below"),
            "{found:?}"
        );
    }
}

#[test]
fn sees_the_line_of_a_violation_behind_comments_and_strings() {
    let text = "// crate::table\n/* crate::table\n*/ const X: &str = r#\"\"\ncrate::table\"#;\n'\"';\nuse crate::table::Put;";
    assert_eq!(
        planted(&["engine"], text),
        ["6: `crate::table::Put` is not below"]
    );
}

#[test]
fn sees_rooms_of_one_line_that_name_each_other() {
    assert_eq!(
        planted(&["value"], "use crate::format::header::Header;").len(),
        1
    );
    assert_eq!(
        planted(&["format", "header"], "use crate::value::Terminal;").len(),
        1
    );
}

#[test]
fn sees_a_root_re_export_for_no_room() {
    for text in [
        "use crate::SealError;",
        "use crate::{Item};",
        "fn f() -> super::super::AlgorithmSuite {}",
    ] {
        let found = planted(&["table", "put"], text);
        assert_eq!(found.len(), 1, "{text}");
        assert!(
            found[0].contains("import from the room that defines it"),
            "{found:?}"
        );
    }
    assert_eq!(planted(&["table"], "use dynaseal::SealError;").len(), 1);
    assert_eq!(planted(&["table"], "use ::dynaseal::{SealError};").len(), 1);
}

#[test]
fn sees_what_ties_the_test_kit_to_the_house() {
    assert_eq!(
        planted(&["testkit", "kms"], "use crate::crypto::aead::AeadKey;").len(),
        1
    );
    assert_eq!(planted(&["table"], "use crate::testkit::Cloud;").len(), 1);
}

#[test]
fn sees_a_room_that_is_not_in_the_table() {
    assert_eq!(planted(&["attic"], "use crate::error::SealError;").len(), 1);
}

#[test]
fn sees_crypto_crates_wherever_they_are_named() {
    for name in CRYPTO_CRATES {
        for text in [
            format!("use {name}::X;"),
            format!("fn f() {{ {name}::g() }}"),
            format!("use ::{name}::X;"),
            format!("use {{std::fmt, {name}::X}};"),
            format!("extern crate {name};"),
        ] {
            assert_eq!(planted(&["engine"], &text).len(), 1, "{text}");
            assert_eq!(planted(&["crypto", "mac"], &text), [""; 0], "{text}");
        }
    }
}

#[test]
fn sees_attribute_values_below_items() {
    let text = "use aws_sdk_dynamodb::types::AttributeValue;";
    assert_eq!(planted(&["engine"], text).len(), 1);
    assert_eq!(planted(&["keyring", "multi"], text).len(), 1);
    assert_eq!(planted(&["value", "encode"], text), [""; 0]);
    assert_eq!(planted(&["item"], text), [""; 0]);
}

#[test]
fn sees_futures_and_clocks_in_pure_rooms() {
    for text in [
        "async fn f() {}",
        "use std::time::SystemTime;",
        "tokio::spawn(x);",
        "x.await;",
    ] {
        for room in ["value", "format", "materials", "engine", "crypto"] {
            assert_eq!(planted(&[room], text).len(), 1, "{room}: {text}");
        }
        assert_eq!(planted(&["keyring"], text), [""; 0], "{text}");
    }
}

#[test]
fn sees_unsafe_code_and_long_files() {
    assert_eq!(
        planted(&["table"], "fn f() { unsafe { g() } }"),
        ["1: `unsafe`"]
    );
    let long = "fn f() {}\n".repeat(MAX_LINES + 1);
    assert_eq!(planted(&["table"], &long), ["501: too long; split it"]);
    let tested = format!(
        "{}#[cfg(test)]\nmod tests {{\n{long}}}\n",
        "fn f() {}\n".repeat(MAX_LINES)
    );
    assert_eq!(planted(&["table"], &tested), [""; 0]);
}

#[test]
fn lets_pass_what_is_allowed() {
    let text = "
        //! [`Item`](crate::Item)
        /// [`Item`](crate::Item), and `unsafe`
        pub(crate) fn f(lifetime: &'static str, hmac: u8) { self::g(); hmac.aes(); x::hmac::y() }
        pub(in crate::engine) use crate::{error::{self, SealError}, value::*};
        use super::decrypt;
        mod sealed { use super::super::engine; }
        #[cfg(test)]
        #[derive(Debug)]
        struct Witness { item: crate::Item }
        #[cfg(test)]
        mod tests { use crate::table::Put; async fn f() {} }
        #[cfg(test)]
        mod more_tests;
    ";
    let source = Source::read(&["engine", "encrypt"], text);
    assert_eq!(violations(&source), [""; 0]);
    assert_eq!(test_modules(&source), [["engine", "encrypt", "more_tests"]]);
}

//! Holds `src/` to the room table of DESIGN.md, section 2: a room may name the rooms below it, and
//! none beside or above it. It reads text alone, so it also sees what is behind a feature.

#[path = "layers/planted.rs"]
mod planted;
#[path = "layers/source.rs"]
mod source;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use source::Source;

/// Lowest first. Rooms of one line name each other as little as the lines above.
const ROOMS: [&[&str]; 16] = [
    &["action", "context", "crypto", "secret", "suite"],
    &["error"],
    &["cursor", "observe"],
    &["cache"],
    &["region"],
    &["format", "value"],
    &["materials"],
    &["engine"],
    &["kms"],
    &["key_store"],
    &["keyring"],
    &["item"],
    // Byte fields know `Unsigned`, and so stand above items.
    &["bytes"],
    &["expression"],
    &["records", "table"],
    &["private"],
];

/// Could be a crate of its own: names no room, and none names it.
const TEST_KIT: &str = "testkit";

const CRYPTO_CRATES: [&str; 7] = [
    "aes",
    "aes_gcm",
    "aws_lc_rs",
    "hkdf",
    "hmac",
    "sha2",
    "subtle",
];

/// No `async`, no clock, no runtime.
const PURE: [&str; 14] = [
    "action",
    "context",
    "crypto",
    "cursor",
    "engine",
    "error",
    "format",
    "materials",
    "observe",
    "secret",
    "suite",
    "value",
    "bytes",
    "expression",
];

const MAX_LINES: usize = 500;

fn height(room: &str) -> Option<usize> {
    ROOMS.iter().position(|line| line.contains(&room))
}

/// What is wrong with a file, one line each.
fn violations(source: &Source) -> Vec<String> {
    let room = source.room();
    let mut found = Vec::new();
    let mut forbid = |lines: Vec<usize>, what: &str| {
        found.extend(lines.into_iter().map(|line| format!("{line}: {what}")));
    };
    for named in source.named() {
        if let Some(why) = not_below(room, named.path.first().map_or("", String::as_str)) {
            let path = named.path.join("::");
            forbid(vec![named.line], &format!("`crate::{path}` {why}"));
        }
    }
    forbid(
        source.lines_with_crate("dynaseal"),
        "the crate names itself by its public name",
    );
    if room != "crypto" && room != TEST_KIT {
        for name in CRYPTO_CRATES {
            forbid(
                source.lines_with_crate(name),
                "a crypto crate outside of `crypto`",
            );
        }
    }
    let below_items = height(room).is_some_and(|own| Some(own) < height("item"));
    // The records of a key store are items of its own, and none that it seals.
    if below_items && !["value", "key_store"].contains(&room) {
        forbid(
            source.lines_with("AttributeValue"),
            "`AttributeValue` below `item`",
        );
    }
    if PURE.contains(&room) {
        for word in ["async", "await", "Instant", "SystemTime", "tokio"] {
            forbid(source.lines_with(word), &format!("`{word}` in a pure room"));
        }
    }
    forbid(source.lines_with("unsafe"), "`unsafe`");
    if source.shipped_lines > MAX_LINES {
        forbid(vec![source.shipped_lines], "too long; split it");
    }
    found
}

/// Why `room` may not name `other`, if it may not.
fn not_below(room: &str, other: &str) -> Option<&'static str> {
    if room == other {
        None
    } else if room == TEST_KIT || other == TEST_KIT {
        Some("ties the test kit to the house")
    } else {
        match (height(room), height(other)) {
            (_, None) => Some("is no room: import from the room that defines it"),
            (None, _) => Some("is named by a room that is not in the table"),
            (Some(own), Some(other)) if other < own => None,
            _ => Some("is not below"),
        }
    }
}

fn src() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

/// Every file of a folder and below, with its module path.
fn files(folder: &Path, module: &[String], found: &mut Vec<(Vec<String>, PathBuf)>) {
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        let name = path
            .file_stem()
            .and_then(|stem| stem.to_str())
            .expect("a name");
        let inner = [module, &[name.to_owned()]].concat();
        if path.is_dir() {
            files(&path, &inner, found);
        } else {
            found.push((inner, path));
        }
    }
}

/// The files of `src/` that ship, but for `lib.rs`, which declares the rooms and re-exports.
fn shipped() -> Vec<(PathBuf, Source)> {
    let mut found = Vec::new();
    files(&src(), &[], &mut found);
    found.retain(|(module, _)| *module != ["lib"]);
    let read = |(module, path): (Vec<String>, PathBuf)| {
        let text = std::fs::read_to_string(&path).expect("readable");
        let module: Vec<&str> = module.iter().map(String::as_str).collect();
        let source = Source::read(&module, &text);
        (path, source)
    };
    let mut all: Vec<_> = found.into_iter().map(read).collect();
    let tests: BTreeSet<Vec<String>> = all
        .iter()
        .flat_map(|(_, source)| test_modules(source))
        .collect();
    all.retain(|(_, source)| !tests.iter().any(|test| source.module.starts_with(test)));
    all
}

fn test_modules(source: &Source) -> Vec<Vec<String>> {
    let names = source.test_modules.iter();
    names
        .map(|name| [&source.module[..], std::slice::from_ref(name)].concat())
        .collect()
}

#[test]
fn every_file_keeps_to_the_room_table() {
    let mut found = Vec::new();
    for (path, source) in shipped() {
        let path = path
            .strip_prefix(src())
            .expect("below src")
            .display()
            .to_string();
        found.extend(
            violations(&source)
                .into_iter()
                .map(|what| format!("src/{path}:{what}")),
        );
    }
    assert!(found.is_empty(), "\n{}\n", found.join("\n"));
}

#[test]
fn the_table_lists_the_rooms_that_there_are() {
    let text = std::fs::read_to_string(src().join("lib.rs")).expect("readable");
    let lib = Source::read(&["lib"], &text);
    let declared = lib
        .tokens
        .windows(3)
        .filter(|w| w[0].text == "mod" && w[2].text == ";");
    let declared: BTreeSet<_> = declared
        .map(|window| window[1].text.trim_start_matches('_').to_owned())
        .collect();
    let listed = ROOMS.iter().copied().flatten().chain([&TEST_KIT]);
    assert_eq!(declared, listed.map(|room| (*room).to_owned()).collect());
    let on_disk: BTreeSet<_> = shipped()
        .iter()
        .map(|(_, source)| source.room().to_owned())
        .collect();
    assert_eq!(declared, on_disk);
}

#[test]
fn no_file_is_called_mod() {
    let mut found = Vec::new();
    files(&src(), &[], &mut found);
    assert!(
        found.len() > 50,
        "{} files are too few to be the house",
        found.len()
    );
    found.retain(|(module, _)| module.last().is_some_and(|name| name == "mod"));
    assert!(found.is_empty(), "{found:?}");
}

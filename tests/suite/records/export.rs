//! Lines of exports: what they hold, and what happens to bad ones.

use std::convert::Infallible;
use std::io::Write as _;
use std::time::{Duration, UNIX_EPOCH};

use dynaseal::item::Model as _;
use dynaseal::records::export::{
    Compression, ExportError, ExportErrorKind, ExportReader, LineContent, OpenedLine,
};
use flate2::write::GzEncoder;
use futures_util::{StreamExt as _, stream};

use super::*;

pub(super) type Opened = Result<OpenedLine, ExportError>;

/// Reads a file that comes in one piece.
pub(super) async fn read(reader: &ExportReader, file: &[u8]) -> Vec<Opened> {
    let chunks = stream::iter([Ok::<_, Infallible>(file.to_vec())]);
    reader.open(chunks).collect().await
}

pub(super) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

pub(super) fn item_line(sealed: &Item) -> String {
    json!({ "Item": dynamodb_json(sealed) }).to_string()
}

pub(super) fn kinds(lines: &[Opened]) -> Vec<(u64, Option<ExportErrorKind>)> {
    let kind = |line: &Opened| match line {
        Ok(line) => (line.number(), None),
        Err(error) => (error.line(), Some(error.kind())),
    };
    lines.iter().map(kind).collect()
}

fn totals(lines: Vec<Opened>) -> Vec<u32> {
    let total = |line: Opened| {
        let item = line.unwrap().into_item().unwrap().into_item();
        Order::from_item(item).unwrap().total
    };
    lines.into_iter().map(total).collect()
}

/// A full export of these totals, one line each.
pub(super) async fn full_export(totals: impl IntoIterator<Item = u32>) -> String {
    let mut file = String::new();
    for total in totals {
        let sealed = sealed(&format!("o-{total}"), total).await;
        file.push_str(&item_line(&sealed));
        file.push('\n');
    }
    file
}

#[tokio::test]
async fn opens_a_full_export_compressed_and_plain() {
    let file = full_export(0..40).await;
    let reader = ExportReader::new(&encryptor());
    for file in [gzip(file.as_bytes()), file.clone().into_bytes()] {
        let lines = read(&reader, &file).await;
        let numbers = lines.iter().map(|line| line.as_ref().unwrap().number());
        assert!(numbers.eq(1..=40));
        assert!(totals(lines).into_iter().eq(0..40), "in order");
    }
}

#[tokio::test]
async fn opens_an_incremental_export() {
    let (old, new) = (sealed("o-1", 10).await, sealed("o-1", 20).await);
    let line = |written: Value, old: Option<&Item>, new: Option<&Item>| {
        let mut line = json!({
            "Metadata": {"WriteTimestampMicros": written},
            "Keys": dynamodb_json(&keys("o-1")),
        });
        for (name, image) in [("OldImage", old), ("NewImage", new)] {
            if let Some(image) = image {
                line[name] = dynamodb_json(image);
            }
        }
        line.to_string()
    };
    let file = [
        line(json!({"N": "1680109764000001"}), Some(&old), Some(&new)),
        line(json!("1680109764000001"), None, Some(&tampered(&new))),
        line(json!(1_680_109_764_000_001_u64), Some(&old), None),
        line(json!("soon"), None, None),
    ]
    .join("\n");
    let lines = read(&ExportReader::new(&encryptor()), file.as_bytes()).await;
    let changes: Vec<_> = lines
        .into_iter()
        .map(|line| line.unwrap().into_change().unwrap())
        .collect();
    let written = UNIX_EPOCH + Duration::from_micros(1_680_109_764_000_001);
    for change in &changes[..3] {
        assert_eq!(change.approximate_creation_time(), Some(written));
        assert_eq!(change.keys().unwrap(), &keys("o-1"));
        assert_eq!(change.event_name(), None);
        assert_eq!(change.sequence_number(), None);
    }
    assert_eq!(
        changes[0].old_image_as::<Order>().unwrap().unwrap().total,
        10
    );
    assert_eq!(
        changes[0].new_image_as::<Order>().unwrap().unwrap().total,
        20
    );
    assert_authentication(changes[1].new_image());
    assert!(changes[2].new_image().is_none());
    assert_eq!(
        changes[2].old_image_as::<Order>().unwrap().unwrap().total,
        10
    );
    assert_eq!(changes[3].approximate_creation_time(), None);
    assert!(changes[3].error().is_none(), "a delete without images");
}

#[tokio::test]
async fn the_image_of_another_item_is_refused_in_exports_too() {
    let line = json!({
        "Metadata": {"WriteTimestampMicros": {"N": "1"}},
        "Keys": dynamodb_json(&keys("o-1")),
        "NewImage": dynamodb_json(&sealed("o-2", 10).await),
    });
    let lines = read(
        &ExportReader::new(&encryptor()),
        line.to_string().as_bytes(),
    )
    .await;
    let LineContent::Change(change) = lines[0].as_ref().unwrap().content() else {
        panic!("{lines:?}");
    };
    assert!(matches!(change.error(), Some(OpenError::Attribute(_))));
}

#[tokio::test]
async fn bad_lines_between_good_ones_are_errors_of_their_own() {
    let [first, second, third] = [
        sealed("o-1", 1).await,
        sealed("o-2", 2).await,
        sealed("o-3", 3).await,
    ];
    let plain = item([("id", s("o-4")), ("part", n("1"))]);
    let no_value = r#"{"Item":{"id":{"S":"o-5"},"part":{"Q":"1"}}}"#;
    let lines: [&[u8]; 11] = [
        item_line(&first).as_bytes(),
        b"garbage",
        item_line(&tampered(&second)).as_bytes(),
        b"",
        b"\xff\xfe not even text",
        item_line(&plain).as_bytes(),
        br#"{"Metadata":{}}"#,
        b"[1, 2",
        b"  \t ",
        no_value.as_bytes(),
        item_line(&third).as_bytes(),
    ]
    .map(<[u8]>::to_vec)
    .map(|line| &*line.leak());
    let file = lines.join(&b"\r\n"[..]);
    let opened = read(&ExportReader::new(&encryptor()), &gzip(&file)).await;
    use ExportErrorKind as Kind;
    assert_eq!(
        kinds(&opened),
        [
            (1, None),
            (2, Some(Kind::NotJson)),
            (3, Some(Kind::NotOpened)),
            (5, Some(Kind::NotJson)),
            (6, Some(Kind::NotOpened)),
            (7, Some(Kind::NotAnExportLine)),
            (8, Some(Kind::NotJson)),
            (10, Some(Kind::NotOpened)),
            (11, None),
        ],
        "blank lines count and say nothing"
    );
    let open_error = |at: usize| opened[at].as_ref().unwrap_err().open_error().unwrap();
    assert!(matches!(open_error(2), OpenError::Authentication(_)));
    assert!(matches!(open_error(4), OpenError::NotSealed(_)));
    assert!(matches!(open_error(7), OpenError::Attribute(_)));
    for error in opened.iter().filter_map(|line| line.as_ref().err()) {
        assert!(!error.is_about_file(), "{error}");
    }
}

#[tokio::test]
async fn lines_may_be_as_long_as_the_limit_and_no_longer() {
    let [good, long] = [sealed("o-1", 1).await, sealed("o-22", 22).await];
    let [good, long] = [good, long].map(|item| item_line(&item));
    assert!(good.len() < long.len());
    let file = [&good, &long, &good, &long].map(String::as_str).join("\n");
    let reader = ExportReader::new(&encryptor()).max_line_len(good.len());
    let too_long = Some(ExportErrorKind::LineTooLong);
    for file in [gzip(file.as_bytes()), file.into_bytes()] {
        let kinds = kinds(&read(&reader, &file).await);
        assert_eq!(kinds, [(1, None), (2, too_long), (3, None), (4, too_long)]);
    }
}

#[tokio::test]
async fn files_may_be_as_long_as_the_limit_and_no_longer() {
    let file = full_export(0..3).await;
    let limit = u64::try_from(file.len()).unwrap();
    for file in [gzip(file.as_bytes()), file.into_bytes()] {
        let exact = ExportReader::new(&encryptor()).max_file_len(limit);
        assert_eq!(
            kinds(&read(&exact, &file).await),
            [(1, None), (2, None), (3, None)]
        );
        let less = ExportReader::new(&encryptor()).max_file_len(limit - 1);
        let lines = read(&less, &file).await;
        let too_long = (3, Some(ExportErrorKind::FileTooLong));
        assert_eq!(kinds(&lines), [(1, None), (2, None), too_long]);
        assert!(lines[2].as_ref().unwrap_err().is_about_file());
    }
}

#[tokio::test]
async fn says_when_the_bytes_stop_coming() {
    let file = full_export(0..2).await.into_bytes();
    let (head, _) = file.split_at(file.len() - 10);
    let chunks = [
        Ok(head.to_vec()),
        Err(std::io::Error::other("reset by peer")),
        Ok(b"never asked for".to_vec()),
    ];
    let reader = ExportReader::new(&encryptor());
    let lines: Vec<_> = reader.open(stream::iter(chunks)).collect().await;
    assert_eq!(
        kinds(&lines),
        [(1, None), (2, Some(ExportErrorKind::Chunks))]
    );
    let error = lines[1].as_ref().unwrap_err();
    assert!(error.is_about_file());
    let source = std::error::Error::source(error).unwrap();
    assert!(source.downcast_ref::<std::io::Error>().is_some());
    assert!(!format!("{error:?}{error}").contains("reset by peer"));
}

#[tokio::test]
async fn nothing_is_read_before_it_is_asked_for() {
    let file = full_export(0..3).await;
    let lines: Vec<String> = file.lines().map(|line| format!("{line}\n")).collect();
    let asked = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let counter = std::sync::Arc::clone(&asked);
    let chunks = stream::iter(lines).map(move |line| {
        counter.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        Ok::<_, Infallible>(line)
    });
    let mut lines = ExportReader::new(&encryptor()).concurrency(1).open(chunks);
    assert_eq!(asked.load(std::sync::atomic::Ordering::Relaxed), 0);
    assert_eq!(lines.next().await.unwrap().unwrap().number(), 1);
    assert!(asked.load(std::sync::atomic::Ordering::Relaxed) <= 2);
}

#[tokio::test]
async fn the_compression_that_was_chosen_is_not_guessed() {
    let file = full_export(0..1).await;
    let reader = |compression| ExportReader::new(&encryptor()).compression(compression);
    let plain = read(&reader(Compression::Gzip), file.as_bytes()).await;
    assert_eq!(kinds(&plain), [(1, Some(ExportErrorKind::Corrupt))]);
    let packed = read(&reader(Compression::None), &gzip(file.as_bytes())).await;
    assert!(packed.iter().all(Result::is_err), "{packed:?}");
    let packed = read(&reader(Compression::Gzip), &gzip(file.as_bytes())).await;
    assert_eq!(kinds(&packed), [(1, None)]);
}

//! Files of exports: compression, damage, bombs, and chunks that end anywhere.

use std::convert::Infallible;
use std::io::Read as _;
use std::sync::LazyLock;

use dynaseal::records::export::{Compression, ExportError, ExportErrorKind, ExportReader};
use flate2::read::MultiGzDecoder;
use futures_util::{StreamExt as _, stream};
use proptest::prelude::*;

use super::export::{Opened, full_export, gzip, item_line, kinds, read};
use super::*;

fn gzip_reader() -> ExportReader {
    ExportReader::new(&encryptor()).compression(Compression::Gzip)
}

/// What happens at the end of a file that was damaged: its last result, and no other like it.
#[track_caller]
fn ending(lines: &[Opened]) -> ExportErrorKind {
    let (last, others) = lines.split_last().expect("at least an error");
    let last = last.as_ref().expect_err("the end was noticed");
    assert!(last.is_about_file());
    let mut errors = others.iter().filter_map(|line| line.as_ref().err());
    assert!(!errors.any(ExportError::is_about_file));
    last.kind()
}

#[tokio::test]
async fn reads_every_member_of_a_file() {
    let file = full_export(0..4).await.into_bytes();
    // Between members a line may be cut, and a member may be empty.
    let (head, tail) = file.split_at(file.len() / 3);
    let members = [gzip(head), gzip(b""), gzip(tail)].concat();
    let expected = [(1, None), (2, None), (3, None), (4, None)];
    assert_eq!(kinds(&read(&gzip_reader(), &members).await), expected);
}

#[tokio::test]
async fn a_file_without_lines_has_none() {
    let reader = ExportReader::new(&encryptor());
    for file in [vec![], gzip(b""), b"\n\n \n".to_vec(), gzip(b"\n")] {
        assert!(read(&reader, &file).await.is_empty());
    }
    let lines = read(&gzip_reader(), b"").await;
    assert_eq!(
        ending(&lines),
        ExportErrorKind::Truncated,
        "not even a header"
    );
}

#[tokio::test]
async fn a_file_that_was_cut_off_anywhere_says_so() {
    let file = gzip(full_export(0..2).await.as_bytes());
    for len in 0..file.len() {
        let lines = read(&gzip_reader(), &file[..len]).await;
        assert_eq!(ending(&lines), ExportErrorKind::Truncated, "{len} bytes");
    }
    assert_eq!(
        kinds(&read(&gzip_reader(), &file).await),
        [(1, None), (2, None)]
    );
}

#[tokio::test]
async fn lines_before_the_cut_are_read() {
    let file = gzip(full_export(0..9).await.as_bytes());
    let lines = read(&gzip_reader(), &file[..file.len() - 1]).await;
    assert_eq!(lines.len(), 10, "nine items, whole, and the error");
    assert!(lines[..9].iter().all(Result::is_ok));
    assert_eq!(lines[9].as_ref().unwrap_err().line(), 10);
}

#[tokio::test]
async fn a_changed_byte_of_data_or_checksum_is_noticed() {
    const HEADER_LEN: usize = 10;
    const TRAILER_LEN: usize = 8;
    let text = full_export(0..1).await;
    let file = gzip(text.as_bytes());
    let mut noticed = 0;
    for at in HEADER_LEN..file.len() {
        let mut damaged = file.clone();
        damaged[at] ^= 0x10;
        // Of the last byte of data, some bits mean nothing.
        let mut same = String::new();
        let read_again = MultiGzDecoder::new(&damaged[..]).read_to_string(&mut same);
        if read_again.is_ok() && same == text {
            continue;
        }
        let ending = ending(&read(&gzip_reader(), &damaged).await);
        noticed += 1;
        if at >= file.len() - TRAILER_LEN {
            assert_eq!(ending, ExportErrorKind::Corrupt, "byte {at}");
        }
    }
    assert!(noticed >= file.len() - HEADER_LEN - 2, "only {noticed}");
}

#[tokio::test]
async fn what_follows_a_member_must_be_another() {
    let file = full_export(0..1).await;
    for (garbage, expected) in [
        (&b"certainly no gzip"[..], ExportErrorKind::Corrupt),
        (&[0; 512], ExportErrorKind::Corrupt),
        // Shorter than a header: it could have become one.
        (b"\0\0\0", ExportErrorKind::Truncated),
        (b"\x1f\x8b", ExportErrorKind::Truncated),
    ] {
        let file = [gzip(file.as_bytes()), garbage.to_vec()].concat();
        let lines = read(&gzip_reader(), &file).await;
        assert!(lines[0].is_ok());
        assert_eq!(ending(&lines), expected);
    }
}

#[tokio::test]
async fn a_bomb_is_one_line_that_is_too_long_and_the_next_one_is_read() {
    let zeros = vec![0; 48 << 20];
    let bomb = [&zeros[..], b"\n", full_export(0..1).await.as_bytes()].concat();
    let bomb = gzip(&bomb);
    assert!(bomb.len() < 100 << 10, "{} bytes", bomb.len());
    let lines = read(&gzip_reader(), &bomb).await;
    let too_long = Some(ExportErrorKind::LineTooLong);
    assert_eq!(kinds(&lines), [(1, too_long), (2, None)]);

    let reader = gzip_reader().max_file_len(20 << 20);
    let lines = read(&reader, &bomb).await;
    assert_eq!(kinds(&lines)[0], (1, too_long));
    assert_eq!(ending(&lines), ExportErrorKind::FileTooLong);
}

/// Good lines, and every kind of bad one.
static LINES: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    runtime.unwrap().block_on(async {
        let good = sealed("o-1", 1).await;
        let mut lines = vec![item_line(&good).into_bytes(); 3];
        lines.push(item_line(&tampered(&good)).into_bytes());
        lines.push(vec![b'x'; 3 * lines[0].len()]);
        lines.extend([&b"garbage"[..], b"", b" ", b"{}\r"].map(<[u8]>::to_vec));
        lines
    })
});

type Kinds = Vec<(u64, Option<ExportErrorKind>)>;

/// What each line is, by itself.
fn kinds_of(lines: &[usize], max_line_len: usize) -> Kinds {
    let kind = |line: &usize| match line {
        0..=2 => Some(None),
        3 => Some(Some(ExportErrorKind::NotOpened)),
        4 => Some(Some(ExportErrorKind::LineTooLong)),
        5 => Some(Some(ExportErrorKind::NotJson)),
        6 | 7 => None,
        _ => Some(Some(ExportErrorKind::NotAnExportLine)),
    };
    assert!(LINES[3].len() <= max_line_len && max_line_len < LINES[4].len());
    let numbered = (1..).zip(lines.iter().map(kind));
    numbered
        .filter_map(|(number, kind)| Some((number, kind?)))
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn chunks_may_end_anywhere(
        lines in proptest::collection::vec(0..9_usize, 0..12),
        ends_in_newline in any::<bool>(),
        is_compressed in any::<bool>(),
        cuts in proptest::collection::vec(any::<prop::sample::Index>(), 0..12),
    ) {
        let max_line_len = LINES[0].len() + 20;
        let expected = kinds_of(&lines, max_line_len);
        let mut file = lines.iter().map(|line| &LINES[*line][..]).collect::<Vec<_>>().join(&b'\n');
        if ends_in_newline {
            file.push(b'\n');
        }
        let file = if is_compressed {
            // Members end where some lines do not.
            let middle = file.len() / 2;
            [gzip(&file[..middle]), gzip(&file[middle..])].concat()
        } else {
            file
        };
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(file.len() + 1)).collect();
        cuts.extend([0, file.len()]);
        cuts.sort_unstable();
        let chunks: Vec<_> = cuts
            .windows(2)
            .map(|cut| Ok::<_, Infallible>(file[cut[0]..cut[1]].to_vec()))
            .collect();
        let reader = ExportReader::new(&encryptor()).max_line_len(max_line_len);
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let opened: Vec<_> = runtime.block_on(reader.open(stream::iter(chunks)).collect());
        prop_assert_eq!(kinds(&opened), expected);
    }

    #[test]
    fn random_bytes_end_in_errors_and_never_in_a_panic(
        bytes in proptest::collection::vec(any::<u8>(), 0..300),
        is_gzip in any::<bool>(),
    ) {
        let bytes = if is_gzip { [&[0x1f, 0x8b, 8, 0][..], &bytes].concat() } else { bytes };
        let reader = ExportReader::new(&encryptor());
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let opened = runtime.block_on(read(&reader, &bytes));
        prop_assert!(opened.iter().all(Result::is_err));
        prop_assert!(!is_gzip || !opened.is_empty());
    }
}

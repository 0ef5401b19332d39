//! One line: what it has, and opening that.

use std::time::{Duration, SystemTime};

use serde_json::from_slice;

use super::lines::Line;
use super::{ExportError, ExportErrorKind};
use crate::item::{ItemEncryptor, OpenedItem};
use crate::records::attribute_value::item_from_json;
use crate::records::event::{Facts, Image, Record};
use crate::records::json::Json;
use crate::records::open::{open_images, open_item};
use crate::records::opened::OpenedRecord;
use crate::records::span;

/// A line of an export, opened.
#[derive(Clone, Debug)]
pub struct OpenedLine {
    number: u64,
    content: LineContent,
}

/// What a line of an export has.
#[non_exhaustive]
#[derive(Clone, Debug)]
pub enum LineContent {
    /// An item, in a full export.
    Item(Box<OpenedItem>),
    /// The change of an item, in an incremental export. Its images have a result each.
    Change(Box<OpenedRecord>),
}

impl OpenedLine {
    /// The number of the line, from 1.
    #[must_use]
    pub fn number(&self) -> u64 {
        self.number
    }

    /// What the line has.
    #[must_use]
    pub fn content(&self) -> &LineContent {
        &self.content
    }

    /// What the line has, by value.
    #[must_use]
    pub fn into_content(self) -> LineContent {
        self.content
    }

    /// The item of a line of a full export.
    #[must_use]
    pub fn into_item(self) -> Option<OpenedItem> {
        match self.content {
            LineContent::Item(item) => Some(*item),
            LineContent::Change(_) => None,
        }
    }

    /// The change of a line of an incremental export.
    #[must_use]
    pub fn into_change(self) -> Option<OpenedRecord> {
        match self.content {
            LineContent::Item(_) => None,
            LineContent::Change(change) => Some(*change),
        }
    }
}

/// What a line has, sealed.
enum Sealed {
    Item(Image),
    Change(Record),
}

pub(super) async fn open(encryptor: &ItemEncryptor, line: Line) -> Result<OpenedLine, ExportError> {
    let span = span::open_export_line(encryptor);
    span::run(span, open_line(encryptor, line), |opened| match opened {
        Ok(line) => line.is_open(),
        Err(_) => false,
    })
    .await
}

impl OpenedLine {
    fn is_open(&self) -> bool {
        match &self.content {
            LineContent::Item(_) => true,
            LineContent::Change(change) => change.error().is_none(),
        }
    }
}

async fn open_line(encryptor: &ItemEncryptor, line: Line) -> Result<OpenedLine, ExportError> {
    let Line { number, bytes } = line;
    let sealed = parse(&bytes).map_err(|kind| ExportError::new(number, kind))?;
    // Opening waits for KMS, and needs the text no more.
    drop(bytes);
    let content = match sealed {
        Sealed::Item(item) => {
            let opened = match item {
                Ok(item) => open_item(encryptor, item).await,
                Err(error) => Err(error),
            };
            let opened = opened.map_err(|error| ExportError::not_opened(number, error))?;
            LineContent::Item(Box::new(opened))
        }
        Sealed::Change(record) => {
            LineContent::Change(Box::new(open_images(encryptor, record).await))
        }
    };
    Ok(OpenedLine { number, content })
}

fn parse(line: &[u8]) -> Result<Sealed, ExportErrorKind> {
    let mut line: Json = from_slice(line).map_err(|_| ExportErrorKind::NotJson)?;
    if let Some(item) = line.take("Item") {
        return Ok(Sealed::Item(item_from_json(item)));
    }
    let mut metadata = line.take("Metadata");
    let written = metadata
        .as_mut()
        .and_then(|metadata| metadata.take("WriteTimestampMicros"));
    let facts = Facts {
        approximate_creation_time: written
            .as_ref()
            .and_then(Json::as_number)
            .and_then(time_from_micros),
        ..Facts::default()
    };
    let record = Record::from_images(facts, &mut line);
    if record.keys.is_none() {
        return Err(ExportErrorKind::NotAnExportLine);
    }
    Ok(Sealed::Change(record))
}

fn time_from_micros(number: &str) -> Option<SystemTime> {
    let since = Duration::from_micros(number.parse().ok()?);
    SystemTime::UNIX_EPOCH.checked_add(since)
}

//! The records of a key store, as items and as encryption contexts.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;

use super::branch_key::BranchKeyVersion;
use super::names::{
    ACTIVE, BEACON, CREATE_TIME, CUSTOM_PREFIX, ENC, ERASED, HIERARCHY_VERSION, ID, KMS_ARN,
    OUR_HIERARCHY_VERSION, TABLE_NAME, TYPE, VERSION, VERSION_PREFIX,
};
use super::time::CreateTime;
use crate::context::{EncryptionContext, Entries};
use crate::error::{KeyStoreError, KeyStoreErrorKind};
use crate::format::is_replication_attribute;

/// DynamoDB's limit of a partition key.
const MAX_ID_LEN: usize = 2048;

/// Whether a branch key can have this id.
pub(super) fn is_id(id: &str) -> bool {
    (1..=MAX_ID_LEN).contains(&id.len())
}

/// What a record is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// The version under which is sealed.
    Active(BranchKeyVersion),
    Version(BranchKeyVersion),
    Beacon,
}

impl Kind {
    pub(super) fn version(self) -> Option<BranchKeyVersion> {
        match self {
            Self::Active(version) | Self::Version(version) => Some(version),
            Self::Beacon => None,
        }
    }
}

/// Where a record lies, beside the id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Active,
    Version(BranchKeyVersion),
    Beacon,
    Erased,
}

impl Place {
    pub(super) fn sort_key(self) -> String {
        match self {
            Self::Active => ACTIVE.to_owned(),
            Self::Version(version) => version.record_type(),
            Self::Beacon => BEACON.to_owned(),
            Self::Erased => ERASED.to_owned(),
        }
    }
}

/// The key of a record in the table.
pub(super) fn key(id: &str, place: Place) -> [(String, AttributeValue); 2] {
    [
        (ID.to_owned(), text(id)),
        (TYPE.to_owned(), text(&place.sort_key())),
    ]
}

/// The row that says that a branch key was erased, and when: nobody makes, rotates or seals under it again.
/// Nothing vouches for it: whoever can write to the key store can keep its branch keys from being used anyway.
pub(super) fn tombstone(id: &str, erased: CreateTime) -> [(String, AttributeValue); 3] {
    let [id, sort_key] = key(id, Place::Erased);
    let time = text(&erased.to_string());
    [id, sort_key, (CREATE_TIME.to_owned(), time)]
}

fn text(text: &str) -> AttributeValue {
    AttributeValue::S(text.to_owned())
}

/// All of a record but the key material, which is authenticated with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Facts {
    pub(super) id: String,
    pub(super) kind: Kind,
    pub(super) kms_arn: String,
    /// As it was written, and what it says.
    create_time: String,
    pub(super) created: CreateTime,
    /// Custom entries, without the prefix.
    pub(super) custom: BTreeMap<String, String>,
}

/// A record of a key store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Record {
    pub(super) facts: Facts,
    /// The key, as KMS wrapped it.
    pub(super) enc: Vec<u8>,
}

impl Facts {
    /// Of a branch key that is being made.
    pub(super) fn new(
        id: &str,
        kind: Kind,
        kms_arn: String,
        created: CreateTime,
        custom: BTreeMap<String, String>,
    ) -> Self {
        Self {
            id: id.to_owned(),
            kind,
            kms_arn,
            create_time: created.to_string(),
            created,
            custom,
        }
    }

    /// The same of another record of the branch key, made at the same time.
    pub(super) fn with_kind(&self, kind: Kind) -> Self {
        Self {
            kind,
            ..self.clone()
        }
    }

    /// The same, made at another time.
    pub(super) fn created_at(&self, kind: Kind, created: CreateTime) -> Self {
        Self {
            kind,
            create_time: created.to_string(),
            created,
            ..self.clone()
        }
    }

    fn sort_key(&self) -> String {
        match self.kind {
            Kind::Active(_) => ACTIVE.to_owned(),
            Kind::Version(version) => version.record_type(),
            Kind::Beacon => BEACON.to_owned(),
        }
    }

    /// Every attribute but `enc` and `hierarchy-version`: the strings.
    fn strings(&self) -> impl Iterator<Item = (String, String)> {
        let version = match self.kind {
            Kind::Active(version) => Some((VERSION.to_owned(), version.record_type())),
            Kind::Version(_) | Kind::Beacon => None,
        };
        let fixed = [
            (ID, self.id.clone()),
            (TYPE, self.sort_key()),
            (KMS_ARN, self.kms_arn.clone()),
            (CREATE_TIME, self.create_time.clone()),
        ];
        let fixed = fixed.map(|(name, value)| (name.to_owned(), value));
        let custom = self.custom.iter();
        let custom = custom.map(|(name, value)| (format!("{CUSTOM_PREFIX}{name}"), value.clone()));
        fixed.into_iter().chain(version).chain(custom)
    }

    /// What KMS binds the key to.
    pub(super) fn context(&self, logical_name: &str) -> Result<EncryptionContext, KeyStoreError> {
        let strings = self.strings();
        let mut entries: Entries = strings.map(|(k, v)| (k.into(), v.into())).collect();
        entries.insert(HIERARCHY_VERSION.into(), OUR_HIERARCHY_VERSION.into());
        entries.insert(TABLE_NAME.into(), logical_name.into());
        EncryptionContext::new(entries).map_err(|_| {
            KeyStoreError::new(KeyStoreErrorKind::InvalidRequest).of_branch_key(&self.id)
        })
    }

    pub(super) fn with_enc(self, enc: Vec<u8>) -> Record {
        Record { facts: self, enc }
    }
}

impl Record {
    /// All attributes of the item.
    pub(super) fn attributes(&self) -> impl Iterator<Item = (String, AttributeValue)> {
        let strings = self.facts.strings();
        let number = AttributeValue::N(OUR_HIERARCHY_VERSION.to_owned());
        let enc = AttributeValue::B(Blob::new(self.enc.clone()));
        strings
            .map(|(name, value)| (name, AttributeValue::S(value)))
            .chain([
                (HIERARCHY_VERSION.to_owned(), number),
                (ENC.to_owned(), enc),
            ])
    }

    /// Reads the record that lies at this place, and no other.
    pub(super) fn parse<'a>(
        id: &str,
        place: Place,
        attributes: impl IntoIterator<Item = (&'a String, &'a AttributeValue)>,
    ) -> Result<Self, KeyStoreError> {
        let invalid = |problem: &'static str| {
            let error = KeyStoreError::new(KeyStoreErrorKind::InvalidRecord);
            error.of_branch_key(id).with_source(problem)
        };
        let mut fields = Fields::of(attributes).map_err(invalid)?;
        if fields.take(ID) != Some(id) || fields.take(TYPE) != Some(&place.sort_key()) {
            return Err(invalid("it is not the one that was asked for"));
        }
        let kind = match (place, fields.take(VERSION)) {
            (Place::Active, Some(version)) => version_of(version).map(Kind::Active),
            (Place::Version(version), None) => Some(Kind::Version(version)),
            (Place::Beacon, None) => Some(Kind::Beacon),
            _ => None,
        };
        let kind =
            kind.ok_or_else(|| invalid("it has no version, or one that it should not have"))?;
        if fields.hierarchy_version != Some(OUR_HIERARCHY_VERSION) {
            return Err(invalid("its hierarchy version is another one"));
        }
        let kms_arn = fields.take(KMS_ARN).ok_or_else(|| invalid("no KMS key"))?;
        let create_time = fields.take(CREATE_TIME);
        let create_time = create_time.ok_or_else(|| invalid("no creation time"))?;
        let created = CreateTime::parse(create_time);
        let created = created.ok_or_else(|| invalid("its creation time is none"))?;
        let enc = fields.enc.filter(|enc| !enc.is_empty());
        let enc = enc.ok_or_else(|| invalid("no wrapped key"))?.to_vec();
        let facts = Facts {
            id: id.to_owned(),
            kind,
            kms_arn: kms_arn.to_owned(),
            create_time: create_time.to_owned(),
            created,
            custom: fields.custom().map_err(invalid)?,
        };
        Ok(facts.with_enc(enc))
    }
}

/// The version that an active record names, in the one spelling that is a sort key.
fn version_of(text: &str) -> Option<BranchKeyVersion> {
    let version = BranchKeyVersion::parse(text.strip_prefix(VERSION_PREFIX)?)?;
    (version.record_type() == text).then_some(version)
}

/// The attributes of a record, by type.
struct Fields<'a> {
    strings: BTreeMap<&'a str, &'a str>,
    enc: Option<&'a [u8]>,
    hierarchy_version: Option<&'a str>,
}

impl<'a> Fields<'a> {
    fn of(
        attributes: impl IntoIterator<Item = (&'a String, &'a AttributeValue)>,
    ) -> Result<Self, &'static str> {
        let mut fields = Self {
            strings: BTreeMap::new(),
            enc: None,
            hierarchy_version: None,
        };
        // What replication adds is nobody's who made the key, and KMS was not told of it.
        let own = attributes.into_iter();
        for (name, value) in own.filter(|(name, _)| !is_replication_attribute(name)) {
            match (name.as_str(), value) {
                (ENC, AttributeValue::B(enc)) => fields.enc = Some(enc.as_ref()),
                (HIERARCHY_VERSION, AttributeValue::N(version)) => {
                    fields.hierarchy_version = Some(version);
                }
                (ENC | HIERARCHY_VERSION, _) => return Err("an attribute has another type"),
                (name, AttributeValue::S(value)) => _ = fields.strings.insert(name, value),
                _ => return Err("an attribute is no string"),
            }
        }
        Ok(fields)
    }

    fn take(&mut self, name: &str) -> Option<&'a str> {
        self.strings.remove(name)
    }

    /// What is left: custom entries alone.
    fn custom(self) -> Result<BTreeMap<String, String>, &'static str> {
        let entries = self.strings.into_iter().map(|(name, value)| {
            let name = name.strip_prefix(CUSTOM_PREFIX);
            let name = name.filter(|name| !name.is_empty());
            let name = name.ok_or("an attribute is unknown")?;
            Ok((name.to_owned(), value.to_owned()))
        });
        entries.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const VERSION_TEXT: &str = "e9ce18a3-edb5-4272-9f86-1cacb7997ff6";
    const KEY: &str = "arn:aws:kms:us-east-1:111122223333:key/mrk-1234";
    const CREATED: &str = "2024-12-31T23:59:59.123456Z";

    fn version() -> BranchKeyVersion {
        BranchKeyVersion::parse(VERSION_TEXT).unwrap()
    }

    fn record(kind: Kind) -> Record {
        let custom = BTreeMap::from([("tenant".to_owned(), "acme".to_owned())]);
        let created = CreateTime::parse(CREATED).unwrap();
        Facts::new("bd3842ff", kind, KEY.to_owned(), created, custom).with_enc(vec![1, 2, 3])
    }

    fn entries(kind: Kind) -> Vec<(String, String)> {
        let context = record(kind).facts.context("logical").unwrap();
        let entries = context.iter();
        entries.map(|(k, v)| (k.to_owned(), v.to_owned())).collect()
    }

    /// As §11 of the format reference says.
    #[test]
    fn binds_keys_to_all_attributes_and_the_logical_name() {
        let version_text = format!("branch:version:{VERSION_TEXT}");
        let expected = |kind: &str, version: Option<&str>| {
            let all = [
                ("aws-crypto-ec:tenant", Some("acme")),
                ("branch-key-id", Some("bd3842ff")),
                ("create-time", Some(CREATED)),
                ("hierarchy-version", Some("1")),
                ("kms-arn", Some(KEY)),
                ("tablename", Some("logical")),
                ("type", Some(kind)),
                ("version", version),
            ];
            let present = all.into_iter().filter_map(|(k, v)| Some((k, v?)));
            let present = present.map(|(k, v)| (k.to_owned(), v.to_owned()));
            present.collect::<Vec<_>>()
        };
        let active = expected("branch:ACTIVE", Some(&version_text));
        assert_eq!(entries(Kind::Active(version())), active);
        let old = expected(&version_text, None);
        assert_eq!(entries(Kind::Version(version())), old);
        assert_eq!(entries(Kind::Beacon), expected("beacon:ACTIVE", None));
    }

    #[test]
    fn reads_the_items_that_it_writes() {
        for (kind, place) in [
            (Kind::Active(version()), Place::Active),
            (Kind::Version(version()), Place::Version(version())),
            (Kind::Beacon, Place::Beacon),
        ] {
            let record = record(kind);
            let item: BTreeMap<_, _> = record.attributes().collect();
            assert_eq!(item[HIERARCHY_VERSION], AttributeValue::N("1".into()));
            assert_eq!(item[ENC], AttributeValue::B(Blob::new([1, 2, 3])));
            let read = Record::parse("bd3842ff", place, &item);
            assert_eq!(read.unwrap(), record);
            assert!(Record::parse("bd3842fe", place, &item).is_err());
            assert!(Record::parse("bd3842ff", Place::Erased, &item).is_err());
        }
    }

    /// What KMS is told must be what was written, to the letter.
    #[test]
    fn keeps_the_creation_time_as_it_was_written() {
        let record = record(Kind::Active(version()));
        let mut item: BTreeMap<_, _> = record.attributes().collect();
        item.insert(CREATE_TIME.to_owned(), text("2024-12-31T23:59:59Z"));
        let read = Record::parse("bd3842ff", Place::Active, &item).unwrap();
        let context = read.facts.context("logical").unwrap();
        assert_eq!(context.get(CREATE_TIME), Some("2024-12-31T23:59:59Z"));
        assert!(read.facts.created < record.facts.created);
    }

    #[test]
    fn passes_over_what_global_tables_of_2017_add_and_nothing_else() {
        let record = record(Kind::Active(version()));
        let mut item: BTreeMap<_, _> = record.attributes().collect();
        let added = [
            ("aws:rep:deleting", AttributeValue::Bool(false)),
            ("aws:rep:updatetime", AttributeValue::N("1.5".to_owned())),
            ("aws:rep:updateregion", text("us-east-1")),
        ];
        item.extend(added.map(|(name, value)| (name.to_owned(), value)));
        let read = Record::parse("bd3842ff", Place::Active, &item);
        assert_eq!(read.unwrap(), record);
        for name in ["aws:rep:other", "aws:rep:", "aws:rep:updateregion2"] {
            let mut item = item.clone();
            item.insert(name.to_owned(), text("us-east-1"));
            let read = Record::parse("bd3842ff", Place::Active, &item);
            assert_eq!(read.unwrap_err().kind(), KeyStoreErrorKind::InvalidRecord);
        }
    }

    #[test]
    fn marks_what_was_erased_where_nobody_reads_a_key() {
        let erased = CreateTime::parse(CREATED).unwrap();
        let row: BTreeMap<_, _> = tombstone("t-1", erased).into();
        assert_eq!(row[ID], text("t-1"));
        assert_eq!(row[TYPE], text("dynaseal:erased"));
        for place in [Place::Active, Place::Erased] {
            assert!(Record::parse("t-1", place, &row).is_err());
        }
    }
}

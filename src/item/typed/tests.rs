use std::collections::BTreeMap;

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::*;
use crate::action::CryptoAction;
use crate::item::{AttributeSchema, Item, ModelSchema, Part, Role};

const NO_SCHEMA: &ModelSchema = &ModelSchema::new(None, &[]);

const fn plain(name: &'static str) -> Part {
    Part::Attribute(AttributeSchema::new(
        name,
        CryptoAction::EncryptAndSign,
        Role::Plain,
    ))
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Person {
    id: String,
    age: u8,
    plan: Plan,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    nick: Option<String>,
    tags: BTreeMap<String, u8>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
enum Plan {
    Free,
    Paid,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Flat {
    id: String,
    #[serde(flatten)]
    place: Place,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Place {
    floor: u8,
    shop: Shop,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Shop {
    till: u8,
}

const FLAT: &ModelSchema = &ModelSchema::new(
    None,
    &[
        plain("id"),
        Part::Flatten(&ModelSchema::new(None, &[plain("floor"), plain("shop")])),
    ],
);

fn person() -> Item {
    let model = Person {
        id: "p-1".to_owned(),
        age: 7,
        plan: Plan::Paid,
        nick: None,
        tags: BTreeMap::from([("a".to_owned(), 1)]),
    };
    write(&model).unwrap()
}

fn s(value: &str) -> AttributeValue {
    AttributeValue::S(value.to_owned())
}

fn n(value: &str) -> AttributeValue {
    AttributeValue::N(value.to_owned())
}

/// Reads what cannot be read, and holds the error to the promise that it shows no value.
fn refuse<T: DeserializeOwned + fmt::Debug>(
    mut item: Item,
    schema: &ModelSchema,
    name: &str,
    value: AttributeValue,
) -> ModelMismatch {
    item.insert(name.to_owned(), value);
    let error = read::<T>(item, schema).unwrap_err();
    assert_shows_no_secret(&error);
    error
}

fn assert_shows_no_secret(error: &ModelMismatch) {
    let shown = format!("{error} {error:?} {error:#?}");
    for secret in ["secret", "98765", "4321"] {
        assert!(!shown.contains(secret), "{shown}");
    }
    assert!(std::error::Error::source(error).is_none());
}

#[test]
fn comes_back_as_it_went() {
    let item = person();
    assert!(!item.contains_key("nick"));
    let back: Person = read(item.clone(), NO_SCHEMA).unwrap();
    assert_eq!(write(&back).unwrap(), item);
}

#[test]
fn names_the_attribute_that_does_not_fit_and_shows_no_value() {
    let cases = [
        ("age", n("98765"), MismatchCause::InvalidValue),
        ("age", n("secret"), MismatchCause::InvalidValue),
        ("age", s("secret-age"), MismatchCause::WrongType),
        ("id", n("98765"), MismatchCause::WrongType),
        ("plan", s("secret-variant"), MismatchCause::InvalidValue),
        (
            "plan",
            AttributeValue::B(Blob::new("secret")),
            MismatchCause::WrongType,
        ),
        (
            "tags",
            AttributeValue::M(Item::from([("secret-key".to_owned(), s("secret"))])),
            MismatchCause::WrongType,
        ),
        (
            "nick",
            AttributeValue::Ss(vec!["secret".to_owned()]),
            MismatchCause::WrongType,
        ),
    ];
    for (name, value, cause) in cases {
        let error = refuse::<Person>(person(), NO_SCHEMA, name, value);
        assert_eq!((error.attribute(), error.cause()), (Some(name), cause));
    }
}

#[test]
fn names_the_attribute_that_is_missing() {
    let mut item = person();
    item.remove("age");
    let error = read::<Person>(item, NO_SCHEMA).unwrap_err();
    assert_eq!(error.to_string(), "attribute `age` is missing");
}

#[test]
fn names_a_flattened_attribute_and_shows_no_value() {
    let item = write(&Flat {
        id: "f".to_owned(),
        place: Place {
            floor: 1,
            shop: Shop { till: 2 },
        },
    })
    .unwrap();
    assert!(read::<Flat>(item.clone(), FLAT).is_ok());

    let cases = [
        ("floor", n("98765"), MismatchCause::InvalidValue),
        ("floor", s("secret"), MismatchCause::WrongType),
        (
            "shop",
            AttributeValue::M(Item::from([("x".to_owned(), s("secret"))])),
            { MismatchCause::WrongFields },
        ),
        ("id", n("98765"), MismatchCause::WrongType),
    ];
    for (name, value, cause) in cases {
        let error = refuse::<Flat>(item.clone(), FLAT, name, value);
        assert_eq!((error.attribute(), error.cause()), (Some(name), cause));
    }

    let mut item = item;
    item.remove("floor");
    let error = read::<Flat>(item, FLAT).unwrap_err();
    assert_eq!(
        (error.attribute(), error.cause()),
        (Some("floor"), MismatchCause::Missing)
    );
}

#[test]
fn drops_what_a_model_itself_has_to_say() {
    #[derive(Debug)]
    struct Even;
    impl<'de> Deserialize<'de> for Even {
        fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            let value = String::deserialize(deserializer)?;
            Err(serde::de::Error::custom(format!("{value} is odd")))
        }
    }
    #[derive(Debug, Deserialize)]
    struct Model {
        #[expect(dead_code, reason = "never read")]
        even: Even,
    }
    let error = refuse::<Model>(Item::new(), NO_SCHEMA, "even", s("secret"));
    assert_eq!(
        error.to_string(),
        "attribute `even` was refused by the model"
    );
}

#[test]
fn refuses_an_unknown_attribute_only_if_the_model_does() {
    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Strict {}
    let error = refuse::<Strict>(Item::new(), NO_SCHEMA, "extra", s("secret"));
    assert_eq!(
        (error.attribute(), error.cause()),
        (Some("extra"), MismatchCause::Unknown)
    );

    let mut item = person();
    item.insert("extra".to_owned(), s("ignored"));
    assert!(read::<Person>(item, NO_SCHEMA).is_ok());
}

#[test]
fn refuses_to_write_one_attribute_twice() {
    #[derive(Serialize)]
    struct Model {
        id: String,
        #[serde(flatten)]
        others: BTreeMap<String, String>,
    }
    let others = BTreeMap::from([("id".to_owned(), "secret".to_owned())]);
    let error = write(&Model {
        id: "x".to_owned(),
        others,
    })
    .unwrap_err();
    assert_shows_no_secret(&error);
    assert_eq!(
        (error.attribute(), error.cause()),
        (Some("id"), MismatchCause::Duplicate)
    );
}

#[test]
fn refuses_to_write_128_bits_and_maps_without_names() {
    #[derive(Serialize)]
    struct Wide {
        wide: u128,
    }
    let error = write(&Wide { wide: 98765 }).unwrap_err();
    assert_shows_no_secret(&error);
    assert_eq!(
        (error.attribute(), error.cause()),
        (Some("wide"), MismatchCause::NotWritable)
    );

    let numbered = BTreeMap::from([(98765, "secret")]);
    assert_eq!(
        write(&numbered).unwrap_err().cause(),
        MismatchCause::NotAnItem
    );
    assert_eq!(
        write(&"secret").unwrap_err().cause(),
        MismatchCause::NotAnItem
    );
}

/// serde_dynamo 4.3 panics on such keys.
#[test]
fn refuses_to_write_maps_whose_keys_have_parts() {
    #[derive(Serialize)]
    struct Model {
        grid: BTreeMap<Vec<u8>, u8>,
    }
    let model = Model {
        grid: BTreeMap::from([(vec![1], 1)]),
    };
    let error = write(&model).unwrap_err();
    assert_eq!(error.attribute(), Some("grid"));
    assert_eq!(error.cause(), MismatchCause::NotWritable);
}

#[test]
fn drops_what_a_field_says_when_it_cannot_be_written() {
    #[derive(Serialize)]
    struct Model {
        #[serde(serialize_with = "fail")]
        field: String,
    }
    fn fail<S: serde::Serializer>(value: &str, _: S) -> Result<S::Ok, S::Error> {
        Err(serde::ser::Error::custom(value))
    }
    let error = write(&Model {
        field: "secret".to_owned(),
    })
    .unwrap_err();
    assert_shows_no_secret(&error);
    assert_eq!(error.to_string(), "attribute `field` cannot be written");
}

#[test]
fn keeps_sets_and_numbers_at_their_limits() {
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Limits {
        high: u64,
        low: i64,
        #[serde(with = "serde_dynamo::string_set")]
        names: Vec<String>,
    }
    let model = Limits {
        high: u64::MAX,
        low: i64::MIN,
        names: vec!["a".to_owned()],
    };
    let item = write(&model).unwrap();
    assert_eq!(item["names"], AttributeValue::Ss(vec!["a".to_owned()]));
    assert_eq!(read::<Limits>(item, NO_SCHEMA).unwrap(), model);
}

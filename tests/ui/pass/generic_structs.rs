use std::marker::PhantomData;

use dynaseal::Seal;
use dynaseal::item::{Model, PartitionKeyOnly};
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize, Seal)]
#[seal(default = "sign")]
struct Base {
    #[seal(partition_key)]
    id: String,
    created: u64,
}

#[derive(Serialize, Deserialize, Seal)]
#[seal(table = "t", default = "encrypt")]
struct Envelope<T, V, const N: usize>
where
    V: Default,
{
    #[serde(flatten)]
    base: T,
    value: V,
    values: Option<Vec<V>>,
    #[serde(skip)]
    scratch: PhantomData<[u8; N]>,
}

#[derive(Serialize, Deserialize, Seal)]
#[seal(default = "sign")]
struct Audit {
    author: String,
}

#[derive(Serialize, Deserialize, Seal)]
#[seal(table = "t")]
struct Audited<T> {
    #[serde(flatten)]
    audit: Audit,
    #[serde(flatten)]
    body: T,
}

#[derive(Serialize, Seal)]
#[seal(table = "t", default = "encrypt")]
struct Borrowed<'a> {
    #[seal(partition_key)]
    id: &'a str,
    text: std::borrow::Cow<'a, str>,
}

#[derive(Serialize, Deserialize, Seal)]
#[seal(table = "t", default = "encrypt")]
struct Tail<T> {
    #[seal(partition_key)]
    id: String,
    tail: Option<T>,
}

fn shape<S, T: Seal<KeyShape = S>>() {}
fn model<T: Model>() {}

fn main() {
    shape::<PartitionKeyOnly, Envelope<Base, u8, 4>>();
    shape::<PartitionKeyOnly, Audited<Base>>();
    shape::<PartitionKeyOnly, Borrowed<'static>>();
    model::<Tail<String>>();
    let names: Vec<_> =
        Envelope::<Base, u8, 4>::SCHEMA.attributes().map(|a| a.name()).collect();
    assert_eq!(names, ["id", "created", "value", "values"]);
    let _ = Envelope::<Base, u8, 1> {
        base: Base { id: String::new(), created: 0 },
        value: 1,
        values: None,
        scratch: PhantomData,
    };
    let _ = Borrowed { id: "", text: "".into() };
}

//! What is told when something fails, and of whom.

use aws_sdk_dynamodb::operation::get_item::GetItemOutput;
use aws_sdk_dynamodb::operation::query::QueryOutput;
use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use dynaseal::expression::attribute;
use dynaseal::item::{Discriminator, Entities, Entity, Model as _};
use dynaseal::region::KmsFallback;
use dynaseal::table::TransactWrite;
use dynaseal::testkit::{Fault, Service};
use dynaseal::{AlgorithmSuite, ItemEncryptor, ItemSchema, MultiKeyring, RawAesKeyring, RegionSet};

use super::*;
use crate::support::header::{edks, with_context, with_edks};

const DENY: &str = r#"{"Effect":"Deny","Principal":"*","Action":"kms:*"}"#;

impl World {
    /// Reads a note that does not open, and checks that it is told of with this word.
    async fn assert_unopened(&self, table: &SealedTable<Note>, kind: &str) {
        self.heard.take();
        table.get(ADA).send().await.unwrap_err();
        let told = self.heard.take_of(&OF_ITEMS);
        let audit = format!("audit notes: {kind} by kms-mrk in ?");
        let verification = format!("verification notes {kind}");
        let ended = "verb GetItem notes: not opened";
        assert_eq!(told, [&*audit, ended, &*verification]);
    }

    /// Stores something else for Ada's note, and checks that it is told of with this word.
    async fn assert_kind(&self, kind: &str, change: impl FnOnce(&mut Item)) {
        let good = self.stored(ADA).await;
        self.tamper(ADA, change).await;
        self.assert_unopened(&self.table, kind).await;
        self.stack.store(US, &good).await;
    }
}

/// The words that the documentation of `OpenError::kind` lists.
fn documented_kinds() -> Vec<&'static str> {
    let source = include_str!("../../../src/error/open.rs").lines();
    let rows = source.filter_map(|line| line.trim().strip_prefix("/// | `"));
    let mut kinds: Vec<_> = rows.map(|row| row.split('`').next().unwrap()).collect();
    kinds.sort_unstable();
    kinds
}

#[tokio::test]
async fn has_a_word_for_each_reason_not_to_open_an_item() {
    let world = World::with_notes().await;
    let bytes = |bytes: &[u8]| AttributeValue::B(Blob::new(bytes));
    let set =
        |name: &'static str, value| move |stored: &mut Item| _ = stored.insert(name.into(), value);
    let stripped = |stored: &mut Item| stored.retain(|name, _| !name.starts_with("aws_dbe_"));
    world.assert_kind("not_sealed", stripped).await;
    world
        .assert_kind("malformed", set("aws_dbe_head", bytes(b"head")))
        .await;
    world
        .assert_kind("attribute", set("text", s("hello")))
        .await;
    world
        .assert_kind("authentication", set("state", s("paid")))
        .await;
    world
        .assert_kind("schema_changed", set("more", s("more")))
        .await;
    let other_table = [("aws-crypto-table-name", "accounts")];
    world
        .assert_kind("context", |stored| {
            *stored = with_context(stored, 1, &other_table);
        })
        .await;
    world
        .assert_kind("too_many_encrypted_data_keys", |stored| {
            let edk = edks(stored).remove(0);
            *stored = with_edks(stored, &vec![edk; 17]);
        })
        .await;
    let weaker = ItemSchema::of_model(Note::SCHEMA, None).unwrap();
    let weaker = weaker
        .algorithm_suite(AlgorithmSuite::SymsigHmacSha384)
        .build();
    let weaker = ItemEncryptor::new(weaker.unwrap(), world.stack.keyring(US));
    let weaker = weaker
        .seal(note("ada", 1).to_item().unwrap())
        .await
        .unwrap();
    world
        .assert_kind("suite_below_policy", |stored| *stored = weaker)
        .await;

    let bobs = world.stored(BOB).await;
    let another = move |answer: &mut GetItemOutput| answer.item = Some(bobs.clone());
    let lied_to = world.stack.lied_to(another);
    world.assert_unopened(&lied_to, "another_key").await;

    // Those that have tests of their own.
    let mut shown = vec!["entity", "keyring", "tenant_mismatch"];
    shown.extend([
        "another_key",
        "attribute",
        "authentication",
        "context",
        "malformed",
        "not_sealed",
        "schema_changed",
        "suite_below_policy",
        "too_many_encrypted_data_keys",
    ]);
    shown.sort_unstable();
    assert_eq!(documented_kinds(), shown);
}

#[tokio::test]
async fn tells_of_an_item_of_another_entity_type() {
    let world = World::with_notes().await;
    let entities = Entities::builder()
        .entity::<Note>("note", Discriminator::partition_key_prefix("ada"))
        .entity::<Memo>("memo", Discriminator::partition_key_prefix("bob"));
    let regions = world.stack.regions(US);
    let table = SealedTable::<Entity>::builder(TABLE, world.stack.keyring(US), &regions);
    let table = table.entities(&entities.build().unwrap()).build().unwrap();
    let memos = table.typed::<Memo>().unwrap();
    memos.get(ADA).send().await.unwrap_err();
    let expected = [
        (1, "audit notes: entity by kms-mrk in ?"),
        (1, "verb GetItem notes: not opened"),
        (1, "verification notes entity"),
    ];
    assert_eq!(world.heard.take_of(&OF_ITEMS), lines(&expected));
}

#[tokio::test]
async fn tells_of_an_item_of_another_tenant() {
    #[derive(Serialize, Deserialize, Seal)]
    #[seal(table = "notes", default = "encrypt")]
    struct Owned {
        #[seal(partition_key)]
        owner: String,
        #[seal(sort_key)]
        number: u32,
        #[seal(tenant)]
        tenant: String,
    }
    let world = World::with_notes().await;
    let table = world.stack.table::<Owned>(US);
    let (owner, tenant) = ("eve".to_owned(), "acme".to_owned());
    let owned = Owned {
        owner,
        number: 1,
        tenant,
    };
    table.put(&owned).send().await.unwrap();
    world.heard.take_of(&OF_ITEMS);
    let globex = table.tenant("globex").unwrap();
    globex.get(("eve", 1)).send().await.map(drop).unwrap_err();
    let expected = [
        (1, "audit notes: tenant_mismatch by kms-mrk in ?"),
        (1, "verb GetItem notes: not opened"),
        (1, "verification notes tenant_mismatch"),
    ];
    assert_eq!(world.heard.take_of(&OF_ITEMS), lines(&expected));
    globex.delete(("eve", 1)).send().await.unwrap_err();
    let expected = [(1, "verb DeleteItem notes: tenant mismatch")];
    assert_eq!(world.heard.take_of(&OF_ITEMS), lines(&expected));
}

#[derive(Clone, Debug, Serialize, Deserialize, Seal)]
#[seal(table = "notes", default = "encrypt")]
struct Memo {
    #[seal(partition_key)]
    owner: String,
    #[seal(sort_key)]
    number: u32,
    text: u32,
    #[seal(sign)]
    state: String,
    #[seal(unsigned)]
    views: Unsigned<u64>,
}

#[tokio::test]
async fn tells_of_an_item_that_opens_and_does_not_fit_the_model() {
    let world = World::with_notes().await;
    let memos = world.stack.table::<Memo>(US);
    memos.get(ADA).send().await.unwrap_err();
    let expected = [(1, OPENED), (1, "verb GetItem notes: model mismatch")];
    assert_eq!(world.heard.take_of(&OF_ITEMS), lines(&expected));
}

#[tokio::test]
async fn tells_of_an_item_that_the_index_or_partition_does_not_have() {
    let world = World::with_notes().await;
    let bobs = world.stored(BOB).await;
    let add = move |answer: &mut QueryOutput| answer.items.as_mut().unwrap().push(bobs.clone());
    let table = world.stack.lied_to::<Note, _>(add);
    let page = table.query("ada").page().await.unwrap();
    assert_eq!(page.partition().1.len(), 1);
    let expected = [
        (3, OPENED),
        (1, "audit notes: another_key by kms-mrk in ?"),
        (1, "verb Query notes: ok"),
        (1, "verification notes another_key"),
    ];
    assert_eq!(world.heard.take_of(&OF_ITEMS), lines(&expected));

    // An index entry without the table's keys is no item that could be fetched.
    let strip = |answer: &mut QueryOutput| {
        answer.items.as_mut().unwrap()[0].remove("number");
    };
    let table = world.stack.lied_to::<Note, _>(strip);
    let query = table.query("open").index("by-state").fetch_from_table();
    assert_eq!(query.page().await.unwrap().partition().1.len(), 1);
    let expected = [
        (3, OPENED),
        (1, "audit notes: attribute by kms-mrk in ?"),
        (1, "verb Query notes: ok"),
        (1, "verification notes attribute"),
    ];
    assert_eq!(world.heard.take_of(&OF_ITEMS), lines(&expected));
}

#[tokio::test]
async fn tells_of_an_update_that_finds_plaintext() {
    let world = World::with_notes().await;
    let stripped = |stored: &mut Item| stored.retain(|name, _| !name.starts_with("aws_dbe_"));
    world.tamper(ADA, stripped).await;
    let error = world.table.update(ADA, |_| ()).send().await.unwrap_err();
    assert!(
        matches!(error, dynaseal::UpdateError::PlaintextItem),
        "{error:?}"
    );
    let expected = [
        (1, "audit notes: not_sealed by kms-mrk in ?"),
        (1, "verb Update notes: refused"),
        (1, "verification notes not_sealed"),
    ];
    assert_eq!(world.heard.take_of(&OF_ITEMS), lines(&expected));
}

/// Keyring, key and region of every item that was not opened.
#[derive(Clone, Debug, Default)]
struct Failed(Arc<Mutex<Vec<[String; 3]>>>);

impl Observer for Failed {
    fn on_event(&self, event: &Event<'_>) {
        if let Event::Audit(audit) = event
            && audit.outcome == "keyring"
        {
            let text = |text: Option<&str>| text.unwrap_or("?").to_owned();
            let failed = [Some(audit.keyring), audit.key, audit.region].map(text);
            self.0.lock().unwrap().push(failed);
        }
    }
}

#[tokio::test]
async fn names_the_key_that_failed_last() {
    let World { stack, .. } = World::with_notes().await;
    stack.cloud.replicate().await;
    let failed = Failed::default();
    let regions = RegionSet::builder(&stack.config(US)).local(US).fallback(EU);
    let regions = regions.observer(failed.clone()).build().unwrap();
    let keyring = dynaseal::KmsMrkKeyring::new(stack.key.arn(US), &regions).unwrap();
    let keyring = keyring.fallback(KmsFallback::on_unavailable());
    let raw = RawAesKeyring::new("notes", "escrow", [7; 32]).unwrap();
    let multi = MultiKeyring::new(keyring.clone()).child(raw);
    let table = SealedTable::<Note>::builder(TABLE, keyring, &regions)
        .build()
        .unwrap();
    let of_several = SealedTable::<Note>::builder(TABLE, multi, &regions)
        .build()
        .unwrap();

    stack.put_key_policy(US, DENY).await;
    table.get(ADA).send().await.unwrap_err();
    let at = |region: &str| {
        [
            "kms-mrk".to_owned(),
            stack.key.arn(region),
            region.to_owned(),
        ]
    };
    assert_eq!(*failed.0.lock().unwrap(), [at(US)]);

    stack
        .cloud
        .region(US)
        .fail(Service::Kms, Fault::Unavailable);
    stack.put_key_policy(EU, DENY).await;
    table.get(ADA).send().await.unwrap_err();
    of_several.get(ADA).send().await.unwrap_err();
    assert_eq!(*failed.0.lock().unwrap(), [at(US), at(EU), at(EU)]);
}

#[tokio::test]
async fn tells_of_a_key_that_does_not_help() {
    let world = World::with_notes().await;
    world.stack.put_key_policy(US, DENY).await;
    world.table.get(ADA).send().await.unwrap_err();
    let expected = [
        (1, "audit notes: keyring by kms-mrk in us-east-1"),
        (1, "cache single_flight miss"),
        (1, "call us-east-1 Decrypt denied"),
        (1, "call us-east-1 GetItem ok"),
        (1, "verb GetItem notes: not opened"),
        (1, "verification notes keyring"),
    ];
    assert_eq!(world.heard.take(), lines(&expected));
    world.table.put(&note("ada", 1)).send().await.unwrap_err();
    let expected = [
        (1, "call us-east-1 GenerateDataKey denied"),
        (1, "verb PutItem notes: not sealed"),
    ];
    assert_eq!(world.heard.take(), lines(&expected));
}

#[tokio::test]
async fn tells_how_an_operation_failed() {
    let world = World::with_notes().await;
    let table = &world.table;
    let project = table
        .get(ADA)
        .customize(|b| b.projection_expression("views"));
    project.send().await.unwrap_err();
    assert_eq!(world.heard.take(), ["verb GetItem notes: refused"]);
    TransactWrite::new().send().await.unwrap_err();
    assert_eq!(world.heard.take(), [""; 0], "nobody is there to be told");

    let is_paid = attribute("state").eq("paid");
    let put = table.put(&note("ada", 1)).condition(is_paid.clone());
    assert!(put.send().await.unwrap_err().item().is_some());
    let expected = [
        (1, OPENED),
        (1, "call us-east-1 Decrypt ok"),
        (1, "call us-east-1 GenerateDataKey ok"),
        (1, "call us-east-1 PutItem condition_failed"),
        (1, "cache single_flight miss"),
        (1, "verb PutItem notes: sdk error"),
    ];
    assert_eq!(world.heard.take(), lines(&expected));

    let write = TransactWrite::new()
        .check(table, BOB, is_paid)
        .put(table, &note("eve", 1));
    write.send().await.unwrap_err();
    let told = world.heard.take_of(&OF_ITEMS);
    assert_eq!(told, [OPENED, "verb TransactWriteItems notes: cancelled"]);

    let region = world.stack.cloud.region(US);
    region.fail(Service::DynamoDb, Fault::LostResponse.on("PutItem"));
    let put = table.put(&note("eve", 1)).if_not_exists().send();
    put.await.unwrap_err();
    let told = world.heard.take_of(&["verb", "call us-east-1 PutItem"]);
    let expected = [
        (1, "call us-east-1 PutItem unavailable"),
        (1, "verb PutItem notes: outcome unknown"),
    ];
    assert_eq!(told, lines(&expected));
}

#[tokio::test]
async fn tells_of_an_operation_for_which_nobody_was_asked() {
    let world = World::with_notes().await;
    let region = world.stack.cloud.region(US);
    region.fail(Service::DynamoDb, Fault::Unavailable);
    for _ in 0..50 {
        world.table.get(ADA).send().await.unwrap_err();
        let told = world.heard.take();
        if told == ["verb GetItem notes: circuit open"] {
            return;
        }
        assert!(told.contains(&"call us-east-1 GetItem unavailable".to_owned()));
    }
    panic!("the breaker stays closed");
}

#[derive(Clone, Debug, Serialize, Deserialize, Seal)]
#[seal(table = "notes", default = "encrypt")]
struct Counted {
    #[seal(partition_key)]
    owner: String,
    #[seal(sort_key)]
    number: u32,
    #[seal(version)]
    version: u64,
    text: u32,
}

#[tokio::test]
async fn tells_of_each_image_of_an_item_that_is_not_the_newest() {
    let world = World::start().await;
    let table = world.stack.table::<Counted>(US);
    let owner = ADA.0.to_owned();
    let counted = Counted {
        owner,
        number: ADA.1,
        version: 0,
        text: 0,
    };
    table.put(&counted).send().await.unwrap();
    let old = world.stored(ADA).await;
    table
        .update(ADA, |counted| counted.text += 1)
        .send()
        .await
        .unwrap();
    world.stack.store(US, &old).await;
    world.heard.take();
    table.get(ADA).send().await.unwrap_err();
    let expected = [
        (2, OPENED),
        (1, "freshness notes stale us-east-1"),
        (1, "verb GetItem notes: stale"),
    ];
    assert_eq!(world.heard.take_of(&OF_ITEMS), lines(&expected));
}

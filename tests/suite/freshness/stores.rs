//! Stores of the user's own: shared by processes, and failing.

use std::collections::BTreeMap;
use std::error::Error as _;
use std::sync::Mutex;

use dynaseal::table::ItemError;
use dynaseal::table::freshness::{
    FooterDigest, Freshness, FreshnessError, ItemId, Seen, Verdict, future,
};

use super::*;

/// Keeps bytes, as a database would, and takes its time.
#[derive(Debug, Default)]
struct Shared(Mutex<BTreeMap<[u8; 32], Row>>);

type Row = (u64, [u8; 32]);

impl Shared {
    fn load(&self, item: &ItemId) -> Option<Seen> {
        let (version, footer) = *self.0.lock().unwrap().get(item.as_bytes())?;
        Some(Seen::new(version, FooterDigest::from_bytes(footer)))
    }

    fn store(&self, item: &ItemId, seen: Seen) {
        let row = (seen.version(), *seen.footer().as_bytes());
        self.0.lock().unwrap().insert(*item.as_bytes(), row);
    }
}

impl Freshness for Shared {
    fn observe<'a>(&'a self, item: &'a ItemId, seen: Seen) -> future::Observe<'a> {
        future::Observe::new(async move {
            tokio::task::yield_now().await;
            let verdict = seen.after(self.load(item));
            if !matches!(verdict, Verdict::Stale { .. }) {
                self.store(item, seen);
            }
            Ok(verdict)
        })
    }

    fn newest<'a>(&'a self, item: &'a ItemId) -> future::Newest<'a> {
        future::Newest::new(async move {
            tokio::task::yield_now().await;
            Ok(self.load(item))
        })
    }

    fn forget<'a>(&'a self, item: &'a ItemId) -> future::Forget<'a> {
        self.0.lock().unwrap().remove(item.as_bytes());
        future::Forget::ready(Ok(()))
    }
}

#[tokio::test]
async fn what_one_process_has_seen_the_others_know() {
    let stack = start().await;
    let store = Arc::new(Shared::default());
    let process = || builder(&stack, US).freshness(Arc::clone(&store)).build();
    let (writer, reader) = (process().unwrap(), process().unwrap());
    let (old, new) = put_and_raise(&stack, &writer).await;
    stack.store(US, &old).await;
    let error = get(&reader).await.unwrap_err();
    assert_stale(&stale(error), Some(version(&old)), version(&new), US);
    assert_eq!(store.0.lock().unwrap().len(), 1);
    writer.forget_version(KEY).await.unwrap();
    assert_eq!(state(&reader).await, FreshnessState::Fresh);
}

/// Not there.
#[derive(Debug)]
struct Down;

fn down<T>() -> Result<T, FreshnessError> {
    Err(FreshnessError::new("no route to 10.0.0.7"))
}

impl Freshness for Down {
    fn observe<'a>(&'a self, _: &'a ItemId, _: Seen) -> future::Observe<'a> {
        future::Observe::ready(down())
    }

    fn newest<'a>(&'a self, _: &'a ItemId) -> future::Newest<'a> {
        future::Newest::ready(down())
    }

    fn forget<'a>(&'a self, _: &'a ItemId) -> future::Forget<'a> {
        future::Forget::ready(down())
    }
}

#[tokio::test]
async fn a_store_that_fails_fails_reads() {
    let stack = start().await;
    put_and_raise(&stack, &stack.table(US)).await;
    let table = builder(&stack, US).freshness(Down).build().unwrap();
    let error = get(&table).await.unwrap_err();
    assert!(error.is_retryable());
    assert_eq!(error.region(), None);
    let shown = format!("{error} {error:?} {}", error.source().unwrap());
    assert!(!shown.contains("10.0.0.7"), "{shown}");
    let OperationError::Freshness(error) = error else {
        panic!("{error:?}")
    };
    assert_eq!(error.source().unwrap().to_string(), "no route to 10.0.0.7");

    let page = table.query("ada").page().await.unwrap();
    let index = table.query("open").index("by-state").page().await.unwrap();
    for page in [page, index] {
        let [Err(unopened)] = page.items() else {
            panic!("{page:?}")
        };
        assert!(matches!(unopened.error(), ItemError::Freshness(_)));
        assert!(unopened.is_retryable());
    }
    let update = table.update(KEY, |account| account.balance += 1).send();
    let error = update.await.unwrap_err();
    assert!(error.is_retryable(), "{error:?}");
    table.forget_version(KEY).await.unwrap_err();
}

#[tokio::test]
async fn a_write_that_was_done_is_done_whatever_the_store_says() {
    let stack = start().await;
    let table = builder(&stack, US).freshness(Down).build().unwrap();
    let put = table.put(&account(1)).send().await.unwrap();
    assert!(put.version().is_some());
    table.delete(KEY).send().await.unwrap();
}

#[derive(Debug, Serialize, Deserialize, Seal)]
#[seal(table = "accounts", default = "encrypt")]
struct Plain {
    #[seal(partition_key)]
    owner: String,
    #[seal(sort_key)]
    number: u32,
}

#[tokio::test]
async fn a_table_without_versions_refuses_a_store_that_it_would_never_ask() {
    let stack = start().await;
    let builder = || SealedTable::<Plain>::builder(TABLE, stack.keyring(US), &stack.regions(US));
    let error = builder().freshness(Down).build().unwrap_err();
    assert!(error.to_string().contains("seal(version)"), "{error}");
    builder().without_freshness().build().unwrap();
    let table = builder().build().unwrap();
    let put = Plain {
        owner: "ada".to_owned(),
        number: 1,
    };
    table.put(&put).send().await.unwrap();
    let opened = table.get(KEY).send_opened().await.unwrap().unwrap();
    assert_eq!(opened.freshness(), FreshnessState::Unchecked);
}

#[tokio::test]
async fn a_mixed_table_compares_what_has_a_version() {
    use dynaseal::item::{Discriminator, Entities, Entity};

    #[derive(Serialize, Deserialize, Seal)]
    #[seal(table = "accounts", default = "encrypt")]
    struct Note {
        #[seal(partition_key)]
        owner: String,
        #[seal(sort_key)]
        number: u32,
        #[seal(sign)]
        state: String,
    }
    let stack = start().await;
    let by_state = |state| Discriminator::attribute("state", state);
    let entities = Entities::builder()
        .entity::<Account>("account", by_state("open"))
        .entity::<Note>("note", by_state("note"))
        .build()
        .unwrap();
    let table = SealedTable::<Entity>::builder(TABLE, stack.keyring(US), &stack.regions(US));
    let table = table.entities(&entities).build().unwrap();
    let accounts = table.typed::<Account>().unwrap();
    let (old, new) = put_and_raise(&stack, &accounts).await;
    let note = Note {
        owner: "ada".to_owned(),
        number: 2,
        state: "note".to_owned(),
    };
    table
        .typed::<Note>()
        .unwrap()
        .put(&note)
        .send()
        .await
        .unwrap();
    let opened = table.get(("ada", 2)).send_opened().await.unwrap().unwrap();
    assert_eq!(opened.freshness(), FreshnessState::Unchecked);
    stack.store(US, &old).await;
    let error = table.get(KEY).send().await.unwrap_err();
    assert_stale(&stale(error), Some(version(&old)), version(&new), US);
    let error = table.untyped().get(KEY).send().await.unwrap_err();
    assert_stale(&stale(error), Some(version(&old)), version(&new), US);
}

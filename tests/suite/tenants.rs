//! Tenants: handles that are limited to one, and what an administrator of the table can make of that.

mod attacks;
mod lost;
mod mixes;
mod schemas;
mod verbs;
mod writes;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use dynaseal::keyring::{
    DecryptRequest, EncryptRequest, KeyBinding, Keyring, RawAesKeyring, future,
};
use dynaseal::table::OperationError;
use dynaseal::testkit::{KeyType, Service, TableDefinition};
use dynaseal::{
    Item, ItemEncryptor, ItemSchema, OpenError, Seal, SealError, SealedTable, Unsigned,
};
use serde::{Deserialize, Serialize};

use crate::support::stack::{EU, Stack, US, calls, item, n, s};

const TABLE: &str = "notes";

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Seal)]
#[seal(table = "notes", default = "encrypt")]
struct Note {
    #[seal(partition_key)]
    id: String,
    #[seal(tenant)]
    tenant: String,
    text: String,
    #[seal(sign)]
    state: String,
    #[seal(unsigned)]
    views: Unsigned<u64>,
}

fn note(id: &str, tenant: &str) -> Note {
    Note {
        id: id.to_owned(),
        tenant: tenant.to_owned(),
        text: format!("what {tenant} alone may know"),
        state: "new".to_owned(),
        views: Unsigned::new(0),
    }
}

fn key(id: &str) -> Item {
    item([("id", s(id))])
}

async fn start() -> Stack {
    let definition = TableDefinition::new(TABLE).partition_key("id", KeyType::S);
    Stack::start(&definition).await
}

/// A table with a note of each of two tenants, and nothing counted yet.
async fn start_with_notes() -> (Stack, SealedTable<Note>) {
    let stack = start().await;
    let table = stack.table::<Note>(US);
    for (id, tenant) in [("a-1", "acme"), ("g-1", "globex")] {
        table.put(&note(id, tenant)).send().await.unwrap();
    }
    stack.cloud.reset_calls();
    (stack, table)
}

/// The note under a key, by somebody who may see all.
async fn read(table: &SealedTable<Note>, id: &str) -> Option<Note> {
    table.get(id).send().await.unwrap()
}

/// Whether an item was refused because it is another tenant's.
fn is_another_tenants(error: &OpenError) -> bool {
    matches!(error, OpenError::TenantMismatch(mismatch) if mismatch.has_tenant())
}

fn is_refused_write<E>(error: &OperationError<E>) -> bool {
    matches!(error, OperationError::TenantMismatch(mismatch) if mismatch.has_tenant())
}

/// An encryptor of notes without KMS.
fn encryptor(keyring: impl Keyring + 'static) -> ItemEncryptor {
    let schema = ItemSchema::of_model(Note::SCHEMA, None).unwrap();
    ItemEncryptor::new(schema.build().unwrap(), keyring)
}

fn raw() -> RawAesKeyring {
    RawAesKeyring::new("notes", "key-1", [7; 32]).unwrap()
}

fn as_item(note: &Note) -> Item {
    use dynaseal::item::Model;

    note.to_item().unwrap()
}

/// Counts how often it is asked, and keeps the tenant that each request was limited to.
#[derive(Clone, Debug)]
struct Counting {
    inner: RawAesKeyring,
    asked: Arc<AtomicUsize>,
    tenants: Arc<Mutex<Vec<Option<String>>>>,
}

impl Counting {
    fn new() -> Self {
        Self {
            inner: raw(),
            asked: Arc::default(),
            tenants: Arc::default(),
        }
    }

    fn count(&self, tenant: Option<&str>) {
        self.asked.fetch_add(1, Ordering::Relaxed);
        self.tenants.lock().unwrap().push(tenant.map(str::to_owned));
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::Relaxed)
    }

    /// The tenants of the requests since the last time.
    fn take_tenants(&self) -> Vec<Option<String>> {
        std::mem::take(&mut self.tenants.lock().unwrap())
    }
}

impl Keyring for Counting {
    fn name(&self) -> &str {
        "counting"
    }

    fn binding(&self) -> KeyBinding {
        self.inner.binding()
    }

    fn on_encrypt<'a>(&'a self, request: EncryptRequest<'a>) -> future::OnEncrypt<'a> {
        self.count(request.tenant());
        self.inner.on_encrypt(request)
    }

    fn on_decrypt<'a>(&'a self, request: DecryptRequest<'a>) -> future::OnDecrypt<'a> {
        self.count(request.tenant());
        self.inner.on_decrypt(request)
    }
}

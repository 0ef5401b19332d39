//! Tells who opened what: every item that a table opened or did not, in one place.

use std::sync::Arc;

use super::SealedTable;
use super::core::Core;
use crate::error::OpenError;
use crate::item::OpenedItem;
use crate::observe::{AuditEvent, Event, PlaintextEvent, VerificationEvent};

/// How opening an item ended that was opened.
const OPENED: &str = "opened";

impl<T> SealedTable<T> {
    /// The same table, in the name of somebody: the [audit events](AuditEvent) of what it opens carry
    /// `tag`, in your own words: the name of a job, the id of a request. Cheap, so that every request
    /// can have a table of its own.
    ///
    /// The tag goes to the observers of the region set alone, never into a span, an error or a count.
    /// **It must not be personal data**, unless the audit log may hold that.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use dynaseal::testkit::{Cloud, KeyType, TableDefinition};
    /// # use dynaseal::{KmsMrkKeyring, RegionSet, Seal, SealedTable};
    /// # use serde::{Deserialize, Serialize};
    /// # #[derive(Serialize, Deserialize, Seal)]
    /// # #[seal(table = "notes", default = "encrypt")]
    /// # struct Note { #[seal(partition_key)] id: u32, text: String }
    /// # let cloud = Cloud::start(["eu-west-1"]).await?;
    /// # let key = cloud.create_multi_region_key("eu-west-1", [""; 0]).await?;
    /// # let key_arn = key.arn("eu-west-1");
    /// # let definition = TableDefinition::new("notes").partition_key("id", KeyType::N);
    /// # cloud.create_global_table(&definition).await?;
    /// # let sdk_config = cloud.sdk_config("eu-west-1");
    /// use std::sync::mpsc;
    ///
    /// use dynaseal::observe;
    ///
    /// let (log, lines) = mpsc::channel();
    /// let audit = observe::audit_to(move |event| {
    ///     let (caller, key) = (event.caller.unwrap_or("?"), event.key.unwrap_or("?"));
    ///     // Nobody reads the log any more.
    ///     let _ = log.send(format!("{caller} {} {} {key}", event.outcome, event.table));
    /// });
    /// let regions = RegionSet::builder(&sdk_config).local("eu-west-1").observer(audit).build()?;
    /// # let keyring = KmsMrkKeyring::new(&key_arn, &regions)?;
    /// let table = SealedTable::<Note>::builder("notes", keyring, &regions).build()?;
    /// # table.put(&Note { id: 1, text: "hello".into() }).send().await?;
    ///
    /// table.audited_as("nightly-report").get(1).send().await?;
    /// assert_eq!(lines.try_recv()?, format!("nightly-report opened notes {key_arn}"));
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn audited_as(&self, tag: impl Into<String>) -> Self {
        Self {
            core: Arc::new(self.core.in_the_name_of(tag.into())),
            model: self.model,
        }
    }
}

impl Core {
    /// Tells that an item was opened, or why it was not. Each is told of once.
    pub(super) fn audit(&self, opened: Result<&OpenedItem, &OpenError>) {
        let observers = self.regions().observers();
        let table = self.schema().logical_table_name();
        let event = match opened {
            Ok(opened) => AuditEvent {
                caller: self.caller(),
                table,
                keyring: opened.keyring(),
                key: opened.key(),
                region: opened.region(),
                outcome: OPENED,
            },
            Err(error) => self.failure(error),
        };
        observers.emit(&Event::Audit(event));
        if let Err(error) = opened {
            let kind = error.kind();
            observers.emit(&Event::Verification(VerificationEvent { table, kind }));
        }
    }

    /// Tells of an item that is not even tried to be opened, and why.
    pub(super) fn not_opened(&self, error: OpenError) -> OpenError {
        self.audit(Err(&error));
        error
    }

    /// Counts and tells that plaintext was let through.
    pub(super) fn let_plaintext_through(&self) {
        let table = self.schema().logical_table_name();
        self.migration().count(table);
        let event = Event::Plaintext(PlaintextEvent { table });
        self.regions().observers().emit(&event);
    }

    fn failure<'a>(&'a self, error: &'a OpenError) -> AuditEvent<'a> {
        let last = match error {
            OpenError::Keyring(error) => Some(error.last_attempt()),
            _ => None,
        };
        let keyring = last.and_then(|last| last.keyring());
        AuditEvent {
            caller: self.caller(),
            table: self.schema().logical_table_name(),
            keyring: keyring.unwrap_or_else(|| self.encryptor().keyring_name()),
            key: last.and_then(|last| last.key()),
            region: last.and_then(|last| last.region()),
            outcome: error.kind(),
        }
    }
}

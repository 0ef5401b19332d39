//! Holds what a table reads against what it has seen.

use aws_sdk_dynamodb::operation::get_item::{GetItemError, GetItemInput};
use aws_sdk_dynamodb::types::AttributeValue;

use super::{
    Diverged, FooterDigest, Freshness, FreshnessError, ItemId, Look, Older, Origin, Rejected, Seen,
    Sighting, Stale, Verdict,
};
use crate::error::OpenError;
use crate::item::{FreshnessState, Item, Key, OpenedItem};
use crate::observe::{Event, FreshnessEvent};
use crate::table::call::Route;
use crate::table::core::Core;
use crate::table::error::OperationError;
use crate::table::footer;
use crate::table::key_bytes::KeyBytes;
use crate::table::span;
use crate::value::Terminal;

/// Reads an item again: consistently, and in the region that is written to.
pub(in crate::table) async fn reread_consistently(
    core: &Core,
    key: &Item,
) -> Result<Option<Item>, OperationError<GetItemError>> {
    let input = GetItemInput::builder()
        .table_name(core.table_name())
        .set_key(Some(key.clone()))
        .consistent_read(true);
    match Route::only(core, core.home()).ask(&input).await {
        Ok(response) => Ok(response.output.item),
        Err(unanswered) => Err(unanswered.into()),
    }
}

impl Core {
    /// Opens an item that a read found, and makes sure that it is the newest that is known: one that is
    /// not is read again, once. `None` if nothing is there any more then.
    pub(in crate::table) async fn open_read(
        &self,
        look: Look<'_>,
        item: Item,
    ) -> Result<Option<OpenedItem>, Rejected> {
        let (opened, sighting) = self.open_sighted(look, item).await?;
        let older = match sighting {
            Sighting::Older(older) if look.may_be_repeated() => older,
            _ => return self.settle(opened, sighting, look.origin).map(Some),
        };
        let key = self.key_in(opened.item());
        let Some(item) = self.reread_older(&key, older, look.region).await? else {
            return Ok(None);
        };
        let again = Look {
            region: self.home().region(),
            key: Some(&key),
            known: Some(older.newest),
            ..look
        };
        let (opened, sighting) = self.open_sighted(again, item).await?;
        self.settle(opened, sighting, look.origin).map(Some)
    }

    /// Opens an item that a read found, and compares it.
    pub(in crate::table) async fn open_sighted(
        &self,
        look: Look<'_>,
        item: Item,
    ) -> Result<(OpenedItem, Sighting), Rejected> {
        let footer = footer(&item).and_then(|footer| self.footer_digest_of(footer));
        let opened = match look.key {
            Some(key) => self.open_under(key, item, look.region, look.budget).await?,
            None => {
                let opened = self.open(item, look.budget).await?;
                opened.out_of_table(look.region)
            }
        };
        if look.budget.is_none() {
            span::record_opened(&opened);
        }
        let sighting = match look.origin {
            Origin::Table => self.sight(opened.item(), footer, look.known).await?,
            Origin::Index => self.glimpse(opened.item(), footer).await?,
        };
        Ok((opened, sighting))
    }

    /// The digest of a footer, if anybody is going to ask for it.
    pub(in crate::table) fn footer_digest_of(
        &self,
        footer: &AttributeValue,
    ) -> Option<FooterDigest> {
        self.freshness()?;
        FooterDigest::of(footer)
    }

    /// Compares an item of the table, verified and opened, and notes it.
    pub(in crate::table) async fn sight(
        &self,
        item: &Item,
        footer: Option<FooterDigest>,
        known: Option<u64>,
    ) -> Result<Sighting, Rejected> {
        let Some(freshness) = self.freshness() else {
            return Ok(Sighting::Unchecked);
        };
        let id = self.item_id(item)?;
        let Some(seen) = self.seen(item, footer) else {
            return without_version(freshness, &id).await;
        };
        Ok(match freshness.observe(&id, seen).await? {
            // It was the newest when it was asked for; a newer one was seen since.
            Verdict::Stale { .. } if known.is_some_and(|known| known <= seen.version()) => {
                Sighting::Fresh(seen.version())
            }
            verdict => Sighting::of(seen, verdict),
        })
    }

    /// Compares an item of an index. Only what is newer is noted: that it diverged must be told by a read
    /// of the table, where it is an error.
    async fn glimpse(
        &self,
        item: &Item,
        footer: Option<FooterDigest>,
    ) -> Result<Sighting, Rejected> {
        let Some(freshness) = self.freshness() else {
            return Ok(Sighting::Unchecked);
        };
        let id = self.item_id(item)?;
        let Some(seen) = self.seen(item, footer) else {
            return without_version(freshness, &id).await;
        };
        let verdict = match seen.after(freshness.newest(&id).await?) {
            Verdict::Fresh => freshness.observe(&id, seen).await?,
            other => other,
        };
        Ok(Sighting::of(seen, verdict))
    }

    /// Hands an item out, or says why not. Of an index everything is handed out, with a flag: that lags
    /// after every write, so nobody is told.
    pub(in crate::table) fn settle(
        &self,
        opened: OpenedItem,
        sighting: Sighting,
        origin: Origin,
    ) -> Result<OpenedItem, Rejected> {
        let region = opened.table_region().unwrap_or_default();
        let state = match sighting {
            Sighting::Unchecked => FreshnessState::Unchecked,
            Sighting::Fresh(_) => FreshnessState::Fresh,
            Sighting::Older(_) if origin == Origin::Index => FreshnessState::Stale,
            Sighting::Forked(_) if origin == Origin::Index => FreshnessState::Diverged,
            Sighting::Older(older) => {
                note_freshness(self, "stale", region);
                return Err(Rejected::Stale(stale(older, region)));
            }
            Sighting::Forked(version) => {
                note_freshness(self, "diverged", region);
                return Err(Rejected::Diverged(Diverged::new(version, region)));
            }
        };
        Ok(opened.with_freshness(state))
    }

    /// Reads an item again that is older, in the region it was read in, than one that was seen.
    pub(in crate::table) async fn reread_older(
        &self,
        key: &Item,
        older: Older,
        region: &str,
    ) -> Result<Option<Item>, Rejected> {
        reread_consistently(self, key).await.map_err(|failure| {
            note_freshness(self, "stale", region);
            Rejected::Stale(stale(older, region).unconfirmed(failure))
        })
    }

    /// What was seen of the item under a key that turns up as plaintext, if it ever was sealed.
    pub(in crate::table) async fn seen_sealed(
        &self,
        item: &Item,
    ) -> Result<Option<Older>, Rejected> {
        let Some(freshness) = self.freshness() else {
            return Ok(None);
        };
        let seen = freshness.newest(&self.item_id(item)?).await?;
        Ok(seen.map(|seen| Older {
            found: None,
            newest: seen.version(),
        }))
    }

    /// Notes an item that was written, so that its loss is noticed. The write is done, whatever the
    /// store of seen versions says.
    pub(in crate::table) async fn note_written(
        &self,
        key: &Item,
        version: Option<u64>,
        footer: Option<&AttributeValue>,
    ) {
        let (Some(freshness), Some(version)) = (self.freshness(), version) else {
            return;
        };
        let footer = footer.and_then(FooterDigest::of);
        let (Some(footer), Ok(id)) = (footer, self.item_id(key)) else {
            return;
        };
        match freshness.observe(&id, Seen::new(version, footer)).await {
            // Another writer was faster, and was seen first.
            Ok(Verdict::Fresh | Verdict::Stale { .. }) => {}
            Ok(Verdict::Diverged) => note_freshness(self, "diverged", self.home().region()),
            Err(_) => note_freshness(self, "unavailable", self.home().region()),
        }
    }

    /// Forgets what was seen of the item under a key.
    pub(in crate::table) async fn forget_version(&self, key: Key) -> Result<(), FreshnessError> {
        let Some(freshness) = self.freshness() else {
            return Ok(());
        };
        let (_, key) = KeyBytes::of_key(self, key).map_err(FreshnessError::new)?;
        let id = ItemId::new(self.schema().logical_table_name(), &key);
        freshness.forget(&id).await
    }

    fn item_id(&self, item: &Item) -> Result<ItemId, OpenError> {
        let key = KeyBytes::of(self.schema(), item)?;
        Ok(ItemId::new(self.schema().logical_table_name(), &key))
    }

    /// The version of an opened item, if its signature covers one.
    fn seen(&self, item: &Item, footer: Option<FooterDigest>) -> Option<Seen> {
        let attribute = self.version_attribute(item)?;
        let name = attribute.name();
        if !self.schema().is_in_signature_scope(name) {
            return None;
        }
        Some(Seen::new(version(item.get(name)?)?, footer?))
    }
}

fn stale(older: Older, region: &str) -> Stale {
    Stale::new(older.found, older.newest, region)
}

/// What is to be thought of an item without a version: it is older than any that has one.
async fn without_version(freshness: &dyn Freshness, id: &ItemId) -> Result<Sighting, Rejected> {
    let newest = freshness.newest(id).await?;
    Ok(newest.map_or(Sighting::Unchecked, |newest| {
        Sighting::Older(Older {
            found: None,
            newest: newest.version(),
        })
    }))
}

/// Whatever the spelling: 7 and 7.0 are the same bytes to the signature.
fn version(value: &AttributeValue) -> Option<u64> {
    let AttributeValue::N(_) = value else {
        return None;
    };
    let canonical = Terminal::of(value).ok()?;
    std::str::from_utf8(&canonical.bytes).ok()?.parse().ok()
}

/// Tells of an item that is not the newest, or of a store that cannot say.
fn note_freshness(core: &Core, kind: &'static str, region: &str) {
    let table = core.schema().logical_table_name();
    tracing::warn!(table, region, kind, "an item is not known to be the newest");
    let event = FreshnessEvent {
        table,
        region,
        kind,
    };
    core.regions().observers().emit(&Event::Freshness(event));
}

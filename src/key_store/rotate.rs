//! Rotating a branch key: a new version becomes the active one, and those before it stay.

use super::call::Patience;
use super::read::Wanted;
use super::record::Kind;
use super::time::CreateTime;
use super::write::{Condition, Transaction};
use super::{BranchKeyVersion, KeyStore, KeyStoreError, KeyStoreErrorKind};

impl KeyStore {
    /// Makes a new version of a branch key, under which is sealed from now on, and answers which it is. The
    /// versions before it stay, to open with.
    ///
    /// The active record is written only if it is still the one that was read, so that of two that rotate at
    /// the same time one fails. Across regions the table cannot tell: rotate in one
    /// [home region](super::KeyStoreBuilder::home_region).
    ///
    /// # Errors
    ///
    /// [`KeyStoreError`]: above all [`NotFound`](KeyStoreErrorKind::NotFound),
    /// [`Conflict`](KeyStoreErrorKind::Conflict) if somebody else rotated,
    /// [`Erased`](KeyStoreErrorKind::Erased), [`CannotCreate`](KeyStoreErrorKind::CannotCreate) with
    /// discovery, and [`OutcomeUnknown`](KeyStoreErrorKind::OutcomeUnknown) if an answer was lost: then
    /// [`describe_active`](Self::describe_active) tells, a little later.
    pub async fn version_key(
        &self,
        branch_key_id: impl AsRef<str>,
    ) -> Result<BranchKeyVersion, KeyStoreError> {
        let id = branch_key_id.as_ref();
        let named = |error: KeyStoreError| error.of_branch_key(id);
        Box::pin(self.rotate(id)).await.map_err(named)
    }

    async fn rotate(&self, id: &str) -> Result<BranchKeyVersion, KeyStoreError> {
        let inner = &*self.0;
        if inner.keys.own().is_none() {
            return Err(KeyStoreError::new(KeyStoreErrorKind::CannotCreate));
        }
        let (requests, logical_name) = (&inner.requests, &inner.logical_name);
        let home = self.home_member()?;
        let wanted = Wanted::active(id)?;
        let Some(before) = self.fetch(home, true, wanted, Patience::Retries).await? else {
            let not_found = KeyStoreError::new(KeyStoreErrorKind::NotFound);
            return Err(not_found.in_region(home.region()));
        };
        let replicas = self.replicas(&before.facts.kms_arn)?;
        let context = before.facts.context(logical_name)?;
        // Under the same context: KMS says whether the record is as it was made.
        let authenticate = requests.re_encrypt(&before.enc, &context, &context, &replicas);
        authenticate.await?;

        // Whatever the clock says: nobody may take the new one for older.
        let latest = inner.newest.seen(id).max(Some(before.facts.created));
        let now = Some(CreateTime::of(self.now()));
        let created = latest.map(CreateTime::next).max(now);
        let created = created.unwrap_or(before.facts.created);
        let version = Self::new_version()?;
        let new = before.facts.created_at(Kind::Version(version), created);
        let active = new.with_kind(Kind::Active(version));
        let context = new.context(logical_name)?;
        let active_context = active.context(logical_name)?;
        let generate = requests.generate_without_plaintext(&context, &replicas);
        let enc = generate.await?;
        let re_encrypt = requests.re_encrypt(&enc, &context, &active_context, &replicas);
        let active_enc = re_encrypt.await?;

        let new = new.with_enc(enc);
        let writes = Transaction::new(self, id, version, &new)?;
        let unchanged = Condition::Unchanged(&before.enc);
        let writes = writes.put(&active.with_enc(active_enc), &unchanged)?;
        writes.send(KeyStoreErrorKind::Conflict).await?;
        inner.newest.admits(id, created);
        Ok(version)
    }
}

//! Erasing a tenant: its branch key, with a look at its items and a receipt.

mod error;
mod receipt;
mod sample;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

pub use self::error::{EraseTenantError, NotErasable, SignReceiptError};
pub use self::receipt::{ErasureReceipt, ReceiptKey, ReceiptSignature};
pub use self::sample::SampledItems;
use super::SealedTable;
use super::core::Core;
use crate::key_store::EraseBranchKey;
use crate::keyring::TenantKeys;

/// Erases a tenant: made by [`SealedTable::erase_tenant`].
#[must_use = "nothing happens until it is sent"]
pub struct EraseTenant {
    core: Arc<Core>,
    tenant: String,
    longest_ttl: Option<Duration>,
    lag_bound: Duration,
    sample_items: usize,
    signed_by: Option<ReceiptKey>,
}

impl<T> SealedTable<T> {
    /// Erases a tenant by erasing its keys: what was sealed for it opens nowhere, in no live key store and
    /// from no backup of this table, once the longest time has passed that any client keeps a branch key.
    ///
    /// It needs a keyring with a branch key for each tenant
    /// ([`HierarchicalKeyring`](crate::keyring::HierarchicalKeyring)) and no other recipient. The steps are those of
    /// [`KeyStore::erase_branch_key`](crate::key_store::KeyStore::erase_branch_key): a tombstone, the active key, a
    /// wait, all versions and the beacon key, until two passes over all regions find nothing. Before that, some
    /// items of the table are read, to report recipients that the erasure does not reach. Other tenants are not
    /// touched, and items are not deleted.
    ///
    /// A tenant that nobody knows, or who is erased already, is erased like any other: nobody makes a branch key
    /// of that name any more, and the receipt says that there was nothing to delete.
    ///
    /// What stays readable is in the receipt ([`ErasureReceipt::stays_readable`]). The largest part of it are
    /// **backups of the key store**: until they have aged out, only the statement of
    /// [`ErasureReceipt::key_policy_statement`], in the key's policy in every region, keeps them shut.
    ///
    /// ```no_run
    /// # async fn f<T: dynaseal::item::Model>(table: dynaseal::SealedTable<T>) -> Result<(), Box<dyn std::error::Error>> {
    /// use aws_sdk_kms::types::MacAlgorithmSpec;
    /// use dynaseal::table::ReceiptKey;
    ///
    /// let mac_key = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";
    /// let erase = table.erase_tenant("acme").signed_by(ReceiptKey::mac(mac_key, MacAlgorithmSpec::HmacSha256));
    /// let receipt = erase.send().await?;
    /// println!("{}", receipt.document());
    /// println!("add this to the key policy in every region: {}", receipt.key_policy_statement());
    /// # Ok(())
    /// # }
    /// ```
    pub fn erase_tenant(&self, tenant: impl Into<String>) -> EraseTenant {
        EraseTenant {
            core: Arc::clone(&self.core),
            tenant: tenant.into(),
            longest_ttl: None,
            lag_bound: EraseBranchKey::DEFAULT_LAG_BOUND,
            sample_items: EraseTenant::DEFAULT_SAMPLE_ITEMS,
            signed_by: None,
        }
    }
}

impl EraseTenant {
    /// How many items are looked at, unless told otherwise.
    pub const DEFAULT_SAMPLE_ITEMS: usize = 1000;

    /// The longest time that any client, in any process and language, keeps a branch key. Default, and no
    /// less than that: the time of this table's keyring.
    pub fn longest_ttl(mut self, ttl: Duration) -> Self {
        self.longest_ttl = Some(ttl);
        self
    }

    /// A time in which a write to one region has reached the others. Default: 60 s.
    pub fn lag_bound(mut self, lag: Duration) -> Self {
        self.lag_bound = lag;
        self
    }

    /// How many items of the table are looked at, by a scan in the home region that costs what any scan does.
    /// Default: 1,000; 0 for none.
    pub fn sample_items(mut self, items: usize) -> Self {
        self.sample_items = items;
        self
    }

    /// The KMS key that signs the receipt. Without one there is a report that nobody vouches for.
    pub fn signed_by(mut self, key: ReceiptKey) -> Self {
        self.signed_by = Some(key);
        self
    }

    /// Erases. It takes the longest time to live, and the lag bound at least once: more than five minutes unless
    /// told otherwise. What is dropped meanwhile is to be sent again.
    ///
    /// # Errors
    ///
    /// [`EraseTenantError`]: the keyring has other recipients or no key for each tenant, or this table is limited
    /// to [another tenant](SealedTable::tenant), and nothing was done; a region or the key store failed, and it
    /// can be sent again; or all is erased, and the receipt could not be signed: the error has it.
    pub async fn send(self) -> Result<ErasureReceipt, EraseTenantError> {
        let encryptor = self.core.encryptor();
        let keys = encryptor.tenant_keys().ok_or_else(NotErasable::new)?;
        let erase = self.erase(&keys);
        if !erase.is_possible() {
            return Err(NotErasable::without_a_name().into());
        }
        let only = encryptor.only_tenant();
        if only.is_some_and(|(_, only)| only != self.tenant) {
            return Err(NotErasable::another_tenant().into());
        }
        let signer = match &self.signed_by {
            Some(key) => Some(key.signer(self.core.regions())?),
            None => None,
        };
        let sample = Box::pin(sample::look_at(
            &self.core,
            &keys,
            &self.tenant,
            self.sample_items,
        ));
        let sample = sample.await?;
        let erased = Box::pin(erase.send()).await?;
        let mut receipt = ErasureReceipt::new(&self.core, &self.tenant, erased, sample);
        if let Some(signer) = signer
            && let Err(error) = receipt.sign_by(&signer).await
        {
            return Err(EraseTenantError::Unsigned(Box::new(receipt), error));
        }
        Ok(receipt)
    }

    fn erase(&self, keys: &TenantKeys<'_>) -> EraseBranchKey {
        let erase = keys.key_store().erase_branch_key(&self.tenant);
        let longest_ttl = self.longest_ttl.unwrap_or_default().max(keys.ttl());
        erase.longest_ttl(longest_ttl).lag_bound(self.lag_bound)
    }
}

impl fmt::Debug for EraseTenant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EraseTenant")
            .field("table", &self.core.table_name())
            .field("longest_ttl", &self.longest_ttl)
            .field("lag_bound", &self.lag_bound)
            .field("signed_by", &self.signed_by)
            .finish_non_exhaustive()
    }
}

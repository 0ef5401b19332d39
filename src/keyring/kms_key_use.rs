//! What a keyring says of the KMS keys it uses.

use std::fmt;

use super::{DiscoveryFilter, KmsContext};
use crate::error::ConfigError;
use crate::key_store::{KeyStore, Keys};
use crate::kms::{GrantTokens, KmsKeyArn};
use crate::region::RegionSet;

/// A KMS key that a keyring uses, or all the keys that a filter admits, and what for.
///
/// What [`Keyring::kms_keys`](super::Keyring::kms_keys) lists. It is how the doctor of a table knows
/// what to ask KMS, and what a policy has to allow.
#[derive(Clone)]
pub struct KmsKeyUse {
    keyring: String,
    key: UsedKey,
    regions: Vec<String>,
    encrypts: bool,
    context: KmsContext,
    grant_tokens: GrantTokens,
}

#[derive(Clone)]
pub(super) enum UsedKey {
    /// Any replica of this one.
    MultiRegion(KmsKeyArn),
    /// This one, literally.
    Single(KmsKeyArn),
    Discovered(DiscoveryFilter),
}

impl KmsKeyUse {
    /// The use of one key, for encryption and decryption, by a keyring of your own.
    ///
    /// A key whose id begins with `mrk-` is taken for a multi-Region key, of which each region has its
    /// replica; any other for a key of the region in its ARN alone.
    ///
    /// ```
    /// use dynaseal::keyring::KmsKeyUse;
    ///
    /// let key = "arn:aws:kms:us-east-1:111122223333:key/mrk-1234abcd12ab34cd56ef1234567890ab";
    /// let used = KmsKeyUse::new("ours", key, ["eu-west-1", "us-east-1"])?.decrypt_only();
    /// assert!(used.is_mrk() && !used.can_encrypt());
    /// assert_eq!(used.key_arn_in("eu-west-1"), Some(key.replace("us-east-1", "eu-west-1")));
    /// # Ok::<_, dynaseal::ConfigError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if `key_arn` is not a key ARN.
    pub fn new(
        keyring: impl Into<String>,
        key_arn: impl AsRef<str>,
        regions: impl IntoIterator<Item = impl Into<String>>,
    ) -> Result<Self, ConfigError> {
        let key = KmsKeyArn::configured(key_arn.as_ref())?;
        let (key, regions) = if key.is_mrk() {
            let regions = regions.into_iter().map(Into::into).collect();
            (UsedKey::MultiRegion(key), regions)
        } else {
            let region = key.region().to_owned();
            (UsedKey::Single(key), vec![region])
        };
        Ok(Self {
            keyring: keyring.into(),
            key,
            regions,
            encrypts: true,
            context: KmsContext::Item,
            grant_tokens: GrantTokens::default(),
        })
    }

    /// The use of a key in all regions of a set.
    pub(super) fn in_set(keyring: &str, key: UsedKey, regions: &RegionSet) -> Self {
        Self {
            keyring: keyring.to_owned(),
            key,
            regions: regions.regions().map(str::to_owned).collect(),
            encrypts: true,
            context: KmsContext::Item,
            grant_tokens: GrantTokens::default(),
        }
    }

    /// The use of one key as it stands.
    pub(super) fn of_one(keyring: &str, key: &KmsKeyArn) -> Self {
        Self {
            keyring: keyring.to_owned(),
            regions: vec![key.region().to_owned()],
            key: UsedKey::Single(key.clone()),
            encrypts: true,
            context: KmsContext::Item,
            grant_tokens: GrantTokens::default(),
        }
    }

    /// The use of the keys of a key store, whose branch keys have as ids the values of this attribute, if of
    /// any.
    pub(super) fn of_key_store(
        keyring: &str,
        key_store: &KeyStore,
        tenant_attribute: Option<&str>,
    ) -> Self {
        let regions = key_store.regions();
        let in_set = |key| Self::in_set(keyring, key, regions);
        let used = match key_store.kms_keys() {
            Keys::One(key) => Self::of_one(keyring, key),
            Keys::Mrk(key) => in_set(UsedKey::MultiRegion(key.in_region(regions.local()))),
            Keys::Discovery(filter) | Keys::MrkDiscovery(filter) => {
                in_set(UsedKey::Discovered(filter.clone()))
            }
        };
        used.with_grant_tokens(key_store.grant_tokens())
            .for_key_store(key_store.logical_name(), tenant_attribute)
    }

    /// The same, of a keyring that seals nothing.
    #[must_use]
    pub fn decrypt_only(mut self) -> Self {
        self.encrypts = false;
        self
    }

    /// The same, for table keys of format `table-key/1`: requests have the context of a table key, and
    /// not that of an item. `tenant_attribute` names the attribute whose value is in it, if one is.
    ///
    /// ```
    /// use dynaseal::keyring::KmsKeyUse;
    ///
    /// let key = "arn:aws:kms:us-east-1:111122223333:key/mrk-1234abcd12ab34cd56ef1234567890ab";
    /// let used = KmsKeyUse::new("ours", key, ["us-east-1"])?.for_table_keys(Some("tenant"));
    /// assert!(used.can_encrypt());
    /// # Ok::<_, dynaseal::ConfigError>(())
    /// ```
    #[must_use]
    pub fn for_table_keys(mut self, tenant_attribute: Option<&str>) -> Self {
        self.context = KmsContext::TableKey {
            tenant_attribute: tenant_attribute.map(str::to_owned),
        };
        self
    }

    /// The same, for the branch keys of a key store: requests have the context of a record, and are
    /// `Decrypt` alone, for sealing as for opening. `tenant_attribute` names the attribute whose value
    /// is the id of an item's branch key, if one is.
    ///
    /// ```
    /// use dynaseal::keyring::KmsKeyUse;
    ///
    /// let key = "arn:aws:kms:us-east-1:111122223333:key/mrk-1234abcd12ab34cd56ef1234567890ab";
    /// let used = KmsKeyUse::new("ours", key, ["us-east-1"])?.for_key_store("branch-keys", None);
    /// assert!(used.can_encrypt(), "it seals, and asks KMS for `Decrypt` to do so");
    /// # Ok::<_, dynaseal::ConfigError>(())
    /// ```
    #[must_use]
    pub fn for_key_store(mut self, logical_name: &str, tenant_attribute: Option<&str>) -> Self {
        self.context = KmsContext::KeyStore {
            logical_name: logical_name.to_owned(),
            branch_key_id: None,
            tenant_attribute: tenant_attribute.map(str::to_owned),
        };
        self
    }

    /// The same, with one branch key for all items. Nothing to say, unless it is
    /// [for a key store](Self::for_key_store).
    ///
    /// ```
    /// use dynaseal::keyring::KmsKeyUse;
    ///
    /// let key = "arn:aws:kms:us-east-1:111122223333:key/mrk-1234abcd12ab34cd56ef1234567890ab";
    /// let used = KmsKeyUse::new("ours", key, ["us-east-1"])?.for_key_store("branch-keys", None);
    /// let used = used.branch_key_id("billing");
    /// # Ok::<_, dynaseal::ConfigError>(())
    /// ```
    #[must_use]
    pub fn branch_key_id(mut self, id: &str) -> Self {
        if let KmsContext::KeyStore { branch_key_id, .. } = &mut self.context {
            *branch_key_id = Some(id.to_owned());
        }
        self
    }

    /// The same, with grant tokens in each request.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] for more than 10 tokens, and for those without 1 to 8192 characters.
    pub fn grant_tokens(
        self,
        tokens: impl IntoIterator<Item = impl Into<String>>,
    ) -> Result<Self, ConfigError> {
        Ok(self.with_grant_tokens(&GrantTokens::new(tokens)?))
    }

    pub(super) fn with_grant_tokens(mut self, tokens: &GrantTokens) -> Self {
        self.grant_tokens = tokens.clone();
        self
    }

    /// The name of the keyring, such as `kms-mrk`.
    #[must_use]
    pub fn keyring(&self) -> &str {
        &self.keyring
    }

    /// The key, by the ARN of one of its replicas; `None` if items say which key it is.
    #[must_use]
    pub fn key_arn(&self) -> Option<String> {
        match &self.key {
            UsedKey::MultiRegion(key) | UsedKey::Single(key) => Some(key.to_string()),
            UsedKey::Discovered(_) => None,
        }
    }

    /// Which keys items may name; `None` if one key is configured.
    #[must_use]
    pub fn discovery_filter(&self) -> Option<&DiscoveryFilter> {
        match &self.key {
            UsedKey::Discovered(filter) => Some(filter),
            UsedKey::MultiRegion(_) | UsedKey::Single(_) => None,
        }
    }

    /// Whether the keyring takes the key for a multi-Region key, and asks the replica of whatever region
    /// it is in.
    #[must_use]
    pub fn is_mrk(&self) -> bool {
        matches!(self.key, UsedKey::MultiRegion(_))
    }

    /// The regions in which the key may be asked for: the local one first, then those where a fallback
    /// policy, or the same program elsewhere, may ask.
    pub fn regions(&self) -> impl Iterator<Item = &str> {
        self.regions.iter().map(String::as_str)
    }

    /// The ARN by which the key is asked for in a region; `None` if it is never asked for there.
    #[must_use]
    pub fn key_arn_in(&self, region: &str) -> Option<String> {
        match &self.key {
            UsedKey::MultiRegion(key) => Some(key.in_region(region).to_string()),
            UsedKey::Single(key) => (key.region() == region).then(|| key.to_string()),
            UsedKey::Discovered(_) => None,
        }
    }

    /// Whether the keyring seals with the key. Each keyring opens with its keys.
    #[must_use]
    pub fn can_encrypt(&self) -> bool {
        self.encrypts
    }

    /// What the context of its requests is that of.
    pub(crate) fn context(&self) -> &KmsContext {
        &self.context
    }

    /// Whether requests carry grant tokens.
    #[must_use]
    pub fn has_grant_tokens(&self) -> bool {
        self.grant_tokens.get().is_some()
    }

    /// The grant tokens, as the SDK's setters take them.
    pub(crate) fn exposed_grant_tokens(&self) -> Option<Vec<String>> {
        self.grant_tokens.get()
    }

    /// Whether another ARN names the same key, or a replica of it.
    pub(crate) fn is_same_key(&self, key_arn: &str) -> bool {
        match (&self.key, KmsKeyArn::parse(key_arn)) {
            (UsedKey::MultiRegion(key) | UsedKey::Single(key), Ok(other)) => key.matches(&other),
            _ => false,
        }
    }
}

/// Shows no grant token.
impl fmt::Debug for KmsKeyUse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("KmsKeyUse");
        shown.field("keyring", &self.keyring);
        match &self.key {
            UsedKey::MultiRegion(key) | UsedKey::Single(key) => {
                shown.field("key_arn", &key.to_string())
            }
            UsedKey::Discovered(filter) => shown.field("discovery_filter", filter),
        };
        shown
            .field("regions", &self.regions)
            .field("can_encrypt", &self.encrypts)
            .field("context", &self.context)
            .field("has_grant_tokens", &self.has_grant_tokens())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MRK: &str = "arn:aws:kms:us-east-1:111122223333:key/mrk-1234";

    #[test]
    fn names_a_single_region_key_in_its_own_region_alone() {
        let single = MRK.replace("mrk-", "");
        let used = KmsKeyUse::new("ours", &single, ["eu-west-1"]).unwrap();
        assert_eq!(used.regions().collect::<Vec<_>>(), ["us-east-1"]);
        assert_eq!(used.key_arn_in("us-east-1"), Some(single));
        assert_eq!(used.key_arn_in("eu-west-1"), None);
        assert!(KmsKeyUse::new("ours", "alias/app", [""; 0]).is_err());
    }

    #[test]
    fn knows_its_key_by_the_arn_of_any_replica() {
        let used = KmsKeyUse::new("ours", MRK, ["eu-west-1"]).unwrap();
        assert!(used.is_same_key(&MRK.replace("us-east-1", "ap-south-1")));
        assert!(!used.is_same_key(&MRK.replace("1234", "1235")));
        assert!(!used.is_same_key("alias/aws/dynamodb"));
        let literal = KmsKeyUse::of_one("kms", &KmsKeyArn::parse(MRK).unwrap());
        assert!(!literal.is_mrk());
        assert_eq!(literal.key_arn_in("eu-west-1"), None);
        assert!(literal.is_same_key(&MRK.replace("us-east-1", "ap-south-1")));
    }

    #[test]
    fn shows_that_there_are_grant_tokens_and_not_which() {
        let used = KmsKeyUse::new("ours", MRK, ["eu-west-1"]).unwrap();
        assert!(!used.has_grant_tokens());
        let used = used.grant_tokens(["a-grant-token"]).unwrap();
        assert!(used.has_grant_tokens());
        let shown = format!("{used:?}");
        assert!(shown.contains("has_grant_tokens: true"), "{shown}");
        assert!(!shown.contains("a-grant-token"), "{shown}");
        assert!(used.grant_tokens([""]).is_err());
    }
}

//! What was opened once, for requests that ask exactly the same again.
//!
//! The key of a request stands for everything that a keyring's answer may depend on. What was opened is
//! handed out again by a request with that key alone, so a cache that mixes up its entries opens nothing.

use std::sync::Arc;
use std::time::Duration;

use super::budget::CallBudget;
use super::decrypt::{DecryptRequest, Opened, OpenedKeys};
use crate::context::EncryptionContext;
use crate::crypto::hash::Sha384Hasher;
use crate::format::EncryptedDataKey;
use crate::suite::AlgorithmSuite;

/// What two requests have in common if they ask the same: a hash, since a cache should keep neither the
/// values of contexts nor as many bytes as an attacker likes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct RequestKey([u8; 48]);

/// The format knows one commitment policy (commit, and require it), which every suite keeps to. Should
/// there ever be a second one, what was opened under the first must not serve it.
const COMMITMENT_POLICY: u8 = 1;

/// A request and its key.
pub(crate) struct KeyedRequest<'a> {
    request: DecryptRequest<'a>,
    key: RequestKey,
}

/// A request that owns what it asks with, for whoever carries it on in its place.
pub(crate) struct DetachedRequest {
    suite: AlgorithmSuite,
    context: EncryptionContext,
    encrypted_data_keys: Vec<EncryptedDataKey>,
    budget: Option<CallBudget>,
    tenant: Option<String>,
    key: RequestKey,
}

/// What one request opened. Its keys are wiped when the last [`Opened`] that shares them is gone as well.
pub(crate) struct SharedOpened {
    request: RequestKey,
    keys: Arc<OpenedKeys>,
    index: usize,
    keyring: String,
    key: Option<String>,
    region: Option<String>,
}

impl<'a> DecryptRequest<'a> {
    /// The request with its key, where `region` is the local one.
    pub(crate) fn keyed(self, region: &str) -> KeyedRequest<'a> {
        KeyedRequest {
            request: self,
            key: self.key(region),
        }
    }

    fn key(&self, region: &str) -> RequestKey {
        let mut hasher = Sha384Hasher::new();
        hasher.update(&self.suite().id().to_be_bytes());
        hasher.update(&[COMMITMENT_POLICY]);
        hash_part(&mut hasher, region.as_bytes());
        hash_part(&mut hasher, self.context().as_serialized());
        // Compared by the keyring inside, and so a part of what it was asked.
        hasher.update(&[u8::from(self.tenant().is_some())]);
        hash_part(&mut hasher, self.tenant().unwrap_or_default().as_bytes());
        for encrypted_data_key in self.encrypted_data_keys() {
            hash_part(&mut hasher, encrypted_data_key.provider_id().as_bytes());
            hash_part(&mut hasher, encrypted_data_key.provider_info());
            hash_part(&mut hasher, encrypted_data_key.ciphertext());
        }
        RequestKey(hasher.finish())
    }
}

/// With its length before it, so that no byte can move to the next part.
fn hash_part(hasher: &mut Sha384Hasher, part: &[u8]) {
    // No machine has more than 64 bits.
    let len = u64::try_from(part.len()).unwrap_or(u64::MAX);
    hasher.update(&len.to_be_bytes());
    hasher.update(part);
}

impl KeyedRequest<'_> {
    pub(crate) fn key(&self) -> &RequestKey {
        &self.key
    }

    pub(crate) fn detach(&self) -> DetachedRequest {
        let request = &self.request;
        DetachedRequest {
            suite: request.suite(),
            context: request.context().clone(),
            encrypted_data_keys: request.encrypted_data_keys().to_vec(),
            budget: request.budget().cloned(),
            tenant: request.tenant().map(str::to_owned),
            key: self.key,
        }
    }

    /// What an equal request opened, for so long; `None` if the other was not equal.
    pub(crate) fn reopen(&self, shared: &SharedOpened, valid_for: Duration) -> Option<Opened> {
        (shared.request == self.key).then(|| Opened {
            keys: Arc::clone(&shared.keys),
            index: shared.index,
            keyring: shared.keyring.clone(),
            key: shared.key.clone(),
            region: shared.region.clone(),
            valid_for: Some(valid_for),
        })
    }
}

impl DetachedRequest {
    pub(crate) fn request(&self) -> DecryptRequest<'_> {
        DecryptRequest::new(self.suite, &self.context, &self.encrypted_data_keys)
            .within(self.budget.as_ref())
            .for_tenant(self.tenant.as_deref())
    }

    /// Keeps what this request opened.
    pub(crate) fn share(&self, opened: Opened) -> SharedOpened {
        SharedOpened {
            request: self.key,
            keys: opened.keys,
            index: opened.index,
            keyring: opened.keyring,
            key: opened.key,
            region: opened.region,
        }
    }
}

impl SharedOpened {
    /// About how much memory it takes, with its place in a cache.
    pub(crate) fn bytes(&self) -> usize {
        /// Two keys of 32 bytes, and what it costs to find them.
        const FIXED: usize = 512;
        let names = [&self.key, &self.region];
        let names = names.into_iter().flatten().map(String::len).sum::<usize>();
        FIXED + self.keyring.len() + names
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::context::Entries;

    /// Everything that is asked, in the open.
    #[derive(Clone, Debug, PartialEq)]
    struct Asked {
        suite: AlgorithmSuite,
        region: String,
        entries: Entries,
        tenant: Option<String>,
        edks: Vec<(String, Vec<u8>, Vec<u8>)>,
    }

    impl Asked {
        fn example() -> Self {
            let edk = |n| ("aws-kms".to_owned(), vec![n; 3], vec![n; 60]);
            Self {
                suite: AlgorithmSuite::SymsigHmacSha384,
                region: "eu-west-1".into(),
                entries: Entries::from([("table".into(), "t".into()), ("k".into(), "v".into())]),
                tenant: None,
                edks: vec![edk(1), edk(2)],
            }
        }

        fn context(&self) -> EncryptionContext {
            EncryptionContext::new(self.entries.clone()).unwrap()
        }

        fn encrypted_data_keys(&self) -> Vec<EncryptedDataKey> {
            let edks = self.edks.iter().cloned();
            edks.map(|(id, info, ciphertext)| EncryptedDataKey::new(id, info, ciphertext))
                .collect()
        }

        fn key(&self) -> RequestKey {
            let (context, edks) = (self.context(), self.encrypted_data_keys());
            let request = DecryptRequest::new(self.suite, &context, &edks);
            let request = request.for_tenant(self.tenant.as_deref());
            request.key(&self.region)
        }

        fn changed(&self, change: impl FnOnce(&mut Self)) -> Self {
            let mut changed = self.clone();
            change(&mut changed);
            changed
        }
    }

    #[test]
    fn tells_suites_contexts_regions_tenants_and_orders_apart() {
        let asked = Asked::example();
        let changes: [fn(&mut Asked); 12] = [
            |asked| asked.suite = AlgorithmSuite::EcdsaP384,
            |asked| asked.region.push('2'),
            |asked| _ = asked.entries.insert("table".into(), "u".into()),
            |asked| _ = asked.entries.insert("new".into(), "".into()),
            |asked| _ = asked.entries.remove("k"),
            |asked| asked.tenant = Some("v".into()),
            |asked| asked.tenant = Some("".into()),
            |asked| asked.edks.reverse(),
            |asked| _ = asked.edks.pop(),
            |asked| asked.edks.push(asked.edks[0].clone()),
            |asked| asked.edks[1].0.push('x'),
            // The same bytes, divided elsewhere.
            |asked| {
                let moved = asked.edks[0].1.pop().unwrap();
                asked.edks[0].2.insert(0, moved);
            },
        ];
        for (n, change) in changes.into_iter().enumerate() {
            assert_ne!(asked.changed(change).key(), asked.key(), "change {n}");
        }
        assert_eq!(asked.clone().key(), asked.key());
    }

    #[test]
    fn tells_every_changed_byte_of_an_encrypted_data_key() {
        let asked = Asked::example();
        for edk in 0..2 {
            for byte in 0..60 {
                let ciphertext = asked.changed(|asked| asked.edks[edk].2[byte] ^= 1);
                assert_ne!(ciphertext.key(), asked.key());
            }
            for byte in 0..3 {
                let info = asked.changed(|asked| asked.edks[edk].1[byte] ^= 1);
                assert_ne!(info.key(), asked.key());
            }
        }
    }

    fn asked() -> impl Strategy<Value = Asked> {
        let suite = prop_oneof![
            Just(AlgorithmSuite::SymsigHmacSha384),
            Just(AlgorithmSuite::EcdsaP384)
        ];
        // Few letters and short parts, so that equal and almost equal requests are common.
        let bytes = || prop::collection::vec(0u8..2, 0..3);
        let entries = prop::collection::btree_map("[ab]{0,2}", "[ab]{0,2}", 0..3);
        let entries = entries.prop_map(|entries| {
            let entries = entries.into_iter();
            entries.map(|(k, v)| (k.into(), v.into())).collect()
        });
        let edks = prop::collection::vec(("[ab]{0,2}", bytes(), bytes()), 0..3);
        let tenant = prop::option::of("[ab]{0,2}");
        let parts = (suite, "[ab]{0,2}", entries, tenant, edks);
        parts.prop_map(|(suite, region, entries, tenant, edks)| Asked {
            suite,
            region,
            entries,
            tenant,
            edks,
        })
    }

    /// Two that differ in some parts only, or in none.
    fn two() -> impl Strategy<Value = (Asked, Asked)> {
        (asked(), asked(), any::<[bool; 5]>()).prop_map(|(one, other, differ)| {
            let mut two = one.clone();
            if differ[0] {
                two.suite = other.suite;
            }
            if differ[1] {
                two.region = other.region;
            }
            if differ[2] {
                two.entries = other.entries;
            }
            if differ[3] {
                two.tenant = other.tenant;
            }
            if differ[4] {
                two.edks = other.edks;
            }
            (one, two)
        })
    }

    proptest! {
        #[test]
        fn requests_share_a_key_if_they_are_equal_and_never_else((one, other) in two()) {
            prop_assert_eq!(one == other, one.key() == other.key());
        }
    }
}

//! Which items a table key may wrap, and what KMS is told about it.

use std::sync::Arc;

use self::context_keys::{PURPOSE, TABLE_KEY_ID, TABLE_KEY_PURPOSE, TENANT};
use super::body::TableKeyId;
use crate::cache::key_of;
use crate::context::{EncryptionContext, Entries, TABLE_NAME};
use crate::error::KeyringErrorKind;
use crate::keyring::tenant::tenant_of;

/// What KMS is told beside the name of the table. Policies name it.
pub(crate) mod context_keys {
    pub(crate) const PURPOSE: &str = "dynaseal-purpose";
    /// No context of an item or of a branch key has it.
    pub(crate) const TABLE_KEY_PURPOSE: &str = "table-key/1";
    pub(crate) const TABLE_KEY_ID: &str = "dynaseal-table-key-id";
    pub(crate) const TENANT: &str = "dynaseal-tenant";
}

/// The items that share table keys: those of one logical table and, where the keyring names a tenant
/// attribute, of one tenant.
#[derive(Clone, Debug)]
pub(super) struct Scope {
    table: Arc<str>,
    tenant: Option<Arc<str>>,
}

impl Scope {
    /// Reads it out of an item's own encryption context, which was rebuilt from the item: what an
    /// encrypted data key says has no part in it.
    ///
    /// `pin` is the only tenant that is wanted, if there is one.
    pub(super) fn of(
        item: &EncryptionContext,
        tenant_attribute: Option<&str>,
        pin: Option<&str>,
    ) -> Result<Self, KeyringErrorKind> {
        let table = item.entries().get(TABLE_NAME);
        let tenant = tenant_attribute.map(|name| readable_tenant(item, name, pin));
        let tenant = tenant.transpose()?;
        Ok(Self {
            table: table.map(Arc::clone).ok_or(KeyringErrorKind::Other)?,
            tenant,
        })
    }

    /// What KMS binds one table key to.
    pub(super) fn kms_context(
        &self,
        id: TableKeyId,
    ) -> Result<EncryptionContext, KeyringErrorKind> {
        let mut entries = Entries::from([
            (TABLE_NAME.into(), Arc::clone(&self.table)),
            (PURPOSE.into(), TABLE_KEY_PURPOSE.into()),
            (TABLE_KEY_ID.into(), id.to_string().into()),
        ]);
        if let Some(tenant) = &self.tenant {
            entries.insert(TENANT.into(), Arc::clone(tenant));
        }
        // Its values come from a context that was not too long.
        EncryptionContext::new(entries).map_err(|_| KeyringErrorKind::Other)
    }

    /// Under what the table key to seal with is kept, as one key is asked for in one region.
    pub(super) fn cache_key(&self, region: &str, key_arn: &str) -> Vec<u8> {
        let parts = [region, key_arn, &*self.table].map(str::as_bytes);
        match &self.tenant {
            Some(tenant) => key_of(parts.into_iter().chain([tenant.as_bytes()])),
            None => key_of(parts),
        }
    }
}

/// Header version 2 alone has it in the context as it is, which policies compare it with.
fn readable_tenant(
    item: &EncryptionContext,
    name: &str,
    pin: Option<&str>,
) -> Result<Arc<str>, KeyringErrorKind> {
    if !item.has_legend() {
        return Err(KeyringErrorKind::NoTenant);
    }
    tenant_of(item, name, pin).map(Into::into)
}

/// Under what an opened table key is kept: everything that was asked, and nothing that KMS did not see.
///
/// The complete context belongs to it. By the ciphertext alone, whoever holds the table key of one tenant
/// could have it open what he forged for another, without KMS ever seeing that tenant.
pub(super) fn opened_cache_key(
    region: &str,
    key_arn: &str,
    kms_ciphertext: &[u8],
    kms_context: &EncryptionContext,
) -> Vec<u8> {
    key_of([
        region.as_bytes(),
        key_arn.as_bytes(),
        kms_ciphertext,
        kms_context.as_serialized(),
    ])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::keyring::test_support::entries;

    const ID: TableKeyId = TableKeyId::new([0xab; 16]);

    fn item(pairs: &[(&str, &str)]) -> EncryptionContext {
        let mut entries = entries(pairs);
        entries.insert(TABLE_NAME.into(), "customers".into());
        EncryptionContext::new(entries).unwrap()
    }

    fn version_2(tenant: &str, letter: &str) -> EncryptionContext {
        item(&[
            ("aws-crypto-attr.tenant", tenant),
            ("aws-crypto-legend", letter),
        ])
    }

    #[test]
    fn tells_kms_the_table_the_purpose_the_key_and_the_tenant() {
        let all = |scope: Scope| {
            let context = scope.kms_context(ID).unwrap();
            let pairs = context.iter().map(|(k, v)| format!("{k}={v}"));
            pairs.collect::<Vec<_>>()
        };
        let expected = [
            "aws-crypto-table-name=customers",
            "dynaseal-purpose=table-key/1",
            "dynaseal-table-key-id=abababababababababababababababab",
            "dynaseal-tenant=acme",
        ];
        let item = version_2("acme", "S");
        let without = Scope::of(&item, None, None).unwrap();
        assert_eq!(all(without), expected[..3]);
        let with = Scope::of(&item, Some("tenant"), None).unwrap();
        assert_eq!(all(with), expected);
    }

    #[test]
    fn takes_a_tenant_from_a_string_in_a_context_of_version_2_alone() {
        let kind = |item: &EncryptionContext| Scope::of(item, Some("tenant"), None).err();
        assert_eq!(kind(&version_2("7", "S")), None);
        for other in [
            version_2("7", "N"),
            version_2("true", "L"),
            version_2("AAFj", "B"),
            version_2("", "S"),
            version_2("acme", ""),
            item(&[("aws-crypto-legend", "")]),
            // The string `c`, as the key of an item of version 1.
            item(&[("aws-crypto-attr.tenant", "AAFj")]),
            item(&[]),
        ] {
            assert_eq!(kind(&other), Some(KeyringErrorKind::NoTenant), "{other:?}");
        }
    }

    #[test]
    fn refuses_another_tenant_than_the_one_that_is_wanted() {
        let item = version_2("acme", "S");
        assert!(Scope::of(&item, Some("tenant"), Some("acme")).is_ok());
        let other = Scope::of(&item, Some("tenant"), Some("acme "));
        assert_eq!(other.err(), Some(KeyringErrorKind::TenantMismatch));
        // Not this keyring's to compare.
        assert!(Scope::of(&item, None, Some("other")).is_ok());
    }

    #[test]
    fn takes_no_context_without_a_table() {
        let nameless = EncryptionContext::new(entries(&[("a", "b")])).unwrap();
        let refused = Scope::of(&nameless, None, None);
        assert_eq!(refused.err(), Some(KeyringErrorKind::Other));
    }

    fn text() -> impl Strategy<Value = String> {
        // Short and of few letters, so that shifted borders are met.
        "[ab\0]{0,3}"
    }

    fn scope() -> impl Strategy<Value = Scope> {
        let tenant = proptest::option::of(text());
        (text(), tenant).prop_map(|(table, tenant)| Scope {
            table: table.into(),
            tenant: tenant.map(Into::into),
        })
    }

    type Asked = (String, String, Vec<u8>, Vec<(String, String)>);

    fn asked() -> impl Strategy<Value = Asked> {
        let bytes = proptest::collection::vec(0..2_u8, 0..4);
        let pairs = proptest::collection::vec((text(), text()), 0..3);
        (text(), text(), bytes, pairs)
    }

    fn opened_key((region, arn, blob, pairs): &Asked) -> (Vec<u8>, EncryptionContext) {
        let pairs: Vec<(&str, &str)> = pairs.iter().map(|(k, v)| (&**k, &**v)).collect();
        let context = EncryptionContext::new(entries(&pairs)).unwrap();
        (opened_cache_key(region, arn, blob, &context), context)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        #[test]
        fn never_finds_what_was_opened_by_another_request(a in asked(), b in asked()) {
            let ((key_a, context_a), (key_b, context_b)) = (opened_key(&a), opened_key(&b));
            let same = (&a.0, &a.1, &a.2, context_a) == (&b.0, &b.1, &b.2, context_b);
            prop_assert_eq!(key_a == key_b, same);
        }

        #[test]
        fn never_seals_under_the_key_of_another_scope(
            a in (text(), text(), scope()),
            b in (text(), text(), scope()),
        ) {
            let key = |(region, arn, scope): &(String, String, Scope)| scope.cache_key(region, arn);
            let parts = |(region, arn, scope): &(String, String, Scope)| {
                (region.clone(), arn.clone(), scope.table.clone(), scope.tenant.clone())
            };
            prop_assert_eq!(key(&a) == key(&b), parts(&a) == parts(&b));
        }
    }
}

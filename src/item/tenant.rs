//! The tenant: whose an item is, and handles that are limited to one.

use std::fmt;
use std::sync::Arc;

use aws_sdk_dynamodb::types::AttributeValue;

use super::{Item, ItemEncryptor, ItemSchema};
use crate::context::EncryptionContext;
use crate::error::{AttributeIssue, ConfigError, InvalidAttribute, SealError, TenantMismatch};

/// The only tenant whose items are sealed and opened.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Tenant {
    attribute: Arc<str>,
    value: Arc<str>,
}

impl ItemEncryptor {
    /// The same, for the items of one tenant alone.
    ///
    /// Sealing refuses items of others before a keyring is asked, and so does opening, going by what the item
    /// says; once that is verified, it is compared again. So whatever somebody has moved, swapped or copied in
    /// the table, nothing of another tenant comes out. Keyrings with keys by tenant compare the names of keys
    /// as well.
    ///
    /// Items that were sealed before their schema had a tenant, as all of header version 1, are refused too:
    /// open them without this, and seal them again.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if the schema has no tenant attribute, if the tenant is empty, or if this is limited to
    /// another tenant already.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use aws_sdk_dynamodb::types::AttributeValue;
    /// use dynaseal::{Item, ItemEncryptor, ItemSchema, OpenError, RawAesKeyring};
    ///
    /// let schema = ItemSchema::builder("orders", "id").tenant_attribute("tenant").build()?;
    /// let encryptor = ItemEncryptor::new(schema, RawAesKeyring::new("example", "key-1", [7; 32])?);
    /// let order = Item::from([
    ///     ("id".into(), AttributeValue::S("o-1".into())),
    ///     ("tenant".into(), AttributeValue::S("acme".into())),
    /// ]);
    /// let sealed = encryptor.tenant("acme")?.seal(order).await?;
    ///
    /// let error = encryptor.tenant("globex")?.open(sealed).await.unwrap_err();
    /// assert!(matches!(error, OpenError::TenantMismatch(_)));
    /// # Ok(())
    /// # }
    /// ```
    pub fn tenant(&self, tenant: impl Into<String>) -> Result<Self, ConfigError> {
        let attribute = self.schema().tenant_attribute().ok_or_else(|| {
            ConfigError::new(
                "the schema has no tenant: add `#[seal(tenant)]` to the model, or `.tenant_attribute(…)` to \
                 the schema",
            )
        })?;
        let tenant = Tenant {
            attribute: attribute.into(),
            value: tenant.into().into(),
        };
        if tenant.value.is_empty() {
            return Err(ConfigError::new("a tenant is a string that is not empty"));
        }
        if self.only_tenant.as_ref().is_some_and(|own| *own != tenant) {
            return Err(ConfigError::new(
                "this is limited to another tenant already; start from a table or encryptor that is not",
            ));
        }
        Ok(self.limited_to(tenant))
    }

    /// The name of the tenant attribute and the only tenant, if this is limited to one.
    pub(crate) fn only_tenant(&self) -> Option<(&str, &str)> {
        let tenant = self.only_tenant.as_ref()?;
        Some((&tenant.attribute, &tenant.value))
    }

    /// The only tenant, for requests to the keyring.
    pub(super) fn pin(&self) -> Option<&str> {
        self.only_tenant.as_ref().map(|tenant| &*tenant.value)
    }

    /// Refuses an item without a tenant, or of another than the only one.
    pub(super) fn check_tenant_to_seal(
        &self,
        schema: &ItemSchema,
        item: &Item,
    ) -> Result<(), SealError> {
        let Some(name) = schema.tenant_attribute() else {
            return Ok(());
        };
        if !matches!(item.get(name), Some(AttributeValue::S(tenant)) if !tenant.is_empty()) {
            return Err(InvalidAttribute::new(name, AttributeIssue::NotATenant).into());
        }
        Ok(self.check_tenant_of(item)?)
    }

    /// Refuses a context that is not that of the only tenant.
    pub(super) fn check_tenant(&self, context: &EncryptionContext) -> Result<(), TenantMismatch> {
        let Some(only) = &self.only_tenant else {
            return Ok(());
        };
        if context.string_attribute(&only.attribute).as_deref() == Some(&*only.value) {
            return Ok(());
        }
        Err(TenantMismatch::new(context.has_attribute(&only.attribute)))
    }

    /// Refuses an item in clear that is not one of the only tenant.
    pub(crate) fn check_tenant_of(&self, item: &Item) -> Result<(), TenantMismatch> {
        let Some(only) = &self.only_tenant else {
            return Ok(());
        };
        match item.get(&*only.attribute) {
            Some(AttributeValue::S(tenant)) if **tenant == *only.value => Ok(()),
            found => Err(TenantMismatch::new(found.is_some())),
        }
    }
}

/// Tenants are values of items, and do not get into logs by way of a handle.
impl fmt::Debug for Tenant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tenant")
            .field("attribute", &self.attribute)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::context::Entries;
    use crate::keyring::RawAesKeyring;

    fn acme() -> ItemEncryptor {
        let schema = ItemSchema::builder("notes", "id").tenant_attribute("tenant");
        let keyring = RawAesKeyring::new("notes", "key", [7; 32]).unwrap();
        let all = ItemEncryptor::new(schema.build().unwrap(), keyring);
        assert_eq!(all.only_tenant(), None);
        all.tenant("acme").unwrap()
    }

    /// The check after verification sees no other context than the one before it, unless somebody breaks
    /// the steps in between. So it is shown here that it would notice.
    #[test]
    fn refuses_what_is_not_the_only_tenants_in_contexts_and_in_items() {
        let acme = acme();
        assert_eq!(acme.only_tenant(), Some(("tenant", "acme")));
        let context = |pairs: &[(&str, &str)]| {
            let pairs = pairs.iter();
            let entries: Entries = pairs.map(|(k, v)| ((*k).into(), (*v).into())).collect();
            EncryptionContext::new(entries).unwrap()
        };
        let of = |tenant, legend| {
            context(&[
                ("aws-crypto-attr.tenant", tenant),
                ("aws-crypto-legend", legend),
            ])
        };
        let mismatch = |has_tenant| Err(TenantMismatch::new(has_tenant));
        assert_eq!(acme.check_tenant(&of("acme", "S")), Ok(()));
        assert_eq!(acme.check_tenant(&of("acme", "N")), mismatch(true));
        assert_eq!(acme.check_tenant(&of("acme", "SS")), mismatch(true));
        assert_eq!(acme.check_tenant(&of("Acme", "S")), mismatch(true));
        assert_eq!(acme.check_tenant(&of("acme2", "S")), mismatch(true));
        assert_eq!(acme.check_tenant(&context(&[])), mismatch(false));

        let item = |value| Item::from([("tenant".to_owned(), value)]);
        let text = |text: &str| item(AttributeValue::S(text.to_owned()));
        assert_eq!(acme.check_tenant_of(&text("acme")), Ok(()));
        assert_eq!(acme.check_tenant_of(&text("globex")), mismatch(true));
        let set = item(AttributeValue::Ss(vec!["acme".to_owned()]));
        assert_eq!(acme.check_tenant_of(&set), mismatch(true));
        assert_eq!(acme.check_tenant_of(&Item::new()), mismatch(false));
    }
}

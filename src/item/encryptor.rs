//! The two verbs: seal and open.

use std::any::TypeId;
use std::sync::Arc;

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;

use super::context::{self, ContextField};
use super::describe::{Description, Unverified};
use super::entities::{Choice, Entities, EntityTag, Schemas};
use super::fields::{self, Attributes};
use super::legend::{SealedActions, SealedLegend};
use super::tenant::Tenant;
use super::{AttributeSchema, FreshnessState, Item, ItemSchema, OpenedItem};
use crate::context::Entries;
use crate::crypto::random::{Random, SystemRandom};
use crate::engine::{self, FieldBytes, Parsed, SealField, SealedParts, StoredField, Verified};
use crate::error::{
    AttributeIssue, ConfigError, EntityMismatch, InvalidAttribute, KeyringError, KeyringErrorKind,
    Malformed, NotSealed, OpenError, SealError, SuiteBelowPolicy, TooManyEncryptedDataKeys,
};
use crate::format::header::{Header, MESSAGE_ID_LEN, MessageId, Version};
use crate::format::legend::LegendByte;
use crate::format::{FOOTER_ATTRIBUTE, HEADER_ATTRIBUTE};
use crate::keyring::{KeyStoreUse, Keyring, KmsKeyUse, Opened, TenantKeys, Unwrapped};
use crate::materials::{CallBudget, Preparation};
use crate::suite::{Authenticity, KeyBinding};
use crate::value::decode;

/// Seals and opens items under one schema and one keyring.
///
/// Cheap to clone. It touches no table: use it for streams, exports, Lambda events and transactions
/// of your own, and a [`SealedTable`](crate::SealedTable) for everything else.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use aws_sdk_dynamodb::types::AttributeValue;
/// use dynaseal::{CryptoAction, Item, ItemEncryptor, ItemSchema, RawAesKeyring};
///
/// let schema = ItemSchema::builder("orders", "id")
///     .action("card", CryptoAction::EncryptAndSign)
///     .build()?;
/// let keyring = RawAesKeyring::new("example", "key-1", [7; 32])?;
/// let encryptor = ItemEncryptor::new(schema, keyring);
///
/// let item = Item::from([
///     ("id".into(), AttributeValue::S("o-1".into())),
///     ("card".into(), AttributeValue::S("4111 1111".into())),
/// ]);
/// let sealed = encryptor.seal(item.clone()).await?;
/// assert!(sealed["card"].is_b(), "an administrator sees bytes");
/// assert_eq!(encryptor.open(sealed).await?.into_item(), item);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct ItemEncryptor {
    schemas: Schemas,
    pub(super) only_tenant: Option<Tenant>,
    keyring: Arc<dyn Keyring>,
    random: Arc<dyn Random>,
}

impl ItemEncryptor {
    /// An encryptor for the items of `schema`, with keys from `keyring`.
    pub fn new(schema: impl Into<Arc<ItemSchema>>, keyring: impl Keyring + 'static) -> Self {
        Self::with_schemas(Schemas::One(schema.into()), keyring)
    }

    /// An encryptor for the items of several entity types, with keys from `keyring`.
    ///
    /// Each item chooses its schema, in [`seal`](Self::seal) and in [`open`](Self::open); an item of none
    /// of the types is refused.
    pub fn of_entities(entities: &Entities, keyring: impl Keyring + 'static) -> Self {
        let entities = entities.clone();
        Self::with_schemas(
            Schemas::Several {
                entities,
                only: None,
            },
            keyring,
        )
    }

    fn with_schemas(schemas: Schemas, keyring: impl Keyring + 'static) -> Self {
        Self {
            schemas,
            only_tenant: None,
            keyring: Arc::new(keyring),
            random: Arc::new(SystemRandom),
        }
    }

    /// The same, for the items of one model of the entity types alone.
    pub(crate) fn only(&self, model: TypeId) -> Result<Self, ConfigError> {
        Ok(Self {
            schemas: self.schemas.only(model)?,
            ..self.clone()
        })
    }

    /// The same, for the items of one tenant alone.
    pub(super) fn limited_to(&self, tenant: Tenant) -> Self {
        Self {
            only_tenant: Some(tenant),
            ..self.clone()
        }
    }

    /// An encryptor whose random bytes a test has chosen.
    #[cfg(test)]
    pub(crate) fn with_random(mut self, random: Arc<dyn Random>) -> Self {
        self.random = random;
        self
    }

    /// The schema. Of several entity types, what holds of all: an attribute is encrypted if it is in
    /// any of them.
    #[must_use]
    pub fn schema(&self) -> &ItemSchema {
        self.schemas.schema()
    }

    /// The version attribute of the entity type that an item is of.
    pub(crate) fn version_attribute(&self, item: &Item) -> Option<AttributeSchema> {
        let choice = self.schemas.choose(item).ok()?;
        choice.version_attribute()
    }

    /// Whether any entity type has a version attribute.
    pub(crate) fn has_versions(&self) -> bool {
        self.schemas.has_versions()
    }

    /// Which entity type an item is of, going by what it says.
    pub(crate) fn entity_of(&self, item: &Item) -> Option<EntityTag> {
        self.schemas.choose(item).ok()?.entity()
    }

    /// Refuses an item that is of no entity type, or not of the only one that is wanted, going by what
    /// nobody has verified.
    pub(crate) fn check_entity(&self, item: &Item) -> Result<(), EntityMismatch> {
        self.schemas.choose(item)?.check_wanted()
    }

    /// Encrypts and signs an item: what it returns can be put into the table.
    ///
    /// # Errors
    ///
    /// [`SealError::Attribute`] if an attribute has no action, a reserved name or a value that the
    /// format cannot hold, or if a key or context attribute is missing; [`SealError::TenantMismatch`] if this
    /// is [limited](Self::tenant) to another tenant; [`SealError::Keyring`] if there is no key to seal with.
    /// Nothing is sealed in part.
    pub async fn seal(&self, item: Item) -> Result<Item, SealError> {
        self.seal_again(item, &SealedActions::new()).await
    }

    /// Seals an item that was opened before: attributes that the schema does not know keep the
    /// action they had.
    pub(crate) async fn seal_again(
        &self,
        item: Item,
        before: &SealedActions,
    ) -> Result<Item, SealError> {
        let schema = self.schemas.choose_to_seal(&item)?.schema;
        self.check_tenant_to_seal(schema, &item)?;
        if before.is_empty() {
            fields::check_unsigned(schema, &item)?;
        }
        let attributes = Attributes::split(schema, item);
        let mut fields = fields::to_seal(schema, before, &attributes)?;
        let (version, entries) = seal_context(schema, before, &fields)?;
        let suite = schema.suite(self.keyring.binding());
        let preparation = Preparation::new(suite, entries)?;
        let request = preparation.request().for_tenant(self.pin());
        let keys = self.keyring.on_encrypt(request).await;
        let keys = keys.map_err(|error| error.in_keyring(self.keyring.name()))?;
        let materials = preparation.finish(&keys, &*self.random)?;
        let parts = engine::encrypt(&materials, version, &self.message_id()?, &mut fields)?;
        let encrypted = fields.into_iter().map(|field| match field.bytes {
            FieldBytes::Encrypt(bytes) => Some(AttributeValue::B(Blob::new(bytes))),
            FieldBytes::Sign(_) | FieldBytes::Include(_) => None,
        });
        let encrypted: Vec<_> = encrypted.collect();
        Ok(put_together(attributes, encrypted, parts))
    }

    /// Decrypts one item and verifies everything that was signed.
    ///
    /// What was encrypted is read from the item's own header, so a schema that has since moved an
    /// attribute between encrypted and signed still opens old items. Attributes the schema does not
    /// know are verified and decrypted as the header says. Decrypted numbers come back normalized,
    /// decrypted sets sorted.
    ///
    /// # Errors
    ///
    /// [`OpenError`]; nothing of an item that fails is released. [`OpenError::Authentication`] if
    /// anything signed was changed, [`OpenError::Keyring`] if no key opened it,
    /// [`OpenError::TenantMismatch`] if this is [limited](Self::tenant) to another tenant.
    pub async fn open(&self, item: Item) -> Result<OpenedItem, OpenError> {
        Ok(self.open_within(item, None).await?.0)
    }

    /// Opens an item, and tells what was done to each signed attribute. KMS calls are counted
    /// against `budget`.
    pub(crate) async fn open_within(
        &self,
        mut item: Item,
        budget: Option<&CallBudget>,
    ) -> Result<(OpenedItem, SealedLegend), OpenError> {
        let (head, foot) = take_parts(&mut item)?;
        let choice = self.schemas.choose(&item)?;
        let schema = choice.schema;
        let header = Header::parse(head.as_ref())?;
        self.check_policy(schema, &header)?;
        let mut attributes = Attributes::split(schema, item);
        fields::check_reserved(&attributes)?;
        let fields = fields::to_open(schema, &attributes, &header)?;
        choice.check_selector(&fields)?;
        let rebuilt = rebuild_context(schema, header.version, &fields)?;
        let parsed = Parsed::new(header, foot.as_ref(), rebuilt, fields)?;
        // Before the keyring calls anybody for an item that would be refused anyway.
        self.check_tenant(parsed.context())?;
        let opened = self.unwrap(&parsed, budget).await?;
        let verified = parsed
            .unwrap_key(opened)
            .check_commitment()?
            .verify_footer()?;
        choice.check_wanted()?;
        self.check_tenant(verified.context())?;
        let decrypted = decrypt_values(&verified, &attributes)?;
        let (mut facts, legend) = self.facts(verified, &choice);
        for (index, value) in decrypted {
            attributes.replace(index, value);
        }
        facts.item = attributes.into_item();
        self.check_tenant_of(&facts.item)?;
        Ok((facts, legend))
    }

    /// Reads what a sealed item says of itself. It needs no key, so it proves nothing.
    ///
    /// # Errors
    ///
    /// [`OpenError::NotSealed`], [`OpenError::Malformed`], [`OpenError::SchemaChanged`] or
    /// [`OpenError::Attribute`] if the item cannot be one of this schema.
    pub fn describe(&self, item: Item) -> Result<Unverified<Description>, OpenError> {
        Description::of(&self.schemas, item).map(Unverified::new)
    }

    /// The name of the keyring.
    pub(crate) fn keyring_name(&self) -> &str {
        self.keyring.name()
    }

    /// What wrapping under the keyring proves.
    pub(crate) fn binding(&self) -> KeyBinding {
        self.keyring.binding()
    }

    /// Whether who may only seal cannot open.
    pub(crate) fn can_seal_without_opening(&self) -> bool {
        self.keyring.can_seal_without_opening()
    }

    /// The KMS keys that the keyring uses.
    pub(crate) fn kms_keys(&self) -> Vec<KmsKeyUse> {
        self.keyring.kms_keys()
    }

    /// The key stores that the keyring reads.
    pub(crate) fn key_stores(&self) -> Vec<KeyStoreUse> {
        self.keyring.key_stores()
    }

    /// The branch keys of tenants, if the keyring has such and no other recipients.
    pub(crate) fn tenant_keys(&self) -> Option<TenantKeys<'_>> {
        self.keyring.tenant_keys()
    }

    pub(super) fn schemas(&self) -> &Schemas {
        &self.schemas
    }

    fn message_id(&self) -> Result<MessageId, SealError> {
        let mut id = [0; MESSAGE_ID_LEN];
        self.random
            .fill(&mut id)
            .map_err(|_| SealError::Randomness)?;
        Ok(MessageId(id))
    }

    fn check_policy(&self, schema: &ItemSchema, header: &Header<'_>) -> Result<(), OpenError> {
        let weakest = schema.weakest_suite(self.keyring.binding());
        if header.suite < weakest {
            return Err(SuiteBelowPolicy::new(header.suite, weakest).into());
        }
        let (found, limit) = (
            header.encrypted_data_keys.len(),
            schema.max_encrypted_data_keys(),
        );
        if found > limit {
            return Err(TooManyEncryptedDataKeys::new(found, limit).into());
        }
        Ok(())
    }

    async fn unwrap(
        &self,
        parsed: &Parsed<'_>,
        budget: Option<&CallBudget>,
    ) -> Result<Opened, KeyringError> {
        let request = parsed.request(budget).for_tenant(self.pin());
        let error = match self.keyring.on_decrypt(request).await {
            Ok(Unwrapped::Opened(opened)) => return Ok(opened),
            Ok(Unwrapped::NotMine) => KeyringError::new(KeyringErrorKind::NoMatch),
            Err(error) => error,
        };
        Err(error.in_keyring(self.keyring.name()))
    }

    fn facts(&self, verified: Verified<'_>, choice: &Choice<'_>) -> (OpenedItem, SealedLegend) {
        let (suite, header_version) = (verified.header().suite, verified.header().version.into());
        let opened = verified.opened();
        let keyring = if opened.keyring.is_empty() {
            self.keyring.name()
        } else {
            &opened.keyring
        };
        let (keyring, key, region) = (
            keyring.to_owned(),
            opened.key.clone(),
            opened.region.clone(),
        );
        let (context, legend) = verified.into_parts();
        let opened = OpenedItem {
            item: Item::default(),
            header_version,
            suite,
            authenticity: Authenticity::of(self.binding(), suite),
            keyring,
            key,
            region,
            table_region: None,
            context,
            entity: choice.entity(),
            freshness: FreshnessState::Unchecked,
        };
        (opened, SealedLegend(legend))
    }
}

/// Header and footer out of an item.
pub(super) fn take_parts(item: &mut Item) -> Result<(Blob, Blob), OpenError> {
    let (head, foot) = (item.remove(HEADER_ATTRIBUTE), item.remove(FOOTER_ATTRIBUTE));
    match (head, foot) {
        (Some(AttributeValue::B(head)), Some(AttributeValue::B(foot))) => Ok((head, foot)),
        (Some(AttributeValue::B(_)), Some(_)) => {
            Err(Malformed::new("footer", "is not of type B").into())
        }
        (Some(_), Some(_)) => Err(Malformed::new("header", "is not of type B").into()),
        (head, foot) => Err(NotSealed::new(head.is_some(), foot.is_some()).into()),
    }
}

/// Header version 2 exactly if something is included, as every implementation decides it.
pub(super) fn seal_context(
    schema: &ItemSchema,
    before: &SealedActions,
    sealing: &[SealField<'_>],
) -> Result<(Version, Entries), InvalidAttribute> {
    let signed = signed_fields(sealing);
    if schema.includes_others() || !before.is_empty() {
        let included = signed.clone().filter(|field| field.included);
        fields::check_case(included.map(|field| field.name))?;
    }
    let included = signed.clone().any(|field| field.included);
    let version = if included { Version::V2 } else { Version::V1 };
    Ok((version, context::rebuild(schema, version, signed)?))
}

/// What of an item that is about to be sealed may be in the context.
pub(super) fn signed_fields<'a>(
    sealing: &'a [SealField<'_>],
) -> impl Iterator<Item = ContextField<'a>> + Clone {
    sealing.iter().filter_map(|field| {
        let (value, included) = match &field.bytes {
            FieldBytes::Encrypt(_) => return None,
            FieldBytes::Sign(value) => (value, false),
            FieldBytes::Include(value) => (value, true),
        };
        Some(ContextField {
            name: field.path.name(),
            value,
            included,
        })
    })
}

/// The part of the encryption context that follows from a stored item.
pub(super) fn rebuild_context(
    schema: &ItemSchema,
    version: Version,
    fields: &[StoredField<'_>],
) -> Result<Entries, InvalidAttribute> {
    let signed = fields
        .iter()
        .filter(|field| field.legend != LegendByte::EncryptAndSign);
    let signed = signed.map(|field| ContextField {
        name: field.path.name(),
        value: &field.stored,
        included: field.legend == LegendByte::SignAndInclude,
    });
    context::rebuild(schema, version, signed)
}

fn decrypt_values(
    verified: &Verified<'_>,
    attributes: &Attributes,
) -> Result<Vec<(usize, AttributeValue)>, OpenError> {
    let values = verified.decrypt_fields()?.into_iter().map(|field| {
        let name = attributes
            .signed()
            .get(field.index)
            .map_or("", |(name, _)| name);
        let value = decode(field.type_id, field.bytes);
        value
            .map(|value| (field.index, value))
            .map_err(|cause| InvalidAttribute::new(name, AttributeIssue::Value(cause)).into())
    });
    values.collect()
}

fn put_together(
    mut attributes: Attributes,
    encrypted: Vec<Option<AttributeValue>>,
    parts: SealedParts,
) -> Item {
    for (index, value) in encrypted.into_iter().enumerate() {
        if let Some(value) = value {
            attributes.replace(index, value);
        }
    }
    let mut item = attributes.into_item();
    item.insert(
        HEADER_ATTRIBUTE.to_owned(),
        AttributeValue::B(Blob::new(parts.header)),
    );
    item.insert(
        FOOTER_ATTRIBUTE.to_owned(),
        AttributeValue::B(Blob::new(parts.footer)),
    );
    item
}

#[cfg(test)]
mod tests;

//! Statements for keyrings whose requests have the context of something other than items: of table
//! keys, and of the records of a key store.

use super::super::tries::OF_EACH_RECORD;
use super::{Needs, of_context, word};
use crate::context::TABLE_NAME;
use crate::json::{Json, iam_literal};
use crate::key_store::names;
use crate::keyring::table_key_context::{PURPOSE, TABLE_KEY_ID, TABLE_KEY_PURPOSE, TENANT};
use crate::keyring::{DiscoveryFilter, KeyStoreUse, KmsContext, KmsKeyUse};
use crate::kms::KmsKeyArn;

const CONTEXT_KEYS: &str = "kms:EncryptionContextKeys";

impl Needs<'_> {
    /// One key of KMS for the table keys of this table and no other.
    pub(super) fn table_keys(
        &self,
        number: usize,
        key: &KmsKeyUse,
        has_tenant: bool,
    ) -> Option<Json> {
        let seals = self.powers.seals && key.can_encrypt();
        let actions = [
            self.powers.opens.then_some("kms:Decrypt"),
            seals.then_some("kms:GenerateDataKey"),
        ];
        let actions: Vec<_> = actions.into_iter().flatten().collect();
        let values = Json::Object(vec![
            (
                of_context(TABLE_NAME),
                Json::text(iam_literal(self.logical_table_name)),
            ),
            (of_context(PURPOSE), Json::text(TABLE_KEY_PURPOSE)),
        ]);
        let keys = [TABLE_NAME, PURPOSE, TABLE_KEY_ID];
        let keys = keys.into_iter().chain(has_tenant.then_some(TENANT));
        let keys = Json::Object(vec![(CONTEXT_KEYS.to_owned(), Json::texts(keys))]);
        let mut condition = vec![
            ("StringEquals".to_owned(), values),
            ("ForAllValues:StringEquals".to_owned(), keys),
        ];
        if has_tenant {
            let present = vec![(of_context(TENANT), Json::text("false"))];
            condition.push(("Null".to_owned(), Json::Object(present)));
        }
        let sid = format!("{}{number}TableKeys", word(key.keyring()));
        (!actions.is_empty()).then(|| self.allow(sid, actions, key, condition))
    }

    /// One key of KMS for the branch keys of a key store, of the records that are read alone: that of
    /// beacons is not among them.
    pub(super) fn branch_keys(
        &self,
        number: usize,
        key: &KmsKeyUse,
        logical_name: &str,
        branch_key_id: Option<&str>,
    ) -> Option<Json> {
        let seals = self.powers.seals && key.can_encrypt();
        let any_version = format!("{}*", names::VERSION_PREFIX);
        let records = [
            seals.then_some(names::ACTIVE),
            self.powers.opens.then_some(&any_version),
        ];
        let records: Vec<_> = records.into_iter().flatten().collect();
        if records.is_empty() {
            return None;
        }
        let id = branch_key_id.map(|id| (names::ID, id));
        let store = [(names::TABLE_NAME, logical_name)].into_iter().chain(id);
        let store = store.map(|(key, value)| (of_context(key), Json::text(iam_literal(value))));
        let records = vec![(of_context(names::TYPE), Json::texts(records))];
        let custom = format!("{}*", names::CUSTOM_PREFIX);
        let keys = [names::TABLE_NAME, names::ID, names::TYPE].into_iter();
        let keys = keys
            .chain(OF_EACH_RECORD)
            .chain(seals.then_some(names::VERSION));
        let keys = Json::texts(keys.chain([&*custom]));
        let keys = vec![(CONTEXT_KEYS.to_owned(), keys)];
        let condition = vec![
            ("StringEquals".to_owned(), Json::Object(store.collect())),
            ("StringLike".to_owned(), Json::Object(records)),
            ("ForAllValues:StringLike".to_owned(), Json::Object(keys)),
        ];
        let sid = format!("{}{number}KeyStore", word(key.keyring()));
        Some(self.allow(sid, vec!["kms:Decrypt"], key, condition))
    }

    fn allow(
        &self,
        sid: String,
        actions: Vec<&str>,
        key: &KmsKeyUse,
        condition: Vec<(String, Json)>,
    ) -> Json {
        Json::object([
            ("Sid", Json::text(sid)),
            ("Effect", Json::text("Allow")),
            ("Action", Json::texts(actions)),
            ("Resource", Json::texts(self.resources(key))),
            ("Condition", Json::Object(condition)),
        ])
    }

    /// Reading the records of a key store one by one, for sealing as for opening. Who could write them
    /// could destroy or roll back keys, and who could list them would learn of all tenants.
    pub(super) fn read_key_store(&self, number: usize, store: &KeyStoreUse) -> Json {
        let (partition, name) = (self.partition_of(store), iam_literal(store.table_name()));
        // Whose account it is, nobody has said. It is no one else's, unless they allow it there, too.
        let arn = |region| format!("arn:{partition}:dynamodb:{region}:*:table/{name}");
        Json::object([
            ("Sid", Json::text(format!("ReadKeyStore{number}"))),
            ("Effect", Json::text("Allow")),
            ("Action", Json::texts(["dynamodb:GetItem"])),
            ("Resource", Json::texts(store.regions().map(arn))),
        ])
    }

    /// The partition of AWS that the keys of a key store are in.
    fn partition_of(&self, store: &KeyStoreUse) -> String {
        let of_store = |key: &&KmsKeyUse| matches!(key.context(), KmsContext::KeyStore { logical_name, .. } if logical_name == store.logical_name());
        let mut keys = self.keys.iter().filter(of_store);
        let partition = keys.find_map(|key| {
            let of_filter = key.discovery_filter().map(DiscoveryFilter::partition);
            let of_key = key.key_arn().and_then(|arn| KmsKeyArn::parse(&arn).ok());
            of_filter
                .map(str::to_owned)
                .or_else(|| of_key.map(|arn| arn.partition().to_owned()))
        });
        partition.unwrap_or_else(|| "aws".to_owned())
    }
}

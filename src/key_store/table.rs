//! The table of a key store.

use std::time::Duration;

use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::create_table::builders::CreateTableInputBuilder;
use aws_sdk_dynamodb::operation::create_table::{CreateTableError, CreateTableInput};
use aws_sdk_dynamodb::operation::describe_table::{DescribeTableError, DescribeTableInput};
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType,
    TableDescription, TableStatus,
};

use super::call::{Patience, ask};
use super::names::{ID, TYPE};
use super::{KeyStore, KeyStoreError, KeyStoreErrorKind};
use crate::error::BoxError;
use crate::region::Member;

/// How often, and after how long, a table that is being created is looked at again: five minutes.
const LOOKS: usize = 150;
const BETWEEN_LOOKS: Duration = Duration::from_secs(2);

const KEYS: [(&str, KeyType); 2] = [(ID, KeyType::Hash), (TYPE, KeyType::Range)];

impl KeyStore {
    /// Creates the table in the home region, unless it is there, waits until it can be used, and answers its
    /// ARN.
    ///
    /// It is paid per request, and has neither replicas nor deletion protection nor backups: as DB-ESDK
    /// creates it. Whoever deletes from it makes items unreadable, so add them.
    ///
    /// # Errors
    ///
    /// [`KeyStoreError`]: [`WrongTable`](KeyStoreErrorKind::WrongTable) if a table of this name has other
    /// keys, and whatever DynamoDB says.
    pub async fn create_key_store(&self) -> Result<String, KeyStoreError> {
        Box::pin(self.create_table()).await
    }

    async fn create_table(&self) -> Result<String, KeyStoreError> {
        let home = self.home_member()?;
        let mut found = self.describe(home).await?;
        if found.is_none() {
            self.create(home).await?;
        }
        for _ in 0..LOOKS {
            if let Some(table) = &found {
                check_keys(home, table)?;
                match table.table_status() {
                    Some(TableStatus::Creating) => {}
                    _ => return arn(home, table),
                }
            }
            home.wait(BETWEEN_LOOKS).await;
            found = self.describe(home).await?;
        }
        Err(wrong(
            home,
            KeyStoreErrorKind::Unavailable,
            "the table is still being created",
        ))
    }

    async fn describe(&self, home: &Member) -> Result<Option<TableDescription>, KeyStoreError> {
        let request = DescribeTableInput::builder().table_name(&self.0.table_name);
        match ask(home, &request, Patience::Retries).await {
            Ok(described) => Ok(described.table),
            Err(error) => {
                let sdk = error.sdk::<SdkError<DescribeTableError>>();
                let sdk = sdk.and_then(SdkError::as_service_error);
                match sdk.is_some_and(DescribeTableError::is_resource_not_found_exception) {
                    true => Ok(None),
                    false => Err(error),
                }
            }
        }
    }

    async fn create(&self, home: &Member) -> Result<(), KeyStoreError> {
        let request = request(&self.0.table_name);
        let request = request.map_err(|e| wrong(home, KeyStoreErrorKind::Caller, e))?;
        let created = ask(home, &request, Patience::Retries).await;
        created.map(drop).or_else(|error| {
            let sdk = error.sdk::<SdkError<CreateTableError>>();
            let sdk = sdk.and_then(SdkError::as_service_error);
            // Somebody else creates it, or an answer of ours was lost.
            match sdk.is_some_and(CreateTableError::is_resource_in_use_exception) {
                true => Ok(()),
                false => Err(error),
            }
        })
    }
}

fn request(table: &str) -> Result<CreateTableInputBuilder, BoxError> {
    let mut request = CreateTableInput::builder()
        .table_name(table)
        .billing_mode(BillingMode::PayPerRequest);
    for (name, kind) in KEYS {
        let key = KeySchemaElement::builder().attribute_name(name);
        let attribute = AttributeDefinition::builder().attribute_name(name);
        let attribute = attribute.attribute_type(ScalarAttributeType::S);
        request = request
            .key_schema(key.key_type(kind).build()?)
            .attribute_definitions(attribute.build()?);
    }
    Ok(request)
}

fn check_keys(home: &Member, table: &TableDescription) -> Result<(), KeyStoreError> {
    let keys = table.key_schema().iter();
    let keys = keys.map(|key| (key.attribute_name(), key.key_type().clone()));
    let is_string = |name: &str| {
        let mut attributes = table.attribute_definitions().iter();
        let attribute = attributes.find(|attribute| attribute.attribute_name() == name);
        attribute.is_some_and(|found| *found.attribute_type() == ScalarAttributeType::S)
    };
    if keys.eq(KEYS) && KEYS.iter().all(|(name, _)| is_string(name)) {
        return Ok(());
    }
    let problem = "the keys of the table are not `branch-key-id` and `type`, both strings";
    Err(wrong(home, KeyStoreErrorKind::WrongTable, problem))
}

fn arn(home: &Member, table: &TableDescription) -> Result<String, KeyStoreError> {
    let arn = table.table_arn().map(str::to_owned);
    arn.ok_or_else(|| wrong(home, KeyStoreErrorKind::Caller, "the table has no ARN"))
}

fn wrong(home: &Member, kind: KeyStoreErrorKind, problem: impl Into<BoxError>) -> KeyStoreError {
    let error = KeyStoreError::new(kind).in_region(home.region());
    error.with_source(problem)
}

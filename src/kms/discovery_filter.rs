//! Which keys may be asked for that only an item, or a record, names.

use std::collections::BTreeSet;

use super::KmsKeyArn;
use crate::error::ConfigError;

/// The keys that discovery may ask for: those of one partition and a set of accounts.
///
/// Without it, whoever can write to the table could make a reader use, and trust, a key of his own
/// account. So it cannot be empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DiscoveryFilter {
    partition: String,
    accounts: BTreeSet<String>,
}

impl DiscoveryFilter {
    /// A filter that admits the keys of `accounts` in `partition`, such as `aws`.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] without an account, for an account id that is not 12 digits, and for a
    /// partition that is neither `aws` nor begins with `aws-`.
    ///
    /// ```
    /// use dynaseal::keyring::DiscoveryFilter;
    /// assert!(DiscoveryFilter::new("aws", ["111122223333"]).is_ok());
    /// assert!(DiscoveryFilter::new("aws", [""; 0]).is_err());
    /// ```
    pub fn new(
        partition: impl Into<String>,
        accounts: impl IntoIterator<Item = impl Into<String>>,
    ) -> Result<Self, ConfigError> {
        let partition = partition.into();
        if partition != "aws" && !partition.starts_with("aws-") {
            return Err(ConfigError::new(format!(
                "{partition:?} is not a partition such as \"aws\""
            )));
        }
        let accounts: BTreeSet<String> = accounts.into_iter().map(Into::into).collect();
        if accounts.is_empty() {
            return Err(ConfigError::new(
                "a discovery filter needs at least one account id",
            ));
        }
        if let Some(account) = accounts.iter().find(|account| !is_account_id(account)) {
            return Err(ConfigError::new(format!(
                "{account:?} is not an account id of 12 digits"
            )));
        }
        Ok(Self {
            partition,
            accounts,
        })
    }

    /// The partition, such as `aws`.
    #[must_use]
    pub fn partition(&self) -> &str {
        &self.partition
    }

    /// The account ids, sorted.
    pub fn accounts(&self) -> impl Iterator<Item = &str> {
        self.accounts.iter().map(String::as_str)
    }

    pub(crate) fn admits(&self, key: &KmsKeyArn) -> bool {
        key.partition() == self.partition && self.accounts.contains(key.account())
    }
}

fn is_account_id(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}

//! Starts that refuse to begin with a region, or a key, that is not there.

use std::error::Error;
use std::fmt;

use super::Report;
use crate::error::ConfigError;
use crate::item::Model;
use crate::table::{SealedTable, SealedTableBuilder};

impl<T: Model> SealedTableBuilder<T> {
    /// Builds the table, and refuses to if a region of the set has no replica of it, or of a key of its
    /// keyring, that this principal can use for sealing and opening.
    ///
    /// The strict way to start: what a fallback needs is known to be there before it is needed. A region
    /// that does not answer has nothing that can be used, so **nothing starts like this while a region of
    /// the set is down**; where that is worse, [`build`](Self::build) and let the
    /// [doctor](SealedTable::doctor) report. For a handle, see
    /// [`Report::has_usable_replicas`].
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use dynaseal::testkit::{Cloud, KeyType, TableDefinition};
    /// # use dynaseal::{KmsMrkKeyring, RegionSet, Seal, SealedTable};
    /// # use serde::{Deserialize, Serialize};
    /// # #[derive(Serialize, Deserialize, Seal)]
    /// # #[seal(table = "reports", default = "encrypt")]
    /// # struct Report { #[seal(partition_key)] id: String, text: String }
    /// # let cloud = Cloud::start(["us-east-1", "eu-west-1"]).await?;
    /// # let definition = TableDefinition::new("reports").partition_key("id", KeyType::S);
    /// # cloud.create_global_table(&definition).await?;
    /// # let config = cloud.sdk_config("us-east-1");
    /// use dynaseal::table::StartError;
    ///
    /// let regions = RegionSet::builder(&config).local("us-east-1").fallback("eu-west-1").build()?;
    /// let key = cloud.create_multi_region_key("us-east-1", [""; 0]).await?; // no replica in eu-west-1
    /// let keyring = KmsMrkKeyring::new(key.arn("us-east-1"), &regions)?;
    ///
    /// let started = SealedTable::<Report>::builder("reports", keyring, &regions).build_checked().await;
    /// let Err(StartError::Unhealthy(report)) = started else { panic!("it started") };
    /// assert!(report.to_string().contains("no such key in this region"));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`StartError::Config`] for whatever [`build`](Self::build) refuses, [`StartError::Unhealthy`] with
    /// what the doctor found.
    pub async fn build_checked(self) -> Result<SealedTable<T>, StartError> {
        let table = self.build()?;
        let report = table.doctor().run().await;
        if report.has_usable_replicas() {
            Ok(table)
        } else {
            Err(StartError::Unhealthy(Box::new(report)))
        }
    }
}

/// Why a table did not start.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq)]
pub enum StartError {
    /// The configuration cannot work.
    Config(ConfigError),
    /// A region of the set has no replica, of table or key, that can be used.
    Unhealthy(Box<Report>),
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Config(_) => f.write_str("table is not configured right"),
            Self::Unhealthy(report) => {
                f.write_str("a region of the set has no usable replica")?;
                // One line: the whole report is in the variant.
                match report.findings().first() {
                    Some(worst) => write!(
                        f,
                        ": {} in {}",
                        worst.check(),
                        worst.region().unwrap_or("all regions")
                    ),
                    None => Ok(()),
                }
            }
        }
    }
}

impl Error for StartError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Config(error) => Some(error),
            Self::Unhealthy(_) => None,
        }
    }
}

impl From<ConfigError> for StartError {
    fn from(error: ConfigError) -> Self {
        Self::Config(error)
    }
}

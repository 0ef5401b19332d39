//! The name of a table, out of what the caller gave: the name, or the table's ARN.

use crate::error::ConfigError;
use crate::region::{RegionSet, partition_of};

/// The name that requests carry.
///
/// An ARN names the same table as the name in it, and must not be a way around sealing. With several
/// regions it stands for the replica in each. So its region must be one of the set's; it does not say
/// which one is asked. Its account is not looked at: requests go to the account of the credentials.
pub(super) fn resolve(given: &str, regions: &RegionSet) -> Result<String, ConfigError> {
    let name = if given.contains(':') {
        name_of_arn(given, regions)?
    } else {
        given
    };
    if is_table_name(name) {
        return Ok(name.to_owned());
    }
    Err(refuse(
        given,
        "a table name has 3 to 255 letters, digits, `_`, `-` and `.`",
    ))
}

fn name_of_arn<'a>(given: &'a str, regions: &RegionSet) -> Result<&'a str, ConfigError> {
    let mut parts = given.splitn(6, ':');
    let mut part = || parts.next().unwrap_or_default();
    let [arn, partition, service, region, account, resource] = [(); 6].map(|()| part());
    let name = resource.strip_prefix("table/");
    let is_account = account.len() == 12 && account.bytes().all(|b| b.is_ascii_digit());
    let (Some(name), true) = (name, arn == "arn" && service == "dynamodb" && is_account) else {
        return Err(refuse(
            given,
            "a table ARN is `arn:<partition>:dynamodb:<region>:<account>:table/<name>`",
        ));
    };
    if name.contains('/') {
        return Err(refuse(
            given,
            "it names an index, a stream, a backup or an export; give the ARN of the table",
        ));
    }
    if partition != partition_of(region) || !regions.regions().any(|own| own == region) {
        return Err(refuse(
            given,
            "its region is none of the region set, where a table of this name is another table",
        ));
    }
    Ok(name)
}

fn is_table_name(name: &str) -> bool {
    let is_allowed = |b: u8| b.is_ascii_alphanumeric() || b"_-.".contains(&b);
    (3..=255).contains(&name.len()) && name.bytes().all(is_allowed)
}

fn refuse(given: &str, why: &str) -> ConfigError {
    ConfigError::new(format!("`{}` is no table: {why}", given.escape_debug()))
}

#[cfg(test)]
mod tests {
    use aws_sdk_dynamodb::config::{BehaviorVersion, Region};

    use super::*;

    /// A client that is never asked anything.
    fn regions(names: [&'static str; 2]) -> RegionSet {
        let clients = names.map(|name| {
            let dynamodb = aws_sdk_dynamodb::Config::builder()
                .behavior_version(BehaviorVersion::latest())
                .region(Region::new(name));
            let kms = aws_sdk_kms::Config::builder()
                .behavior_version(BehaviorVersion::latest())
                .region(Region::new(name));
            (
                aws_sdk_dynamodb::Client::from_conf(dynamodb.build()),
                aws_sdk_kms::Client::from_conf(kms.build()),
            )
        });
        let [(dynamodb, kms), (other_dynamodb, other_kms)] = clients;
        RegionSet::from_clients(names[0], dynamodb, kms)
            .fallback(names[1], other_dynamodb, other_kms)
            .build()
            .unwrap()
    }

    #[test]
    fn resolves_names_and_arns_to_the_same_table() {
        let regions = regions(["eu-west-1", "us-east-1"]);
        for given in [
            "customers",
            "arn:aws:dynamodb:eu-west-1:111122223333:table/customers",
            "arn:aws:dynamodb:us-east-1:111122223333:table/customers",
        ] {
            assert_eq!(resolve(given, &regions).unwrap(), "customers");
        }
        let longest = "x".repeat(255);
        assert_eq!(resolve(&longest, &regions).unwrap(), longest);
        assert_eq!(resolve("a_-.Z9", &regions).unwrap(), "a_-.Z9");
    }

    #[test]
    fn knows_the_partition_of_each_region() {
        let regions = regions(["cn-north-1", "cn-northwest-1"]);
        let arn = "arn:aws-cn:dynamodb:cn-north-1:111122223333:table/customers";
        assert_eq!(resolve(arn, &regions).unwrap(), "customers");
        let arn = arn.replace("aws-cn", "aws");
        assert!(resolve(&arn, &regions).is_err());
    }

    #[test]
    fn refuses_whatever_is_not_understood() {
        let regions = regions(["eu-west-1", "us-east-1"]);
        let region = "its region is none of the region set";
        let form = "a table ARN is";
        let part = "it names an index, a stream, a backup or an export";
        let name = "a table name has 3 to 255";
        for (given, why) in [
            ("", name),
            ("ab", name),
            ("a b c", name),
            ("table/customers", name),
            ("customers\n", name),
            ("customers/index/x", name),
            ("cüstomers", name),
            (&"x".repeat(256), name),
            ("arn:aws:dynamodb:eu-west-1:111122223333:table/", name),
            ("arn:aws:dynamodb:eu-west-1:111122223333:table/a b c", name),
            ("arn:aws:dynamodb:eu-west-1:111122223333:table/a:b", name),
            (
                "arn:aws:dynamodb:eu-west-1:111122223333:table/t1/index/by-plan",
                part,
            ),
            (
                "arn:aws:dynamodb:eu-west-1:111122223333:table/t1/stream/2026-01-01T00:00:00.000",
                part,
            ),
            (
                "arn:aws:dynamodb:eu-west-1:111122223333:table/t1/backup/0123",
                part,
            ),
            (
                "arn:aws:dynamodb:eu-west-1:111122223333:table/t1/export/0123",
                part,
            ),
            (
                "arn:aws:dynamodb:ap-south-1:111122223333:table/customers",
                region,
            ),
            (
                "arn:aws-cn:dynamodb:eu-west-1:111122223333:table/customers",
                region,
            ),
            ("arn:aws:dynamodb::111122223333:table/customers", region),
            (
                "arn:aws:dynamodb::111122223333:global-table/customers",
                form,
            ),
            (
                "arn:aws:dynamodb:eu-west-1:111122223333:Table/customers",
                form,
            ),
            ("arn:aws:dynamodb:eu-west-1:1:table/customers", form),
            ("arn:aws:dynamodb:eu-west-1::table/customers", form),
            (
                "arn:aws:dynamodbstreams:eu-west-1:111122223333:table/customers",
                form,
            ),
            (
                "ARN:aws:dynamodb:eu-west-1:111122223333:table/customers",
                form,
            ),
            (
                " arn:aws:dynamodb:eu-west-1:111122223333:table/customers",
                form,
            ),
            ("arn:aws:s3:::customers", form),
            ("arn:", form),
            ("customers:table", form),
        ] {
            let error = resolve(given, &regions).expect_err(given).to_string();
            assert!(error.contains(why), "{given}: {error}");
        }
    }
}

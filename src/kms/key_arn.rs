//! Key ARNs: parsing, and when two name replicas of one multi-Region key.

use std::fmt;

use crate::error::ConfigError;

/// `arn:<partition>:kms:<region>:<account>:key/<id>`, in its parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct KmsKeyArn {
    partition: String,
    region: String,
    account: String,
    key_id: String,
}

/// Why a text is not a key ARN.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotAKeyArn {
    /// An alias, as ARN or as name. It can be pointed at another key at any time.
    Alias,
    /// A key id alone, which says neither account nor region.
    BareKeyId,
    Malformed,
}

impl KmsKeyArn {
    const MAX_LEN: usize = 2048;

    pub(crate) fn parse(text: &str) -> Result<Self, NotAKeyArn> {
        // Printable only: an ARN out of an item is an attacker's text, and errors print it.
        if text.len() > Self::MAX_LEN || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(NotAKeyArn::Malformed);
        }
        let mut parts = text.split(':');
        let mut next = || parts.next().filter(|part| !part.is_empty());
        let fields = (next(), next(), next(), next(), next(), next(), parts.next());
        let (
            Some("arn"),
            Some(partition),
            Some("kms"),
            Some(region),
            Some(account),
            Some(resource),
            None,
        ) = fields
        else {
            return Err(Self::without_arn(text));
        };
        match resource.split_once('/') {
            Some(("key", key_id)) if !key_id.is_empty() => Ok(Self {
                partition: partition.to_owned(),
                region: region.to_owned(),
                account: account.to_owned(),
                key_id: key_id.to_owned(),
            }),
            Some(("alias", name)) if !name.is_empty() => Err(NotAKeyArn::Alias),
            _ => Err(NotAKeyArn::Malformed),
        }
    }

    fn without_arn(text: &str) -> NotAKeyArn {
        if text.starts_with("alias/") {
            NotAKeyArn::Alias
        } else if text.is_empty() || text.contains([':', '/']) {
            NotAKeyArn::Malformed
        } else {
            NotAKeyArn::BareKeyId
        }
    }

    /// Parses an ARN out of a configuration, with an error that says what to write instead.
    pub(crate) fn configured(text: &str) -> Result<Self, ConfigError> {
        Self::parse(text).map_err(|problem| {
            let reason = match problem {
                NotAKeyArn::Alias => {
                    "is an alias, which can be pointed at another key: use the key ARN"
                }
                NotAKeyArn::BareKeyId => "is a key id without account and region: use the key ARN",
                NotAKeyArn::Malformed => {
                    "is not a key ARN such as \"arn:aws:kms:eu-west-1:111122223333:key/mrk-…\""
                }
            };
            ConfigError::new(format!("{text:?} {reason}"))
        })
    }

    pub(crate) fn partition(&self) -> &str {
        &self.partition
    }

    pub(crate) fn region(&self) -> &str {
        &self.region
    }

    pub(crate) fn account(&self) -> &str {
        &self.account
    }

    pub(crate) fn is_mrk(&self) -> bool {
        self.key_id.starts_with("mrk-")
    }

    /// The same key in another region; means something for a multi-Region key only.
    pub(crate) fn in_region(&self, region: &str) -> Self {
        Self {
            region: region.to_owned(),
            ..self.clone()
        }
    }

    /// MPL, "AWS KMS MRK match for decrypt": equal, or the same multi-Region key whatever the region.
    pub(crate) fn matches(&self, other: &Self) -> bool {
        let same_key = self.partition == other.partition
            && self.account == other.account
            && self.key_id == other.key_id;
        same_key && (self.region == other.region || self.is_mrk())
    }
}

impl fmt::Display for KmsKeyArn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            partition,
            region,
            account,
            key_id,
        } = self;
        write!(f, "arn:{partition}:kms:{region}:{account}:key/{key_id}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MRK: &str = "arn:aws:kms:us-east-1:111122223333:key/mrk-1234";

    #[test]
    fn parses_key_arns_and_writes_them_back() {
        for text in [
            MRK,
            "arn:aws-cn:kms:cn-north-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab",
        ] {
            assert_eq!(KmsKeyArn::parse(text).unwrap().to_string(), text);
        }
        let arn = KmsKeyArn::parse(MRK).unwrap();
        assert_eq!(arn.partition(), "aws");
        assert_eq!(arn.region(), "us-east-1");
        assert_eq!(arn.account(), "111122223333");
        assert!(arn.is_mrk());
    }

    #[test]
    fn refuses_everything_that_is_no_key_arn() {
        let long = format!(
            "arn:aws:kms:us-east-1:111122223333:key/{}",
            "a".repeat(2048)
        );
        let table = [
            ("alias/app", NotAKeyArn::Alias),
            (
                "arn:aws:kms:us-east-1:111122223333:alias/app",
                NotAKeyArn::Alias,
            ),
            ("mrk-1234", NotAKeyArn::BareKeyId),
            ("", NotAKeyArn::Malformed),
            ("key/mrk-1234", NotAKeyArn::Malformed),
            (
                "arn:aws:kms:us-east-1:111122223333:key/",
                NotAKeyArn::Malformed,
            ),
            (
                "arn:aws:kms:us-east-1:111122223333:key",
                NotAKeyArn::Malformed,
            ),
            (
                "arn:aws:kms:us-east-1:111122223333:grant/1",
                NotAKeyArn::Malformed,
            ),
            (
                "arn:aws:kms:us-east-1:111122223333:key/a:b",
                NotAKeyArn::Malformed,
            ),
            ("arn:aws:kms::111122223333:key/1", NotAKeyArn::Malformed),
            ("arn:aws:kms:us-east-1::key/1", NotAKeyArn::Malformed),
            (
                "arn::kms:us-east-1:111122223333:key/1",
                NotAKeyArn::Malformed,
            ),
            (
                "arn:aws:s3:us-east-1:111122223333:key/1",
                NotAKeyArn::Malformed,
            ),
            (
                "Arn:aws:kms:us-east-1:111122223333:key/1",
                NotAKeyArn::Malformed,
            ),
            (
                "arn:aws:kms:us-east-1:111122223333:key/1\n2",
                NotAKeyArn::Malformed,
            ),
            (
                "arn:aws:kms:us-east-1:111122223333:key/é",
                NotAKeyArn::Malformed,
            ),
            (&long, NotAKeyArn::Malformed),
        ];
        for (text, problem) in table {
            assert_eq!(KmsKeyArn::parse(text), Err(problem), "{text}");
        }
    }

    #[test]
    fn matches_replicas_of_one_key_and_nothing_else() {
        let matches = |a: &str, b: &str| {
            let [a, b] = [a, b].map(|text| KmsKeyArn::parse(text).unwrap());
            assert_eq!(a.matches(&b), b.matches(&a));
            a.matches(&b)
        };
        assert!(matches(MRK, &MRK.replace("us-east-1", "eu-west-1")));
        assert!(!matches(MRK, &MRK.replace("1111", "9999")));
        assert!(!matches(MRK, &MRK.replace("mrk-1234", "mrk-1235")));
        assert!(!matches(MRK, &MRK.replace("arn:aws:", "arn:aws-cn:")));
        let single = MRK.replace("mrk-", "");
        assert!(matches(&single, &single));
        assert!(!matches(&single, &single.replace("us-east-1", "eu-west-1")));
        assert!(!matches(MRK, &single));
    }

    #[test]
    fn says_to_use_the_key_arn_instead_of_an_alias() {
        for alias in ["alias/app", "arn:aws:kms:us-east-1:111122223333:alias/app"] {
            let error = KmsKeyArn::configured(alias).unwrap_err().to_string();
            assert!(error.contains("use the key ARN"), "{error}");
        }
    }
}

//! What the doctor found.

use std::fmt;

use serde::Serialize;
use serde::ser::{SerializeStruct as _, Serializer};

use super::policy::IamPolicy;
use crate::error::FaultClass;

/// How bad a finding is, from good to bad.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// As it should be.
    Ok,
    /// Worth knowing.
    Info,
    /// It works, but not as well or not as safely as it could; or nobody could tell.
    Warning,
    /// It does not work, or does not protect.
    Error,
}

impl Severity {
    /// The severity in a word: `ok`, `info`, `warning`, `error`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// One thing that was looked at, and what it was like.
///
/// It names tables, regions, key ARNs and attributes; never a key value, an attribute value, or a
/// value of the encryption context.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    severity: Severity,
    check: &'static str,
    region: Option<String>,
    key_arn: Option<String>,
    table: Option<String>,
    #[serde(serialize_with = "fault_as_word")]
    fault: Option<FaultClass>,
    message: String,
}

impl Finding {
    pub(super) fn new(severity: Severity, check: &'static str, message: impl Into<String>) -> Self {
        Self {
            severity,
            check,
            region: None,
            key_arn: None,
            table: None,
            fault: None,
            message: message.into(),
        }
    }

    pub(super) fn in_region(mut self, region: &str) -> Self {
        self.region = Some(region.to_owned());
        self
    }

    pub(super) fn of_key(mut self, key_arn: impl Into<String>) -> Self {
        self.key_arn = Some(key_arn.into());
        self
    }

    pub(super) fn of_table(mut self, table: &str) -> Self {
        self.table = Some(table.to_owned());
        self
    }

    pub(super) fn failed(mut self, fault: FaultClass) -> Self {
        self.fault = Some(fault);
        self
    }

    /// How bad it is.
    #[must_use]
    pub fn severity(&self) -> Severity {
        self.severity
    }

    /// Which check it is of, such as `key-state`; see [`Doctor`](super::Doctor) for the list. Later
    /// releases add checks and rename none.
    #[must_use]
    pub fn check(&self) -> &'static str {
        self.check
    }

    /// The region, if it is of one.
    #[must_use]
    pub fn region(&self) -> Option<&str> {
        self.region.as_deref()
    }

    /// The key ARN that was asked for, if it is of a key.
    #[must_use]
    pub fn key_arn(&self) -> Option<&str> {
        self.key_arn.as_deref()
    }

    /// The name of the table, if it is of the table.
    #[must_use]
    pub fn table(&self) -> Option<&str> {
        self.table.as_deref()
    }

    /// How the call failed, if one did.
    #[must_use]
    pub fn fault(&self) -> Option<FaultClass> {
        self.fault
    }

    /// What was found, and what to do about it.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The shortest name of what it is about, beside its region.
    fn subject(&self) -> &str {
        let key = self.key_arn.as_deref();
        let key = key.map(|arn| arn.rsplit('/').next().unwrap_or(arn));
        key.or(self.table.as_deref()).unwrap_or("-")
    }
}

fn fault_as_word<S: Serializer>(
    fault: &Option<FaultClass>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    fault.map(FaultClass::as_str).serialize(serializer)
}

/// Everything that a [`Doctor`](super::Doctor) found, worst first.
///
/// `Display` is a table with aligned columns, serde writes the same with all details. Neither holds
/// the value of a sample.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    table: String,
    logical_table_name: String,
    regions: Vec<String>,
    findings: Vec<Finding>,
    iam_policy: IamPolicy,
}

impl Report {
    pub(super) fn new(
        table: &str,
        logical_table_name: &str,
        regions: Vec<String>,
        mut findings: Vec<Finding>,
        iam_policy: IamPolicy,
    ) -> Self {
        findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
        Self {
            table: table.to_owned(),
            logical_table_name: logical_table_name.to_owned(),
            regions,
            findings,
            iam_policy,
        }
    }

    /// All findings, worst first; those of one severity in the order of the checks.
    #[must_use]
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// The severity of the worst finding.
    #[must_use]
    pub fn worst(&self) -> Severity {
        let worst = self.findings.iter().map(Finding::severity).max();
        worst.unwrap_or(Severity::Ok)
    }

    /// Whether nothing is an [error](Severity::Error).
    #[must_use]
    pub fn is_healthy(&self) -> bool {
        self.worst() < Severity::Error
    }

    /// Whether every region of the set has a replica of the table, of each key store and of each key that this
    /// principal can use: no error of a check that is about that.
    #[must_use]
    pub fn has_usable_replicas(&self) -> bool {
        let unusable = |finding: &&Finding| {
            finding.severity == Severity::Error
                && super::check::OF_REPLICAS.contains(&finding.check)
        };
        !self.findings.iter().any(|finding| unusable(&finding))
    }

    /// The policy that the principal needs; see [`Doctor::iam_policy`](super::Doctor::iam_policy).
    #[must_use]
    pub fn iam_policy(&self) -> &IamPolicy {
        &self.iam_policy
    }

    fn count(&self, severity: Severity) -> usize {
        let findings = self.findings.iter();
        findings
            .filter(|finding| finding.severity == severity)
            .count()
    }
}

impl Serialize for Report {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut report = serializer.serialize_struct("Report", 7)?;
        report.serialize_field("table", &self.table)?;
        report.serialize_field("logical_table_name", &self.logical_table_name)?;
        report.serialize_field("regions", &self.regions)?;
        report.serialize_field("worst", &self.worst())?;
        report.serialize_field("healthy", &self.is_healthy())?;
        report.serialize_field("findings", &self.findings)?;
        report.serialize_field("iam_policy", &self.iam_policy)?;
        report.end()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (errors, warnings) = (self.count(Severity::Error), self.count(Severity::Warning));
        let regions = self.regions.join(", ");
        writeln!(
            f,
            "table {} in {regions}: {errors} errors, {warnings} warnings",
            self.table
        )?;
        let heads = ["severity", "check", "region", "subject"];
        let rows = self.findings.iter().map(|finding| {
            let region = finding.region().unwrap_or("-");
            [
                finding.severity.as_str(),
                finding.check,
                region,
                finding.subject(),
            ]
        });
        let widths = rows.clone().fold(heads.map(str::len), |widths, row| {
            let [a, b, c, d] = widths;
            let [e, g, h, i] = row.map(|cell| cell.chars().count());
            [a.max(e), b.max(g), c.max(h), d.max(i)]
        });
        let mut line = |cells: [&str; 4], message: &str| {
            let ([a, b, c, d], [w, x, y, z]) = (cells, widths);
            write!(f, "\n{a:w$}  {b:x$}  {c:y$}  {d:z$}  {message}")
        };
        line(heads, "finding")?;
        let mut messages = self.findings.iter().map(Finding::message);
        for row in rows {
            line(row, messages.next().unwrap_or_default())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(findings: Vec<Finding>) -> Report {
        let regions = vec!["eu-west-1".to_owned(), "us-east-1".to_owned()];
        Report::new("t-prod", "t", regions, findings, IamPolicy::default())
    }

    fn findings() -> Vec<Finding> {
        let key = "arn:aws:kms:us-east-1:111122223333:key/mrk-12";
        vec![
            Finding::new(Severity::Ok, "region-set", "two regions"),
            Finding::new(Severity::Warning, "key-exists", "who knows")
                .of_key(key)
                .in_region("us-east-1")
                .failed(FaultClass::Denied),
            Finding::new(Severity::Info, "logical-table-name", "another name").of_table("t-prod"),
        ]
    }

    #[test]
    fn is_a_table_of_aligned_columns_worst_first() {
        let shown = report(findings()).to_string();
        let expected = "\
table t-prod in eu-west-1, us-east-1: 0 errors, 1 warnings

severity  check               region     subject  finding
warning   key-exists          us-east-1  mrk-12   who knows
info      logical-table-name  -          t-prod   another name
ok        region-set          -          -        two regions";
        assert_eq!(shown, expected);
    }

    #[test]
    fn is_as_bad_as_the_worst_finding() {
        assert_eq!(report(Vec::new()).worst(), Severity::Ok);
        let warned = report(findings());
        assert_eq!(warned.worst(), Severity::Warning);
        assert!(warned.is_healthy() && warned.has_usable_replicas());
        let encryption = Finding::new(Severity::Error, "table-encryption", "the sealing key");
        let unsafe_ = report(vec![encryption]);
        assert!(!unsafe_.is_healthy() && unsafe_.has_usable_replicas());
        let disabled = report(vec![Finding::new(Severity::Error, "key-state", "disabled")]);
        assert!(!disabled.is_healthy() && !disabled.has_usable_replicas());
    }
}

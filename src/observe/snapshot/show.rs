//! Counts as a table for people, and for `serde`.

use std::fmt;
use std::time::Duration;

use serde::ser::{Serialize, SerializeMap as _, SerializeSeq as _, Serializer};

use super::{Row, Snapshot};
use crate::observe::event::BreakerState;
use crate::observe::histogram::{Histogram, micros};
use crate::observe::sample::Kind;

/// A table for each counter that counted something; latencies in milliseconds, quantiles rounded up to
/// the bounds of [`Histogram`].
impl fmt::Display for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            return f.write_str("nothing was counted\n");
        }
        for kind in Kind::ALL {
            let rows: Vec<_> = self.rows_of(kind).collect();
            if !rows.is_empty() {
                writeln!(f, "{}", kind.name())?;
                table(kind, &rows, f)?;
            }
        }
        Ok(())
    }
}

/// A cell, and the side to which it is aligned.
enum Cell {
    Left(String),
    Right(String),
}

impl Cell {
    fn width(&self) -> usize {
        let (Self::Left(text) | Self::Right(text)) = self;
        text.chars().count()
    }
}

fn table(kind: Kind, rows: &[Row<'_>], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let mut lines = vec![heading(kind)];
    lines.extend(rows.iter().map(cells));
    let mut widths = vec![0; lines.iter().map(Vec::len).max().unwrap_or(0)];
    for line in &lines {
        for (width, cell) in widths.iter_mut().zip(line) {
            *width = cell.width().max(*width);
        }
    }
    for line in &lines {
        for (cell, width) in line.iter().zip(&widths) {
            match cell {
                Cell::Left(text) => write!(f, "  {text:<width$}")?,
                Cell::Right(text) => write!(f, "  {text:>width$}")?,
            }
        }
        writeln!(f)?;
    }
    Ok(())
}

fn heading(kind: Kind) -> Vec<Cell> {
    let left = |name: &&str| Cell::Left((*name).to_owned());
    let right = |name: &str| Cell::Right(name.to_owned());
    let mut cells: Vec<_> = kind.labels().iter().map(left).collect();
    match kind {
        Kind::Breaker => cells.extend([left(&"state"), right("changes")]),
        Kind::Call | Kind::Verb => {
            cells.extend(["count", "p50 ms", "p99 ms", "max ms"].map(right));
        }
        _ => cells.push(right("count")),
    }
    cells
}

fn cells(row: &Row<'_>) -> Vec<Cell> {
    // A name with a line break in it must not look like another row.
    let labels = row.labels().map(|(_, value)| value.escape_debug());
    let mut cells: Vec<_> = labels.map(|value| Cell::Left(value.to_string())).collect();
    if let Some(state) = row.state() {
        cells.push(Cell::Left(state.to_string()));
    }
    cells.push(Cell::Right(row.count().to_string()));
    if let Some(latency) = row.latency() {
        cells.extend(milliseconds(latency).map(Cell::Right));
    }
    cells
}

fn milliseconds(latency: &Histogram) -> [String; 3] {
    let quantile = |q| latency.quantile(q).unwrap_or_default();
    [quantile(0.5), quantile(0.99), latency.max()].map(|duration: Duration| {
        let us = micros(duration);
        format!("{}.{:03}", us / 1_000, us % 1_000)
    })
}

impl Serialize for Snapshot {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(Kind::ALL.len()))?;
        for kind in Kind::ALL {
            map.serialize_entry(kind.name(), &RowsOf(self, kind))?;
        }
        map.end()
    }
}

struct RowsOf<'a>(&'a Snapshot, Kind);

impl Serialize for RowsOf<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let rows: Vec<_> = self.0.rows_of(self.1).collect();
        let mut seq = serializer.serialize_seq(Some(rows.len()))?;
        for row in &rows {
            seq.serialize_element(row)?;
        }
        seq.end()
    }
}

/// The labels by name, `count` (of a breaker `state` and `changes`), and `latency` where it is measured.
impl Serialize for Row<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (name, value) in self.labels() {
            map.serialize_entry(name, value)?;
        }
        match self.state().map(BreakerState::as_str) {
            Some(state) => {
                map.serialize_entry("state", state)?;
                map.serialize_entry("changes", &self.count())?;
            }
            None => map.serialize_entry("count", &self.count())?,
        }
        if let Some(latency) = self.latency() {
            map.serialize_entry("latency", latency)?;
        }
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::observe::test_support::{call, counted, one_of_each};
    use crate::observe::{Event, PlaintextEvent, Service};

    #[test]
    fn prints_aligned_tables() {
        let events = [
            call(Service::Kms, "eu-west-1", "GenerateDataKey"),
            call(Service::Kms, "ap-northeast-1", "Decrypt"),
            one_of_each()[3],
            Event::Plaintext(PlaintextEvent { table: "orders" }),
        ];
        let printed = counted(&events).to_string();
        let expected = "\
calls
  service  region          operation        outcome  count  p50 ms  p99 ms  max ms
  kms      ap-northeast-1  Decrypt          ok           1   3.000   3.000   3.000
  kms      eu-west-1       GenerateDataKey  ok           1   3.000   3.000   3.000
breakers
  service  region     state  changes
  kms      eu-west-1  open         1
plaintext_reads
  table   count
  orders      1
";
        assert_eq!(printed, expected, "\n{printed}");
    }

    #[test]
    fn says_that_nothing_was_counted() {
        assert_eq!(Snapshot::default().to_string(), "nothing was counted\n");
    }

    #[test]
    fn prints_one_line_for_a_name_with_line_breaks() {
        let table = "orders  1\nplaintext_reads";
        let printed = counted(&[Event::Plaintext(PlaintextEvent { table })]).to_string();
        assert_eq!(printed.lines().count(), 3, "{printed}");
    }

    #[test]
    fn serializes_every_counter() {
        let events = [call(Service::Kms, "eu-west-1", "Decrypt"), one_of_each()[3]];
        let json = serde_json::to_value(counted(&events)).expect("JSON");
        let latency = json!({
            "count": 1, "sum_us": 3_000, "max_us": 3_000, "p50_us": 3_000, "p90_us": 3_000,
            "p99_us": 3_000, "buckets": [[3_072, 1]],
        });
        let expected = json!({
            "calls": [{
                "service": "kms", "region": "eu-west-1", "operation": "Decrypt", "outcome": "ok",
                "count": 1, "latency": latency,
            }],
            "retries": [],
            "fallbacks": [],
            "breakers": [{"service": "kms", "region": "eu-west-1", "state": "open", "changes": 1}],
            "hedges": [],
            "cache_lookups": [],
            "verbs": [],
            "verification_failures": [],
            "freshness_findings": [],
            "plaintext_reads": [],
            "audit_events": [],
        });
        assert_eq!(json, expected);
    }
}

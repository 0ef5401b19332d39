//! Samples of items: which contexts they have, and which are good for anything.

use super::check;
use super::report::{Finding, Severity};
use super::tries::{Tried, Try, beside_items};
use crate::error::SealError;
use crate::item::{ContextShape, Item, ItemEncryptor};
use crate::keyring::KmsKeyUse;

/// What there is to try, and what is wrong with what was given.
pub(super) struct Samples {
    /// With the contexts of items.
    tries: Vec<Try>,
    /// The samples with their numbers. They may be keys alone.
    pub(super) good: Vec<(usize, Item)>,
    pub(super) findings: Vec<Finding>,
}

impl Samples {
    /// `given` has what is wrong with a sample where that is known already.
    pub(super) fn look_at(encryptor: &ItemEncryptor, given: &[Result<Item, String>]) -> Self {
        let mut samples = Self {
            tries: Vec::new(),
            good: Vec::new(),
            findings: Vec::new(),
        };
        for (number, sample) in (1..).zip(given) {
            samples.add(encryptor, number, sample.clone());
        }
        match encryptor.context_shapes() {
            Ok(shapes) => samples.make_up(shapes),
            Err(error) => {
                let message = format!("no item can be sealed: {}", reason(&error));
                let finding = Finding::new(Severity::Error, check::SAMPLE, message);
                samples.findings.push(finding);
            }
        }
        samples
    }

    /// What there is to try with a key.
    pub(super) fn tries_with(&self, key: &KmsKeyUse, logical_table_name: &str) -> Vec<Try> {
        let beside = beside_items(key, logical_table_name, &self.good);
        beside.unwrap_or_else(|| self.tries.clone())
    }

    fn add(&mut self, encryptor: &ItemEncryptor, number: usize, sample: Result<Item, String>) {
        let shapes = sample.and_then(|sample| {
            let shapes = encryptor.context_shapes_of(sample.clone());
            let shapes = shapes.map_err(|error| reason(&error))?;
            Ok((sample, shapes))
        });
        match shapes {
            Ok((sample, shapes)) => {
                self.good.push((number, sample));
                self.tries.extend(shapes.into_iter().map(|shape| Try {
                    of: Tried::Item(shape),
                    sample: Some(number),
                }));
            }
            Err(why) => {
                let message = format!("sample {number} is none of this table: {why}");
                let finding = Finding::new(Severity::Warning, check::SAMPLE, message);
                self.findings.push(finding);
            }
        }
    }

    /// Adds the made-up contexts that are worth trying: of entity types without a sample, and those
    /// alike once.
    fn make_up(&mut self, shapes: Vec<ContextShape>) {
        let mut kept: Vec<ContextShape> = Vec::new();
        for shape in shapes {
            let is_of_entity = |tried: &Try| matches!(&tried.of, Tried::Item(known) if known.entity == shape.entity);
            if self.tries.iter().any(is_of_entity) {
                continue;
            }
            match kept.iter_mut().find(|known| is_alike(known, &shape)) {
                Some(known) => known.entity = None,
                None => kept.push(shape),
            }
        }
        self.tries.extend(kept.into_iter().map(|shape| Try {
            of: Tried::Item(shape),
            sample: None,
        }));
    }
}

/// Whether two made-up contexts are the same but for the public key.
fn is_alike(a: &ContextShape, b: &ContextShape) -> bool {
    let keys = a.context.iter().map(|(key, _)| key);
    let same_keys = keys.eq(b.context.iter().map(|(key, _)| key));
    same_keys && (a.version, a.is_sealed) == (b.version, b.is_sealed)
}

/// The innermost reason, which names attributes and entity types and holds no value.
fn reason(error: &SealError) -> String {
    let mut innermost: &dyn std::error::Error = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}

//! Reading the format without keys: header, legend, canonical order, encryption context.
//!
//! `cargo bench --bench format`

#[path = "shapes/load.rs"]
mod load;

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};

use load::{SUITES, now};

fn describe(criterion: &mut Criterion) {
    for shape in &load::all() {
        for suite in SUITES {
            let encryptor = shape.encryptor(suite);
            let sealed = now(encryptor.seal(shape.item.clone())).expect("seals");
            criterion.bench_function(&format!("{}/{suite}/describe", shape.name), |bencher| {
                let describe = |item| encryptor.describe(item).expect("describes");
                bencher.iter_batched(|| sealed.clone(), describe, BatchSize::SmallInput);
            });
        }
    }
}

criterion_group!(benches, describe);
criterion_main!(benches);

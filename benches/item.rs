//! Sealing and opening whole items under a raw AES key, against the primitives alone.
//!
//! `cargo bench --bench item` prints a table of one run (medians, ratios, allocations), then
//! criterion's own measurements. `cargo bench --bench item -- --table` prints the table only.

#[path = "shapes/load.rs"]
mod load;
#[path = "shapes/primitives.rs"]
mod primitives;
#[path = "shapes/time.rs"]
mod time;

use std::hint::black_box;

use criterion::{BatchSize, Criterion};

use load::{SUITES, Shape, now};
use primitives::Workload;
use time::medians;

fn main() {
    table();
    if std::env::args().any(|argument| argument == "--table") {
        return;
    }
    let mut criterion = Criterion::default().configure_from_args();
    for shape in &load::all() {
        measure(&mut criterion, shape);
    }
    criterion.final_summary();
}

fn measure(criterion: &mut Criterion, shape: &Shape) {
    for suite in SUITES {
        let encryptor = shape.encryptor(suite);
        let sealed = now(encryptor.seal(shape.item.clone())).expect("seals");
        let mut group = criterion.benchmark_group(format!("{}/{suite}", shape.name));
        group.bench_function("seal", |bencher| {
            let seal = |item| now(encryptor.seal(item)).expect("seals");
            bencher.iter_batched(|| shape.item.clone(), seal, BatchSize::SmallInput);
        });
        group.bench_function("open", |bencher| {
            let open = |item| now(encryptor.open(item)).expect("opens");
            bencher.iter_batched(|| sealed.clone(), open, BatchSize::SmallInput);
        });
        group.finish();
    }
}

/// Medians in microseconds, ratios to the primitives of the same run, allocations.
fn table() {
    println!(
        "| shape | suite | seal | primitives | ratio | open | primitives | ratio | allocations |"
    );
    println!("|---|---|---|---|---|---|---|---|---|");
    for suite in SUITES {
        for shape in &load::all() {
            let encryptor = shape.encryptor(suite);
            let sealed = now(encryptor.seal(shape.item.clone())).expect("seals");
            let mut workload = Workload::of(shape, suite);
            let (seal, seal_floor) = medians(
                || shape.item.clone(),
                |item| now(encryptor.seal(item)).expect("seals"),
                || workload.seal(),
            );
            let (open, open_floor) = medians(
                || sealed.clone(),
                |item| now(encryptor.open(item)).expect("opens"),
                || workload.open(),
            );
            println!(
                "| {} | {suite} | {seal:.1} | {seal_floor:.1} | {:.2} | {open:.1} | {open_floor:.1} | {:.2} | {} / {} |",
                shape.name,
                seal / seal_floor,
                open / open_floor,
                allocations(
                    || shape.item.clone(),
                    |item| now(encryptor.seal(item)).expect("seals")
                ),
                allocations(
                    || sealed.clone(),
                    |item| now(encryptor.open(item)).expect("opens")
                ),
            );
        }
    }
}

/// Allocations of one run, without those of its input.
fn allocations<I, O>(input: impl Fn() -> I, run: impl Fn(I) -> O) -> u64 {
    black_box(run(input()));
    let prepared = input();
    let info = allocation_counter::measure(|| {
        black_box(run(prepared));
    });
    info.count_total
}

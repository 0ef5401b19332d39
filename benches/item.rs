//! Sealing and opening whole items under a raw AES key, against the primitives alone.
//!
//! `cargo bench --bench item` prints a table of one run (medians, ratios, allocations), then
//! criterion's own measurements. `cargo bench --bench item -- --table` prints the table only.

#[path = "shapes/load.rs"]
mod load;
#[path = "shapes/primitives.rs"]
mod primitives;

use std::hint::black_box;
use std::time::{Duration, Instant};

use criterion::{BatchSize, Criterion};

use load::{SUITES, Shape, now};
use primitives::Workload;

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
            let seal = median(
                || shape.item.clone(),
                |item| now(encryptor.seal(item)).expect("seals"),
            );
            let seal_floor = median(|| (), |()| workload.seal());
            let open = median(
                || sealed.clone(),
                |item| now(encryptor.open(item)).expect("opens"),
            );
            let open_floor = median(|| (), |()| workload.open());
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

/// The median time of one run in microseconds, inputs made and outputs dropped outside of it.
#[expect(clippy::disallowed_methods, reason = "a bench is what reads the clock")]
fn median<I, O>(mut input: impl FnMut() -> I, mut run: impl FnMut(I) -> O) -> f64 {
    let start = Instant::now();
    let mut times = Vec::new();
    while times.len() < 50 || (start.elapsed() < Duration::from_millis(400) && times.len() < 2000) {
        let input = black_box(input());
        let before = Instant::now();
        let output = black_box(run(input));
        times.push(before.elapsed());
        drop(output);
    }
    times.sort_unstable();
    times[times.len() / 2].as_secs_f64() * 1e6
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

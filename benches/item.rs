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

/// The median times of `run` and of `floor` in microseconds. They alternate, so that whatever else
/// the machine does falls on both; inputs are made and outputs dropped outside of the time.
fn medians<I, O>(
    mut input: impl FnMut() -> I,
    mut run: impl FnMut(I) -> O,
    mut floor: impl FnMut(),
) -> (f64, f64) {
    let (mut runs, mut floors) = (Vec::new(), Vec::new());
    while runs.len() < 100 || (runs.iter().sum::<Duration>() < BUDGET && runs.len() < 4000) {
        let input = black_box(input());
        let (output, time) = timed(|| run(input));
        drop(black_box(output));
        runs.push(time);
        floors.push(timed(&mut floor).1);
    }
    (median(runs), median(floors))
}

const BUDGET: Duration = Duration::from_millis(400);

#[expect(clippy::disallowed_methods, reason = "a bench is what reads the clock")]
fn timed<O>(run: impl FnOnce() -> O) -> (O, Duration) {
    let start = Instant::now();
    let output = run();
    (output, start.elapsed())
}

fn median(mut times: Vec<Duration>) -> f64 {
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

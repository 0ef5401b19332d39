//! Times of one thing beside another.

use std::hint::black_box;
use std::time::{Duration, Instant};

/// The median times of `run` and of `floor` in microseconds. They alternate, so that whatever else
/// the machine does falls on both; inputs are made and outputs dropped outside of the time.
pub(crate) fn medians<I, O>(
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

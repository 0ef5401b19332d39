use super::*;

mod machine;

const SECOND: Duration = Duration::from_secs(1);

fn at(seconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000 + seconds)
}

/// Admits a call that must be admitted.
fn go(breaker: &mut Breaker, now: SystemTime) -> Ticket {
    match breaker.admit(now) {
        Admission::Go(ticket) => ticket,
        Admission::Refused { retry_after } => panic!("refused for {retry_after:?}"),
    }
}

fn refused_for(breaker: &mut Breaker, now: SystemTime) -> Option<Duration> {
    assert_eq!(breaker.is_open(now), breaker.refusal(now).is_some());
    match breaker.admit(now) {
        Admission::Go(_) => None,
        Admission::Refused { retry_after } => Some(retry_after),
    }
}

fn call(breaker: &mut Breaker, verdict: Verdict, now: SystemTime) {
    let ticket = go(breaker, now);
    breaker.record(ticket, verdict, now, 0.0);
}

/// Opened at `at(0)`, without jitter.
fn opened(policy: BreakerPolicy) -> Breaker {
    let mut breaker = Breaker::new(policy.failures(1));
    call(&mut breaker, Verdict::Unwell, at(0));
    assert_eq!(breaker.state(), BreakerState::Open);
    breaker
}

#[test]
fn opens_after_five_failures_in_a_row() {
    let mut breaker = Breaker::new(BreakerPolicy::default());
    for verdict in [
        Verdict::Unwell,
        Verdict::Unwell,
        Verdict::Unwell,
        Verdict::Unwell,
        Verdict::Well,
        Verdict::Unwell,
        Verdict::Unwell,
        // Says nothing, so the row goes on.
        Verdict::Unknown,
        Verdict::Unwell,
        Verdict::Unwell,
    ] {
        call(&mut breaker, verdict, at(0));
        assert_eq!(breaker.state(), BreakerState::Closed);
        assert!(!breaker.is_open(at(0)));
    }
    call(&mut breaker, Verdict::Unwell, at(0));
    assert_eq!(breaker.state(), BreakerState::Open);
    assert_eq!(refused_for(&mut breaker, at(0)), Some(5 * SECOND));
    assert_eq!(refused_for(&mut breaker, at(4)), Some(SECOND));
    assert_eq!(breaker.state(), BreakerState::Open);
}

#[test]
fn closes_after_two_successful_probes_one_at_a_time() {
    let mut breaker = opened(BreakerPolicy::new());
    assert!(!breaker.is_open(at(5)));
    assert_eq!(
        breaker.state(),
        BreakerState::Open,
        "asking changes nothing"
    );
    let first = go(&mut breaker, at(5));
    assert_eq!(breaker.state(), BreakerState::HalfOpen);
    assert!(breaker.is_open(at(5)));
    assert_eq!(refused_for(&mut breaker, at(5)), Some(5 * SECOND));
    breaker.record(first, Verdict::Well, at(6), 0.0);
    assert_eq!(breaker.state(), BreakerState::HalfOpen);
    call(&mut breaker, Verdict::Well, at(6));
    assert_eq!(breaker.state(), BreakerState::Closed);
}

#[test]
fn doubles_the_open_period_at_each_failed_probe_up_to_a_minute() {
    let mut breaker = opened(BreakerPolicy::new());
    let mut now = at(0);
    for seconds in [5, 10, 20, 40, 60, 60] {
        let period = SECOND * seconds;
        assert_eq!(refused_for(&mut breaker, now), Some(period));
        now += period;
        call(&mut breaker, Verdict::Unwell, now);
    }
    // A success on the way changes nothing of that; closing does.
    now += 60 * SECOND;
    call(&mut breaker, Verdict::Well, now);
    call(&mut breaker, Verdict::Unwell, now);
    assert_eq!(refused_for(&mut breaker, now), Some(60 * SECOND));
    now += 60 * SECOND;
    call(&mut breaker, Verdict::Well, now);
    call(&mut breaker, Verdict::Well, now);
    call(&mut breaker, Verdict::Unwell, now);
    assert_eq!(refused_for(&mut breaker, now), Some(5 * SECOND));
}

#[test]
fn is_not_open_for_longer_at_first_than_at_most() {
    let policy = BreakerPolicy::new()
        .open_for(9 * SECOND)
        .max_open_for(SECOND);
    assert_eq!(refused_for(&mut opened(policy), at(0)), Some(SECOND));
}

#[test]
fn stretches_an_open_period_by_a_fifth_at_most() {
    for (jitter, millis) in [
        (0.0, 5000),
        (0.5, 5500),
        (1.0, 6000),
        (7.0, 6000),
        (f64::INFINITY, 6000),
        (-1.0, 5000),
        (f64::NAN, 5000),
    ] {
        let mut breaker = Breaker::new(BreakerPolicy::new().failures(1));
        let ticket = go(&mut breaker, at(0));
        breaker.record(ticket, Verdict::Unwell, at(0), jitter);
        let period = Duration::from_millis(millis);
        assert_eq!(refused_for(&mut breaker, at(0)), Some(period), "{jitter}");
    }
}

#[test]
fn stretches_an_open_period_by_what_the_policy_says() {
    for (share, millis) in [(0.0, 5000), (0.5, 7500), (9.0, 10_000), (f64::NAN, 5000)] {
        let mut breaker = Breaker::new(BreakerPolicy::new().failures(1).jitter(share));
        let ticket = go(&mut breaker, at(0));
        breaker.record(ticket, Verdict::Unwell, at(0), 1.0);
        let period = Duration::from_millis(millis);
        assert_eq!(refused_for(&mut breaker, at(0)), Some(period), "{share}");
    }
}

#[test]
fn ignores_calls_that_began_before_it_opened() {
    let mut breaker = Breaker::new(BreakerPolicy::new().failures(1).successes(1));
    let mut early: Vec<_> = (0..4).map(|_| go(&mut breaker, at(0))).collect();
    let mut end = |breaker: &mut Breaker, verdict, now| {
        breaker.record(early.pop().unwrap(), verdict, now, 1.0);
    };
    end(&mut breaker, Verdict::Unwell, at(0));
    // It was open for six seconds, and still is.
    end(&mut breaker, Verdict::Unwell, at(5));
    assert_eq!(refused_for(&mut breaker, at(5)), Some(SECOND));
    let probe = go(&mut breaker, at(6));
    end(&mut breaker, Verdict::Well, at(6));
    assert_eq!(breaker.state(), BreakerState::HalfOpen);
    end(&mut breaker, Verdict::Unwell, at(6));
    assert_eq!(breaker.state(), BreakerState::HalfOpen);
    assert!(breaker.is_open(at(6)), "the probe has its slot");
    breaker.record(probe, Verdict::Well, at(6), 0.0);
    assert_eq!(breaker.state(), BreakerState::Closed);
}

#[test]
fn ignores_probes_of_an_earlier_half_open_period_but_counts_them_as_load() {
    let policy = BreakerPolicy::new().probes(2).successes(1);
    let mut breaker = opened(policy);
    let slow = go(&mut breaker, at(5));
    call(&mut breaker, Verdict::Unwell, at(5));
    let next = go(&mut breaker, at(15));
    assert!(breaker.is_open(at(15)), "two are on their way");
    breaker.record(slow, Verdict::Well, at(15), 0.0);
    assert_eq!(breaker.state(), BreakerState::HalfOpen);
    let other = go(&mut breaker, at(15));
    breaker.record(other, Verdict::Unknown, at(15), 0.0);
    breaker.record(next, Verdict::Well, at(15), 0.0);
    assert_eq!(breaker.state(), BreakerState::Closed);
}

#[test]
fn gives_the_slot_of_an_abandoned_probe_to_the_next() {
    let mut breaker = opened(BreakerPolicy::new().successes(1));
    for _ in 0..10 {
        call(&mut breaker, Verdict::Unknown, at(5));
        assert_eq!(breaker.state(), BreakerState::HalfOpen);
    }
    call(&mut breaker, Verdict::Well, at(5));
    assert_eq!(breaker.state(), BreakerState::Closed);
}

#[test]
fn lets_a_call_through_early_when_the_clock_was_set_back() {
    let mut breaker = opened(BreakerPolicy::new().max_open_for(10 * SECOND));
    // Readings out of order, and steps that keep the period within bounds, change little.
    assert_eq!(refused_for(&mut breaker, at(0) - SECOND), Some(6 * SECOND));
    assert_eq!(
        refused_for(&mut breaker, at(0) - 7 * SECOND),
        Some(12 * SECOND)
    );
    let hour = Duration::from_secs(3600);
    assert_eq!(refused_for(&mut breaker, at(0) - hour), None);
    assert_eq!(breaker.state(), BreakerState::HalfOpen);
}

#[test]
fn never_opens_if_switched_off() {
    let mut breaker = Breaker::new(BreakerPolicy::never_opens().probes(3));
    for _ in 0..10_000 {
        call(&mut breaker, Verdict::Unwell, at(0));
    }
    assert_eq!(breaker.state(), BreakerState::Closed);
    let mut breaker = opened(BreakerPolicy::never_opens().failures(1));
    assert!(refused_for(&mut breaker, at(0)).is_some());
}

#[test]
fn takes_one_where_none_was_asked_for() {
    let policy = BreakerPolicy::new().failures(0).probes(0).successes(0);
    let mut breaker = Breaker::new(policy);
    call(&mut breaker, Verdict::Well, at(0));
    assert_eq!(breaker.state(), BreakerState::Closed);
    call(&mut breaker, Verdict::Unwell, at(0));
    assert_eq!(breaker.state(), BreakerState::Open);
    call(&mut breaker, Verdict::Well, at(5));
    assert_eq!(breaker.state(), BreakerState::Closed);
}

#[test]
fn bears_periods_and_times_out_of_all_bounds() {
    let policy = BreakerPolicy::new()
        .open_for(Duration::MAX)
        .max_open_for(Duration::MAX);
    let mut breaker = opened(policy);
    let day = BreakerPolicy::LONGEST_OPEN;
    assert_eq!(refused_for(&mut breaker, at(0)), Some(day));

    let mut end_of_time = at(0);
    for power in (0..63).rev() {
        let step = Duration::from_secs(1 << power);
        end_of_time = end_of_time.checked_add(step).unwrap_or(end_of_time);
    }
    let mut breaker = Breaker::new(BreakerPolicy::new().failures(1));
    call(&mut breaker, Verdict::Unwell, end_of_time);
    assert_eq!(refused_for(&mut breaker, end_of_time), None);
}

use super::*;

#[test]
fn lets_calls_out_at_first() {
    let mut breaker = Breaker::new(BreakerPolicy::new());
    assert!(matches!(
        breaker.admit(SystemTime::UNIX_EPOCH),
        Admission::Go(_)
    ));
    assert_eq!(breaker.state(), BreakerState::Closed);
}

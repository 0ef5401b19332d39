//! What the derive accepts, and what it says when it does not.

#[test]
fn reports_each_mistake_on_its_token() {
    let cases = trybuild::TestCases::new();
    cases.pass("tests/ui/pass/*.rs");
    cases.compile_fail("tests/ui/fail/*.rs");
}

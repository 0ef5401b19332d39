#[derive(serde::Serialize)]
struct Model {
    #[seal(encrypt)]
    ssn: String,
}

fn main() {}

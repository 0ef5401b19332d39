use dynaseal::Seal;

#[derive(serde::Serialize, Seal)]
#[seal(table = "t")]
#[serde(shape = "round")]
struct Model {
    #[seal(partition_key)]
    id: String,
    #[serde(colour = "red")]
    #[seal(sign)]
    name: String,
}

fn main() {}

use dynaseal::Seal;
use serde::{Deserialize, Serialize};

#[derive(Clone, Serialize, Deserialize)]
struct Other {
    id: String,
}

impl From<Model> for Other {
    fn from(model: Model) -> Self {
        Self { id: model.id }
    }
}

impl From<Other> for Model {
    fn from(other: Other) -> Self {
        Self { id: other.id }
    }
}

#[derive(Clone, Serialize, Deserialize, Seal)]
#[seal(table = "t", default = "encrypt")]
#[serde(from = "Other", into = "Other")]
struct Model {
    #[seal(partition_key)]
    id: String,
}

fn main() {}

use dynaseal::Seal;

#[derive(Seal)]
#[seal(table = "t")]
union Model {
    id: u8,
}

fn main() {}

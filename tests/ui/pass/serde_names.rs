use dynaseal::Seal;
use serde::{Deserialize, Serialize};

macro_rules! renamed {
    ($name:ident, $rule:literal) => {
        #[derive(Serialize, Deserialize, Seal)]
        #[seal(table = "t", default = "encrypt")]
        #[serde(rename_all = $rule)]
        struct $name {
            #[seal(partition_key)]
            order_id: String,
            r#type: String,
            line_2nd: String,
            _private: String,
            #[serde(rename = "As-Is")]
            other: String,
        }

        impl $name {
            // What serde writes is what the schema says.
            fn check() {
                let model = Self {
                    order_id: String::new(),
                    r#type: String::new(),
                    line_2nd: String::new(),
                    _private: String::new(),
                    other: String::new(),
                };
                let json = serde_json::to_value(model).unwrap();
                let written: Vec<_> = json.as_object().unwrap().keys().cloned().collect();
                let schema: Vec<_> = Self::SCHEMA.attributes().map(|a| a.name()).collect();
                assert_eq!(written, schema);
            }
        }
    };
}

renamed!(Lower, "lowercase");
renamed!(Upper, "UPPERCASE");
renamed!(Pascal, "PascalCase");
renamed!(Camel, "camelCase");
renamed!(Snake, "snake_case");
renamed!(ScreamingSnake, "SCREAMING_SNAKE_CASE");
renamed!(Kebab, "kebab-case");
renamed!(ScreamingKebab, "SCREAMING-KEBAB-CASE");

fn main() {
    Lower::check();
    Upper::check();
    Pascal::check();
    Camel::check();
    Snake::check();
    ScreamingSnake::check();
    Kebab::check();
    ScreamingKebab::check();
}

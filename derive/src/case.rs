//! serde's `rename_all`, rule by rule, for fields.

use proc_macro2::Span;

#[derive(Clone, Copy)]
pub(crate) enum Case {
    /// `lowercase` and `snake_case` leave a field as it is.
    Same,
    Upper,
    Pascal,
    Camel,
    Kebab,
    ScreamingKebab,
}

impl Case {
    /// `None` for a rule that serde does not know; serde says so itself.
    pub(crate) fn parse(rule: &str) -> Option<Self> {
        Some(match rule {
            "lowercase" | "snake_case" => Self::Same,
            "UPPERCASE" | "SCREAMING_SNAKE_CASE" => Self::Upper,
            "PascalCase" => Self::Pascal,
            "camelCase" => Self::Camel,
            "kebab-case" => Self::Kebab,
            "SCREAMING-KEBAB-CASE" => Self::ScreamingKebab,
            _ => return None,
        })
    }

    pub(crate) fn apply(self, field: &str) -> String {
        match self {
            Self::Same => field.to_owned(),
            Self::Upper => field.to_ascii_uppercase(),
            Self::Pascal => pascal(field),
            Self::Camel => camel(field),
            Self::Kebab => field.replace('_', "-"),
            Self::ScreamingKebab => field.to_ascii_uppercase().replace('_', "-"),
        }
    }
}

/// A case and where it was asked for.
#[derive(Clone, Copy)]
pub(crate) struct RenameAll {
    pub(crate) case: Case,
    pub(crate) span: Span,
}

fn pascal(field: &str) -> String {
    let mut name = String::new();
    let mut capitalize = true;
    for letter in field.chars() {
        if letter == '_' {
            capitalize = true;
        } else if capitalize {
            name.push(letter.to_ascii_uppercase());
            capitalize = false;
        } else {
            name.push(letter);
        }
    }
    name
}

fn camel(field: &str) -> String {
    let name = pascal(field);
    let mut letters = name.chars();
    letters
        .next()
        .map(|first| first.to_ascii_lowercase())
        .into_iter()
        .chain(letters)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::Case;

    // The expected names are serde's: `serde_derive` 1.0.229, `internals/case.rs`.
    #[test]
    fn spells_fields_as_serde_does() {
        let cases = [
            ("lowercase", "very_tasty", "z42"),
            ("UPPERCASE", "VERY_TASTY", "Z42"),
            ("PascalCase", "VeryTasty", "Z42"),
            ("camelCase", "veryTasty", "z42"),
            ("snake_case", "very_tasty", "z42"),
            ("SCREAMING_SNAKE_CASE", "VERY_TASTY", "Z42"),
            ("kebab-case", "very-tasty", "z42"),
            ("SCREAMING-KEBAB-CASE", "VERY-TASTY", "Z42"),
        ];
        for (rule, long, short) in cases {
            let case = Case::parse(rule).expect(rule);
            assert_eq!(
                (
                    case.apply("very_tasty").as_str(),
                    case.apply("z42").as_str()
                ),
                (long, short)
            );
        }
        assert!(Case::parse("Train-Case").is_none());
    }
}

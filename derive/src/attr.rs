//! Reads `#[seal(..)]` and `#[serde(..)]`.

use proc_macro2::Span;
use syn::ext::IdentExt;
use syn::meta::ParseNestedMeta;
use syn::{Attribute, Ident, Lit, LitStr, Meta, Path, Token};

use crate::case::{Case, RenameAll};
use crate::ctxt::Ctxt;

/// What an attribute that nobody marked gets, and what `others` gives.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Choice {
    Encrypt,
    Sign,
}

/// Where the version of a new item starts.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Start {
    Clock,
    One,
}

/// The marks a field can carry.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mark {
    PartitionKey,
    SortKey,
    Tenant,
    Version,
    Encrypt,
    Sign,
    Context,
    Unsigned,
    AsValue,
}

impl Mark {
    const ALL: [Self; 9] = [
        Self::PartitionKey,
        Self::SortKey,
        Self::Tenant,
        Self::Version,
        Self::Encrypt,
        Self::Sign,
        Self::Context,
        Self::Unsigned,
        Self::AsValue,
    ];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::PartitionKey => "partition_key",
            Self::SortKey => "sort_key",
            Self::Tenant => "tenant",
            Self::Version => "version",
            Self::Encrypt => "encrypt",
            Self::Sign => "sign",
            Self::Context => "context",
            Self::Unsigned => "unsigned",
            Self::AsValue => "as_value",
        }
    }
}

/// `#[seal(..)]` on the struct.
#[derive(Default)]
pub(crate) struct Container {
    pub(crate) table: Option<LitStr>,
    pub(crate) default: Option<Choice>,
    pub(crate) rename_all: Option<RenameAll>,
}

/// `#[seal(..)]` and `#[serde(..)]` on a field.
#[derive(Default)]
pub(crate) struct Field {
    pub(crate) marks: Vec<(Mark, Span)>,
    pub(crate) others: Option<(Choice, Span)>,
    pub(crate) start: Option<(Start, Span)>,
    pub(crate) rename: Option<LitStr>,
    pub(crate) flatten: Option<Span>,
    /// `skip`: not an attribute at all.
    pub(crate) skip: Option<Span>,
    /// `skip_serializing`, `skip_serializing_if`, `skip_deserializing`: one direction, sometimes.
    pub(crate) skip_some: Option<(&'static str, Span)>,
}

impl Container {
    pub(crate) fn parse(cx: &Ctxt, attributes: &[Attribute]) -> Self {
        let mut container = Self::default();
        for meta in metas(cx, attributes, "seal") {
            meta.parse(cx, |meta| container.seal(cx, &meta));
        }
        for meta in metas(cx, attributes, "serde") {
            meta.parse(cx, |meta| container.serde(cx, &meta));
        }
        container
    }

    fn seal(&mut self, cx: &Ctxt, meta: &ParseNestedMeta<'_>) -> syn::Result<()> {
        let name = word(&meta.path);
        match name.as_str() {
            "table" => {
                let table = string(meta, "table = \"customers\"")?;
                if table.value().is_empty() {
                    cx.error(&table, "a logical table name cannot be empty");
                }
                once(cx, &meta.path, &mut self.table, table);
            }
            "default" => {
                let literal = string(meta, "default = \"encrypt\"")?;
                let choice = choice(cx, &literal, "default").unwrap_or(Choice::Encrypt);
                once(cx, &meta.path, &mut self.default, choice);
            }
            "others" | "start" => {
                cx.error(&meta.path, format!("`{name}` belongs on a field"));
                rest(meta)?;
            }
            _ if Mark::ALL.iter().any(|mark| mark.name() == name) => {
                cx.error(&meta.path, format!("`{name}` belongs on a field"));
                rest(meta)?;
            }
            _ => {
                let message =
                    format!("unknown mark `{name}`: a struct takes `table` and `default`");
                cx.error(&meta.path, message);
                rest(meta)?;
            }
        }
        Ok(())
    }

    fn serde(&mut self, cx: &Ctxt, meta: &ParseNestedMeta<'_>) -> syn::Result<()> {
        let name = word(&meta.path);
        if let Some(reason) = unfollowed_container(&name) {
            cx.error(
                &meta.path,
                format!("`Seal` cannot follow serde's `{name}`: {reason}"),
            );
            return rest(meta);
        }
        match name.as_str() {
            "rename_all" if meta.input.peek(Token![=]) => {
                let rule: LitStr = meta.value()?.parse()?;
                let span = rule.span();
                self.rename_all = Case::parse(&rule.value()).map(|case| RenameAll { case, span });
                Ok(())
            }
            "rename_all" => {
                cx.error(
                    &meta.path,
                    "an attribute has one name: write `rename_all = \"..\"`",
                );
                rest(meta)
            }
            "bound" | "crate" | "default" | "deny_unknown_fields" | "expecting" | "rename" => {
                rest(meta)
            }
            _ => {
                cx.error(&meta.path, unknown_serde(&name));
                rest(meta)
            }
        }
    }
}

impl Field {
    pub(crate) fn parse(cx: &Ctxt, attributes: &[Attribute]) -> Self {
        let mut field = Self::default();
        for meta in metas(cx, attributes, "seal") {
            meta.parse(cx, |meta| field.seal(cx, &meta));
        }
        for meta in metas(cx, attributes, "serde") {
            meta.parse(cx, |meta| field.serde(cx, &meta));
        }
        field
    }

    pub(crate) fn find(&self, wanted: &[Mark]) -> Option<(Mark, Span)> {
        self.marks
            .iter()
            .find(|(mark, _)| wanted.contains(mark))
            .copied()
    }

    pub(crate) fn has(&self, mark: Mark) -> bool {
        self.find(&[mark]).is_some()
    }

    fn seal(&mut self, cx: &Ctxt, meta: &ParseNestedMeta<'_>) -> syn::Result<()> {
        let name = word(&meta.path);
        if let Some(mark) = Mark::ALL.into_iter().find(|mark| mark.name() == name) {
            if self.has(mark) {
                cx.error(&meta.path, format!("`{name}` is given twice"));
            }
            self.marks.push((mark, span(&meta.path)));
            return no_value(cx, meta, &name);
        }
        match name.as_str() {
            "others" => {
                let literal = string(meta, "others = \"encrypt\"")?;
                let choice = choice(cx, &literal, "others").unwrap_or(Choice::Encrypt);
                once(cx, &meta.path, &mut self.others, (choice, span(&meta.path)));
            }
            "start" => {
                let literal = string(meta, "start = \"one\"")?;
                let start = start(cx, &literal).unwrap_or(Start::Clock);
                once(cx, &meta.path, &mut self.start, (start, span(&meta.path)));
            }
            "table" | "default" => {
                cx.error(&meta.path, format!("`{name}` belongs on the struct"));
                rest(meta)?;
            }
            _ => {
                let names: Vec<_> = Mark::ALL.iter().map(|mark| mark.name()).collect();
                let names = names.join("`, `");
                let message =
                    format!("unknown mark `{name}`: a field takes `{names}`, `start`, `others`");
                cx.error(&meta.path, message);
                rest(meta)?;
            }
        }
        Ok(())
    }

    fn serde(&mut self, cx: &Ctxt, meta: &ParseNestedMeta<'_>) -> syn::Result<()> {
        let name = word(&meta.path);
        let at = span(&meta.path);
        match name.as_str() {
            "rename" if meta.input.peek(Token![=]) => {
                self.rename = Some(meta.value()?.parse()?);
                return Ok(());
            }
            "rename" => cx.error(
                &meta.path,
                "an attribute has one name: write `rename = \"..\"`",
            ),
            "alias" => cx.error(
                &meta.path,
                "`Seal` cannot follow serde's `alias`: an attribute has one name, which is signed",
            ),
            "flatten" => self.flatten = Some(at),
            "skip" => self.skip = Some(at),
            "skip_serializing" => self.skip_some = Some(("skip_serializing", at)),
            "skip_serializing_if" => self.skip_some = Some(("skip_serializing_if", at)),
            "skip_deserializing" => self.skip_some = Some(("skip_deserializing", at)),
            "borrow" | "bound" | "default" | "deserialize_with" | "serialize_with" | "with" => {}
            _ => cx.error(&meta.path, unknown_serde(&name)),
        }
        rest(meta)
    }
}

/// Why a container attribute of serde is refused; `None` if it is not one of those.
fn unfollowed_container(name: &str) -> Option<&'static str> {
    Some(match name {
        "transparent" => "the struct would serialize as its field, not as an item",
        "tag" => "it adds an attribute that no field marks",
        "untagged" | "content" | "rename_all_fields" => "it is for enums",
        "variant_identifier" | "field_identifier" => "it is for enums",
        "from" | "try_from" | "into" => "the attributes would be those of another type",
        "remote" => "the attributes would be those of another type's fields",
        _ => return None,
    })
}

fn unknown_serde(name: &str) -> String {
    format!(
        "`Seal` does not know serde's `{name}`, and refuses to guess what it does to attributes"
    )
}

fn choice(cx: &Ctxt, literal: &LitStr, name: &str) -> Option<Choice> {
    match (literal.value().as_str(), name) {
        ("encrypt", _) => return Some(Choice::Encrypt),
        ("sign", _) => return Some(Choice::Sign),
        ("unsigned", "default") => cx.error(
            literal,
            "`default` cannot be `unsigned`: mark each field that anybody may change",
        ),
        (value, _) => {
            let value = value.escape_debug();
            let message = format!("`{name}` is `encrypt` or `sign`, not `{value}`");
            cx.error(literal, message);
        }
    }
    None
}

fn start(cx: &Ctxt, literal: &LitStr) -> Option<Start> {
    match literal.value().as_str() {
        "clock" => Some(Start::Clock),
        "one" => Some(Start::One),
        value => {
            let value = value.escape_debug();
            let message = format!("a version starts at `clock` or `one`, not `{value}`");
            cx.error(literal, message);
            None
        }
    }
}

/// One `#[seal(..)]` or `#[serde(..)]`.
struct List<'a> {
    attribute: &'a Attribute,
    report: bool,
}

impl List<'_> {
    fn parse(&self, cx: &Ctxt, logic: impl FnMut(ParseNestedMeta<'_>) -> syn::Result<()>) {
        // What serde's own grammar refuses, serde reports; saying it twice helps nobody.
        if let Err(error) = self.attribute.parse_nested_meta(logic)
            && self.report
        {
            cx.push(error);
        }
    }
}

fn metas<'a>(
    cx: &'a Ctxt,
    attributes: &'a [Attribute],
    name: &'static str,
) -> impl Iterator<Item = List<'a>> {
    let ours = attributes
        .iter()
        .filter(move |attribute| attribute.path().is_ident(name));
    ours.filter_map(move |attribute| {
        let report = name == "seal";
        if !matches!(attribute.meta, Meta::List(_)) {
            if report {
                cx.error(
                    &attribute.meta,
                    "write the marks in parentheses: `#[seal(..)]`",
                );
            }
            return None;
        }
        Some(List { attribute, report })
    })
}

fn once<T>(cx: &Ctxt, path: &Path, slot: &mut Option<T>, value: T) {
    if slot.is_some() {
        cx.error(path, format!("`{}` is given twice", word(path)));
    }
    *slot = Some(value);
}

fn string(meta: &ParseNestedMeta<'_>, example: &str) -> syn::Result<LitStr> {
    if !meta.input.peek(Token![=]) {
        return Err(meta.error(format!("expected `{example}`")));
    }
    match meta.value()?.parse()? {
        Lit::Str(literal) => Ok(literal),
        other => Err(syn::Error::new(
            other.span(),
            format!("expected `{example}`"),
        )),
    }
}

fn no_value(cx: &Ctxt, meta: &ParseNestedMeta<'_>, name: &str) -> syn::Result<()> {
    if meta.input.is_empty() || meta.input.peek(Token![,]) {
        return Ok(());
    }
    cx.error(&meta.path, format!("`{name}` takes no value"));
    rest(meta)
}

/// Skips what follows a name, up to the next comma.
fn rest(meta: &ParseNestedMeta<'_>) -> syn::Result<()> {
    while !meta.input.is_empty() && !meta.input.peek(Token![,]) {
        meta.input.parse::<proc_macro2::TokenTree>()?;
    }
    Ok(())
}

fn word(path: &Path) -> String {
    let words: Vec<_> = path
        .segments
        .iter()
        .map(|segment| segment.ident.unraw().to_string())
        .collect();
    words.join("::")
}

fn span(path: &Path) -> Span {
    path.segments
        .last()
        .map_or_else(Span::call_site, |segment| Ident::span(&segment.ident))
}

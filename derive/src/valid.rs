//! What is wrong with a struct. Every mistake has its own message, on the smallest token.

use std::collections::BTreeSet;

use proc_macro2::Span;

use crate::ast::{Field, Model};
use crate::attr::Mark;
use crate::ctxt::Ctxt;
use crate::types::{is_named, last_segment, named_types};

const ROLES: [Mark; 4] = [
    Mark::PartitionKey,
    Mark::SortKey,
    Mark::Tenant,
    Mark::Version,
];
const ACTIONS: [Mark; 4] = [Mark::Encrypt, Mark::Sign, Mark::Context, Mark::Unsigned];
const RESERVED: [&str; 3] = ["aws_dbe_", "aws-crypto-", "aws:rep:"];
const MAX_NAME_LEN: usize = 65535;
const MAX_KEY_NAME_LEN: usize = 255;

pub(crate) fn check(cx: &Ctxt, model: &Model<'_>) {
    for field in &model.fields {
        match (field.attrs.skip, field.attrs.flatten) {
            (Some(_), _) => check_skipped(cx, field),
            (None, Some(_)) => check_flattened(cx, field),
            (None, None) => check_attribute(cx, model, field),
        }
    }
    check_names(cx, model);
    check_roles(cx, model);
}

fn check_skipped(cx: &Ctxt, field: &Field<'_>) {
    let others = field.attrs.others.map(|(_, span)| ("others", span));
    let start = field.attrs.start.map(|(_, span)| ("start", span));
    let marks = field
        .attrs
        .marks
        .iter()
        .map(|(mark, span)| (mark.name(), *span));
    for (name, span) in marks.chain(start).chain(others) {
        cx.error_at(
            span,
            format!("`{name}` does nothing: serde skips this field"),
        );
    }
    if let (Some(_), Some(span)) = (field.attrs.flatten, field.attrs.skip) {
        cx.error_at(span, "`skip` and `flatten` cannot be used together");
    }
}

fn check_flattened(cx: &Ctxt, field: &Field<'_>) {
    let start = field.attrs.start.map(|(_, span)| ("start", span));
    let marks = field.attrs.marks.iter();
    let marks = marks.map(|(mark, span)| (mark.name(), *span));
    for (name, span) in marks.chain(start) {
        let message = format!(
            "`{name}` does nothing on a flattened field: a flattened struct has marks of its own, and \
             a flattened map takes `others`"
        );
        cx.error_at(span, message);
    }
    if let Some((name, span)) = field.attrs.skip_some {
        cx.error_at(
            span,
            format!("`{name}` and `flatten` cannot be used together"),
        );
    }
    let map = last_segment(field.ty).filter(|segment| {
        ["HashMap", "BTreeMap", "IndexMap", "Item"]
            .iter()
            .any(|name| segment.ident == name)
    });
    if let (Some(_), None) = (map, field.attrs.others) {
        cx.error(
            field.ty,
            "a flattened map needs `#[seal(others = \"encrypt\")]` or `#[seal(others = \"sign\")]`",
        );
    }
}

fn check_attribute(cx: &Ctxt, model: &Model<'_>, field: &Field<'_>) {
    if let Some((_, span)) = field.attrs.others {
        cx.error_at(
            span,
            "`others` is for a flattened map: add `#[serde(flatten)]`",
        );
    }
    if let (Some((_, span)), false) = (field.attrs.start, field.attrs.has(Mark::Version)) {
        cx.error_at(
            span,
            "`start` is for a version: write `version, start = \"one\"`",
        );
    }
    let action = one_of(cx, field, &ACTIONS, "is stored in one way");
    let role = one_of(cx, field, &ROLES, "has one role");
    match role {
        Some((role, span)) => check_role(cx, field, role, span, action),
        None if action.is_none() && model.attrs.default.is_none() => unmarked(cx, field),
        None => {}
    }
    if let Some((Mark::Context, _)) = action {
        check_context(cx, field);
    }
    check_unsigned(cx, field, action, role);
    check_redacted(cx, field, action, role);
}

fn unmarked(cx: &Ctxt, field: &Field<'_>) {
    let message = format!(
        "field `{}` has no mark: choose `#[seal(encrypt)]`, `#[seal(sign)]`, `#[seal(context)]` or \
         `#[seal(unsigned)]`, or state `#[seal(default = \"encrypt\")]` on the struct",
        field.ident
    );
    cx.error(field.ident, message);
}

/// The one mark out of a group; a second one is reported.
fn one_of(cx: &Ctxt, field: &Field<'_>, group: &[Mark], why: &str) -> Option<(Mark, Span)> {
    let mut found = field
        .attrs
        .marks
        .iter()
        .filter(|(mark, _)| group.contains(mark));
    let first = *found.next()?;
    for (mark, span) in found.filter(|(mark, _)| *mark != first.0) {
        let message = format!(
            "`{}` and `{}` cannot be used together: an attribute {why}",
            first.0.name(),
            mark.name()
        );
        cx.error_at(*span, message);
    }
    Some(first)
}

fn check_role(cx: &Ctxt, field: &Field<'_>, role: Mark, span: Span, action: Option<(Mark, Span)>) {
    let name = spoken(role);
    if let Some((action, span)) = action
        && let Some(why) = refused_action(role, action)
    {
        cx.error_at(span, format!("{name} cannot be {}: {why}", done(action)));
    }
    if is_named(field.ty, "Option") {
        cx.error(
            field.ty,
            format!("{name} cannot be an `Option`: every item has one"),
        );
    }
    if let Some((skip, span)) = field.attrs.skip_some {
        cx.error_at(
            span,
            format!("{name} cannot have `{skip}`: every item has one"),
        );
    }
    if role == Mark::Version && !is_named(field.ty, "u64") && !is_named(field.ty, "Option") {
        let message = "a version is a `u64`: it starts at the clock in microseconds and counts up";
        cx.error(field.ty, message);
    }
    if role == Mark::Tenant && NO_STRINGS.iter().any(|name| is_named(field.ty, name)) {
        cx.error(
            field.ty,
            "a tenant is a string: a `String`, or a type that serde writes as one",
        );
    }
    let too_long = field.name.len() > MAX_KEY_NAME_LEN && is_key(role);
    if too_long {
        cx.error_at(
            field.name_span,
            "the name of a key attribute has at most 255 bytes",
        );
    }
    if field.attrs.has(Mark::AsValue) && is_key(role) {
        cx.error_at(
            span,
            format!("{name} cannot be `as_value`: it is a string, a number or bytes"),
        );
    }
}

/// What serde writes as something else, by the names under which they are mostly written.
const NO_STRINGS: [&str; 16] = [
    "u8", "u16", "u32", "u64", "u128", "usize", "i8", "i16", "i32", "i64", "i128", "isize", "f32",
    "f64", "bool", "Vec",
];

fn refused_action(role: Mark, action: Mark) -> Option<&'static str> {
    Some(match (role, action) {
        (Mark::PartitionKey | Mark::SortKey, Mark::Encrypt) => "DynamoDB finds items by it",
        (Mark::PartitionKey | Mark::SortKey, Mark::Unsigned) => {
            "items could be moved without being noticed"
        }
        (Mark::Tenant, Mark::Encrypt | Mark::Sign) => {
            "it chooses the keys, so it is always part of the encryption context"
        }
        (Mark::Tenant, Mark::Unsigned) => "it chooses the keys",
        (Mark::Version, Mark::Encrypt) => "conditions test it",
        (Mark::Version, Mark::Context) => "it changes with every write",
        (Mark::Version, Mark::Unsigned) => "it would prove nothing",
        _ => return None,
    })
}

fn check_context(cx: &Ctxt, field: &Field<'_>) {
    let has_role = field.attrs.find(&ROLES).is_some();
    if let (Some((skip, span)), false) = (field.attrs.skip_some, has_role) {
        let message = format!(
            "a context attribute cannot have `{skip}`: every item needs it; an `Option` that is \
             written as NULL is allowed"
        );
        cx.error_at(span, message);
    }
}

fn check_unsigned(
    cx: &Ctxt,
    field: &Field<'_>,
    action: Option<(Mark, Span)>,
    role: Option<(Mark, Span)>,
) {
    let is_wrapped = is_named(field.ty, "Unsigned");
    match action {
        Some((Mark::Unsigned, _)) if !is_wrapped && role.is_none() => {
            let message = "an unsigned field is an `Unsigned<..>`: anybody who can write to the \
                           table can change it";
            cx.error(field.ty, message);
        }
        Some((Mark::Unsigned, _)) => {}
        _ if is_wrapped => {
            cx.error(
                field.ty,
                "an `Unsigned<..>` field needs `#[seal(unsigned)]`",
            );
        }
        _ => {}
    }
}

/// Keys and context values go to KMS, which logs them in clear.
fn check_redacted(
    cx: &Ctxt,
    field: &Field<'_>,
    action: Option<(Mark, Span)>,
    role: Option<(Mark, Span)>,
) {
    let what = match (role, action) {
        (Some((Mark::PartitionKey | Mark::SortKey, _)), _) => "a key",
        (Some((Mark::Tenant, _)), _) => "a tenant",
        (_, Some((Mark::Context, _))) => "a context attribute",
        _ => return,
    };
    let redacted = named_types(field.ty)
        .into_iter()
        .find(|ty| is_named(ty, "Redacted"));
    if let Some(ty) = redacted {
        cx.error(
            ty,
            format!("{what} cannot be `Redacted`: KMS logs its value in clear"),
        );
    }
}

fn check_names(cx: &Ctxt, model: &Model<'_>) {
    let mut names = BTreeSet::new();
    for field in model.attributes() {
        let name = &field.name;
        if let Some(prefix) = RESERVED.iter().find(|prefix| name.starts_with(**prefix)) {
            let message = format!("attribute names that begin with `{prefix}` are reserved");
            cx.error_at(field.name_span, message);
        }
        if name.is_empty() {
            cx.error_at(field.name_span, "an attribute name cannot be empty");
        }
        if name.len() > MAX_NAME_LEN {
            cx.error_at(field.name_span, "an attribute name has at most 65535 bytes");
        }
        if !names.insert(name) {
            let name = name.escape_debug();
            cx.error_at(
                field.name_span,
                format!("two fields write the attribute `{name}`"),
            );
        }
    }
}

fn check_roles(cx: &Ctxt, model: &Model<'_>) {
    for role in ROLES {
        let marked = model
            .attributes()
            .filter_map(|field| field.attrs.find(&[role]));
        for (_, span) in marked.skip(1) {
            cx.error_at(span, format!("an item has one {}", noun(role)));
        }
    }
    let maps = model
        .written()
        .filter_map(|field| field.attrs.others.filter(|_| is_flat(field)));
    for (_, span) in maps.skip(1) {
        cx.error_at(
            span,
            "an item has one flattened map: each would get every other attribute",
        );
    }
    if model.has(Mark::PartitionKey) {
        return;
    }
    let mut sort_keys = model
        .attributes()
        .filter_map(|field| field.attrs.find(&[Mark::SortKey]));
    if let Some((_, span)) = sort_keys.next() {
        cx.error_at(span, "a sort key needs a partition key beside it");
        return;
    }
    // Without a table the struct is there to be flattened into others.
    if model.attrs.table.is_some() && model.flattened().next().is_none() {
        let message = "no field is the partition key: mark one with `#[seal(partition_key)]`";
        cx.error(model.ident, message);
    }
}

fn is_flat(field: &Field<'_>) -> bool {
    field.attrs.flatten.is_some()
}

const fn is_key(role: Mark) -> bool {
    matches!(role, Mark::PartitionKey | Mark::SortKey)
}

const fn noun(role: Mark) -> &'static str {
    match role {
        Mark::PartitionKey => "partition key",
        Mark::SortKey => "sort key",
        Mark::Tenant => "tenant",
        _ => "version",
    }
}

fn spoken(role: Mark) -> String {
    format!("a {}", noun(role))
}

const fn done(action: Mark) -> &'static str {
    match action {
        Mark::Encrypt => "encrypted",
        Mark::Sign => "signed only",
        Mark::Context => "part of the encryption context",
        _ => "unsigned",
    }
}

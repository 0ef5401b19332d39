//! Expressions that are valid, and expressions that are not.
//!
//! All are about one item ([`item`]) and use placeholders of one dictionary ([`names`], [`values`]),
//! of which each test defines those that the text uses. What is marked [`Differs`] is judged otherwise
//! by the embedded DynamoDB; the mark says why we do not follow it.

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;

use super::super::{Condition, ExpressionError, KeyCondition, Projection, UpdateExpression};
use crate::item::Item;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Condition,
    Key,
    Update,
    Projection,
}

/// Whether the embedded DynamoDB agrees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Agrees,
    /// It does not, and this is why it is not followed.
    Differs(&'static str),
}
use Kind::{Condition as C, Key as K, Projection as P, Update as U};
use Verdict::{Agrees, Differs};

pub(super) type Case = (Kind, &'static str, Verdict);

const RESERVED: Verdict = Differs("reserved words are sent as placeholders, so they may be used");
const ANY_WHITE_SPACE: Verdict = Differs("the grammar has tokens, and white space between any two");
const SAME_PATH: Verdict = Differs(
    "DynamoDB wants the first operand to be distinct from the others (REPEAT_DOC_PATH_NOT_ALLOWED)",
);
const ORDER: Verdict =
    Differs("DynamoDB orders strings, numbers and binary only, and says so up front");
const CASE: Verdict = Differs("the developer guide: function names are case-sensitive");
const CONFLICT: Verdict = Differs("DynamoDB refuses paths that need a map and a list at one place");
const TOO_MANY_FOR_IN: Verdict = Differs("the developer guide: up to 100 operands of IN");
const TYPE_NAME: Verdict = Differs("DynamoDB knows ten types, and refuses other names up front");
const TOO_DEEP: Verdict = Differs("DynamoDB: the maximum depth for a document path is 32");
const ODD_SPACE: Verdict = Differs("white space is blank, tab and line ends");
const SUM_OF_SUMS: Verdict =
    Differs("the developer guide: value ::= operand '+' operand, and an operand is no sum");

pub(super) const VALID: &[Case] = &[
    // Comparators, either side, every type.
    (C, "n = :n", Agrees),
    (C, "n <> :n", Agrees),
    (C, "n < :n", Agrees),
    (C, "n <= :n", Agrees),
    (C, "n > :n", Agrees),
    (C, "n >= :n", Agrees),
    (C, ":n = n", Agrees),
    (C, ":n1 >= n", Agrees),
    (C, "n < n1", Agrees),
    (C, ":n = :n1", Agrees),
    (C, ":n = :n", Agrees),
    (C, "s = :s", Agrees),
    (C, "b = :b", Agrees),
    (C, "b < :b", Agrees),
    (C, "t = :t", Agrees),
    (C, "z = :z", Agrees),
    (C, "l = :l", Agrees),
    (C, "m = :m", Agrees),
    (C, "m <> :m", Agrees),
    (C, "ss = :ss", Agrees),
    (C, "ns <> :ns", Agrees),
    (C, "bs = :bs", Agrees),
    (C, "nowhere = :n", Agrees),
    (C, "nowhere <> elsewhere", Agrees),
    // White space: none, blanks, tabs, line ends.
    (C, "n=:n", Agrees),
    (C, "n<>:n", Agrees),
    (C, "n<=:n1 AND n>=:n", Agrees),
    (C, "  n   =   :n  ", Agrees),
    (C, "n\t=\t:n", Agrees),
    (C, "n\n=\r\n:n\n", Agrees),
    (C, "n = :n\tAND\ns = :s", Agrees),
    (C, "n=:n AND(s=:s)OR(n=:n1)", Agrees),
    (C, "NOT(n=:n)", Agrees),
    (C, "attribute_exists ( n )", Agrees),
    (C, "n IN(:n,:n1)", Agrees),
    (C, "m . f = :n", Agrees),
    (C, "l [0] = :n", Agrees),
    (C, "l[0 ] = :n", Agrees),
    (C, "l[ 0 ] = :n", ANY_WHITE_SPACE),
    // Paths and placeholders.
    (C, "m.f = :n", Agrees),
    (C, "m.g.h = :n", Agrees),
    (C, "l[0] = :n", Agrees),
    (C, "l[2].g[1] = :n", Agrees),
    (C, "m.k[0] < m.k[1]", Agrees),
    (C, "l[4294967295] = :n", Agrees),
    (C, "#n = :n", Agrees),
    (C, "#m.#f = :n", Agrees),
    (C, "#m.f = :n", Agrees),
    (C, "m.#f = :n", Agrees),
    (C, "#l[1] = :s", Agrees),
    (C, "#0 = :0", Agrees),
    (C, "#_x = :_x", Agrees),
    (C, "#and = :n", Agrees),
    (C, "#dot = :n", Agrees),
    (C, "attribute_exists(#dot)", Agrees),
    (C, "_under = :n", Agrees),
    (C, "a1b2_c3 = :n", Agrees),
    (C, "N = :n", Agrees),
    (C, "#n = :n AND #n < :n1 AND n <> :n1", Agrees),
    // Names that begin with keywords.
    (C, "orders = :n", Agrees),
    (C, "android = :n", Agrees),
    (C, "notes = :n", Agrees),
    (C, "inner_x = :n", Agrees),
    (C, "index_x = :n", Agrees),
    (C, "between_x BETWEEN :n AND :n1", Agrees),
    (C, "insert_x IN (:n)", Agrees),
    (C, "NOT notes = :n", Agrees),
    (C, "orders = :n OR orders = :n1", Agrees),
    (C, "android = :n AND android = :n1", Agrees),
    (C, "sizes = :n", Agrees),
    (C, "contains_x = :n", Agrees),
    (C, "attribute_exists_x = :n", Agrees),
    (C, "setup_x = :n AND removed = :n", Agrees),
    // Keywords in any case.
    (C, "n = :n and s = :s", Agrees),
    (C, "n = :n aNd s = :s", Agrees),
    (C, "n = :n Or s = :s", Agrees),
    (C, "nOt n = :n", Agrees),
    (C, "n between :n and :n1", Agrees),
    (C, "n in (:n, :n1)", Agrees),
    // BETWEEN and IN.
    (C, "n BETWEEN :n AND :n1", Agrees),
    (C, ":n BETWEEN n AND n1", Agrees),
    (C, "n BETWEEN :n AND :n1 AND s = :s", Agrees),
    (C, "s = :s AND n BETWEEN :n AND :n1", Agrees),
    (C, "s BETWEEN :s1 AND :s", Agrees),
    (C, "n BETWEEN :n AND n1", Agrees),
    (C, "n BETWEEN n AND n1", Agrees),
    (C, "size(s) BETWEEN :n AND :n1", Agrees),
    (C, "n BETWEEN size(s) AND :n1", Agrees),
    (C, "n IN (:n)", Agrees),
    (C, "n IN (:n, :n1, :s)", Agrees),
    (C, ":n IN (n, n1, l[0])", Agrees),
    (C, "n IN (n, n1)", Agrees),
    (C, "size(s) IN (:n, :n1)", Agrees),
    (C, "n IN (size(s), :n)", Agrees),
    (C, "n IN (:n,:n,:n,:n,:n,:n,:n,:n,:n,:n)", Agrees),
    // Functions.
    (C, "attribute_exists(n)", Agrees),
    (C, "attribute_exists(m.g.h)", Agrees),
    (C, "attribute_exists(l[2].g[1])", Agrees),
    (C, "attribute_not_exists(nowhere)", Agrees),
    (C, "attribute_not_exists(#m.#f)", Agrees),
    (C, "attribute_type(n, :type_n)", Agrees),
    (C, "attribute_type(m.f, :type_n)", Agrees),
    (C, "attribute_type(t, :type_bool)", Agrees),
    (C, "attribute_type(z, :type_null)", Agrees),
    (C, "attribute_type(ss, :type_ss)", Agrees),
    (C, "begins_with(s, :s1)", Agrees),
    (C, "begins_with(b, :b)", Agrees),
    (C, "begins_with(s, s1)", Agrees),
    (C, "begins_with(:s, s1)", Agrees),
    (C, "begins_with(l[1], :s1)", Agrees),
    (C, "contains(s, :s1)", Agrees),
    (C, "contains(ss, :s)", Agrees),
    (C, "contains(ns, :n)", Agrees),
    (C, "contains(l, :n)", Agrees),
    (C, "contains(l, :m)", Agrees),
    (C, "contains(l, n)", Agrees),
    (C, "contains(:s, s1)", Agrees),
    (C, "contains(l, size(s))", Agrees),
    (C, "size(s) = :n", Agrees),
    (C, "size(s) <> :n", Agrees),
    (C, "size(l) < size(m)", Agrees),
    (C, "size(s) = size(s)", Agrees),
    (C, "size(m.k) >= n", Agrees),
    (C, ":n = size(s)", Agrees),
    (C, "n = size(#s)", Agrees),
    // Logic, precedence, parentheses.
    (C, "n = :n AND s = :s", Agrees),
    (C, "n = :n OR s = :s", Agrees),
    (C, "NOT n = :n", Agrees),
    (C, "NOT NOT n = :n", Agrees),
    (C, "NOT NOT NOT NOT n = :n", Agrees),
    (C, "NOT n BETWEEN :n AND :n1", Agrees),
    (C, "NOT n IN (:n)", Agrees),
    (C, "NOT attribute_exists(n)", Agrees),
    (C, "NOT size(s) = :n", Agrees),
    (C, "(n = :n)", Agrees),
    (C, "NOT (n = :n)", Agrees),
    (C, "(NOT n = :n)", Agrees),
    (C, "NOT (NOT n = :n)", Agrees),
    (C, "n = :n OR s = :s AND t = :t", Agrees),
    (C, "n = :n AND s = :s OR t = :t", Agrees),
    (C, "(n = :n OR s = :s) AND t = :t", Agrees),
    (C, "t = :t AND (n = :n OR s = :s)", Agrees),
    (C, "(n = :n) AND (s = :s)", Agrees),
    (C, "((n = :n) AND (s = :s))", Agrees),
    (C, "((n = :n) OR s = :s) AND t = :t", Agrees),
    (C, "(n = :n AND (s = :s AND (t = :t)))", Agrees),
    (C, "NOT (n = :n AND s = :s)", Agrees),
    (C, "NOT (n = :n OR s = :s) AND t = :t", Agrees),
    (C, "NOT n = :n AND NOT s = :s OR NOT t = :t", Agrees),
    (C, "(attribute_exists(n))", Agrees),
    (
        C,
        "attribute_exists(n) AND attribute_not_exists(nowhere) OR n = :n",
        Agrees,
    ),
    // Reserved words.
    (C, "name = :s", RESERVED),
    (C, "ttl < :n", RESERVED),
    (C, "status = :s AND year = :n", RESERVED),
    (C, "m.count = :n", RESERVED),
    (C, "size = :n", RESERVED),
    (C, "set = :n", RESERVED),
    (C, "contains = :n", Agrees),
    (C, "attribute_exists(data)", RESERVED),
    // Key conditions.
    (K, "pk = :p", Agrees),
    (K, ":p = pk", Agrees),
    (K, "#pk = :p", Agrees),
    (K, "(pk = :p)", Agrees),
    (K, "pk = :p AND sk = :k", Agrees),
    (K, "sk = :k AND pk = :p", Agrees),
    (K, "pk = :p AND sk < :k", Agrees),
    (K, "pk = :p AND sk <= :k", Agrees),
    (K, "pk = :p AND sk > :k", Agrees),
    (K, "pk = :p AND sk >= :k", Agrees),
    (K, "pk = :p AND :k >= sk", Agrees),
    (K, "pk = :p AND :k < sk", Agrees),
    (K, "sk > :k AND pk = :p", Agrees),
    (K, "pk = :p AND sk BETWEEN :k AND :k1", Agrees),
    (K, "sk BETWEEN :k AND :k1 AND pk = :p", Agrees),
    (K, "pk = :p AND begins_with(sk, :k)", Agrees),
    (K, "begins_with(#sk, :k) and #pk = :p", Agrees),
    (K, "(pk = :p) AND (sk = :k)", Agrees),
    (K, "(pk = :p AND sk = :k)", Agrees),
    (K, "pk=:p\tAND\nsk=:k", Agrees),
    // Updates.
    (U, "SET n = :n", Agrees),
    (U, "set n = :n", Agrees),
    (U, "SET n=:n,s=:s", Agrees),
    (U, "SET n = :n, s = :s, fresh = :m", Agrees),
    (U, "SET n = n1", Agrees),
    (U, "SET n = n + :n", Agrees),
    (U, "SET n = n - :n", Agrees),
    (U, "SET n=n+:n", Agrees),
    (U, "SET n=n-:n", Agrees),
    (U, "SET n = :n + n", Agrees),
    (U, "SET n = :n + :n1", Agrees),
    (U, "SET n = n + n1", Agrees),
    (U, "SET n = m.f + l[0]", Agrees),
    (U, "SET n = (n + :n)", Agrees),
    (U, "SET n = (n)", Agrees),
    (U, "SET n = if_not_exists(n, :n)", Agrees),
    (U, "SET fresh = if_not_exists(fresh, :n)", Agrees),
    (U, "SET n = if_not_exists(n, :n) + :n1", Agrees),
    (U, "SET n = :n1 - if_not_exists(nowhere, :n)", Agrees),
    (U, "SET n = if_not_exists(nowhere, n1)", Agrees),
    (
        U,
        "SET n = if_not_exists(nowhere, if_not_exists(elsewhere, :n))",
        Agrees,
    ),
    (U, "SET l = list_append(l, :l)", Agrees),
    (U, "SET l = list_append(:l, l)", Agrees),
    (U, "SET l = list_append(:l, :l)", Agrees),
    (
        U,
        "SET fresh = list_append(if_not_exists(fresh, :l), :l)",
        Agrees,
    ),
    (U, "SET m.f = :n", Agrees),
    (U, "SET m.g.h = :s", Agrees),
    (U, "SET l[0] = :n", Agrees),
    (U, "SET l[99] = :n", Agrees),
    (U, "SET l[2].f = :n", Agrees),
    (U, "SET #n = :n", Agrees),
    (U, "SET #m.#f = #n + :n", Agrees),
    (U, "SET #dot = :n", Agrees),
    (U, "SET n = :n\n,\ts = :s", Agrees),
    (U, "SET m.f = :n, m.g = :s", Agrees),
    (U, "SET l[0] = :n, l[1] = :s", Agrees),
    (U, "SET settings = :n", Agrees),
    (U, "SET additional = :n REMOVE removed", Agrees),
    (U, "REMOVE n", Agrees),
    (U, "REMOVE n, s, nowhere", Agrees),
    (U, "REMOVE l[0]", Agrees),
    (U, "REMOVE l[0], l[1]", Agrees),
    (U, "REMOVE m.g.h, m.f", Agrees),
    (U, "REMOVE #n, #m.#f", Agrees),
    (U, "ADD n :n", Agrees),
    (U, "ADD fresh :n", Agrees),
    (U, "ADD ss :ss", Agrees),
    (U, "ADD ns :ns, bs :bs", Agrees),
    (U, "ADD #n :n", Agrees),
    (U, "ADD m.f :n", Agrees),
    (U, "DELETE ss :ss", Agrees),
    (U, "DELETE ns :ns, bs :bs", Agrees),
    (U, "SET n = :n REMOVE s", Agrees),
    (U, "REMOVE s SET n = :n", Agrees),
    (U, "ADD n1 :n SET n = :n", Agrees),
    (U, "SET n = :n REMOVE s ADD n1 :n DELETE ss :ss", Agrees),
    (U, "DELETE ss :ss ADD n1 :n REMOVE s SET n = :n", Agrees),
    (U, "sEt n = :n rEmOvE s aDd n1 :n dElEtE ss :ss", Agrees),
    (U, "SET name = :s", RESERVED),
    (U, "SET views = :n, ttl = :n REMOVE data", RESERVED),
    (U, "SET and = :n", RESERVED),
    // Projections.
    (P, "n", Agrees),
    (P, "n, s", Agrees),
    (P, "n,s,b", Agrees),
    (P, " n ,\ts,\nb ", Agrees),
    (P, "m.f", Agrees),
    (P, "m.f, m.g.h", Agrees),
    (P, "l[0], l[2]", Agrees),
    (P, "l[2].f, l[2].g[1]", Agrees),
    (P, "#n, #m.#f, #dot", Agrees),
    (P, "nowhere", Agrees),
    (P, "orders, android, notes", Agrees),
    (P, "name, ttl", RESERVED),
    (P, "and, or, not", RESERVED),
];

pub(super) const INVALID: &[Case] = &[
    // Nothing, or not all of it.
    (C, "", Agrees),
    (C, "   ", Agrees),
    (C, "\t\n", Agrees),
    (C, "n", Agrees),
    (C, ":n", Agrees),
    (C, "n =", Agrees),
    (C, "= :n", Agrees),
    (C, "n :n", Agrees),
    (C, "n = :n AND", Agrees),
    (C, "AND n = :n", Agrees),
    (C, "n = :n OR", Agrees),
    (C, "OR n = :n", Agrees),
    (C, "NOT", Agrees),
    (C, "n NOT = :n", Agrees),
    (C, "n = NOT :n", Agrees),
    (C, "n = :n s = :s", Agrees),
    (C, "n = :n AND OR s = :s", Agrees),
    (C, "n = :n, s = :s", Agrees),
    (C, "n = :n = :n1", Agrees),
    (C, "n == :n", Agrees),
    (C, "n != :n", Agrees),
    (C, "n => :n", Agrees),
    (C, "n =< :n", Agrees),
    (C, "n < > :n", Agrees),
    (C, "n < = :n", Agrees),
    (C, "n = :n;", Agrees),
    (C, "n = :n && s = :s", Agrees),
    (C, "n = :n || s = :s", Agrees),
    (C, "!n = :n", Agrees),
    (C, "n = 5", Agrees),
    (C, "n = 'five'", Agrees),
    (C, "n = \"five\"", Agrees),
    (C, "n + :n = :n1", Agrees),
    (C, "n = :n + :n1", Agrees),
    (C, "n-x = :n", Agrees),
    (C, "n = :n\u{b}AND s = :s", ODD_SPACE),
    (C, "n = :n\u{c}AND s = :s", ODD_SPACE),
    (C, "n\u{a0}= :n", Agrees),
    (C, "n = :n \0", Agrees),
    (C, "größe = :n", Agrees),
    // Names and paths.
    (C, "1n = :n", Agrees),
    (C, "# = :n", Agrees),
    (C, "n = :", Agrees),
    (C, "#-x = :n", Agrees),
    (C, "n = :-x", Agrees),
    (C, "#undefined = :n", Agrees),
    (C, "n = :undefined", Agrees),
    (C, "n = #undefined", Agrees),
    (C, "n.#undefined = :n", Agrees),
    (C, "#empty = :n", Agrees),
    (C, "m. = :n", Agrees),
    (C, ".m = :n", Agrees),
    (C, "m..f = :n", Agrees),
    (C, "m.0 = :n", Agrees),
    (C, "m.:n = :n", Agrees),
    (C, "[0] = :n", Agrees),
    (C, "l[] = :n", Agrees),
    (C, "l[ = :n", Agrees),
    (C, "l[0 = :n", Agrees),
    (C, "l[-1] = :n", Agrees),
    (C, "l[x] = :n", Agrees),
    (C, "l[#n] = :n", Agrees),
    (C, "l[:n] = :n", Agrees),
    (C, "l[00] = :n", Agrees),
    (C, "l[01] = :n", Agrees),
    (C, "l[0]f = :n", Agrees),
    (C, "l[99999999999999999999] = :n", Agrees),
    (C, "and = :n", Agrees),
    (C, "IN = :n", Agrees),
    (C, "m.not = :n", Agrees),
    (C, "m.between = :n", Agrees),
    // Parentheses.
    (C, "()", Agrees),
    (C, "(n = :n", Agrees),
    (C, "n = :n)", Agrees),
    (C, "((n = :n))", Agrees),
    (C, "(((n = :n)))", Agrees),
    (C, "((n = :n)) AND s = :s", Agrees),
    (C, "NOT ((n = :n))", Agrees),
    (C, "((n = :n AND s = :s))", Agrees),
    (C, "(n) = :n", Agrees),
    (C, "n = (:n)", Agrees),
    (C, "(n = :n) (s = :s)", Agrees),
    // BETWEEN and IN.
    (C, "n BETWEEN :n", Agrees),
    (C, "n BETWEEN :n :n1", Agrees),
    (C, "n BETWEEN :n, :n1", Agrees),
    (C, "n BETWEEN (:n AND :n1)", Agrees),
    (C, "n BETWEEN :n OR :n1", Agrees),
    (C, "n BETWEEN :n AND", Agrees),
    (C, "n BETWEEN :n AND :s", Agrees),
    (C, "n BETWEEN :t AND :t", ORDER),
    (C, "BETWEEN :n AND :n1", Agrees),
    (C, "n NOT BETWEEN :n AND :n1", Agrees),
    (C, "n IN", Agrees),
    (C, "n IN ()", Agrees),
    (C, "n IN :n", Agrees),
    (C, "n IN (:n", Agrees),
    (C, "n IN (:n,)", Agrees),
    (C, "n IN (:n :n1)", Agrees),
    (C, "n IN ((:n))", Agrees),
    (C, "n NOT IN (:n)", Agrees),
    (C, "n IN (attribute_exists(s))", Agrees),
    (
        C,
        "n IN (:n,:n,:n,:n,:n,:n,:n,:n,:n,:n,:n,:n,:n,:n,:n,:n,:n,:n,:n,:n,:n,:n,:n,:n,:n,:n,:n,:n,:n,:n,\
         :n,:n,:n,:n,:n,:n,:n,:n,:n,:n,:n,:n,:n,:n,:n,:n,:n,:n,:n,:n,:n,:n,:n,:n,:n,:n,:n,:n,:n,:n,\
         :n,:n,:n,:n,:n,:n,:n,:n,:n,:n,:n,:n,:n,:n,:n,:n,:n,:n,:n,:n,:n,:n,:n,:n,:n,:n,:n,:n,:n,:n,\
         :n,:n,:n,:n,:n,:n,:n,:n,:n,:n,:n)",
        TOO_MANY_FOR_IN,
    ),
    // Functions.
    (C, "attribute_exists", Agrees),
    (C, "attribute_exists()", Agrees),
    (C, "attribute_exists(:n)", Agrees),
    (C, "attribute_exists(n, s)", Agrees),
    (C, "attribute_exists(n,)", Agrees),
    (C, "attribute_exists(n", Agrees),
    (C, "attribute_exists n", Agrees),
    (C, "attribute_exists((n))", Agrees),
    (C, "attribute_exists(size(n))", Agrees),
    (C, "attribute_exists(n) = :t", Agrees),
    (C, "attribute_exists(n) = attribute_exists(s)", Agrees),
    (C, "n = attribute_exists(s)", Agrees),
    (C, "attribute_not_exists(:n)", Agrees),
    (C, "attribute_type(n)", Agrees),
    (
        C,
        "attribute_type(n, s)",
        Differs("the developer guide: the type is an expression attribute value"),
    ),
    (C, "attribute_type(n, :n)", TYPE_NAME),
    (C, "attribute_type(n, :s)", TYPE_NAME),
    (C, "attribute_type(:n, :type_n)", Agrees),
    (C, "begins_with(s)", Agrees),
    (C, "begins_with(s, :s, :s1)", Agrees),
    (C, "begins_with(s, :n)", Agrees),
    (C, "begins_with(s, :t)", Agrees),
    (
        C,
        "begins_with(:n, s)",
        Differs("`begins_with` takes strings and binary, on either side"),
    ),
    (C, "begins_with(s, s)", SAME_PATH),
    (
        C,
        "begins_with(size(s), :s)",
        Differs("a size is a number, and begins with nothing"),
    ),
    (C, "contains(s)", Agrees),
    (C, "contains(s, s)", Agrees),
    (C, "contains(m.f, m.f)", Agrees),
    (C, "contains(s, :s, :s1)", Agrees),
    (C, "contains(attribute_exists(n), :n)", Agrees),
    (C, "size(s)", Agrees),
    (C, "size()", Agrees),
    (C, "size(s, s1) = :n", Agrees),
    (C, "size(size(s)) = :n", Agrees),
    (C, "size(:s) = :n", Agrees),
    (C, "NOT size(s)", Agrees),
    (C, "SIZE(s) = :n", CASE),
    (C, "Attribute_Exists(n)", CASE),
    (C, "BEGINS_WITH(s, :s)", CASE),
    (C, "unheard_of(n)", Agrees),
    (C, "unheard_of(n) = :n", Agrees),
    (C, "if_not_exists(n, :n) = :n", Agrees),
    (C, "list_append(l, :l) = :l", Agrees),
    (C, "AND(n = :n)", Agrees),
    // Operands that do not fit.
    (C, "n = n", SAME_PATH),
    (C, "n < n", SAME_PATH),
    (C, "m.f <> m.f", SAME_PATH),
    (C, "#n = n", SAME_PATH),
    (C, "n < :t", ORDER),
    (C, "n > :l", ORDER),
    (C, ":m >= n", ORDER),
    (C, "n <= :z", ORDER),
    (C, "n < :ss", ORDER),
    // Key conditions.
    (K, "", Agrees),
    (K, "pk", Agrees),
    (K, "pk > :p", Agrees),
    (K, "pk <> :p", Agrees),
    (K, "begins_with(pk, :p)", Agrees),
    (K, "pk BETWEEN :p AND :k", Agrees),
    (K, "pk IN (:p)", Agrees),
    (K, "pk = :p OR sk = :k", Agrees),
    (K, "NOT pk = :p", Agrees),
    (K, "pk = :p AND NOT sk = :k", Agrees),
    (K, "pk = :p AND sk <> :k", Agrees),
    (K, "pk = :p AND sk IN (:k)", Agrees),
    (K, "pk = :p AND attribute_exists(sk)", Agrees),
    (K, "pk = :p AND contains(sk, :k)", Agrees),
    (K, "pk = :p AND size(sk) = :n", Agrees),
    (K, "pk = sk", Agrees),
    (K, "pk = :p AND sk = pk", Agrees),
    (K, "pk = :p AND sk = :k AND sk > :k", Agrees),
    (K, "pk = :p AND pk = :p", Agrees),
    (K, "pk.x = :p", Agrees),
    (K, "pk[0] = :p", Agrees),
    (K, "pk = :p AND sk.x = :k", Agrees),
    (K, "((pk = :p))", Agrees),
    (K, "pk = :p AND sk BETWEEN :k", Agrees),
    (K, "pk = :p AND :k BETWEEN sk AND :k1", Agrees),
    (K, "pk = :p AND begins_with(:k, sk)", Agrees),
    (K, "pk = :p AND begins_with(sk, :n)", Agrees),
    (K, "pk = :t", Agrees),
    (K, "pk = :undefined", Agrees),
    // Updates.
    (U, "", Agrees),
    (U, "  \n", Agrees),
    (U, "n = :n", Agrees),
    (U, "SET", Agrees),
    (U, "SET n", Agrees),
    (U, "SET n =", Agrees),
    (U, "SET = :n", Agrees),
    (U, "SET n :n", Agrees),
    (U, "SET :n = n", Agrees),
    (U, "SET n = :n,", Agrees),
    (U, "SET n = :n s = :s", Agrees),
    (U, "SET n = :n, , s = :s", Agrees),
    (U, "SET n = :n SET s = :s", Agrees),
    (U, "REMOVE n REMOVE s", Agrees),
    (U, "ADD n :n SET s = :s ADD n1 :n", Agrees),
    (U, "DELETE ss :ss DELETE ns :ns", Agrees),
    (U, "SET n = :n AND s = :s", Agrees),
    (U, "SET n = 5", Agrees),
    (U, "SET n = n * :n", Agrees),
    (U, "SET n = n + :n + :n1", Agrees),
    (U, "SET n = n - :n - :n1", Agrees),
    (U, "SET n = (n + :n) + :n1", SUM_OF_SUMS),
    (U, "SET n = n +", Agrees),
    (U, "SET n = -:n", Agrees),
    (U, "SET n = (n + :n", Agrees),
    (U, "SET n = n + :s", Agrees),
    (U, "SET n = n - :l", Agrees),
    (U, "SET (n) = :n", Agrees),
    (U, "SET n = size(s)", Agrees),
    (U, "SET n = attribute_exists(s)", Agrees),
    (U, "SET n = unheard_of(s)", Agrees),
    (U, "SET n = if_not_exists(n)", Agrees),
    (U, "SET n = if_not_exists(:n, n)", Agrees),
    (U, "SET n = if_not_exists(n, :n, :n1)", Agrees),
    (U, "SET n = if_not_exists(n, :n + :n1)", Agrees),
    (U, "SET n = if_not_exists(if_not_exists(n, :n), :n)", Agrees),
    (U, "SET l = list_append(l)", Agrees),
    (U, "SET l = list_append(l, :l, :l)", Agrees),
    (U, "SET l = list_append(l, :n)", Agrees),
    (U, "SET l = list_append(:s, l)", Agrees),
    (U, "SET l = List_Append(l, :l)", CASE),
    (U, "SET n = :n, n = :n1", Agrees),
    (U, "SET n = :n, #n = :n1", Agrees),
    (U, "SET n = :n REMOVE n", Agrees),
    (U, "SET m = :m, m.f = :n", Agrees),
    (U, "SET m.g.h = :n REMOVE m.g", Agrees),
    (U, "ADD n :n SET n = :n", Agrees),
    (U, "SET l[0] = :n REMOVE l", Agrees),
    (U, "SET m.f = :n, m[0] = :n", CONFLICT),
    (U, "SET set = :n", Agrees),
    (U, "REMOVE remove", Agrees),
    (U, "REMOVE", Agrees),
    (U, "REMOVE :n", Agrees),
    (U, "REMOVE n = :n", Agrees),
    (U, "REMOVE n s", Agrees),
    (U, "REMOVE size(n)", Agrees),
    (U, "ADD", Agrees),
    (U, "ADD n", Agrees),
    (U, "ADD n = :n", Agrees),
    (U, "ADD n n1", Agrees),
    (U, "ADD n :s", Agrees),
    (U, "ADD l :l", Agrees),
    (U, "ADD n :n + :n1", Agrees),
    (U, "DELETE ss", Agrees),
    (U, "DELETE ss :s", Agrees),
    (U, "DELETE n :n", Agrees),
    (U, "SET n = :undefined", Agrees),
    (U, "SET #undefined = :n", Agrees),
    (U, "REMOVE #undefined", Agrees),
    // Projections.
    (P, "", Agrees),
    (P, " ", Agrees),
    (P, ",", Agrees),
    (P, "n,", Agrees),
    (P, ",n", Agrees),
    (P, "n s", Agrees),
    (P, "n,,s", Agrees),
    (P, ":n", Agrees),
    (P, "size(n)", Agrees),
    (P, "(n)", Agrees),
    (P, "n, n", Agrees),
    (P, "n, #n", Agrees),
    (P, "m, m.f", Agrees),
    (P, "m.g.h, m.g", Agrees),
    (P, "m.f, m[0]", CONFLICT),
    (P, "l[0], l", Agrees),
    (P, "l[*]", Agrees),
    (P, "*", Agrees),
    (P, "#undefined", Agrees),
    (
        P,
        "a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a",
        TOO_DEEP,
    ),
];

fn s(text: &str) -> AttributeValue {
    AttributeValue::S(text.to_owned())
}

fn n(number: u32) -> AttributeValue {
    AttributeValue::N(number.to_string())
}

fn map<const N: usize>(entries: [(&str, AttributeValue); N]) -> AttributeValue {
    let entries = entries.map(|(name, value)| (name.to_owned(), value));
    AttributeValue::M(entries.into_iter().collect())
}

/// The item that the corpus is about.
pub(super) fn item() -> Item {
    let inner = map([("f", n(3)), ("g", AttributeValue::L(vec![n(1), n(2)]))]);
    let nested = [
        ("f", n(1)),
        ("g", map([("h", n(2))])),
        ("k", AttributeValue::L(vec![n(10), n(11)])),
    ];
    let attributes = [
        ("pk", s("p")),
        ("sk", s("k")),
        ("n", n(5)),
        ("n1", n(7)),
        ("s", s("text")),
        ("s1", s("te")),
        ("b", AttributeValue::B(Blob::new("binary"))),
        ("t", AttributeValue::Bool(true)),
        ("z", AttributeValue::Null(true)),
        ("l", AttributeValue::L(vec![n(1), s("x"), inner])),
        ("m", map(nested)),
        ("ss", AttributeValue::Ss(vec!["x".into(), "y".into()])),
        ("ns", AttributeValue::Ns(vec!["5".into(), "6".into()])),
        (
            "bs",
            AttributeValue::Bs(vec![Blob::new("x"), Blob::new("y")]),
        ),
        ("orders", n(5)),
        ("android", n(7)),
        ("notes", n(5)),
        ("and", n(5)),
        ("a.b", n(5)),
    ];
    let attributes = attributes.map(|(name, value)| (name.to_owned(), value));
    attributes.into_iter().collect()
}

fn names() -> [(&'static str, &'static str); 12] {
    [
        ("#n", "n"),
        ("#s", "s"),
        ("#l", "l"),
        ("#m", "m"),
        ("#f", "f"),
        ("#0", "n"),
        ("#_x", "n"),
        ("#and", "and"),
        ("#dot", "a.b"),
        ("#empty", ""),
        ("#pk", "pk"),
        ("#sk", "sk"),
    ]
}

fn values() -> [(&'static str, AttributeValue); 27] {
    [
        (":n", n(5)),
        (":n1", n(7)),
        (":0", n(5)),
        (":_x", n(5)),
        (":s", s("text")),
        (":s1", s("te")),
        (":b", AttributeValue::B(Blob::new("bin"))),
        (":t", AttributeValue::Bool(true)),
        (":z", AttributeValue::Null(true)),
        (":l", AttributeValue::L(vec![n(1)])),
        (":m", map([("f", n(1))])),
        (":ss", AttributeValue::Ss(vec!["x".into()])),
        (":ns", AttributeValue::Ns(vec!["5".into()])),
        (":bs", AttributeValue::Bs(vec![Blob::new("x")])),
        (":p", s("p")),
        (":k", s("k")),
        (":k1", s("k1")),
        (":type_n", s("N")),
        (":type_bool", s("BOOL")),
        (":type_null", s("NULL")),
        (":type_ss", s("SS")),
        (":type_s", s("S")),
        (":type_m", s("M")),
        (":type_l", s("L")),
        (":type_b", s("B")),
        (":type_ns", s("NS")),
        (":type_bs", s("BS")),
    ]
}

/// The placeholders of a text: a `#` or `:` and what follows.
fn placeholders(text: &str) -> Vec<String> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let starts = text.match_indices(['#', ':']);
    starts
        .map(|(at, _)| {
            let rest = &text[at + 1..];
            let len = rest.find(|c| !is_part(c)).unwrap_or(rest.len());
            text[at..=at + len].to_owned()
        })
        .collect()
}

pub(super) fn names_of(text: &str) -> Vec<(String, String)> {
    let used = placeholders(text);
    let names = names().map(|(key, name)| (key.to_owned(), name.to_owned()));
    let is_used = |(key, _): &(String, String)| used.contains(key);
    names.into_iter().filter(is_used).collect()
}

pub(super) fn values_of(text: &str) -> Vec<(String, AttributeValue)> {
    let used = placeholders(text);
    let values = values().map(|(key, value)| (key.to_owned(), value));
    let is_used = |(key, _): &(String, AttributeValue)| used.contains(key);
    values.into_iter().filter(is_used).collect()
}

/// An expression of any kind.
#[derive(Debug, PartialEq)]
pub(super) enum Any {
    Condition(Condition),
    Key(KeyCondition),
    Update(UpdateExpression),
    Projection(Projection),
}

pub(super) fn parse(kind: Kind, text: &str) -> Result<Any, ExpressionError> {
    let (names, values) = (names_of(text), values_of(text));
    match kind {
        Kind::Condition => Condition::parse(text, names, values).map(Any::Condition),
        Kind::Key => KeyCondition::parse(text, names, values).map(Any::Key),
        Kind::Update => UpdateExpression::parse(text, names, values).map(Any::Update),
        Kind::Projection => Projection::parse(text, names).map(Any::Projection),
    }
}

#[test]
fn holds_at_least_150_valid_and_100_invalid_expressions_and_none_twice() {
    assert!(VALID.len() >= 150, "{}", VALID.len());
    assert!(INVALID.len() >= 100, "{}", INVALID.len());
    let all = VALID.iter().chain(INVALID);
    let all: std::collections::BTreeSet<_> = all
        .map(|(kind, text, _)| (format!("{kind:?}"), text))
        .collect();
    assert_eq!(all.len(), VALID.len() + INVALID.len());
}

#[test]
fn parses_what_is_valid() {
    for (kind, text, _) in VALID {
        if let Err(error) = parse(*kind, text) {
            panic!("{kind:?} {text:?}: {error}");
        }
    }
}

#[test]
fn refuses_what_is_invalid() {
    for (kind, text, _) in INVALID {
        if let Ok(parsed) = parse(*kind, text) {
            panic!("{kind:?} {text:?}: {parsed:?}");
        }
    }
}

//! The fields of a record or of a change event, compound ones by their parts.

use crate::Json;

/// A field, as it may be called: a part of a compound one stands in an event as `BillingAddress.Country`, in the API as
/// `BillingCountry`.
pub struct Member<'a> {
    /// With the compound field before it.
    pub name: String,
    /// As the API calls it, where that is another.
    pub alias: Option<String>,
    /// What it holds.
    pub value: Json<'a>,
}

/// All fields but the header.
pub fn members(of: Json<'_>) -> Vec<Member<'_>> {
    let mut found = Vec::new();
    for (name, value) in of.members().filter(|(name, _)| !matches!(*name, "ChangeEventHeader" | "attributes")) {
        let value = bare(value);
        let mut parts = value.members().peekable();
        if parts.peek().is_none() {
            found.push(Member { name: name.to_owned(), alias: None, value });
        }
        for (part, value) in parts {
            let whole = format!("{name}.{part}");
            found.push(Member { alias: alias(&whole), name: whole, value: bare(value) });
        }
    }
    found
}

/// What a part of a compound field is called in the API.
pub fn alias(name: &str) -> Option<String> {
    let (whole, part) = name.split_once('.')?;
    match whole {
        "Name" => Some(part.to_owned()),
        _ => Some(format!("{}{part}", whole.strip_suffix("Address").unwrap_or(whole))),
    }
}

/// A value without the name of its type, which Avro's own JSON puts around what may be null: `{"string": "Acme"}`.
pub fn bare(value: Json<'_>) -> Json<'_> {
    let mut members = value.members();
    match (members.next(), members.next()) {
        (Some((name, inner)), None)
            if matches!(name, "string" | "long" | "int" | "double" | "float" | "boolean") || name.contains('.') =>
        {
            inner
        }
        _ => value,
    }
}

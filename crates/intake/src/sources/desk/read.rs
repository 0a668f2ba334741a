//! A payload's values as vendors write them: ids as numbers or texts, instants in five ways, tags as a list or a text.

use std::borrow::Cow;

use serde_json::Value;
use tierline_model::Millis;

use crate::Json;

/// The first of these places that says something, else the first that is told at all.
pub fn first<'a, const N: usize>(places: [Json<'a>; N]) -> Json<'a> {
    let says = places.iter().find(|place| place.is_told() && !place.is_empty());
    let told = says.or_else(|| places.iter().find(|place| place.is_told()));
    *told.unwrap_or(&places[N - 1])
}

/// Whether it is an object with anything in it.
pub fn is_object(json: Json<'_>) -> bool {
    json.members().next().is_some()
}

/// The items of a list; of a single object that one.
pub fn list_or_one<'a>(json: Json<'a>) -> Vec<Json<'a>> {
    if is_object(json) { vec![json] } else { json.items().collect() }
}

/// An id. `0` and `-` are how templates and events write that there is none.
pub fn vendor_id<'a>(json: Json<'a>) -> Option<Cow<'a, str>> {
    json.id().filter(|id| !matches!(id.as_ref(), "0" | "-" | "null"))
}

/// An instant: RFC 3339, or seconds or milliseconds since the epoch, or what is nearly RFC 3339.
pub fn when(json: Json<'_>) -> Option<Millis> {
    let nearly = || json.text().and_then(|text| nearly_rfc_3339(text.trim()));
    json.instant().or_else(|| json.whole().filter(|&number| number > 0).map(since_epoch)).or_else(nearly)
}

/// Seconds until the year 5138, milliseconds from 1973.
fn since_epoch(number: i64) -> Millis {
    if number < 100_000_000_000 { number * 1000 } else { number }
}

/// `2026-03-02T02:04Z`, `2026-03-02 02:04:05 UTC`, `2026-03-02 02:04:05 +0100`.
fn nearly_rfc_3339(text: &str) -> Option<Millis> {
    const FORMS: [&str; 3] = ["%Y-%m-%dT%H:%M%z", "%Y-%m-%d %H:%M:%S%.f %z", "%Y-%m-%dT%H:%M:%S%.f%z"];
    let text = match (text.strip_suffix(" UTC"), text.strip_suffix('Z')) {
        (Some(text), _) => Cow::Owned(format!("{text} +0000")),
        (None, Some(text)) => Cow::Owned(format!("{text}+0000")),
        (None, None) => Cow::Borrowed(text),
    };
    let read = FORMS.iter().find_map(|form| chrono::DateTime::parse_from_str(&text, form).ok());
    read.map(|instant| instant.timestamp_millis())
}

/// A list of texts, of things with a `name` or a `value`, or one text with commas, or else spaces, between them. Null is
/// an empty list.
pub fn texts(json: Json<'_>) -> Option<Vec<String>> {
    match json.raw()? {
        Value::Null => Some(Vec::new()),
        Value::Array(items) => Some(items.iter().filter_map(one_text).collect()),
        Value::String(all) => {
            let between = |letter: char| if all.contains(',') { letter == ',' } else { letter.is_whitespace() };
            Some(all.split(between).map(str::trim).filter(|one| !one.is_empty()).map(str::to_owned).collect())
        }
        _ => None,
    }
}

fn one_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Object(members) => {
            ["name", "value"].iter().find_map(|name| members.get(*name)?.as_str()).map(str::to_owned)
        }
        _ => None,
    }
}

/// What the company calls a field, as rules write it: `Product area` and `cf_product_area` are `product_area`.
pub fn slug(name: &str) -> String {
    let name = name.trim();
    let name = name.strip_prefix("cf_").unwrap_or(name);
    let mut slug = String::with_capacity(name.len());
    for letter in name.chars().flat_map(char::to_lowercase) {
        match letter {
            letter if letter.is_alphanumeric() => slug.push(letter),
            _ if slug.is_empty() || slug.ends_with('_') => {}
            _ => slug.push('_'),
        }
    }
    slug.truncate(slug.trim_end_matches('_').len());
    slug
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn instants_are_read_in_all_the_ways_that_vendors_write_them() {
        const AT: Millis = 1_772_417_045_000;
        for written in [
            json!("2026-03-02T02:04:05Z"),
            json!("2026-03-02T12:04:05+10:00"),
            json!("2026-03-02T02:04:05.000000000Z"),
            json!("2026-03-02T02:04:05+0000"),
            json!("2026-03-02 02:04:05 UTC"),
            json!("2026-03-02 02:04:05.000000000 +0000"),
            json!(1_772_417_045),
            json!("1772417045"),
            json!(1_772_417_045_000i64),
        ] {
            assert_eq!(when(Json::new(&written)), Some(AT), "{written}");
        }
        assert_eq!(when(Json::new(&json!("2026-03-02T02:04Z"))), Some(AT - 5_000));
        assert_eq!(when(Json::new(&json!("March 23 2016 at 10:06 AM"))), None);
        assert_eq!(when(Json::new(&json!(null))), None);
    }

    #[test]
    fn tags_are_a_list_or_one_text() {
        let both = Some(vec!["vip".to_owned(), "api".to_owned()]);
        for written in
            [json!(["vip", "api"]), json!([{"name": "vip"}, {"name": "api"}]), json!("vip api"), json!("vip, api")]
        {
            assert_eq!(texts(Json::new(&written)), both, "{written}");
        }
        assert_eq!(texts(Json::new(&json!(null))), Some(vec![]));
        assert_eq!(texts(Json::new(&json!({}))), None);
    }

    #[test]
    fn a_field_is_called_as_rules_can_write_it() {
        assert_eq!(slug("Product Area / Module"), "product_area_module");
        assert_eq!(slug("cf_region"), "region");
        assert_eq!(slug(" (Größe) "), "größe");
    }

    #[test]
    fn an_id_of_nothing_is_none() {
        let payload = json!({"a": 0, "b": "0", "c": "-", "d": 7, "e": "x"});
        let id = |name| vendor_id(Json::new(&payload).get(name)).map(Cow::into_owned);
        assert_eq!([id("a"), id("b"), id("c"), id("z")], [None, None, None, None]);
        assert_eq!([id("d"), id("e")], [Some("7".to_owned()), Some("x".to_owned())]);
    }
}

//! The values of a vendor's properties as values of our fields. They come as JSON or as texts that mean numbers, dates
//! and lists.

use chrono_tz::{TZ_VARIANTS, Tz};
use serde_json::Value;
use tierline_model::{AccountField, DateOrInstant, Millis, date_or_instant_text, parse_date_or_instant};

use super::properties::{Of, Property};
use crate::Json;

/// A day.
const DAY: Millis = 86_400_000;
/// Where a bare number is no instant of ours: the year 2000 and the year 10000 in milliseconds.
const INSTANTS: std::ops::Range<i64> = 946_684_800_000..253_402_300_800_000;

impl Property {
    /// The value of the field; [`None`]: it is empty. `typed`: numbers and flags come as such, so a text is a text.
    ///
    /// # Errors
    /// Why it is none of the field's.
    pub fn value(&self, json: Json<'_>, typed: bool) -> Result<Option<Value>, &'static str> {
        if json.is_empty() {
            return Ok(None);
        }
        let raw = json.raw().ok_or("it is absent")?;
        let renamed = plain_text(raw).and_then(|text| self.values.get(&text)).map(|word| Value::from(word.as_str()));
        let raw = renamed.as_ref().unwrap_or(raw);
        let value = match &self.of {
            Of::Custom(_) if self.times.is_some() => Value::from(self.scaled(number(raw).ok_or("it is no number")?)),
            Of::Custom(_) => custom(raw, typed)?,
            Of::Field(field) => self.of_field(*field, raw)?,
        };
        Ok(Some(value))
    }

    /// In the unit that the field has; what binary fractions add far behind the point is cut off.
    fn scaled(&self, number: f64) -> f64 {
        self.times.map_or(number, |times| (number * times * 1e9).round() / 1e9)
    }

    fn of_field(&self, field: AccountField, raw: &Value) -> Result<Value, &'static str> {
        use AccountField::*;
        let number = |why| number(raw).map(|number| self.scaled(number)).ok_or(why);
        match field {
            Name | Plan | Segment | Owner | Region => plain_text(raw).map(Value::from).ok_or("it is no text"),
            Currency => plain_text(raw).map(|text| Value::from(text.to_uppercase())).ok_or("it is no text"),
            TimeZone => plain_text(raw).and_then(|text| zone(&text)).map(Value::from).ok_or("it is no time zone"),
            // A sum beyond what a double can count exactly is no sum.
            Arr => {
                let sum = number("it is no number")?.round();
                if sum.abs() < 9e15 { Ok(Value::from(sum as i64)) } else { Err("it is no sum that anybody pays") }
            }
            Health => between(number("it is no number")?, 100.0).ok_or("it does not lie between 0 and 100"),
            ChurnRisk => between(number("it is no number")?, 1.0).ok_or("it does not lie between 0 and 1"),
            RenewalDate => date(raw).map(Value::from).ok_or("it is neither a date nor an instant"),
            Flags => Ok(list(raw).ok_or("it is no list of texts")?.into()),
        }
    }
}

/// A text, or what is written as one.
fn plain_text(raw: &Value) -> Option<String> {
    match raw {
        Value::String(text) => Some(text.trim().to_owned()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        _ => None,
    }
}

/// A number, also as a text, with its thousands between commas and a currency's or a percent's sign beside it.
fn number(raw: &Value) -> Option<f64> {
    let text = match raw {
        Value::Number(number) => return number.as_f64(),
        Value::String(text) => text.trim(),
        _ => return None,
    };
    let percent = text.strip_suffix('%');
    let bare = percent.unwrap_or(text).trim_matches(|sign: char| "$€£¥ \u{a0}".contains(sign));
    let read = bare.parse::<f64>().ok().or_else(|| in_thousands(bare))?;
    let read = if percent.is_some() { read / 100.0 } else { read };
    read.is_finite().then_some(read)
}

/// `1,234,567.8`; a comma anywhere else may be a decimal one, so that is no number.
fn in_thousands(text: &str) -> Option<f64> {
    let (whole, rest) = text.split_once('.').unwrap_or((text, "0"));
    let mut groups = whole.split(',');
    let first = groups.next()?;
    let right = (1..=4).contains(&first.len()) && groups.all(|group| group.len() == 3);
    if !right || !whole.contains(',') {
        return None;
    }
    format!("{}.{rest}", whole.replace(',', "")).parse().ok()
}

fn between(number: f64, most: f64) -> Option<Value> {
    (0.0..=most).contains(&number).then(|| Value::from(number))
}

/// A date as `2026-12-24`, an instant in RFC 3339 (its offset also without a colon), or milliseconds since the epoch,
/// which are a date where they are a midnight.
fn date(raw: &Value) -> Option<String> {
    let number = match raw {
        Value::Number(number) => number.as_i64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    if let Some(at) = number {
        if !INSTANTS.contains(&at) {
            return None;
        }
        return Some(date_or_instant_text(match at % DAY {
            // Within a range that has fewer days than an i32.
            0 => DateOrInstant::Date((at / DAY) as i32),
            _ => DateOrInstant::Instant(at),
        }));
    }
    let text = raw.as_str()?.trim();
    let told = parse_date_or_instant(text).or_else(|| parse_date_or_instant(&with_colon(text)?))?;
    Some(date_or_instant_text(told))
}

/// `…+0000` as `…+00:00`.
fn with_colon(text: &str) -> Option<String> {
    let at = text.len().checked_sub(5).filter(|at| text.is_char_boundary(*at))?;
    let (rest, offset) = text.split_at(at);
    let (sign, digits) = offset.split_at_checked(1)?;
    let is_offset = matches!(sign, "+" | "-") && digits.bytes().all(|digit| digit.is_ascii_digit());
    is_offset.then(|| format!("{rest}{sign}{}:{}", &digits[..2], &digits[2..]))
}

/// The zone by its name in any case; HubSpot writes it `europe_slash_berlin`.
fn zone(text: &str) -> Option<&'static str> {
    let name = text.replace("_slash_", "/");
    if let Ok(zone) = name.parse::<Tz>() {
        return Some(zone.name());
    }
    TZ_VARIANTS.iter().map(|zone| zone.name()).find(|zone| zone.eq_ignore_ascii_case(&name))
}

/// A list of texts, also as one text with semicolons, as both CRMs write what was chosen of several.
fn list(raw: &Value) -> Option<Vec<String>> {
    match raw {
        Value::Array(items) => items.iter().map(plain_text).collect(),
        _ => {
            let text = plain_text(raw)?;
            Some(text.split(';').map(str::trim).filter(|one| !one.is_empty()).map(str::to_owned).collect())
        }
    }
}

/// A text, a number, true or false, a list of texts.
fn custom(raw: &Value, typed: bool) -> Result<Value, &'static str> {
    match raw {
        Value::Array(_) => list(raw).map(Value::from).ok_or("it is no list of texts"),
        Value::Object(_) | Value::Null => Err("it is neither a text nor a number nor a list"),
        Value::String(text) if !typed => Ok(untyped(text.trim())),
        other => Ok(other.clone()),
    }
}

/// What a text means where everything is one: a number if it is written as numbers are (`007` is none), a flag.
fn untyped(text: &str) -> Value {
    match text {
        "true" => return Value::Bool(true),
        "false" => return Value::Bool(false),
        _ => {}
    }
    let looks_so = |number: &f64| {
        let digits = text.strip_prefix('-').unwrap_or(text);
        let plain = digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
        // An id of many digits would lose some.
        number.abs() < 9e15 && plain && (digits == "0" || !digits.starts_with('0') || digits.starts_with("0."))
    };
    match text.parse::<f64>().ok().filter(looks_so) {
        Some(number) => Value::from(number),
        None => Value::from(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use std::collections::BTreeMap;

    fn told(of: Of, value: Value) -> Result<Option<Value>, &'static str> {
        let property = Property { of, name: "p".to_owned(), values: BTreeMap::new(), times: None, configured: true };
        property.value(Json::new(&value), false)
    }

    fn field(field: AccountField, value: Value) -> Option<Value> {
        told(Of::Field(field), value).ok().flatten()
    }

    #[test]
    fn numbers_come_as_texts_too() {
        assert_eq!(field(AccountField::Arr, json!("120000")), Some(json!(120_000)));
        assert_eq!(field(AccountField::Arr, json!("$1,234,567.50")), Some(json!(1_234_568)));
        assert_eq!(field(AccountField::Arr, json!("1,5")), None);
        assert_eq!(field(AccountField::Health, json!("73.5")), Some(json!(73.5)));
        assert_eq!(field(AccountField::Health, json!(120)), None);
        assert_eq!(field(AccountField::ChurnRisk, json!("35%")), Some(json!(0.35)));
        assert_eq!(field(AccountField::Arr, json!(1e300)), None);
    }

    #[test]
    fn dates_come_as_milliseconds_too() {
        assert_eq!(field(AccountField::RenewalDate, json!("1572480000000")), Some(json!("2019-10-31")));
        assert_eq!(field(AccountField::RenewalDate, json!("2026-12-24")), Some(json!("2026-12-24")));
        let instant = Some(json!("2026-12-24T10:00:00.000Z"));
        assert_eq!(field(AccountField::RenewalDate, json!("2026-12-24T11:00:00.000+0100")), instant);
        assert_eq!(field(AccountField::RenewalDate, json!("24/12/2026")), None);
        assert_eq!(field(AccountField::RenewalDate, json!(17)), None);
    }

    #[test]
    fn zones_and_lists_are_written_in_several_ways() {
        assert_eq!(field(AccountField::TimeZone, json!("europe_slash_berlin")), Some(json!("Europe/Berlin")));
        assert_eq!(field(AccountField::TimeZone, json!("Mars/Base")), None);
        assert_eq!(field(AccountField::Flags, json!("vip; beta;")), Some(json!(["vip", "beta"])));
        assert_eq!(field(AccountField::Flags, json!(["vip"])), Some(json!(["vip"])));
    }

    #[test]
    fn a_text_that_is_written_as_a_number_is_one_where_all_are_texts() {
        let custom = |value| told(Of::Custom("x".to_owned()), value).unwrap();
        assert_eq!(custom(json!("17")), Some(json!(17.0)));
        assert_eq!(custom(json!("-0.5")), Some(json!(-0.5)));
        assert_eq!(custom(json!("007")), Some(json!("007")));
        assert_eq!(custom(json!("1e5")), Some(json!("1e5")));
        assert_eq!(custom(json!("true")), Some(json!(true)));
        assert_eq!(custom(json!("")), None);
        assert!(told(Of::Custom("x".to_owned()), json!({"a": 1})).is_err());
    }

    #[test]
    fn words_are_renamed_and_units_changed() {
        let values = BTreeMap::from([("T1".to_owned(), "enterprise".to_owned())]);
        let plan = Property {
            of: Of::Field(AccountField::Plan),
            name: "tier".to_owned(),
            values,
            times: None,
            configured: true,
        };
        assert_eq!(plan.value(Json::new(&json!("T1")), true), Ok(Some(json!("enterprise"))));
        assert_eq!(plan.value(Json::new(&json!("T2")), true), Ok(Some(json!("T2"))));
        let of = Of::Field(AccountField::ChurnRisk);
        let risk = Property { of, name: "p".to_owned(), values: BTreeMap::new(), times: Some(0.01), configured: true };
        assert_eq!(risk.value(Json::new(&json!("35")), true), Ok(Some(json!(0.35))));
    }
}

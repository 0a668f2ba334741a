//! What companies keep of their customers in fields of their own.

use std::str::FromStr;

use tierline_model::{AccountField, parse_date_or_instant};

use super::slug;
use crate::Json;
use crate::records::Fields;

/// Tells an organisation's own field: one that is called as the contract calls a field and holds what it can hold is
/// that field, any other is custom.
pub fn tell_of_account(fields: &mut Fields<AccountField>, name: &str, value: Json<'_>) {
    let name = slug(name);
    let name = match name.as_str() {
        "health_score" => "health",
        "renewal" => "renewal_date",
        "timezone" => "time_zone",
        name => name,
    };
    let known = AccountField::from_word(name).filter(|_| value.is_told() && !value.is_empty());
    let is_taken = known.is_some_and(|field| match field {
        AccountField::Plan | AccountField::Segment | AccountField::Region | AccountField::Currency => {
            value.text().map(|text| fields.set(field, text.trim())).is_some()
        }
        AccountField::Arr => value.number().map(|number| fields.set(field, number.round() as i64)).is_some(),
        AccountField::Health => within(fields, field, value, 100.0),
        AccountField::ChurnRisk => within(fields, field, value, 1.0),
        AccountField::RenewalDate => {
            let date = value.text().filter(|text| parse_date_or_instant(text.trim()).is_some());
            date.map(|text| fields.set(field, text.trim())).is_some()
        }
        AccountField::TimeZone => {
            let zone = value.text().filter(|text| chrono_tz::Tz::from_str(text.trim()).is_ok());
            zone.map(|text| fields.set(field, text.trim())).is_some()
        }
        AccountField::Name | AccountField::Owner | AccountField::Flags => false,
    });
    if !is_taken {
        fields.custom(name, value);
    }
}

fn within(fields: &mut Fields<AccountField>, field: AccountField, value: Json<'_>, most: f64) -> bool {
    let number = value.number().filter(|number| (0.0..=most).contains(number));
    number.map(|number| fields.set(field, number)).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::records::AccountChange;
    use crate::{Canonical, Json};
    use serde_json::json;

    #[test]
    fn a_field_of_the_contract_takes_what_it_can_hold() {
        let payload = json!({"Plan": "Enterprise", "ARR": "120000", "Health score": "Happy", "renewal_date": "2026-12-31",
            "Time zone": "Mars/Base", "churn_risk": 0.2, "owner": "Sam"});
        let mut change = AccountChange::new("acme", "desk");
        for (name, value) in Json::new(&payload).members() {
            tell_of_account(&mut change.fields, name, value);
        }
        let told = serde_json::Value::Object(Canonical::from(change).told);
        assert_eq!(
            told["set"],
            json!({"plan": "Enterprise", "arr": 120000, "renewal_date": "2026-12-31", "churn_risk": 0.2,
                "custom": {"health": "Happy", "time_zone": "Mars/Base", "owner": "Sam"}})
        );
    }
}

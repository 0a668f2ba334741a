//! What the items of a subscription cost in a year, so that two sets of them can be compared.

use crate::Json;
use crate::sources::crm::said;

/// What a year of some items costs.
#[derive(Clone, Debug, PartialEq)]
pub struct Yearly {
    /// Minor units.
    pub amount: f64,
    /// Upper case.
    pub currency: String,
}

/// The items of a subscription, be they a list or, as old versions of the API write them, one `plan` and `quantity`.
pub fn items(of: Json<'_>) -> Vec<Json<'_>> {
    let mut listed: Vec<_> = of.at("/items/data").items().collect();
    if listed.is_empty() {
        listed.extend(of.get("items").items());
    }
    if listed.is_empty() && of.get("plan").members().next().is_some() {
        listed.push(of);
    }
    listed
}

/// What these cost in a year; `None` where one of them has no fixed price (tiers) or they are of several currencies.
/// What is metered is left out: nobody knows it beforehand. `like`: the items that stand for what these leave out, each
/// at the same place.
pub fn yearly(items: &[Json<'_>], like: &[Json<'_>]) -> Option<Yearly> {
    let mut sum: Option<Yearly> = None;
    for (place, item) in items.iter().enumerate() {
        let either = [Some(*item), like.get(place).copied()];
        let known = |of_price: &str, of_plan: &str| {
            either.into_iter().flatten().flat_map(|item| [item.at(of_price), item.at(of_plan)]).find(|json| said(*json))
        };
        let usage = known("/price/recurring/usage_type", "/plan/usage_type");
        if usage.and_then(Json::text) == Some("metered") {
            continue;
        }
        let says = AMOUNTS.iter().any(|path| item.at(path).is_told());
        let priced = either[usize::from(!says)]?;
        let each = AMOUNTS.iter().find_map(|path| priced.at(path).number())?;
        let quantity = known("/quantity", "/quantity").and_then(Json::number).unwrap_or(1.0);
        let interval = known("/price/recurring/interval", "/plan/interval")?.text()?;
        let counted = known("/price/recurring/interval_count", "/plan/interval_count").and_then(Json::number);
        let periods = periods_a_year(interval)? / counted.filter(|count| *count >= 1.0).unwrap_or(1.0);
        let currency = known("/price/currency", "/plan/currency")?.text()?.to_uppercase();
        let sum = sum.get_or_insert_with(|| Yearly { amount: 0.0, currency: currency.clone() });
        if sum.currency != currency {
            return None;
        }
        sum.amount += each * quantity * periods;
    }
    sum
}

/// Where an item may say what one of it costs in a period.
const AMOUNTS: [&str; 4] = ["/price/unit_amount", "/price/unit_amount_decimal", "/plan/amount", "/plan/amount_decimal"];

/// <https://docs.stripe.com/api/prices/object#price_object-recurring-interval>
fn periods_a_year(interval: &str) -> Option<f64> {
    match interval {
        "day" => Some(365.0),
        "week" => Some(52.0),
        "month" => Some(12.0),
        "year" => Some(1.0),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn amount(of: &Value) -> Option<f64> {
        yearly(&items(Json::new(of)), &[]).map(|yearly| yearly.amount)
    }

    fn monthly(amount: Value, quantity: Value) -> Value {
        json!({"quantity": quantity,
            "price": {"unit_amount": amount, "currency": "usd", "recurring": {"interval": "month", "interval_count": 1}}})
    }

    #[test]
    fn a_year_is_the_sum_of_its_periods() {
        assert_eq!(amount(&json!({"items": {"data": [monthly(json!(2000), json!(3))]}})), Some(72_000.0));
        let quarterly = json!({"price": {"unit_amount_decimal": "10.5", "currency": "eur",
            "recurring": {"interval": "month", "interval_count": "3"}}});
        assert_eq!(amount(&json!({"items": [quarterly]})), Some(42.0));
        let old = json!({"quantity": 2, "plan": {"amount": 500, "currency": "usd", "interval": "year"}});
        assert_eq!(amount(&old), Some(1000.0));
    }

    #[test]
    fn what_has_no_fixed_price_has_none() {
        assert_eq!(amount(&json!({"items": {"data": [monthly(Value::Null, json!(1))]}})), None);
        let mut metered = monthly(Value::Null, Value::Null);
        metered["price"]["recurring"]["usage_type"] = json!("metered");
        assert_eq!(amount(&json!({"items": {"data": [monthly(json!("100"), json!("2")), metered]}})), Some(2400.0));
        assert_eq!(amount(&json!({"items": {"data": []}})), None);
    }

    #[test]
    fn what_a_former_item_leaves_out_is_as_it_is_now() {
        let now = json!({"items": {"data": [monthly(json!(5000), json!(2))]}});
        let before = json!({"items": {"data": [{"price": {"unit_amount": 1000}}]}});
        let yearly = yearly(&items(Json::new(&before)), &items(Json::new(&now)));
        assert_eq!(yearly.map(|yearly| yearly.amount), Some(24_000.0));
    }
}

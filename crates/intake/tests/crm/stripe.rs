//! Stripe.

use insta::assert_snapshot;
use serde_json::{Value, json};
use tierline_intake::directory::{Directory, EntryKind};
use tierline_intake::{Context, Delivery};

use crate::kit::{Desk, NOW, last, sample};

const DAY: i64 = 86_400;

fn stripe() -> Desk {
    Desk::new("stripe", "plans: { prod_gold: gold }")
}

fn event(kind: &str, at: i64, of: Value, before: Value) -> Value {
    let mut event = json!({"id": format!("evt_{kind}_{at}"), "object": "event", "created": at, "type": kind,
        "data": {"object": of}});
    if !before.is_null() {
        event["data"]["previous_attributes"] = before;
    }
    event
}

fn subscription(id: &str, status: &str, amount: i64) -> Value {
    json!({"id": id, "object": "subscription", "customer": "cus_1", "status": status, "cancel_at_period_end": false,
        "items": {"object": "list", "data": [{"id": format!("si_{id}"), "quantity": 1, "current_period_start": 1_000 * DAY,
            "current_period_end": 1_030 * DAY, "price": {"id": "price_1", "product": "prod_gold", "unit_amount": amount,
                "currency": "usd", "recurring": {"interval": "month", "interval_count": 1}}}]}})
}

fn invoice(id: &str, status: &str, due: i64) -> Value {
    json!({"id": id, "object": "invoice", "customer": {"id": "cus_1", "object": "customer"}, "status": status,
        "amount_due": due, "amount_remaining": if status == "paid" { 0 } else { due }, "currency": "usd",
        "collection_method": "charge_automatically", "attempt_count": 1,
        "parent": {"subscription_details": {"subscription": "sub_1"}}})
}

#[test]
fn a_customer_from_trial_to_cancellation() {
    let payloads = sample(include_str!("samples/stripe_events.json"));
    assert_snapshot!(stripe().told(payloads.as_array().unwrap()));
}

#[test]
fn the_worst_of_several_subscriptions_wins() {
    let mut stripe = stripe();
    let updated = "customer.subscription.updated";
    stripe.read(&event(updated, 1_001 * DAY, subscription("sub_1", "active", 2_000), Value::Null));
    let late = json!({"status": "active"});
    let bill = stripe.read(&event(updated, 1_002 * DAY, subscription("sub_2", "past_due", 100), late));
    assert_eq!(
        (last(&bill, "state"), last(&bill, "past_due_since")),
        (&json!("past_due"), &json!(1_002 * DAY * 1_000))
    );
    let bill = stripe.read(&event(updated, 1_003 * DAY, subscription("sub_1", "trialing", 2_000), Value::Null));
    assert_eq!(last(&bill, "state"), "past_due");
    let bill =
        stripe.read(&event(updated, 1_004 * DAY, subscription("sub_2", "active", 100), json!({"status": "past_due"})));
    assert_eq!((last(&bill, "state"), last(&bill, "past_due_since")), (&json!("current"), &Value::Null));
    assert!(last(&bill, "cleared").as_array().unwrap().contains(&json!("past_due_since")));
    let bill = stripe.read(&event(
        "customer.subscription.deleted",
        1_005 * DAY,
        subscription("sub_2", "canceled", 100),
        Value::Null,
    ));
    assert_eq!(last(&bill, "state"), "trialing");
}

#[test]
fn events_in_any_order_and_more_than_once_give_one_bill() {
    let updated = "customer.subscription.updated";
    let events = [
        event("customer.subscription.created", 1_000 * DAY, subscription("sub_1", "incomplete", 2_000), Value::Null),
        event(updated, 1_000 * DAY, subscription("sub_1", "active", 2_000), json!({"status": "incomplete"})),
        event("invoice.paid", 1_000 * DAY, invoice("in_1", "paid", 2_000), Value::Null),
        event(
            updated,
            1_010 * DAY,
            subscription("sub_1", "active", 1_000),
            json!({"items": subscription("sub_1", "active", 2_000)["items"]}),
        ),
        event("invoice.payment_failed", 1_030 * DAY, invoice("in_2", "open", 1_000), Value::Null),
        event(updated, 1_030 * DAY, subscription("sub_1", "past_due", 1_000), json!({"status": "active"})),
    ];
    let told = |order: &[usize]| {
        let mut stripe = stripe();
        let readings: Vec<_> = order.iter().map(|&n| stripe.read(&events[n])).collect();
        readings.into_iter().flat_map(|reading| reading.records).next_back().unwrap().told
    };
    let in_order = told(&[0, 1, 2, 3, 4, 5]);
    assert_eq!((&in_order["state"], &in_order["plan_change"]), (&json!("past_due"), &json!("downgraded")));
    assert_eq!((&in_order["amount_due"], &in_order["plan"]), (&json!(1_000), &json!("gold")));
    for order in [[5, 4, 3, 2, 1, 0], [1, 0, 3, 2, 5, 4], [4, 1, 5, 0, 2, 3], [3, 5, 0, 4, 1, 2]] {
        assert_eq!(told(&order), in_order, "{order:?}");
    }
    assert_eq!(told(&[0, 1, 1, 2, 3, 3, 4, 5, 4, 3, 0]), in_order);
}

#[test]
fn what_two_gateways_were_told_of_a_customer_gives_one_bill_however_it_was_shared_out() {
    let updated = "customer.subscription.updated";
    let customer = json!({"id": "cus_1", "object": "customer", "delinquent": true});
    let events = [
        event("customer.subscription.created", 1_000 * DAY, subscription("sub_1", "incomplete", 2_000), Value::Null),
        event(updated, 1_000 * DAY, subscription("sub_1", "active", 2_000), json!({"status": "incomplete"})),
        event("invoice.finalized", 1_000 * DAY, invoice("in_1", "open", 2_000), Value::Null),
        event("invoice.paid", 1_000 * DAY, invoice("in_1", "paid", 2_000), Value::Null),
        event("customer.updated", 1_005 * DAY, customer.clone(), json!({"delinquent": false})),
        event(updated, 1_010 * DAY, subscription("sub_2", "past_due", 1_000), json!({"status": "active"})),
        event(updated, 1_010 * DAY + 1, subscription("sub_2", "active", 1_000), json!({"status": "past_due"})),
        event("customer.deleted", 1_020 * DAY, customer, Value::Null),
    ];
    for number in [2, 4, 6, 7, 8] {
        let events = &events[..number];
        let mut alone = stripe();
        let readings: Vec<_> = events.iter().map(|event| alone.read(event)).collect();
        let in_order = readings.into_iter().flat_map(|reading| reading.records).next_back().unwrap().told;
        for half in 0..1u32 << number {
            let is_of = |of: bool| (0..number).filter(move |nth| (half >> nth & 1 == 1) == of);
            let [ours, theirs] = [true, false].map(|of| {
                let mut stripe = stripe();
                is_of(of).for_each(|nth| drop(stripe.read(&events[nth])));
                stripe
            });
            let Some(theirs) = theirs.directory.find("stripe", EntryKind::Organisation, "cus_1").cloned() else {
                continue;
            };
            let delivery = Delivery::bare(b"", NOW);
            let united =
                ours.source.unite("cus_1", &theirs, &Context { delivery: &delivery, directory: &ours.directory });
            let last = united.records.last().expect("it has a bill");
            assert_eq!(last.told, in_order, "{number} events, ours {half:b}");
        }
    }
}

#[test]
fn what_is_due_is_the_sum_of_what_is_open() {
    let mut stripe = stripe();
    stripe.read(&event("invoice.finalized", 1_000 * DAY, invoice("in_1", "open", 700), Value::Null));
    let both = stripe.read(&event("invoice.finalized", 1_001 * DAY, invoice("in_2", "open", 300), Value::Null));
    assert_eq!((last(&both, "amount_due"), last(&both, "currency")), (&json!(1_000), &json!("USD")));
    assert_eq!(last(&both, "state"), "past_due", "its subscription is not known, and its collection failed");
    let one = stripe.read(&event("invoice.voided", 1_002 * DAY, invoice("in_1", "void", 700), Value::Null));
    assert_eq!(last(&one, "amount_due"), 300);
    let late = stripe.read(&event("invoice.payment_failed", 1_001 * DAY, invoice("in_1", "open", 700), Value::Null));
    assert!(late.records.is_empty());
    let none = stripe.read(&event("invoice.paid", 1_003 * DAY, invoice("in_2", "paid", 300), Value::Null));
    assert_eq!((last(&none, "amount_due"), last(&none, "state")), (&json!(0), &json!("current")));
}

#[test]
fn what_is_paused_or_about_to_end_is_told() {
    let mut stripe = stripe();
    let mut paused = subscription("sub_1", "active", 2_000);
    paused["pause_collection"] = json!({"behavior": "void", "resumes_at": null});
    let updated = "customer.subscription.updated";
    let bill = stripe.read(&event(updated, 1_001 * DAY, paused, json!({"pause_collection": null})));
    assert_eq!((last(&bill, "state"), last(&bill, "renews_at")), (&json!("paused"), &json!(1_030 * DAY * 1_000)));
    let mut ending = subscription("sub_1", "active", 2_000);
    ending["cancel_at_period_end"] = json!(true);
    let bill = stripe.read(&event(updated, 1_002 * DAY, ending, json!({"cancel_at_period_end": false})));
    assert_eq!((last(&bill, "cancels_at"), last(&bill, "renews_at")), (&json!(1_030 * DAY * 1_000), &Value::Null));
}

#[test]
fn a_deleted_customer_is_told_no_more() {
    let mut stripe = stripe();
    let customer = json!({"id": "900", "object": "customer", "delinquent": true});
    let bill = stripe.read(&event("customer.updated", 1_000 * DAY, customer.clone(), json!({"delinquent": false})));
    assert_eq!((last(&bill, "account_id"), last(&bill, "state")), (&json!("acme"), &json!("past_due")));
    let paid = json!({"id": "900", "object": "customer", "delinquent": false});
    assert_eq!(last(&stripe.read(&event("customer.updated", 1_000 * DAY + 9, paid, Value::Null)), "state"), "current");
    let gone = stripe.read(&event("customer.deleted", 1_001 * DAY, customer.clone(), Value::Null));
    assert_eq!((gone.records.len(), &gone.records[0].told["deleted"]), (2, &json!(true)));
    assert_eq!((last(&gone, "state"), last(&gone, "account_id")), (&Value::Null, &json!("acme")));
    let late = stripe.read(&event("customer.updated", 1_000 * DAY, customer, Value::Null));
    assert!(late.records.is_empty());
}

#[test]
fn a_plan_is_called_as_its_product_is() {
    let mut stripe = Desk::new("stripe", "kind: stripe");
    let product = json!({"id": "prod_gold", "object": "product", "name": "Gold"});
    stripe.read(&event("product.updated", 1_000 * DAY, product, Value::Null));
    let bill = stripe.read(&subscription("sub_1", "active", 2_000));
    assert_eq!((last(&bill, "plan"), last(&bill, "updated_at")), (&json!("Gold"), &json!(NOW)));
}

#[test]
fn objects_come_bare_in_lists_and_within_a_buss_events_too() {
    let mut stripe = stripe();
    let list =
        json!({"object": "list", "data": [subscription("sub_1", "active", 2_000), {"id": "ch_1", "object": "charge"}]});
    let reading = stripe.read(&list);
    assert_eq!((reading.records.len(), reading.ignored[0].pointer.as_str()), (1, "/data/1"));
    let event =
        event("customer.subscription.paused", 2_000_000_000, subscription("sub_1", "paused", 2_000), Value::Null);
    let bus = json!({"version": "0", "detail-type": "customer.subscription.paused", "detail": event});
    assert_eq!(last(&stripe.read(&bus), "state"), "paused");
    let whole = json!({"resources": {"customer": {"id": "cus_2", "object": "customer", "delinquent": false},
        "invoice": {"id": "in_9", "object": "invoice", "status": "draft", "customer": "cus_2"}, "odd": 7}});
    assert_eq!(stripe.read(&whole).ignored.len(), 3);
    assert!(stripe.tried(&json!({"hello": 1}), NOW).unwrap_err().reason.contains("no object of Stripe's"));
}

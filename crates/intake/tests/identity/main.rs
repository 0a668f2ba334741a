//! Who is who, whatever is told in whatever order, by whatever process.

mod definition;
mod log;
mod vendors;
mod world;

use proptest::prelude::*;
use world::{Step, World};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn all_end_with_what_the_definition_says_and_everything_lies_there(steps in prop::collection::vec(step(), 1..40)) {
        let mut world = World::new();
        for step in &steps {
            world.take(step);
        }
        world.come_to_rest();
        world.check();
    }

    #[test]
    fn what_is_undone_leaves_no_trace(steps in prop::collection::vec(step(), 1..20), of in 0..6usize, account in 0..4usize) {
        let mut world = World::new();
        for step in &steps {
            world.take(step);
        }
        world.take(&Step::Forget { of });
        world.come_to_rest();
        let before = world.lies();
        world.take(&Step::Link { of, account });
        world.come_to_rest();
        world.check();
        world.take(&Step::Forget { of });
        world.come_to_rest();
        prop_assert_eq!(world.lies(), before);
    }
}

#[test]
fn of_two_who_file_a_ticket_at_once_either_looks_after_it() {
    for killed in 0..2 {
        let mut world = World::new();
        world.take(&Step::File { gateway: 1, ticket: 0, of: 0 });
        world.take(&Step::File { gateway: 0, ticket: 0, of: 1 });
        [0, 1].into_iter().for_each(|gateway| world.take(&Step::CatchUp { gateway }));
        world.replace(killed);
        world.come_to_rest();
        world.check();
    }
}

#[test]
fn of_two_who_remember_something_of_a_customer_at_once_either_sees_what_the_other_did() {
    let mut world = World::new();
    world.remember(0, "subscription");
    world.remember(1, "invoice");
    [0, 1].into_iter().for_each(|gateway| world.take(&Step::CatchUp { gateway }));
    // The log has the invoice last.
    assert_eq!([0, 1].map(|gateway| world.parted(gateway)), [["subscription"], ["subscription"]]);
    world.remember(0, "product");
    [0, 1].into_iter().for_each(|gateway| world.take(&Step::CatchUp { gateway }));
    assert_eq!([0, 1].map(|gateway| world.parted(gateway)), [[""; 0]; 2], "it was written upon the other's");
}

fn step() -> impl Strategy<Value = Step> {
    let gateway = 0..2usize;
    let of = 0..world::EVERYBODY.len();
    prop_oneof![
        4 => (gateway.clone(), of.clone(), prop::collection::btree_set(0..4usize, 0..3))
            .prop_map(|(gateway, of, domains)| Step::Tell { gateway, of, domains }),
        3 => (gateway.clone(), 0..4usize, of.clone()).prop_map(|(gateway, ticket, of)| Step::File { gateway, ticket, of }),
        2 => (of.clone(), 0..4usize).prop_map(|(of, account)| Step::Link { of, account }),
        1 => of.clone().prop_map(|of| Step::Unlink { of }),
        1 => of.prop_map(|of| Step::Forget { of }),
        3 => gateway.clone().prop_map(|gateway| Step::CatchUp { gateway }),
        1 => gateway.prop_map(|gateway| Step::Restart { gateway }),
    ]
}

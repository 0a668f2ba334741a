//! Which numbers of [`Texts`](crate::texts::Texts) a state refers to: what a sweep must keep.

use tierline_model::TicketField;

use crate::account::Account;
use crate::cells::{CellValue, SeenValue};
use crate::joined::{Joined, Key, Value};
use crate::texts::Symbol;
use crate::ticket::{SignalCell, Ticket};

/// Whether a ticket's field is kept as the number of its text.
pub(crate) const fn is_symbol(field: TicketField) -> bool {
    use TicketField::*;
    matches!(
        field,
        Severity | Type | Category | ProductArea | Channel | RequesterRole | Assignee | Team | Language | Brand
    )
}

pub(crate) fn of_ticket(ticket: &Ticket, mark: &mut dyn FnMut(Symbol)) {
    ticket.source.into_iter().for_each(&mut *mark);
    for (field, value, ..) in ticket.cells.numbered() {
        match value {
            Some(SeenValue::Small(symbol)) if is_symbol(field) => mark(symbol),
            Some(SeenValue::Large(CellValue::Symbols(symbols))) => symbols.iter().copied().for_each(&mut *mark),
            _ => {}
        }
    }
    if let Some(rare) = &ticket.rare {
        rare.custom.iter().for_each(|cell| mark(cell.name));
        of_signals(&rare.signals, mark);
    }
}

pub(crate) fn of_account(account: &Account, mark: &mut dyn FnMut(Symbol)) {
    of_joined(&account.account, mark);
    of_joined(&account.billing, mark);
    of_signals(&account.signals, mark);
}

fn of_joined(joined: &Joined, mark: &mut dyn FnMut(Symbol)) {
    for (key, _) in &joined.untold {
        if let Key::Custom(name) = key {
            mark(*name);
        }
    }
    for (source, statements) in &joined.sources {
        mark(*source);
        for said in statements {
            if let Key::Custom(name) = said.key {
                mark(name);
            }
            match &said.value {
                // The words of `state` and `plan_change` are numbers of their own; marking one too many harms nobody,
                // but it must exist.
                Some(Value::Symbol(symbol)) if !matches!(said.key, Key::Billing(field) if is_word(field)) => {
                    mark(*symbol)
                }
                Some(Value::Symbols(symbols)) => symbols.iter().copied().for_each(&mut *mark),
                _ => {}
            }
        }
    }
}

/// Whether a billing field is a word of the contract rather than a text.
pub(crate) const fn is_word(field: tierline_model::BillingField) -> bool {
    use tierline_model::BillingField::*;
    matches!(field, State | PlanChange)
}

fn of_signals(signals: &[SignalCell], mark: &mut dyn FnMut(Symbol)) {
    for cell in signals {
        mark(cell.name);
        cell.label.into_iter().chain(cell.model).for_each(&mut *mark);
    }
}

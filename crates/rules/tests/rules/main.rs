//! The rule language from the outside: text in, dated truths, sentences and mistakes out.

mod business_time;
mod conditions;
mod dated_truth;
mod matchers;
mod mistakes;
mod normal_form;
mod promises;
mod reference;
mod sample;
mod sentences;

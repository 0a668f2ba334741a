//! One rule of the list.

use crate::rule::{Body, Leaf};
use crate::scope::Scope;
use crate::source::{self, Diagnostics, Keys, Node, codes};
use crate::tree::{Expression, Sense, Tree};
use crate::{Clear, Condition, Mode, OnDeploy, Rule, read};

use super::{contradiction, doubtful, expression, supplied};

const CLEAR: [(&str, Clear); 2] = [("solved", Clear::Solved), ("when_no", Clear::WhenNo)];
const MODE: [(&str, Mode); 3] = [("live", Mode::Live), ("shadow", Mode::Shadow), ("disabled", Mode::Disabled)];
const ON_DEPLOY: [(&str, OnDeploy); 2] = [("quiet", OnDeploy::Quiet), ("fire", OnDeploy::Fire)];
const ONCE_PER: [(&str, bool); 2] = [("ticket", false), ("account", true)];

/// Reads a rule; `None`: it has mistakes, which have been told.
pub(super) fn parse(node: &Node, scope: &mut Scope<'_>) -> Option<Rule> {
    let mistakes = scope.found.mistakes();
    let mut keys = Keys::of(node, "a rule", scope.found)?;
    let id = id(&mut keys, "a rule", scope.found);
    let tier = keys.required("tier", scope.found).and_then(|node| source::whole(node, "`tier`", (2, 3), scope.found));
    let when = keys.required("when", scope.found).and_then(|node| expression::parse(node, "`when`", scope));
    let unless = keys.optional("unless").and_then(|node| expression::parse(node, "`unless`", scope));
    let hold = keys.optional("for").and_then(|node| source::duration(node, "`for`", scope.found));
    let per_account = word(&mut keys, "once_per", &ONCE_PER, scope.found);
    let clear = word(&mut keys, "clear", &CLEAR, scope.found);
    let cooldown_node = keys.optional("cooldown");
    let cooldown = cooldown_node.and_then(|node| source::duration(node, "`cooldown`", scope.found));
    let mode = word(&mut keys, "mode", &MODE, scope.found);
    let on_deploy = word(&mut keys, "on_deploy", &ON_DEPLOY, scope.found);
    let mut said = |key| {
        keys.optional(key).and_then(|node| source::text(node, &format!("`{key}`"), scope.found)).map(str::to_owned)
    };
    let (suggest, route, description) = (said("suggest"), said("route"), said("description"));
    doubtful::warn_of_comments(&mut keys, &["suggest", "route", "description"], scope);
    keys.finish(scope.found);
    let (id, tier, when) = (id?, tier?, when?);
    contradiction::find(&when, unless.as_ref(), scope);
    let expressions: Vec<_> = std::iter::once(&when).chain(&unless).collect();
    let leaves = when.leaves() + unless.as_ref().map_or(0, Expression::leaves);
    if leaves > expression::MOST_LEAVES {
        let most = expression::MOST_LEAVES;
        scope.found.mistake(
            codes::TOO_MUCH,
            &node.span,
            format!("a rule has at most {most} conditions, this one {leaves}"),
        );
    }
    if scope.found.mistakes() > mistakes {
        return None;
    }
    let mut rule = Rule {
        id,
        // 2 or 3.
        tier: tier as u8,
        per_account: per_account.unwrap_or_default(),
        clear: clear.unwrap_or_default(),
        cooldown,
        hold,
        mode: mode.unwrap_or_default(),
        on_deploy: on_deploy.unwrap_or_default(),
        suggest,
        route,
        description,
        fingerprint: String::new(),
        but_for_hours: String::new(),
        body: Body::compile(&when, unless.as_ref()),
    };
    // Other words for what it reads make it another rule.
    let fields = rule.body.leaves.iter().flat_map(|leaf| leaf.condition.fields());
    let mapped = scope.mappings.normal(fields);
    rule.fingerprint = read::fingerprint(&(rule.normal(&|leaf| leaf.normal()) + &mapped));
    rule.but_for_hours = read::fingerprint(&(rule.normal(&|leaf| leaf.but_for_hours()) + &mapped));
    supplied::warn(&expressions, scope);
    doubtful::warn_of_status(&rule, node, scope);
    doubtful::warn_of_breadth(&rule, node, scope);
    doubtful::warn_of_account_alone(&rule, node, scope);
    if let Some(node) = cooldown_node {
        doubtful::warn_of_cooldown(&rule, node, scope);
    }
    Some(rule)
}

/// The `id` of a rule or a policy.
pub(super) fn id(keys: &mut Keys<'_>, what: &str, found: &mut Diagnostics) -> Option<String> {
    let node = keys.required("id", found)?;
    let written = source::text(node, "`id`", found)?;
    read::id(written, &node.span, what, found).then(|| written.to_owned())
}

fn word<T: Copy>(
    keys: &mut Keys<'_>,
    key: &'static str,
    words: &[(&'static str, T)],
    found: &mut Diagnostics,
) -> Option<T> {
    let node = keys.optional(key)?;
    source::word(node, &format!("`{key}`"), words, found)
}

impl Body {
    pub(super) fn compile(when: &Expression, unless: Option<&Expression>) -> Body {
        let mut conditions = Vec::new();
        let when_tree = Tree::compile(when, Sense::Plain, &mut conditions);
        let first_of_unless = conditions.len();
        let unless_tree = unless.map(|unless| Tree::compile(unless, Sense::Plain, &mut conditions));
        let tree = match unless {
            None => when_tree.clone(),
            Some(unless) => {
                // The same leaves once more, in the same places, asked whether they are anything but yes.
                conditions.truncate(first_of_unless);
                let held_back = Tree::compile(unless, Sense::NotYes, &mut conditions);
                Tree::all(vec![when_tree.clone(), held_back])
            }
        };
        let leaf = |condition: std::sync::Arc<dyn crate::Condition>| Leaf {
            of_account: condition.reads().is_of_account(),
            condition,
        };
        let leaves = conditions.into_iter().map(leaf).collect();
        let mut body = Body { leaves, tree, when: when_tree, unless: unless_tree, beside_gates: Box::default() };
        if let Tree::All(children) = &body.tree {
            let is_beside = |place: &usize| body.gate(&children[*place]).is_none();
            body.beside_gates = (0..children.len()).filter(is_beside).collect();
        }
        body
    }
}

impl Rule {
    /// It in one fixed spelling, without description, route and suggestion. The order of its conditions counts: what
    /// the engine remembers of a firing goes by their places.
    fn normal(&self, spelled: &dyn Fn(&dyn Condition) -> String) -> String {
        let body = &self.body;
        let spell = |tree: &Tree| tree.spell(&|index| spelled(&*body.leaves[index].condition));
        let Rule { id, tier, per_account, clear, cooldown, hold, mode, on_deploy, .. } = self;
        format!(
            "{id} {tier} {} {:?} {per_account} {clear:?} {cooldown:?} {hold:?} {mode:?} {on_deploy:?}",
            spell(&body.when),
            body.unless.as_ref().map(spell),
        )
    }
}

//! Takes a trial's exchanges, tells its conversations apart and writes the main one with the others inside it.

use std::io::{self, Write};

use retrial_spec::{Action, Cost, Exchange, Fact, Message, Purpose, Role, Source};
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::atif::{Agent, FinalMetrics, SCHEMA_VERSION};
use super::conversation::{COST_SOURCE, Conversation, Deed, usd};
use super::thread::{Relation, Request};
use crate::actions::{ActionTable, actions_of, edits_in_text};

/// An exchange with what its reader makes of it.
#[derive(Debug, Clone, Copy)]
pub struct Observed<'a> {
    /// The exchange.
    pub exchange: &'a Exchange,
    /// The messages of its request, in order.
    pub messages: &'a [Message],
    /// What it cost.
    pub cost: Fact<Cost>,
    /// The edits in its reply's text; filled in by the writer.
    pub(super) edits: &'a [Action],
}

impl<'a> Observed<'a> {
    /// Returns an exchange with its request's messages and its cost.
    pub fn new(exchange: &'a Exchange, messages: &'a [Message], cost: Fact<Cost>) -> Self {
        Self { exchange, messages, cost, edits: &[] }
    }
}

/// What a trajectory says of its trial besides the exchanges.
#[derive(Debug, Clone, Copy)]
pub struct TrajectoryFacts<'a> {
    /// What names the attempt; also the root's `trajectory_id`.
    pub session: &'a str,
    /// The agent's name.
    pub agent: &'a str,
    /// The agent's version.
    pub version: &'a str,
    /// The model, as the experiment names it.
    pub model: &'a str,
}

/// What came of writing a trajectory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// What the agent did, in the order of its requests: its tool calls and its edits in text, in every conversation. Of a
    /// request that was sent again the last whole reply counts.
    pub actions: Vec<Action>,
    /// Whether there was anything to write; a trajectory has at least one step.
    pub has_steps: bool,
}

/// Money for everything that was answered. What providers state and what is computed are never added up.
#[derive(Debug, Default)]
struct Money {
    micros: u64,
    source: Option<Source>,
    /// Whether a part is unknown, or of another source than the others.
    is_unknown: bool,
}

impl Money {
    fn add(&mut self, cost: &Fact<Cost>) {
        match cost {
            Fact::Known { value, source } if *self.source.get_or_insert(*source) == *source => {
                self.micros = self.micros.saturating_add(value.usd_micros);
            }
            Fact::Known { .. } | Fact::Missing(_) => self.is_unknown = true,
        }
    }

    /// Returns the sum and where it comes from, where all of it is known and there is some.
    fn sum(&self) -> Option<(Cost, Source)> {
        let source = self.source.filter(|_| !self.is_unknown)?;
        Some((Cost { usd_micros: self.micros, priced_on: None }, source))
    }
}

/// Turns exchanges into a trajectory. Steps that are settled are held outside of memory where they are many.
pub struct TrajectoryWriter<'t> {
    table: &'t ActionTable,
    conversations: Vec<Conversation>,
    deeds: Vec<Deed>,
    money: Money,
    elicitation: Vec<u32>,
    /// Requests that hold no conversation.
    other: u64,
}

impl<'t> TrajectoryWriter<'t> {
    /// Returns a writer that tells actions by a table.
    pub fn new(table: &'t ActionTable) -> Self {
        Self {
            table,
            conversations: Vec::new(),
            deeds: Vec::new(),
            money: Money::default(),
            elicitation: Vec::new(),
            other: 0,
        }
    }

    /// Takes an exchange; the exchanges of one conversation come in the order in which they were made.
    ///
    /// # Errors
    /// Where steps cannot be held.
    pub fn add(&mut self, observed: Observed<'_>) -> io::Result<()> {
        let exchange = observed.exchange;
        if exchange.purpose == Purpose::Elicitation {
            self.elicitation.push(exchange.number);
            return Ok(());
        }
        if observed.messages.is_empty() {
            self.other += 1;
            return Ok(());
        }
        if exchange.status.is_some_and(|status| (200..300).contains(&status)) {
            self.money.add(&observed.cost);
        }
        let edits = edits_in_text(observed.messages, exchange, self.table);
        let observed = Observed { edits: &edits, ..observed };
        let request = Request::new(observed.messages);
        let relations = self.conversations.iter().map(|conversation| conversation.relation(&request));
        // Of equals the latest, which is the last that went on.
        let best = relations.enumerate().max_by_key(|&(index, relation)| (relation, index));
        let (index, relation) = match best {
            Some((index, relation)) if relation != Relation::None => (index, relation),
            _ => (self.begin(exchange.number, &request), Relation::None),
        };
        self.conversations[index].take(&observed, &request, relation, &mut self.deeds)
    }

    fn begin(&mut self, number: u32, request: &Request<'_>) -> usize {
        let user = request.rest.iter().find(|message| message.role == Role::User);
        let words = user.map_or("", |message| message.text.as_str());
        let id = side_id(number);
        let _started =
            self.conversations.iter_mut().rev().any(|conversation| conversation.started(words, &id));
        self.conversations.push(Conversation::new(number));
        self.conversations.len() - 1
    }

    /// Writes the trajectory as one JSON object. Nothing is written where there is no step.
    ///
    /// The main conversation is the first that offers tools, or the first of all where none does. Others that offer tools are
    /// `subagent_trajectories`; those that do not, such as requests for a title, stand in `extra` under `side_conversations`.
    ///
    /// # Errors
    /// Where steps cannot be read back or the output cannot be written.
    pub fn finish(mut self, facts: &TrajectoryFacts<'_>, out: &mut impl Write) -> io::Result<Written> {
        for conversation in &mut self.conversations {
            conversation.end(&mut self.deeds)?;
        }
        self.deeds.sort_by_key(|deed| deed.exchange);
        let of_deed = |deed: &Deed| actions_of(&deed.calls, self.table).into_iter().chain(deed.edits.clone());
        let actions: Vec<Action> = self.deeds.iter().flat_map(of_deed).collect();
        let main = (0..self.conversations.len())
            .filter(|&index| self.conversations[index].spool.steps() > 0)
            .min_by_key(|&index| (!self.conversations[index].has_tools, self.conversations[index].first));
        let Some(main) = main else { return Ok(Written { actions, has_steps: false }) };
        let main = self.conversations.remove(main);
        self.write(main, facts, out)?;
        Ok(Written { actions, has_steps: true })
    }

    fn write(self, main: Conversation, facts: &TrajectoryFacts<'_>, out: &mut impl Write) -> io::Result<()> {
        let mut last = metrics_of(&main);
        if let Some((cost, source)) = self.money.sum() {
            last.total_cost_usd = Some(usd(cost));
            last.extra.insert(COST_SOURCE.to_owned(), json!(source));
        }
        let mut extra = Map::new();
        if !main.unanswered().is_empty() {
            extra.insert("unanswered_requests".to_owned(), json!(main.unanswered()));
        }
        if !self.elicitation.is_empty() {
            extra.insert("elicitation_exchanges".to_owned(), json!(self.elicitation));
        }
        if self.other > 0 {
            extra.insert("other_requests".to_owned(), json!(self.other));
        }
        head(out, facts, facts.session, &main.tools)?;
        main.spool.copy_to(out)?;
        write!(out, "\n],\"final_metrics\":{}", text(&last)?)?;
        let rest = self.conversations.into_iter().filter(|conversation| conversation.spool.steps() > 0);
        let (agents, sides): (Vec<_>, Vec<_>) = rest.partition(|conversation| conversation.has_tools);
        if !agents.is_empty() {
            out.write_all(b",\n\"subagent_trajectories\":[")?;
            side_by_side(agents, facts, out)?;
            out.write_all(b"]")?;
        }
        if !extra.is_empty() || !sides.is_empty() {
            let extra = text(&extra)?;
            let inner = extra.strip_prefix('{').and_then(|extra| extra.strip_suffix('}')).unwrap_or_default();
            write!(out, ",\n\"extra\":{{{inner}")?;
            if !sides.is_empty() {
                let comma = if inner.is_empty() { "" } else { "," };
                write!(out, "{comma}\"side_conversations\":[")?;
                side_by_side(sides, facts, out)?;
                out.write_all(b"]")?;
            }
            out.write_all(b"}")?;
        }
        out.write_all(b"}\n")
    }
}

fn side_by_side(
    conversations: Vec<Conversation>,
    facts: &TrajectoryFacts<'_>,
    out: &mut impl Write,
) -> io::Result<()> {
    for (index, conversation) in conversations.into_iter().enumerate() {
        if index > 0 {
            out.write_all(b",\n")?;
        }
        head(out, facts, &side_id(conversation.first), &conversation.tools)?;
        let metrics = text(&metrics_of(&conversation))?;
        let unanswered = conversation.unanswered().to_vec();
        conversation.spool.copy_to(out)?;
        write!(out, "\n],\"final_metrics\":{metrics}")?;
        if !unanswered.is_empty() {
            write!(out, ",\"extra\":{}", json!({"unanswered_requests": unanswered}))?;
        }
        out.write_all(b"}")?;
    }
    Ok(())
}

/// Writes everything up to the steps.
fn head(out: &mut impl Write, facts: &TrajectoryFacts<'_>, id: &str, tools: &[Value]) -> io::Result<()> {
    let agent = Agent {
        name: facts.agent,
        version: facts.version,
        model_name: Some(facts.model),
        tool_definitions: tools,
    };
    writeln!(
        out,
        "{{\"schema_version\":{},\"session_id\":{},\"trajectory_id\":{},\"agent\":{},\"steps\":[",
        json!(SCHEMA_VERSION),
        json!(facts.session),
        json!(id),
        text(&agent)?
    )
}

fn metrics_of(conversation: &Conversation) -> FinalMetrics {
    let sums = &conversation.sums;
    let mut extra = Map::new();
    if sums.without_usage > 0 {
        extra.insert("steps_without_usage".to_owned(), json!(sums.without_usage));
    }
    let any = |sum: Option<u64>| sum.filter(|_| sums.model_steps > 0);
    FinalMetrics {
        total_prompt_tokens: any(sums.prompt),
        total_completion_tokens: any(sums.completion),
        total_cached_tokens: any(sums.cached),
        total_cost_usd: None,
        total_steps: conversation.spool.steps(),
        extra,
    }
}

/// The `trajectory_id` of a conversation beside the main one.
fn side_id(first: u32) -> String {
    format!("exchange-{first}")
}

fn text(value: &impl Serialize) -> io::Result<String> {
    serde_json::to_string(value).map_err(Into::into)
}

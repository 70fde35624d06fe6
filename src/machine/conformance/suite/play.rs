//! Runs a scenario with a client. Compares what happens in each step with what the scenario expects.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;
use std::path::Path;

use super::action::Action;
use super::expect::{Call, Came, EventFields, Expected, ExpectedEvent, Left, Outcome, Stored, Then};
use super::form::{Process, Rule};
use super::scenario::{Scenario, Step};

/// What a runner provides: the clients of all processes.
pub(crate) trait Client {
    /// Starts the process if there is none. Performs the action there and runs everything until nothing moves without time
    /// or a response.
    fn act(&mut self, process: Process, action: &Action) -> Result<(), String>;
    /// What each process has seen since the last call.
    fn seen(&mut self) -> BTreeMap<Process, Seen>;
    /// The callers that still wait, in all processes.
    fn waiting(&self) -> BTreeSet<String>;
    /// What the store holds.
    fn stored(&self) -> Option<Stored>;
    /// Which process has the guard.
    fn guarded_by(&self) -> Option<Process>;
}

#[derive(Debug, Default)]
pub(crate) struct Seen {
    pub(crate) got: Vec<(String, Outcome)>,
    pub(crate) calls: Vec<Call>,
    pub(crate) events: Vec<EventFields>,
}

/// Plays every scenario of the folder, each with a new client, and names each scenario that fails.
pub(crate) fn play_all<C: Client>(
    folder: &Path,
    make: impl Fn(&Scenario) -> Result<C, String>,
) -> Result<(), String> {
    let mut failures = Vec::new();
    for (file, scenarios) in super::folder(folder)? {
        // A sweep needs a provider with a memory: the runner of the drivers has one.
        for scenario in scenarios.iter().filter(|scenario| scenario.sweep.is_none()) {
            let played = make(scenario).and_then(|mut client| play(scenario, &mut client));
            if let Err(failure) = played {
                let Scenario { name, about, rules, .. } = scenario;
                let rules: Vec<_> = rules.iter().map(|Rule(rule)| rule.as_str()).collect();
                failures.push(format!("{file}: {name} ({}): {about}\n{failure}", rules.join(" ")));
            }
        }
    }
    if failures.is_empty() {
        return Ok(());
    }
    Err(format!("{} scenarios fail:\n\n{}\n", failures.len(), failures.join("\n\n")))
}

/// Stops at the first step that fails: later failures would follow from it.
fn play(scenario: &Scenario, client: &mut impl Client) -> Result<(), String> {
    for (index, step) in scenario.steps.iter().enumerate() {
        let failed = |failure: String| format!("step {}, {:?}:\n{failure}", index + 1, step.action);
        perform(client, step).map_err(failed)?;
        let differences = compare(step, client);
        if !differences.is_empty() {
            return Err(failed(differences.join("\n")));
        }
    }
    Ok(())
}

fn perform(client: &mut impl Client, step: &Step) -> Result<(), String> {
    let process = step.process;
    let Action::Loop { caller, times, every } = &step.action else {
        return client.act(process, &step.action);
    };
    for _ in 0..times.get() {
        if !client.waiting().contains(caller) {
            client.act(process, &Action::Get { caller: caller.clone() })?;
        }
        client.act(process, &Action::Advance(*every))?;
    }
    Ok(())
}

fn compare(step: &Step, client: &mut impl Client) -> Vec<String> {
    let Then { here, others, left } = &step.then;
    let repeated = matches!(step.action, Action::Loop { .. });
    let mut seen = client.seen();
    let mut differences = compare_came(here, &seen.remove(&step.process).unwrap_or_default(), repeated);
    let named: BTreeSet<Process> = others.keys().chain(seen.keys()).copied().collect();
    for process in named {
        let expected = others.get(&process).unwrap_or(&NOTHING);
        let other = compare_came(expected, &seen.remove(&process).unwrap_or_default(), false);
        if !other.is_empty() {
            differences.push(format!("    {process:?}"));
            differences.extend(other);
        }
    }
    let Left { waiting, stored, guarded_by } = left;
    let mut check = check_into(&mut differences);
    if let Some(waiting) = waiting {
        let (expected, waiting) = (waiting.iter().cloned().collect::<BTreeSet<_>>(), client.waiting());
        check("waiting", expected == waiting, &expected, &waiting);
    }
    if let Some(stored) = stored {
        let holds = client.stored();
        let same = |expected: &Expected<Stored>, seen: &Stored| expected.is(seen, same_stored);
        check("stored", same_all(stored.as_slice(), holds.as_slice(), same), stored, &holds);
    }
    if let Some(guarded_by) = guarded_by {
        let holder = client.guarded_by();
        check("guarded_by", *guarded_by == holder, guarded_by, &holder);
    }
    drop(check);
    differences
}

static NOTHING: Came = Came { got: BTreeMap::new(), calls: Vec::new(), requests: None, events: None };

fn compare_came(expected: &Came, seen: &Seen, repeated: bool) -> Vec<String> {
    let mut differences = Vec::new();
    let mut check = check_into(&mut differences);
    let Came { got, calls, requests, events } = expected;
    check("got", same_outcomes(got, &seen.got, repeated), got, &seen.got);
    if let Some(requests) = requests {
        let is_request = |call: &&Call| matches!(call, Call::Login | Call::Refresh(_));
        let count = seen.calls.iter().filter(is_request).count();
        check("requests", *requests == count, requests, &count);
    } else {
        check("calls", same_all(calls, &seen.calls, same_call), calls, &seen.calls);
    }
    if let Some(events) = events {
        check("events", same_all(events, &seen.events, same_event), events, &seen.events);
    }
    drop(check);
    differences
}

fn check_into(differences: &mut Vec<String>) -> impl FnMut(&str, bool, &dyn Debug, &dyn Debug) {
    |what, same, expected, seen| {
        if !same {
            let difference = format!("    {what}\n        expected {expected:?}\n        seen     {seen:?}");
            differences.push(difference);
        }
    }
}

fn same_all<E, S>(expected: &[E], seen: &[S], same: fn(&E, &S) -> bool) -> bool {
    expected.len() == seen.len() && expected.iter().zip(seen).all(|(expected, seen)| same(expected, seen))
}

/// Each caller named got this, and no other caller got anything. Only in a loop may a caller get it more than once.
fn same_outcomes(
    expected: &BTreeMap<String, Expected<Outcome>>,
    seen: &[(String, Outcome)],
    repeated: bool,
) -> bool {
    let named = expected.keys().all(|caller| seen.iter().any(|(name, _)| name == caller));
    let once = repeated || seen.len() == expected.len();
    let same = |(name, got): &(String, Outcome)| expected.get(name).is_some_and(|e| e.is(got, same_outcome));
    named && once && seen.iter().all(same)
}

fn same_outcome(expected: &Outcome, seen: &Outcome) -> bool {
    match (expected, seen) {
        (Outcome::Error { kind, retry_after: None }, Outcome::Error { kind: seen, .. }) => kind == seen,
        _ => expected == seen,
    }
}

fn same_call(expected: &Call, seen: &Call) -> bool {
    match (expected, seen) {
        (Call::Save(expected), Call::Save(seen)) => same_stored(expected, seen),
        _ => expected == seen,
    }
}

fn same_stored(expected: &Stored, seen: &Stored) -> bool {
    *expected == Stored { expires_at: expected.expires_at.and(seen.expires_at), ..seen.clone() }
}

fn same_event(expected: &ExpectedEvent, seen: &EventFields) -> bool {
    match expected {
        ExpectedEvent::Name(name) => *name == seen.name,
        ExpectedEvent::Fields(expected) => {
            let seen = EventFields {
                name: seen.name,
                cause: expected.cause.and(seen.cause),
                kind: expected.kind.and(seen.kind),
                callers: expected.callers.and(seen.callers),
                attempt: expected.attempt.and(seen.attempt),
                next_attempt: expected.next_attempt.and(seen.next_attempt),
            };
            *expected == seen
        }
    }
}

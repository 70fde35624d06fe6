//! What a random program consists of. `Debug` of a failing one is Rust: paste it into `scenarios.rs`.

use proptest::prelude::*;

/// Callers that a program moves one by one; [`HAMMER`] is one more.
pub const CALLERS: usize = 3;
pub const HAMMER: usize = CALLERS;

/// What the authenticator is built with. Without `login` the source holds a refresh token only, and starts with
/// credentials.
#[derive(Clone, Debug)]
pub struct Setup {
    pub login: bool,
    pub initial: bool,
    pub store: bool,
    /// Of a token that says nothing else, in seconds.
    pub lifetime: u64,
    /// The seed of the random waits; without it they are exact.
    pub jitter: Option<u64>,
}

#[derive(Clone, Debug)]
pub enum Step {
    /// A caller asks for credentials. One that still waits does nothing, here and below.
    Get(usize),
    /// A caller asks for newer ones.
    Refresh(usize),
    /// A caller reports a 401 for what it got last.
    Unauthorized(usize),
    /// A caller goes away.
    Cancel(usize),
    /// The provider responds to the request in the air, if there is one.
    Respond(Response),
    /// From here on every request gets this response, at once.
    Always(Response),
    /// From here on requests wait for [`Step::Respond`].
    Ask,
    /// Log-out.
    Clear,
    /// A log-in elsewhere, given to the authenticator.
    Set,
    /// Another process refreshes what the store holds, or logs in.
    OtherProcess,
    Store(StoreMode),
    /// So many milliseconds pass.
    Advance(u64),
    /// The wall clock jumps by so many seconds.
    Jump(i64),
    /// A caller in a tight loop for so many seconds, the provider always sending the same response. With
    /// `unauthorized` every token it gets is met with a 401.
    Hammer {
        seconds: u64,
        response: Response,
        unauthorized: bool,
    },
}

/// What becomes of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Response {
    /// Success, with a new refresh token.
    Rotated,
    /// Success without a refresh token: a presented one stays good.
    Unrotated,
    /// The access token that is in hand, issued again.
    SameToken,
    /// Success, with a token that lives two seconds.
    Short,
    /// Success, with a token that names no lifetime.
    Endless,
    /// Success, with a token that has expired already.
    Expired,
    /// `invalid_grant`: the refresh token is dead, the log-in refused.
    Refused,
    /// A refusal that does not say that the refresh token is the reason. The token stays good.
    Inconclusive,
    Misconfigured,
    /// Not processed.
    Busy,
    /// Not processed; to be tried again after ten seconds.
    BusyForTen,
    /// It may have been processed, and was not.
    Unprocessed,
    /// It was processed, and its response is lost.
    Lost,
    /// It was processed; its response is unusable.
    Invalid,
    /// A response never comes.
    Hang,
    /// The same, but the request was processed.
    HangProcessed,
    /// The source panics.
    Panic,
    /// The same, after the request was processed.
    PanicProcessed,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoreMode {
    Works,
    Fails,
    /// Each call takes two seconds.
    Slow,
    /// A call neither happens nor ends.
    Hangs,
    /// A call happens, and does not end.
    HangsAfter,
}

impl Response {
    /// Whether the provider processes the request and its response says so.
    pub fn is_success(self) -> bool {
        use Response::*;
        matches!(self, Rotated | Unrotated | SameToken | Short | Endless)
    }

    /// Whether the refresh token is used up by it, whether or not the client learns of that.
    pub fn is_processed(self) -> bool {
        use Response::*;
        self.is_success() || matches!(self, Expired | Lost | Invalid | HangProcessed | PanicProcessed)
    }
}

fn setup() -> impl Strategy<Value = Setup> {
    let lifetime = prop_oneof![Just(60), Just(4), Just(600)];
    let jitter = prop_oneof![3 => Just(None), 1 => any::<u64>().prop_map(Some)];
    (any::<bool>(), any::<bool>(), any::<bool>(), lifetime, jitter).prop_map(
        |(login, initial, store, lifetime, jitter)| Setup {
            login,
            initial: initial || !login,
            store,
            lifetime,
            jitter,
        },
    )
}

/// Every third program is about a refresh token that is in doubt while the store changes: there the steps that
/// have to come together are too many for chance.
pub fn program() -> impl Strategy<Value = (Setup, Vec<Step>)> {
    let stored = setup().prop_map(|setup| Setup { store: true, lifetime: 600, ..setup });
    prop_oneof![
        2 => (setup(), prop::collection::vec(step(), 1..40)),
        1 => (stored, prop::collection::vec(step_in_doubt(), 1..40)),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let caller = || 0..CALLERS;
    prop_oneof![
        8 => caller().prop_map(Step::Get),
        1 => caller().prop_map(Step::Refresh),
        5 => caller().prop_map(Step::Unauthorized),
        1 => caller().prop_map(Step::Cancel),
        8 => response().prop_map(Step::Respond),
        4 => response().prop_map(Step::Always),
        1 => Just(Step::Ask),
        1 => Just(Step::Clear),
        1 => Just(Step::Set),
        2 => Just(Step::OtherProcess),
        2 => store_mode().prop_map(Step::Store),
        6 => advance().prop_map(Step::Advance),
        2 => prop_oneof![Just(60), Just(-60), Just(86_400), -700..700_i64].prop_map(Step::Jump),
        1 => (1..40_u64, response(), any::<bool>()).prop_map(|(seconds, response, unauthorized)| {
            Step::Hammer { seconds, response, unauthorized }
        }),
    ]
}

fn step_in_doubt() -> impl Strategy<Value = Step> {
    use Response::*;
    let caller = || 0..CALLERS;
    let response =
        prop::sample::select(vec![Rotated, Refused, Refused, Unprocessed, Lost, Lost, PanicProcessed]);
    let mode = prop::sample::select(vec![StoreMode::Works, StoreMode::Fails, StoreMode::HangsAfter]);
    prop_oneof![
        4 => caller().prop_map(Step::Get),
        3 => caller().prop_map(Step::Refresh),
        3 => caller().prop_map(Step::Unauthorized),
        6 => response.prop_map(Step::Always),
        1 => Just(Step::Set),
        3 => Just(Step::OtherProcess),
        2 => mode.prop_map(Step::Store),
        2 => advance().prop_map(Step::Advance),
    ]
}

/// The last three are in the mandatory window of each lifetime, counted from its beginning.
fn advance() -> impl Strategy<Value = u64> {
    prop_oneof![
        4 => prop::sample::select(vec![100, 1_000, 5_000, 30_000]),
        1 => 0..700_000_u64,
        1 => prop::sample::select(vec![3_700, 55_000, 595_000]),
    ]
}

fn response() -> impl Strategy<Value = Response> {
    use Response::*;
    prop_oneof![
        6 => Just(Rotated),
        2 => prop::sample::select(vec![Unrotated, SameToken, Short, Endless, Expired]),
        3 => prop::sample::select(vec![Refused, Inconclusive, Misconfigured, Busy, BusyForTen]),
        3 => prop::sample::select(vec![Unprocessed, Lost, Invalid, Hang, HangProcessed, Panic, PanicProcessed]),
    ]
}

fn store_mode() -> impl Strategy<Value = StoreMode> {
    use StoreMode::*;
    prop::sample::select(vec![Works, Fails, Slow, Hangs, HangsAfter])
}

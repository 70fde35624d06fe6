//! What a random program of several processes consists of. `Debug` of a failing one is Rust: paste it into `scenarios.rs`.

use proptest::prelude::*;

#[derive(Clone, Debug)]
pub struct Setup {
    /// How many processes there are.
    pub processes: u8,
    /// Whether the source can log in. Otherwise the store has credentials at first.
    pub login: bool,
    /// Whether a process that stands still loses the guard.
    pub lapses: bool,
    /// Of a token, in seconds.
    pub lifetime: u64,
    /// How many milliseconds a call of the store takes, before and after it is carried out.
    pub latency: u64,
    /// The seed of the random waits.
    pub jitter: u64,
}

/// A process is a number from 0, modulo the number of processes.
#[derive(Clone, Debug)]
pub enum Step {
    /// A caller asks for credentials.
    Get(u8),
    /// A caller asks for newer ones.
    Refresh(u8),
    /// A caller reports a 401 for what the process gave out last.
    Unauthorized(u8),
    LogOut(u8),
    /// A log-in elsewhere, given to the process.
    Set(u8),
    /// The process is gone. Another one, with an empty memory, takes its place.
    Kill(u8),
    /// The same, when it has reached so many points: the beginning, the effect or the end of a call.
    KillAfter(u8, u8),
    /// It stands still.
    Stop(u8),
    /// The same, when it has reached so many points.
    StopAfter(u8, u8),
    GoOn(u8),
    /// From here on the store does this, for one process or for all.
    Store(Option<u8>, StoreMode),
    /// From here on the provider does this.
    Provider(ProviderMode),
    /// The store holds what it held before the last write.
    SetBack,
    /// So many milliseconds pass.
    Advance(u64),
    /// The wall clock jumps by so many seconds.
    Jump(i64),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoreMode {
    Works,
    /// Each call fails, and nothing happens.
    Fails,
    /// Each call fails, and has happened.
    FailsAfter,
    /// Nothing can be written.
    ReadOnly,
    /// Nothing responds.
    Hangs,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProviderMode {
    /// A response takes 40 ms.
    Works,
    /// A response takes 8 s.
    Slow,
    /// It is not reached.
    Down,
    /// It processes the request, and the connection breaks.
    LosesResponses,
    /// The connection breaks before the request is processed.
    LosesRequests,
    /// It processes nothing and does not respond.
    Hangs,
}

pub fn program() -> impl Strategy<Value = (Setup, Vec<Step>)> {
    prop_oneof![
        3 => (setup(), prop::collection::vec(step(), 1..40)),
        // The steps that have to come together about a refresh are too many for chance.
        2 => (setup(), prop::collection::vec(step_at_expiry(), 1..30)),
    ]
}

fn setup() -> impl Strategy<Value = Setup> {
    let lifetime = prop::sample::select(vec![60, 60, 20, 600]);
    let latency = prop::sample::select(vec![0, 0, 30, 300]);
    (2..=4_u8, any::<bool>(), any::<bool>(), lifetime, latency, any::<u64>()).prop_map(
        |(processes, login, lapses, lifetime, latency, jitter)| Setup {
            processes,
            login,
            lapses,
            lifetime,
            latency,
            jitter,
        },
    )
}

fn step() -> impl Strategy<Value = Step> {
    let process = || 0..4_u8;
    prop_oneof![
        10 => process().prop_map(Step::Get),
        2 => process().prop_map(Step::Refresh),
        2 => process().prop_map(Step::Unauthorized),
        1 => process().prop_map(Step::LogOut),
        1 => process().prop_map(Step::Set),
        1 => process().prop_map(Step::Kill),
        2 => (process(), 0..8_u8).prop_map(|(process, points)| Step::KillAfter(process, points)),
        1 => process().prop_map(Step::Stop),
        2 => (process(), 0..8_u8).prop_map(|(process, points)| Step::StopAfter(process, points)),
        3 => process().prop_map(Step::GoOn),
        2 => (prop::option::of(process()), store_mode()).prop_map(|(process, mode)| Step::Store(process, mode)),
        3 => provider_mode().prop_map(Step::Provider),
        1 => Just(Step::SetBack),
        10 => advance().prop_map(Step::Advance),
        1 => prop::sample::select(vec![60, -60, 3_600, 5, -5]).prop_map(Step::Jump),
    ]
}

fn step_at_expiry() -> impl Strategy<Value = Step> {
    let process = || 0..4_u8;
    prop_oneof![
        10 => process().prop_map(Step::Get),
        2 => process().prop_map(Step::Refresh),
        1 => process().prop_map(Step::LogOut),
        1 => process().prop_map(Step::Set),
        3 => (process(), 0..8_u8).prop_map(|(process, points)| Step::KillAfter(process, points)),
        3 => (process(), 0..8_u8).prop_map(|(process, points)| Step::StopAfter(process, points)),
        3 => process().prop_map(Step::GoOn),
        2 => prop::sample::select(vec![20, 100, 1_000, 10_000]).prop_map(Step::Advance),
        5 => prop::sample::select(vec![15_000, 18_000, 45_000, 60_000, 70_000]).prop_map(Step::Advance),
        1 => prop::sample::select(vec![ProviderMode::Works, ProviderMode::LosesResponses]).prop_map(Step::Provider),
    ]
}

fn advance() -> impl Strategy<Value = u64> {
    prop_oneof![
        4 => prop::sample::select(vec![10, 20, 60, 300, 1_000]),
        4 => prop::sample::select(vec![5_000, 10_000, 15_000, 30_000, 45_000, 60_000]),
        1 => 0..100_000_u64,
    ]
}

fn store_mode() -> impl Strategy<Value = StoreMode> {
    use StoreMode::*;
    prop::sample::select(vec![Works, Works, Works, Fails, FailsAfter, ReadOnly, Hangs])
}

fn provider_mode() -> impl Strategy<Value = ProviderMode> {
    use ProviderMode::*;
    prop::sample::select(vec![Works, Works, Works, Slow, Down, LosesResponses, LosesRequests, Hangs])
}

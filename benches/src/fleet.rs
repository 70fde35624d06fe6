//! What an identity provider sees of many clients: a discrete-event simulation with the crate's own constants.
//!
//! Each client is a process that always has requests to send, which is the worst case: it refreshes as soon as its
//! token comes into the advisory window, and tries again as soon as a back-off is over. It jumps from one
//! request of a client to its next, and every run is the same.

use std::ops::Range;
use std::time::Duration;

use reauth::Timing;

/// Seconds, in the simulation.
type Seconds = f64;

/// What is simulated.
#[derive(Clone, Debug)]
pub struct Fleet {
    /// How many clients.
    pub clients: usize,
    /// What the provider puts into `expires_in`.
    pub lifetime: Seconds,
    /// As shipped, or with `Timing::without_jitter`.
    pub jitter: bool,
    /// Over what time they get their first token: a second after a deployment, or a whole lifetime.
    pub spread: Seconds,
    /// When the provider refuses everything, at once.
    pub outage: Range<Seconds>,
    /// How long to look.
    pub until: Seconds,
}

/// What the provider saw.
#[derive(Clone, Debug)]
pub struct Seen {
    /// Token requests in each second.
    pub per_second: Vec<u32>,
    /// When the last client that was without a valid token got one.
    pub recovered: Seconds,
    /// How many clients were without a valid token at some moment.
    pub without: usize,
}

impl Fleet {
    /// The rate at which a fleet that is out of step asks.
    pub fn steady(&self) -> f64 {
        self.clients as f64 / (self.lifetime - advisory(self.lifetime))
    }

    /// Simulates: client by client, because they know nothing of each other.
    pub fn run(&self) -> Seen {
        let mut seen = Seen { per_second: vec![0; self.until.ceil() as usize], recovered: 0.0, without: 0 };
        for number in 0..self.clients {
            let mut rng = fastrand::Rng::with_seed(number as u64);
            let mut next = rng.f64() * self.spread;
            let mut client = Client::default();
            let mut dice = Dice(self.jitter.then_some(rng));
            while let Some(second) = seen.per_second.get_mut(next as usize) {
                *second += 1;
                let now = next;
                next = match self.outage.contains(&now) {
                    true => client.refused(now, &mut dice),
                    false => {
                        if client.lapsed(now) {
                            seen.recovered = seen.recovered.max(now);
                            seen.without += 1;
                        }
                        client.granted(now, self.lifetime, &mut dice)
                    }
                };
            }
        }
        seen
    }
}

impl Seen {
    /// The most in any second of these.
    pub fn peak(&self, seconds: Range<Seconds>) -> u32 {
        self.slice(seconds).iter().copied().max().unwrap_or(0)
    }

    /// Token requests per second, over these.
    pub fn mean(&self, seconds: Range<Seconds>) -> f64 {
        let slice = self.slice(seconds);
        slice.iter().map(|count| f64::from(*count)).sum::<f64>() / slice.len() as f64
    }

    fn slice(&self, seconds: Range<Seconds>) -> &[u32] {
        self.per_second.get(seconds.start as usize..seconds.end as usize).unwrap_or_default()
    }
}

/// What `src/cache` keeps of one identity, as far as its waits depend on it.
#[derive(Clone, Copy, Default)]
struct Client {
    /// Zero before the first token.
    expiry: Seconds,
    /// The flight in the air, if there is one: until when it may try, and how often it has.
    flight: Option<(Seconds, u32)>,
    /// Flights in a row that failed, and when the first of them was started.
    streak: u32,
    since: Option<Seconds>,
}

impl Client {
    fn lapsed(&self, now: Seconds) -> bool {
        self.expiry > 0.0 && now >= self.expiry
    }

    /// The next refresh begins with the advisory window.
    fn granted(&mut self, now: Seconds, lifetime: Seconds, dice: &mut Dice) -> Seconds {
        *self = Self { expiry: now + lifetime, ..Self::default() };
        self.expiry - dice.vary(advisory(lifetime))
    }

    /// Waits and tries again, until the flight's deadline; then backs off.
    fn refused(&mut self, now: Seconds, dice: &mut Dice) -> Seconds {
        let (deadline, attempts) = self.flight.unwrap_or((now + Timing::FLIGHT_DEADLINE.as_secs_f64(), 0));
        let outage = outage_wait(now - *self.since.get_or_insert(now));
        let again = now
            + dice.up_to(doubling(Timing::RETRY_FIRST, attempts, Timing::RETRY_MAX)).max(dice.half(outage));
        if again < deadline && (self.streak == 0 || now >= self.expiry) {
            self.flight = Some((deadline, attempts + 1));
            return again;
        }
        self.flight = None;
        self.streak += 1;
        let urgent =
            doubling(Timing::URGENT_BACKOFF_FIRST, self.streak - 1, Timing::URGENT_BACKOFF_MAX).max(outage);
        let urgent = now + dice.half(urgent);
        if now >= self.expiry {
            return urgent;
        }
        let most = Timing::BACKOFF_MAX.as_secs_f64().min((self.expiry - now) / 2.0);
        let most = Duration::from_secs_f64(most).max(Timing::URGENT_BACKOFF_FIRST);
        let relaxed = now + dice.half(doubling(Timing::BACKOFF_FIRST, self.streak - 1, most));
        // A token that lapses meanwhile leaves nothing usable, and the shorter wait.
        relaxed.min(urgent.max(self.expiry))
    }
}

fn advisory(lifetime: Seconds) -> Seconds {
    (lifetime / f64::from(Timing::ADVISORY_DIVISOR)).min(Timing::ADVISORY_MAX.as_secs_f64())
}

fn outage_wait(outage: Seconds) -> Seconds {
    let share = outage / f64::from(Timing::OUTAGE_DIVISOR);
    if share > Timing::RETRY_MAX.as_secs_f64() {
        share.min(Timing::OUTAGE_BACKOFF_MAX.as_secs_f64())
    } else {
        0.0
    }
}

fn doubling(first: Duration, times: u32, most: Duration) -> Seconds {
    first.saturating_mul(2_u32.saturating_pow(times)).min(most).as_secs_f64()
}

struct Dice(Option<fastrand::Rng>);

impl Dice {
    fn vary(&mut self, span: Seconds) -> Seconds {
        self.0.as_mut().map_or(span, |rng| span * (1.0 + Timing::WINDOW_JITTER * (2.0 * rng.f64() - 1.0)))
    }

    fn up_to(&mut self, wait: Seconds) -> Seconds {
        self.0.as_mut().map_or(wait, |rng| wait * rng.f64())
    }

    fn half(&mut self, wait: Seconds) -> Seconds {
        wait / 2.0 + self.up_to(wait / 2.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fleet() -> Fleet {
        Fleet {
            clients: 2_000,
            lifetime: 300.0,
            jitter: true,
            spread: 225.0,
            outage: 0.0..0.0,
            until: 1800.0,
        }
    }

    #[test]
    fn a_fleet_out_of_step_asks_at_the_steady_rate() {
        let fleet = fleet();
        let mean = fleet.run().mean(900.0..1800.0);
        assert!((0.98..1.02).contains(&(mean / fleet.steady())), "{mean} of {}", fleet.steady());
    }

    #[test]
    fn every_run_is_the_same() {
        assert_eq!(fleet().run().per_second, fleet().run().per_second);
    }

    #[test]
    fn without_jitter_a_fleet_that_started_in_one_second_stays_in_step() {
        let fleet = Fleet { spread: 1.0, jitter: false, ..fleet() };
        assert_eq!(fleet.run().peak(900.0..1800.0), 2_000);
    }

    #[test]
    fn after_an_outage_all_have_a_token_within_a_tenth_of_its_length() {
        let seen = Fleet { outage: 600.0..1200.0, ..fleet() }.run();
        assert_eq!(seen.without, 2_000, "ten minutes are longer than a token lasts");
        assert!(seen.recovered - 1200.0 <= 60.0, "{}", seen.recovered);
    }

    #[test]
    fn after_an_outage_the_provider_sees_a_small_multiple_of_the_steady_rate() {
        // A long-lived token is asked for all through its window of five minutes, by few clients at a time.
        for (lifetime, most) in [(300.0, 8.0), (3600.0, 50.0)] {
            let fleet = Fleet {
                clients: 50_000,
                lifetime,
                spread: lifetime - advisory(lifetime),
                outage: lifetime..lifetime + 600.0,
                until: lifetime + 900.0,
                ..fleet()
            };
            let peak = fleet.run().peak(lifetime + 600.0..lifetime + 900.0);
            let multiple = f64::from(peak) / fleet.steady();
            assert!(multiple < most, "{multiple:.1} of the steady rate, with tokens of {lifetime} s");
        }
    }
}

//! The table at the end, and what must be true of its numbers in any schedule of the tasks.

use std::fmt;
use std::ops::RangeInclusive;

use crate::callers::Callers;
use crate::refreshes;
use crate::server::{self, Seen};

/// One stack's row.
#[derive(Clone, Copy, Default)]
struct Row {
    made: u64,
    ok: u64,
    seen: Seen,
}

/// Everything that the callers, the authenticator and the server counted.
pub(crate) struct Report {
    rows: Vec<(&'static str, Row)>,
    callers: u64,
    server: server::Counts,
    refreshes: refreshes::Counts,
}

impl Report {
    pub(crate) fn new(
        stacks: &[&'static str],
        callers: &Callers,
        server: server::Counts,
        refreshes: refreshes::Counts,
    ) -> Self {
        let rows = stacks.iter().map(|&stack| {
            let (made, ok) = callers.made_and_ok(stack);
            (stack, Row { made, ok, seen: server.api.get(stack).copied().unwrap_or_default() })
        });
        let rows = rows.collect();
        Self { rows, callers: callers.count(), server, refreshes }
    }

    /// Returns a line for every number that is wrong.
    pub(crate) fn mistakes(&self) -> Vec<String> {
        let mut mistakes = Vec::new();
        let mut check = |what: &str, found: u64, wanted: RangeInclusive<u64>| {
            if !wanted.contains(&found) {
                let (least, most) = wanted.into_inner();
                let wanted = if least == most { least.to_string() } else { format!("{least} to {most}") };
                mistakes.push(format!("{what}: {found}, and it has to be {wanted}"));
            }
        };
        let exactly = |wanted: u64| wanted..=wanted;

        for (stack, Row { made, ok, seen }) in &self.rows {
            check(&format!("{stack}: calls that got 200"), *ok, exactly(*made));
            check(&format!("{stack}: requests that got 200 from the API"), seen.ok, exactly(*made));
            check(
                &format!("{stack}: requests that the API saw"),
                seen.requests,
                exactly(made + seen.replays),
            );
            check(&format!("{stack}: replays (one for each 401)"), seen.replays, exactly(seen.unauthorized));
        }

        let (server, refreshes) = (&self.server, &self.refreshes);
        // The revocation came when no caller called. At most the next call of each caller met it.
        check("401s", server.unauthorized(), 1..=self.callers);
        check("requests with an expired token", server.expired, exactly(0));
        check("tokens that the API rejected", refreshes.rejected, 0..=1);
        // The first refresh is the log-in. Every other one spends the refresh token of the one before.
        check("token requests, password grant", server.password_grants, exactly(1));
        let others = refreshes.succeeded.saturating_sub(1);
        check("token requests, refresh_token grant", server.refresh_grants, exactly(others));
        check("token requests, any other grant", server.other_grants, exactly(0));
        check("refresh tokens used twice", server.reused, exactly(0));
        check("refreshes that succeeded", refreshes.succeeded, exactly(refreshes.started));
        check("refreshes that failed", refreshes.failed, exactly(0));
        check("callers that waited for one refresh", refreshes.most_waiting, 1..=self.callers);
        mistakes
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:<34}", "")?;
        self.rows.iter().try_for_each(|(stack, _)| write!(f, "{stack:>12}"))?;
        writeln!(f, "{:>12}", "total")?;
        let mut line = |what: &str, number: fn(&Row) -> u64| {
            let numbers: Vec<u64> = self.rows.iter().map(|(_, row)| number(row)).collect();
            write!(f, "{what:<34}")?;
            numbers.iter().try_for_each(|number| write!(f, "{number:>12}"))?;
            writeln!(f, "{:>12}", numbers.iter().sum::<u64>())
        };
        line("requests made by callers", |row| row.made)?;
        line("requests the API saw", |row| row.seen.requests)?;
        line("  that got a 401", |row| row.seen.unauthorized)?;
        line("  replays of those", |row| row.seen.replays)?;
        line("calls that got 200", |row| row.ok)?;

        let (server, refreshes) = (&self.server, &self.refreshes);
        let causes: Vec<_> = refreshes.by_cause.iter().map(|(cause, n)| format!("{n} {cause}")).collect();
        writeln!(f)?;
        writeln!(f, "{:<34}{:>12}", "token requests: password", server.password_grants)?;
        writeln!(f, "{:<34}{:>12}", "token requests: refresh_token", server.refresh_grants)?;
        writeln!(f, "{:<34}{:>12}  ({})", "refreshes", refreshes.succeeded, causes.join(", "))?;
        let joined = "callers that joined a refresh";
        writeln!(f, "{joined:<34}{:>12}  (another caller had started it)", refreshes.joined)?;
        write!(f, "{:<34}{:>12}", "refresh tokens used twice", server.reused)
    }
}

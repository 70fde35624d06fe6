//! `fleet [--quick]`: what the provider sees of 1 to 1,000,000 clients, with and without jitter, and through an outage.

use std::error::Error;

use reauth_benches::fleet::{Fleet, Seen};
use reauth_benches::table::Table;

const MINUTE: f64 = 60.0;
const HOUR: f64 = 60.0 * MINUTE;

fn main() -> Result<(), Box<dyn Error>> {
    let quick = reauth_benches::given("--quick")?;
    let most = if quick { 4 } else { 6 };
    lifetimes().emit()?;
    deployment(most).emit()?;
    outage(most).emit()?;
    Ok(())
}

/// The rate of a fleet that is out of step.
fn lifetimes() -> Table {
    let mut table = Table::new("fleet-lifetimes", ["lifetime", "requests/s of 1,000,000 clients"]);
    for (lifetime, name) in [
        (MINUTE, "1 min"),
        (5.0 * MINUTE, "5 min"),
        (15.0 * MINUTE, "15 min"),
        (HOUR, "1 h"),
        (24.0 * HOUR, "24 h"),
    ] {
        table.row([name.into(), format!("{:.0}", fleet(1_000_000, lifetime).steady())]);
    }
    table
}

fn fleet(clients: usize, lifetime: f64) -> Fleet {
    Fleet { clients, lifetime, jitter: true, spread: lifetime, outage: 0.0..0.0, until: 0.0 }
}

/// All clients start in one second; a day later, in the busiest second of an hour.
fn deployment(most: u32) -> Table {
    let mut table = Table::new(
        "fleet-deployment",
        ["clients", "steady/s", "peak/s after 1 h", "after 24 h", "without jitter"],
    );
    for exponent in 0..=most {
        let fleet = Fleet { spread: 1.0, until: 25.0 * HOUR, ..fleet(10_usize.pow(exponent), HOUR) };
        let jittered = fleet.run();
        let plain = Fleet { jitter: false, ..fleet.clone() }.run();
        table.row([
            fleet.clients.to_string(),
            format!("{:.4}", fleet.steady()),
            jittered.peak(0.5 * HOUR..1.5 * HOUR).to_string(),
            jittered.peak(24.0 * HOUR..25.0 * HOUR).to_string(),
            plain.peak(24.0 * HOUR..25.0 * HOUR).to_string(),
        ]);
    }
    table
}

/// Ten minutes in which the provider refuses everything, and what comes after.
fn outage(most: u32) -> Table {
    let mut table = Table::new(
        "fleet-outage",
        [
            "fleet",
            "steady/s",
            "without a token",
            "during/s",
            "peak/s in it",
            "recovery peak/s",
            "× steady",
            "echo peak/s",
            "× steady ",
            "all recovered after s",
        ],
    );
    let mut curves = Table::new("fleet-outage-curves", ["fleet"]);
    for (lifetime, name) in [(5.0 * MINUTE, "5 min"), (HOUR, "1 h")] {
        let begin = 2.0 * lifetime;
        let end = begin + 10.0 * MINUTE;
        for exponent in 0..=most {
            for jitter in [true, false] {
                let fleet = Fleet {
                    outage: begin..end,
                    until: end + (2.0 * lifetime).max(11.0 * MINUTE),
                    jitter,
                    ..fleet(10_usize.pow(exponent), lifetime)
                };
                let seen = fleet.run();
                let name =
                    format!("{}/{name}/{}", fleet.clients, if jitter { "jitter" } else { "no jitter" });
                let recovery = seen.peak(end..end + MINUTE);
                // Who recovered together refreshes together, a lifetime later.
                let echo = seen.peak(end + MINUTE..end + 1.5 * lifetime);
                table.row([
                    name.clone(),
                    format!("{:.4}", fleet.steady()),
                    seen.without.to_string(),
                    format!("{:.1}", seen.mean(begin..end)),
                    seen.peak(begin..end).to_string(),
                    recovery.to_string(),
                    multiple(recovery, &fleet),
                    echo.to_string(),
                    multiple(echo, &fleet),
                    format!("{:.1}", (seen.recovered - end).max(0.0)),
                ]);
                if exponent == most {
                    curves.row(curve(name, &seen, begin - 5.0 * MINUTE, end + 10.0 * MINUTE, fleet.steady()));
                }
            }
        }
    }
    // A curve's columns are its seconds.
    if let Some(row) = curves.rows.first() {
        curves.columns.extend((0..row.len() - 1).map(|second| (second as f64 - 5.0 * MINUTE).to_string()));
    }
    let _ = curves.write();
    table
}

/// Of the steady rate, where that is not less than one a second.
fn multiple(peak: u32, fleet: &Fleet) -> String {
    match fleet.steady() {
        ..1.0 => "–".into(),
        steady => format!("{:.1}", f64::from(peak) / steady),
    }
}

fn curve(name: String, seen: &Seen, from: f64, to: f64, steady: f64) -> Vec<String> {
    let rates = seen.per_second[from as usize..=to as usize].iter();
    std::iter::once(name).chain(rates.map(|count| format!("{:.2}", f64::from(*count) / steady))).collect()
}

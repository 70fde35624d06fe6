//! `check [--all]`: what one request costs in allocations and, where valgrind is installed, in instructions; and the
//! memory that is held. Fails when a limit of `limits.txt` is passed. `--all` measures the contenders that no limit
//! names, too.

mod allocations;
mod instructions;
mod memory;

use std::collections::BTreeMap;
use std::error::Error;
use std::process::ExitCode;

use reauth_benches::limits::{Limit, limits};
use reauth_benches::rows::Row;
use reauth_benches::table::Table;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// What one request of each contender costs, by the contender's name.
type Costs = BTreeMap<String, f64>;

fn main() -> Result<ExitCode> {
    let all = reauth_benches::given("--all")?;
    let limits = limits()?;
    let named = |row: &Row| all || limits.iter().any(|limit| limit.names(&row.to_string()));
    let rows: Vec<Row> = Row::all().filter(named).collect();

    let allocations = allocations::count(&rows);
    let instructions = instructions::count(&rows)?;
    costs(&rows, &allocations, &instructions).emit()?;
    let memory = memory::measure()?;
    memory::table(&memory).emit()?;

    let found = [("allocations", &allocations), ("instructions", &instructions), ("bytes", &memory)];
    let (table, passed) = compare(&limits, &found.into())?;
    table.emit()?;
    if instructions.is_empty() {
        println!("instructions: not counted, because valgrind is not installed");
    }
    Ok(if passed { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Every row, and what it costs over nothing and over the constant header.
fn costs(rows: &[Row], allocations: &Costs, instructions: &Costs) -> Table {
    let mut table = Table::new(
        "costs",
        [
            "contender",
            "allocations",
            "over nothing",
            "over the floor",
            "instructions",
            "over nothing ",
            "over the floor ",
        ],
    );
    for row in rows {
        let mut cells = vec![row.to_string()];
        for costs in [allocations, instructions] {
            let of = |row: Row| costs.get(&row.to_string());
            let over = |other: Row| Some(of(*row)? - of(other)?);
            let signed = |over: Option<f64>| over.map_or("–".into(), |over| format!("{over:+.0}"));
            cells.push(of(*row).map_or("–".into(), |cost| format!("{cost:.0}")));
            cells.push(signed(over(row.nothing())));
            cells.push(signed(over(row.floor())));
        }
        table.row(cells);
    }
    table
}

/// Holds every limit against what was found.
fn compare(limits: &[Limit], found: &BTreeMap<&str, &Costs>) -> Result<(Table, bool)> {
    let mut table = Table::new("limits", ["contender", "over", "what", "goal", "limit", "found", "verdict"]);
    let mut passed = true;
    for limit in limits {
        let costs =
            found.get(limit.what.as_str()).ok_or_else(|| format!("nobody measures {}", limit.what))?;
        let cost = |name: &str| costs.get(name).copied();
        let over = if limit.over == "-" { Some(0.0) } else { cost(&limit.over) };
        let (found, verdict) = match cost(&limit.contender).zip(over) {
            // Where there is no valgrind.
            None if costs.is_empty() => ("–".into(), "not measured"),
            None => {
                return Err(
                    format!("limits.txt: `{}` or `{}` is unknown", limit.contender, limit.over).into()
                );
            }
            Some((cost, over)) => {
                let cost = cost - over;
                passed &= cost <= limit.most;
                let verdict = match cost {
                    cost if cost <= limit.goal.unwrap_or(limit.most) => "reached",
                    cost if cost <= limit.most => "holds",
                    _ => "EXCEEDED",
                };
                (format!("{cost:.0}"), verdict)
            }
        };
        let [goal, most] = [limit.goal.unwrap_or(limit.most), limit.most].map(|bound| format!("{bound:.0}"));
        table.row([limit.contender.as_str(), &limit.over, &limit.what, &goal, &most, &found, verdict]);
    }
    Ok((table, passed))
}

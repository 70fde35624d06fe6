//! The table of stampedes, and the curves behind it.

use super::Outcome;
use crate::table::Table;

/// What the stampedes say, and the whole distribution for a plot.
pub struct Report {
    table: Table,
    curves: Table,
}

/// The quantiles of a curve, in percent.
const CURVE: [f64; 23] = [
    0., 5., 10., 15., 20., 25., 30., 35., 40., 45., 50., 55., 60., 65., 70., 75., 80., 85., 90., 95., 99.,
    99.9, 100.,
];

impl Report {
    /// A report without rows; `name` is that of its table.
    pub fn new(name: &str) -> Self {
        let columns = ["stampede", "token requests", "failures", "p50 ms", "p99 ms", "max ms"];
        let curve: Vec<String> = CURVE.iter().map(f64::to_string).collect();
        let curves = std::iter::once("stampede").chain(curve.iter().map(String::as_str));
        Self { table: Table::new(name, columns), curves: Table::new(&format!("{name}-curves"), curves) }
    }

    /// Adds several runs of one kind: the most token requests, all the failures, and of the times each median.
    pub fn add(&mut self, name: &str, runs: &[Outcome]) {
        let median = |share: f64| {
            let mut values: Vec<f64> = runs.iter().map(|run| run.quantile(share)).collect();
            values.sort_by(f64::total_cmp);
            let value = values.get(values.len() / 2).copied().unwrap_or(f64::NAN);
            if value < 0.1 { format!("{value:.4}") } else { format!("{value:.1}") }
        };
        let requests = runs.iter().map(|run| run.token_requests).max().unwrap_or(0);
        let failures: usize = runs.iter().map(|run| run.failures).sum();
        self.table.row([
            name.to_owned(),
            requests.to_string(),
            failures.to_string(),
            median(0.5),
            median(0.99),
            median(1.0),
        ]);
        self.curves
            .row(std::iter::once(name.to_owned()).chain(CURVE.iter().map(|share| median(share / 100.0))));
    }

    /// Prints and writes what there is.
    ///
    /// # Errors
    ///
    /// It can't be written.
    pub fn emit(&self) -> std::io::Result<()> {
        self.table.emit()?;
        self.curves.write()
    }
}

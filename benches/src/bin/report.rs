//! `report TABLES OUT`: turns the tables that the measuring programs wrote into `REPORT.md` and its plots.

use std::error::Error;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use reauth_benches::svg::{Bar, Line, Span, bars, lines, spans, thousands};
use reauth_benches::table::Table;

/// The tables, in the order of the report: the file, the heading, and what to know to read it.
const SECTIONS: &[(&str, &str, &str)] = &[
    ("machine", "Where and when", ""),
    (
        "limits",
        "What must hold",
        "From `limits.txt`; `scripts/test` fails when a line doesn't hold. *over*: less the cost of that contender. \
         Instructions are the user-space ones that callgrind counts.",
    ),
    (
        "costs",
        "Allocations and instructions of one request",
        "*nothing*: the same requests without a layer (reqwest: a middleware that does nothing). *floor*: a constant header.",
    ),
    (
        "times",
        "Time of one request",
        "Medians of rounds in which the contenders take turns; the ratio is taken within a round. Only ratios compare.",
    ),
    (
        "threads",
        "Two threads at once",
        "The time of a request when two threads send as fast as they can, over its time when one does. Only rounds in which \
         they ran side by side count: with few of them the machine was busy, and the row says nothing. A constant header \
         is slowed down by its own reference counter.",
    ),
    (
        "stampede",
        "Stampedes",
        "A token endpoint that answers after 50 ms. *immediate*: all callers are refused at once. *late*: their refusals \
         are spread over 150 ms. *expired*: the token has lapsed. *cold*: there is no token yet. *steady*: a request's own \
         time while 1,000 callers send now and then. The floor only sleeps.",
    ),
    (
        "memory",
        "Memory",
        "Counted by the allocator, after each authenticator has had a request. A token has 1,000 bytes.",
    ),
    (
        "stores",
        "A refresh with each store",
        "Of one process, with a source that takes no time. The file is on the machine's temporary directory, with two writes that \
         reach the disk; Redis is on the same machine, with two round trips.",
    ),
    (
        "stores-processes",
        "A refresh that many processes wait for",
        "All have an expired token, and one sends the refresh token. The time is that from its save until the last process has \
         the new token; *requests* are those that the provider saw. All share two cores.",
    ),
    ("peers-cached", "Peers: the cached token alone", "Each asked for a token that it holds."),
    (
        "peers-requests",
        "Peers: a request",
        "As under *Time of one request*; kube-client has read its token from a file.",
    ),
    (
        "peers-stampede",
        "Peers: stampedes",
        "As under *Stampedes*; of the runs the most token requests, and all the failures. Refused: those who can be told \
         that a token is refused; *azure_core* is its policy over a \
         credential without a cache, beside it the same over azure_identity, which goes on giving out the refused token. \
         google-cloud-auth asks for its first token when it is built, 20 ms before the callers start.",
    ),
    (
        "fleet-lifetimes",
        "Fleet: the steady rate",
        "What the provider sees of a million clients, by the tokens' lifetime.",
    ),
    (
        "fleet-deployment",
        "Fleet: everyone starts in the same second",
        "Tokens of one hour. The busiest second of an hour.",
    ),
    (
        "fleet-outage",
        "Fleet: an outage of ten minutes",
        "Clients / lifetime / jitter. *× steady* is left out where the steady rate is less than one a \
         second. *echo*: who recovered together refreshes together a lifetime later.",
    ),
];

/// The tables that have what the peers allocate beside the times, which another program has taken.
const JOINED: &[&str] = &["peers-cached", "peers-requests"];

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let [tables, out] = arguments.as_slice() else { return Err("report TABLES OUT".into()) };
    let plots = out.join("report");
    fs::create_dir_all(&plots)?;
    let read = |name: &str| Table::read(tables, name);

    let mut text = String::from(
        "# What reauth costs\n\nWritten by `scripts/bench-report`; how it is measured: [README.md](README.md).\n",
    );
    for (name, heading, note) in SECTIONS {
        let Some(mut table) = read(name) else { continue };
        let _ = write!(text, "\n## {heading}\n\n");
        if !note.is_empty() {
            let _ = write!(text, "{note}\n\n");
        }
        if let Some(allocations) = read("peers-allocations").filter(|_| JOINED.contains(name)) {
            table.join(&allocations);
        }
        if let Some((file, svg)) = plot(name, &table, &read) {
            fs::write(plots.join(&file), svg)?;
            let _ = write!(text, "![{heading}](report/{file})\n\n");
        }
        text.push_str(&table.markdown());
    }
    write(&out.join("REPORT.md"), &text)
}

fn write(file: &Path, text: &str) -> Result<(), Box<dyn Error>> {
    fs::write(file, text).map_err(|error| format!("{}: {error}", file.display()).into())
}

/// The plot that goes with a table.
fn plot(name: &str, table: &Table, read: &dyn Fn(&str) -> Option<Table>) -> Option<(String, String)> {
    let svg = match name {
        "times" => ratios(table),
        "threads" => slowdowns(table),
        "stampede" => stampedes(&read("stampede-curves")?),
        "peers-stampede" => peers(table),
        "fleet-outage" => outage(&read("fleet-outage-curves")?),
        _ => return None,
    };
    Some((format!("{name}.svg"), svg))
}

fn ratios(table: &Table) -> String {
    let ours = |name: &str| name.contains("reauth");
    let rows =
        table.rows.iter().filter_map(|row| Some((row.first()?, table.number(row.first()?, "× the base")?)));
    let rows = rows.filter(|(name, _)| name.starts_with("tower/") && !name.contains("-marked"));
    let bar = |(label, value): (&String, f64)| Bar { label: label[6..].into(), value, ours: ours(label) };
    bars("Time of a request, × a constant header (tower)", &rows.map(bar).collect::<Vec<_>>(), 1.0)
}

fn slowdowns(table: &Table) -> String {
    let rows =
        table.rows.iter().filter_map(|row| Some((row.first()?, table.number(row.first()?, "slowdown")?)));
    let rows = rows.filter(|(name, _)| name.starts_with("tower/") && name.ends_with("/typical"));
    let rows = rows.filter(|(name, _)| !name.contains("-marked"));
    let bar = |(label, value): (&String, f64)| Bar {
        label: label[6..].into(),
        value,
        ours: label.contains("reauth"),
    };
    bars("Two threads over one, typical requests (tower)", &rows.map(bar).collect::<Vec<_>>(), 1.0)
}

fn stampedes(curves: &Table) -> String {
    let shown = |name: &str| name.contains("/10000/") && !name.starts_with("expired");
    let rows = curves.rows.iter().filter(|row| row.first().is_some_and(|name| shown(name)));
    let drawn: Vec<Line> = rows.map(|row| curve(curves, row)).collect();
    let axes = ("share of the callers that had their answer, %", "ms");
    lines("10,000 callers at once: who waits how long", axes, &drawn, false)
}

fn peers(table: &Table) -> String {
    let headings = [
        ("immediate", "refused at once"),
        ("late", "refused over 150 ms"),
        ("expired", "the token has lapsed"),
        ("cold", "no token yet"),
    ];
    let group = |(kind, heading): (&str, &str)| {
        let prefix = format!("{kind}/10000/");
        let rows = table.rows.iter().filter_map(|row| row.first());
        let spans = rows.filter_map(|row| span(table, row, row.strip_prefix(&prefix)?)).collect();
        (heading.to_owned(), spans)
    };
    let title = "10,000 callers at once: how long they wait, and what the token endpoint sees";
    spans(title, "ms", &headings.map(group))
}

fn span(table: &Table, row: &str, label: &str) -> Option<Span> {
    let count = |column: &str| table.number(row, column);
    let plural = |count: f64, what: &str| match count {
        1.0 => format!("1 {what}"),
        _ => format!("{} {what}s", thousands(count)),
    };
    let floor = label == "sleep floor";
    let mut note = if floor { String::new() } else { plural(count("token requests")?, "token request") };
    if count("failures")? > 0.0 {
        note += &format!(", {}", plural(count("failures")?, "failure"));
    }
    let (p50, p99, max) = (count("p50 ms")?, count("p99 ms")?, count("max ms")?);
    Some(Span { label: label.into(), p50, p99, max, note, ours: label == "reauth" })
}

fn outage(curves: &Table) -> String {
    let drawn: Vec<Line> = curves.rows.iter().map(|row| curve(curves, row)).collect();
    let axes = ("seconds since the outage began; it lasts 600", "× steady");
    lines("Token requests per second through an outage of ten minutes", axes, &drawn, true)
}

/// A row whose columns are named by their x.
fn curve(table: &Table, row: &[String]) -> Line {
    let xs = table.columns.iter().skip(1).filter_map(|x| x.parse().ok());
    let ys = row.iter().skip(1).filter_map(|y| y.parse().ok());
    Line { label: row.first().cloned().unwrap_or_default(), points: xs.zip(ys).collect() }
}

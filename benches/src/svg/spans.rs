//! Distributions below one another, on a logarithmic axis: half of all, nearly all, the last one.

use std::fmt::Write as _;

use super::{FONT, OTHER, OURS, line, open, text};

/// One distribution.
#[derive(Clone, Debug)]
pub struct Span {
    /// What stands before it.
    pub label: String,
    /// The median.
    pub p50: f64,
    /// What one in a hundred exceeds.
    pub p99: f64,
    /// The longest.
    pub max: f64,
    /// What stands after it.
    pub note: String,
    /// Whether it is drawn in our colour.
    pub ours: bool,
}

const LEFT: f64 = 190.0;
const WIDTH: f64 = 330.0;
const TOP: f64 = 56.0;
const HEIGHT: f64 = 20.0;
const HEADING: f64 = 26.0;

/// Spans in groups under headings. The first span of a group is its floor: a line from its `p99` goes through the group.
pub fn spans(title: &str, axis: &str, groups: &[(String, Vec<Span>)]) -> String {
    let all = || groups.iter().flat_map(|(_, spans)| spans);
    let from = all().map(|span| span.p50).fold(f64::MAX, f64::min).log10().floor();
    let to = all().map(|span| span.max).fold(f64::MIN, f64::max).log10().ceil();
    let x = |value: f64| LEFT + WIDTH * (value.log10() - from) / (to - from);
    let bottom = TOP + groups.iter().map(|(_, spans)| HEADING + HEIGHT * spans.len() as f64).sum::<f64>();

    let mut svg = open(title, 740.0, bottom + 30.0);
    text(&mut svg, LEFT - 16.0, TOP - 8.0, "end", axis);
    for power in from as i32..=to as i32 {
        let at = 10_f64.powi(power);
        text(&mut svg, x(at), TOP - 8.0, "middle", &thousands(at));
        line(&mut svg, (x(at), TOP), (x(at), bottom), "1 4");
    }
    let mut y = TOP;
    for (heading, spans) in groups {
        let _ = writeln!(svg, r#"<text x="8" y="{}" {FONT} font-weight="bold">{heading}</text>"#, y + 17.0);
        y += HEADING;
        if let Some(floor) = spans.first().map(|floor| x(floor.p99)) {
            line(&mut svg, (floor, y), (floor, y + HEIGHT * spans.len() as f64), "4 3");
        }
        for span in spans {
            draw(&mut svg, y, span, x);
            y += HEIGHT;
        }
    }
    let legend =
        "Full: half of the callers. Pale: 99 of 100. Line: the last one. Dashed: 99 of 100 who only sleep.";
    text(&mut svg, 8.0, bottom + 20.0, "start", legend);
    svg.push_str("</svg>\n");
    svg
}

fn draw(svg: &mut String, y: f64, span: &Span, x: impl Fn(f64) -> f64) {
    let colour = if span.ours { OURS } else { OTHER };
    let (p50, p99, max) = (x(span.p50), x(span.p99), x(span.max));
    let mut rect = |from: f64, to: f64, opacity: f64| {
        let (y, width) = (y + 3.0, to - from);
        let _ = writeln!(
            svg,
            r#"<rect x="{from:.1}" y="{y}" width="{width:.1}" height="13" fill="{colour}" opacity="{opacity}"/>"#
        );
    };
    rect(LEFT, p50, 1.0);
    rect(p50, p99, 0.4);
    let middle = y + 9.5;
    let _ = writeln!(
        svg,
        r#"<path d="M{p99:.1} {middle}L{max:.1} {middle}M{max:.1} {}L{max:.1} {}" stroke="{colour}" stroke-width="2"/>"#,
        y + 4.0,
        y + 15.0
    );
    text(svg, LEFT - 8.0, y + 14.0, "end", &span.label);
    text(svg, max + 8.0, y + 14.0, "start", &span.note);
}

/// Without a fraction, and with commas.
pub fn thousands(value: f64) -> String {
    let digits = format!("{value:.0}");
    let separated = digits.as_bytes().rchunks(3).rev().map(String::from_utf8_lossy);
    separated.collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_separated() {
        assert_eq!([1.0, 100.0, 1_000.0, 1_234_567.0].map(thousands), ["1", "100", "1,000", "1,234,567"]);
    }
}

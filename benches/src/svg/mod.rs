//! Three kinds of plots, as SVG: bars, spans and lines. Readable on a light and on a dark page.

mod spans;

pub use spans::{Span, spans, thousands};

use std::fmt::Write as _;

const FONT: &str = "font-family=\"system-ui, sans-serif\" font-size=\"12\" fill=\"#777\"";
const OURS: &str = "#0a7";
const OTHER: &str = "#999";
const COLOURS: [&str; 6] = ["#999", "#0a7", "#d60", "#57c", "#b4b", "#a80"];

/// One bar.
#[derive(Clone, Debug)]
pub struct Bar {
    /// What stands beside it.
    pub label: String,
    /// How long it is.
    pub value: f64,
    /// Whether it is drawn in our colour.
    pub ours: bool,
}

/// Horizontal bars, and a line at `mark`.
pub fn bars(title: &str, bars: &[Bar], mark: f64) -> String {
    const LEFT: f64 = 250.0;
    const WIDTH: f64 = 430.0;
    const HEIGHT: f64 = 22.0;
    let most = bars.iter().map(|bar| bar.value).fold(mark, f64::max);
    let x = |value: f64| LEFT + WIDTH * value / most;
    let bottom = 40.0 + HEIGHT * bars.len() as f64;
    let mut svg = open(title, 740.0, bottom + 14.0);
    for (number, bar) in bars.iter().enumerate() {
        let y = 36.0 + HEIGHT * number as f64;
        let colour = if bar.ours { OURS } else { OTHER };
        let length = x(bar.value) - LEFT;
        text(&mut svg, LEFT - 8.0, y + 13.0, "end", &bar.label);
        let _ = write!(svg, r#"<rect x="{LEFT}" y="{y}" width="{length:.1}" height="16" fill="{colour}"/>"#);
        text(&mut svg, x(bar.value) + 6.0, y + 13.0, "start", &format!("{:.2}", bar.value));
    }
    let at = x(mark);
    line(&mut svg, (at, 30.0), (at, bottom), "4 3");
    svg.push_str("</svg>\n");
    svg
}

/// A line of points.
#[derive(Clone, Debug)]
pub struct Line {
    /// What it is called.
    pub label: String,
    /// Its points, by x.
    pub points: Vec<(f64, f64)>,
}

/// Lines over one another. A logarithmic `y` begins at a tenth.
pub fn lines(title: &str, (x_axis, y_axis): (&str, &str), lines: &[Line], logarithmic: bool) -> String {
    const LEFT: f64 = 60.0;
    const TOP: f64 = 40.0;
    const WIDTH: f64 = 620.0;
    const HEIGHT: f64 = 260.0;
    let points = || lines.iter().flat_map(|line| &line.points);
    let (from, to) = points().fold((f64::MAX, f64::MIN), |(from, to), (x, _)| (from.min(*x), to.max(*x)));
    let most = points().map(|(_, y)| *y).fold(0.0, f64::max);
    let scale = |y: f64| if logarithmic { y.max(0.1).log10() + 1.0 } else { y };
    let ticks: Vec<f64> = match logarithmic {
        true => (-1..=most.log10().ceil() as i32).map(|power| 10_f64.powi(power)).collect(),
        false => (0..=5).map(|part| round(most / 5.0) * f64::from(part)).collect(),
    };
    let top = ticks.last().copied().unwrap_or(most).max(most);
    let x = |value: f64| LEFT + WIDTH * (value - from) / (to - from);
    let y = |value: f64| TOP + HEIGHT * (1.0 - scale(value) / scale(top));
    let legend = TOP + HEIGHT + 56.0;
    let mut svg = open(title, 740.0, legend + 18.0 * lines.len().div_ceil(2) as f64);
    for tick in ticks {
        line(&mut svg, (LEFT, y(tick)), (LEFT + WIDTH, y(tick)), "1 4");
        text(&mut svg, LEFT - 6.0, y(tick) + 4.0, "end", &number(tick));
    }
    for part in 0..=5 {
        let at = from + (to - from) * f64::from(part) / 5.0;
        text(&mut svg, x(at), TOP + HEIGHT + 18.0, "middle", &number(at));
    }
    text(&mut svg, LEFT + WIDTH / 2.0, TOP + HEIGHT + 36.0, "middle", x_axis);
    text(&mut svg, LEFT, TOP - 8.0, "middle", y_axis);
    for (index, drawn) in lines.iter().enumerate() {
        let colour = COLOURS[index % COLOURS.len()];
        let path: String = drawn.points.iter().fold(String::new(), |mut path, (px, py)| {
            let _ = write!(path, "{}{:.1} {:.1}", if path.is_empty() { "M" } else { "L" }, x(*px), y(*py));
            path
        });
        let _ = write!(svg, r#"<path d="{path}" fill="none" stroke="{colour}" stroke-width="2"/>"#);
        let (column, row) = ((index % 2) as f64, (index / 2) as f64);
        let (at, below) = (LEFT + 330.0 * column, legend + 18.0 * row);
        let _ =
            write!(svg, r#"<rect x="{at}" y="{:.1}" width="18" height="4" fill="{colour}"/>"#, below - 6.0);
        text(&mut svg, at + 24.0, below, "start", &drawn.label);
    }
    svg.push_str("</svg>\n");
    svg
}

fn open(title: &str, width: f64, height: f64) -> String {
    let title = escaped(title);
    let mut svg = format!(
        r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" aria-label="{title}">"#
    );
    let _ = write!(svg, r#"<text x="8" y="18" {FONT} font-weight="bold">{title}</text>"#);
    svg.push('\n');
    svg
}

fn text(svg: &mut String, x: f64, y: f64, anchor: &str, text: &str) {
    let text = escaped(text);
    let _ = writeln!(svg, r#"<text x="{x:.1}" y="{y:.1}" text-anchor="{anchor}" {FONT}>{text}</text>"#);
}

fn line(svg: &mut String, (x1, y1): (f64, f64), (x2, y2): (f64, f64), dashes: &str) {
    let _ = writeln!(
        svg,
        r##"<path d="M{x1:.1} {y1:.1}L{x2:.1} {y2:.1}" stroke="#777" stroke-dasharray="{dashes}"/>"##
    );
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;")
}

/// To one or two digits, upwards: a step of an axis.
fn round(value: f64) -> f64 {
    let unit = 10_f64.powf(value.log10().floor());
    (value / unit * 2.0).ceil() / 2.0 * unit
}

fn number(value: f64) -> String {
    if value.fract() == 0.0 { format!("{value:.0}") } else { format!("{value:.1}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_escaped() {
        let bar = Bar { label: "a < b".into(), value: 1.0, ours: true };
        assert!(bars("t", &[bar], 1.0).contains("a &lt; b"));
    }

    #[test]
    fn an_axis_has_round_steps() {
        assert_eq!([7.2, 12.0, 41.0, 300.0].map(round), [7.5, 15.0, 45.0, 300.0]);
    }
}

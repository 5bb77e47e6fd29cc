//! Charts of the samples over time, as SVG.

use super::samples::Series;
use std::fmt::Write;

const WIDTH: f64 = 860.0;
const HEIGHT: f64 = 130.0;
const LEFT: f64 = 60.0;
const TOP: f64 = 34.0;

/// Titles of the charts, and the prefixes of the series they contain.
const PANELS: [(&str, &[&str]); 5] = [
    (
        "memory of each process (MB)",
        &[
            "memory of ingress",
            "memory of writer",
            "memory of projector",
            "memory of auctioneer",
            "memory of notifier",
            "memory of promoter",
        ],
    ),
    ("open files of each process", &["files of"]),
    ("connections to Redis and to Postgres", &["connections to"]),
    ("commands and events on streams", &["commands on", "events on"]),
    (
        "memory of Redis, tables and indexes, which grow with the history (MB)",
        &["memory of Redis", "table ", "indexes "],
    ),
];

const COLOURS: [&str; 12] = [
    "#1f77b4", "#ff7f0e", "#2ca02c", "#d62728", "#9467bd", "#8c564b", "#e377c2", "#7f7f7f", "#bcbd22",
    "#17becf", "#393b79", "#637939",
];

/// Draws all charts below each other.
pub(crate) fn svg(series: &Series, seconds: f64) -> String {
    let mut svg = String::new();
    let height = PANELS.len() as f64 * (HEIGHT + 2.0 * TOP);
    let all = WIDTH + LEFT + 20.0;
    let _ = write!(
        svg,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {all} {height}\" font-family=\"sans-serif\" \
         font-size=\"11\"><rect width=\"100%\" height=\"100%\" fill=\"white\"/>"
    );
    for (n, (title, prefixes)) in PANELS.iter().enumerate() {
        let top = n as f64 * (HEIGHT + 2.0 * TOP) + TOP;
        let is_in_chart = |name: &str| prefixes.iter().any(|prefix| name.starts_with(prefix));
        let lines: Vec<_> = series.iter().filter(|(name, _)| is_in_chart(name)).collect();
        let values = lines.iter().flat_map(|(_, values)| values.iter().map(|(_, value)| *value));
        let most = values.fold(1.0, f64::max);
        let (bottom, minutes) = (top + HEIGHT, seconds / 60.0);
        let _ = write!(
            svg,
            "<text x=\"{LEFT}\" y=\"{}\" font-weight=\"bold\">{title}</text>\
             <path d=\"M{LEFT} {top}V{bottom}H{}\" fill=\"none\" stroke=\"#999\"/>\
             <text x=\"{}\" y=\"{}\" text-anchor=\"end\">{most:.0}</text>\
             <text x=\"{}\" y=\"{bottom}\" text-anchor=\"end\">0</text>\
             <text x=\"{}\" y=\"{}\" text-anchor=\"end\">{minutes:.0} min</text>",
            top - 8.0,
            LEFT + WIDTH,
            LEFT - 4.0,
            top + 8.0,
            LEFT - 4.0,
            LEFT + WIDTH,
            bottom + 14.0
        );
        for (line, (name, values)) in lines.into_iter().enumerate() {
            let colour = COLOURS[line % COLOURS.len()];
            let _ = write!(svg, "<polyline fill=\"none\" stroke=\"{colour}\" points=\"");
            for (at, value) in values {
                let (x, y) = (LEFT + WIDTH * at / seconds, bottom - HEIGHT * value / most);
                let _ = write!(svg, "{x:.0},{y:.0} ");
            }
            let _ = write!(svg, "\"><title>{name}</title></polyline>");
        }
    }
    svg + "</svg>\n"
}

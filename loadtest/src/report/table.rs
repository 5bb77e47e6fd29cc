//! A report on a terminal.

use super::Report;
use crate::checker::CheckReport;

pub(crate) fn print(report: &Report) {
    let figures = &report.figures;
    println!("{}: {}", report.scenario, report.command);
    println!(
        "seed {}; {} requests in {:.1} s, {:.0} per second\n",
        report.seed, figures.requests, figures.seconds, figures.per_second
    );
    println!("| ms from when it was due until | requests | p50 | p90 | p99 | p99.9 | longest |");
    println!("|---|---:|---:|---:|---:|---:|---:|");
    for latency in &figures.latencies {
        println!(
            "| {} | {} | {:.1} | {:.1} | {:.1} | {:.1} | {:.1} |",
            latency.class,
            latency.count,
            latency.p50,
            latency.p90,
            latency.p99,
            latency.p999,
            latency.longest
        );
    }
    println!("\nwaited for a free connection, p99: {:.1} ms\n", figures.held_p99);
    println!("| answer | requests |\n|---|---:|");
    for (answer, count) in &figures.answers {
        println!("| {answer} | {count} |");
    }
    println!();
    report.findings.iter().for_each(|finding| println!("{finding}"));
    print_verdict(&report.verdict);
    report.missed.iter().for_each(|missed| println!("missed: {missed}"));
}

/// What the judge says.
pub(crate) fn print_verdict(verdict: &CheckReport) {
    println!("judge:");
    for check in &verdict.checks {
        let sign = if check.is_right() { "ok   " } else { "WRONG" };
        println!("  {sign} {} ({} looked at)", check.name, check.looked_at);
        check.wrong.iter().for_each(|wrong| println!("        {wrong}"));
        if check.more > 0 {
            println!("        and {} more", check.more);
        }
    }
    verdict.not_checked.iter().for_each(|what| println!("  not checked: {what}"));
}

//! Prints a report on the terminal.

use super::Report;
use crate::checker::CheckReport;

pub(crate) fn print(report: &Report) {
    let figures = &report.figures;
    println!("{}: {}", report.scenario, report.command);
    println!(
        "seed {}; {} requests in {:.1} s, {:.0} per second\n",
        report.seed, figures.requests, figures.seconds, figures.per_second
    );
    println!("| ms from due time until | requests | p50 | p90 | p99 | p99.9 | max |");
    println!("|---|---:|---:|---:|---:|---:|---:|");
    for latency in &figures.latencies {
        println!(
            "| {} | {} | {:.1} | {:.1} | {:.1} | {:.1} | {:.1} |",
            latency.class, latency.count, latency.p50, latency.p90, latency.p99, latency.p999, latency.max
        );
    }
    println!("\nwait for a free connection, p99: {:.1} ms\n", figures.connection_wait_p99);
    println!("| response | requests |\n|---|---:|");
    for (response, count) in &figures.responses {
        println!("| {response} | {count} |");
    }
    println!();
    report.findings.iter().for_each(|finding| println!("{finding}"));
    print_check_report(&report.check_report);
    report.missed_bounds.iter().for_each(|missed| println!("missed bound: {missed}"));
}

pub(crate) fn print_check_report(check_report: &CheckReport) {
    println!("checks:");
    for check in &check_report.checks {
        let sign = if check.passed() { "ok   " } else { "FAIL " };
        println!("  {sign} {} ({} checked)", check.name, check.checked);
        check.failures.iter().for_each(|failure| println!("        {failure}"));
        if check.more_failures > 0 {
            println!("        and {} more", check.more_failures);
        }
    }
    check_report.not_checked.iter().for_each(|item| println!("  not checked: {item}"));
}

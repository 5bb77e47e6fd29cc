//! `docs/reference/cli.md`: the help texts of all programs.

use auction_testkit::reference_page::ReferencePage;
use std::process::Command;

const PROGRAMS: [(&str, &str); 7] = [
    ("portal", env!("CARGO_BIN_EXE_portal")),
    ("ingress", env!("CARGO_BIN_EXE_ingress")),
    ("writer", env!("CARGO_BIN_EXE_writer")),
    ("projector", env!("CARGO_BIN_EXE_projector")),
    ("auctioneer", env!("CARGO_BIN_EXE_auctioneer")),
    ("notifier", env!("CARGO_BIN_EXE_notifier")),
    ("promoter", env!("CARGO_BIN_EXE_promoter")),
];

/// Returns the help text of a command. The environment is empty, because the help prints values of variables.
fn help(program: &str, command: &[String]) -> String {
    let output = Command::new(program).args(command).arg("--help").env_clear().output().unwrap();
    assert!(output.status.success(), "{command:?}: {output:?}");
    let lines: Vec<String> =
        String::from_utf8(output.stdout).unwrap().lines().map(|line| line.trim_end().to_owned()).collect();
    lines.join("\n")
}

/// Returns the names of the commands that a help text lists.
fn commands(help: &str) -> Vec<String> {
    let lines =
        help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    // Further lines of a description are indented more.
    let names = lines.filter_map(|line| line.strip_prefix("  ")?.split(' ').next());
    names.filter(|name| !name.is_empty() && *name != "help").map(str::to_owned).collect()
}

/// Adds a command and the commands below it.
fn add(page: &mut ReferencePage, name: &str, program: &str, command: &[String]) -> usize {
    let help = help(program, command);
    let full_name = [&[name.to_owned()], command].concat().join(" ");
    page.heading(2, &full_name);
    page.paragraph(&format!("```text\n{help}\n```"));
    let below = commands(&help);
    let added =
        below.iter().map(|next| add(page, name, program, &[command, std::slice::from_ref(next)].concat()));
    1 + added.sum::<usize>()
}

#[test]
fn cli_reference_page_is_current() {
    let mut page = ReferencePage::new(
        "cli.md",
        "Command line",
        "Which commands and flags do `portal` and the programs of the components have?",
        "their `--help`",
    );
    page.paragraph(
        "`portal` runs the whole portal (`up`), one component (`run`), the commands of users, and those of operators. \
         A flag with `[env: NAME]` can also be set by that environment variable. Settings are in \
         [configuration](configuration.md).",
    );
    let added: usize = PROGRAMS.iter().map(|(name, program)| add(&mut page, name, program, &[])).sum();
    assert!(added > 30, "only {added} commands found: is the search broken?");
    page.assert_current();
}

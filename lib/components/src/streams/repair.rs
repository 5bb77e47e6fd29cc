//! `portal streams repair`: moves command streams back whose ids are ahead of the clock.

use crate::operator::{BackendArgs, CommandOutput};
use crate::process::{ProcessError, Running};
use auction_redis::stream_repair::{RepairMode, StreamRepair, repair};
use clap::Args;
use std::fmt::Write;

#[derive(Debug, Args)]
pub(super) struct RepairArgs {
    /// Change the streams; without it, the command only shows what it would change
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    backends: BackendArgs,
}

/// Runs `portal streams repair`.
pub(super) fn run(args: RepairArgs) -> Running<CommandOutput> {
    Box::pin(execute(args))
}

async fn execute(args: RepairArgs) -> Result<CommandOutput, ProcessError> {
    let mode = if args.yes { RepairMode::Apply } else { RepairMode::Plan };
    let context = args.backends.connect().await?;
    let partitions: Vec<_> = context.connections.partitions.all().collect();
    let lease_ttl = context.writer_lease;
    let repaired = repair(&context.connections.redis_pool, &partitions, lease_ttl, mode).await;
    let found = context.check(repaired)?;
    let text = report(&found, mode);
    let blocked = mode == RepairMode::Apply && found.iter().any(|stream| stream.has_writer);
    Ok(if blocked { CommandOutput::failure(text) } else { CommandOutput::success(text) })
}

fn report(found: &[StreamRepair], mode: RepairMode) -> String {
    if found.is_empty() {
        return "no command stream is ahead of the clock of Redis\n".to_owned();
    }
    let mut text =
        String::from("stream                ahead  keep their time  get the current time  removed\n");
    for StreamRepair { key, ahead, has_writer, kept, moved, removed } in found {
        // Writing into a string cannot fail.
        let _ = write!(text, "{key:<18} {:>6} s {kept:>16} {moved:>21} {removed:>8}", ahead.as_secs());
        let _ = match has_writer {
            false => writeln!(text),
            true => writeln!(text, "  not changed: a writer works on the partition"),
        };
    }
    text.push_str(match (mode, found.iter().any(|stream| stream.has_writer)) {
        (_, true) => "Correct the clock of Redis, stop all writers, wait 10 seconds and run the command again.\n",
        (RepairMode::Plan, false) => {
            "Nothing is changed. Undecided commands from the future get the current time; decided ones are removed\n\
             from the stream, their outcomes stay. Correct the clock of Redis first, then run with --yes.\n"
        }
        (RepairMode::Apply, false) => "The streams are repaired. Start the writers.\n",
    });
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn repair_report_says_what_it_changes_and_what_to_do() {
        let stream = StreamRepair {
            key: "ap:{00}:cmd:bid".to_owned(),
            ahead: Duration::from_secs(3600),
            has_writer: false,
            kept: 1,
            moved: 2,
            removed: 3,
        };
        let plan = report(std::slice::from_ref(&stream), RepairMode::Plan);
        assert!(
            plan.contains("ap:{00}:cmd:bid") && plan.contains("3600 s") && plan.contains("--yes"),
            "{plan}"
        );
        let blocked = report(&[StreamRepair { has_writer: true, ..stream.clone() }], RepairMode::Apply);
        assert!(
            blocked.contains("a writer works on the partition") && blocked.contains("stop all writers"),
            "{blocked}"
        );
        assert!(report(&[stream], RepairMode::Apply).contains("repaired"));
        assert!(report(&[], RepairMode::Plan).starts_with("no command stream is ahead"));
    }
}

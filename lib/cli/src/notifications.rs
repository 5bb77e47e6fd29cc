//! `notifications`: what a user was told.

use crate::auction::show_time;
use crate::client::Client;
use crate::console::Console;
use crate::error::CliError;
use auction_wire::notification::{
    MarkReadRequest, MarkedRead, Notification, NotificationContent, NotificationList,
};
use clap::Args;
use uuid::Uuid;

/// Flags of `notifications`.
#[derive(Clone, Debug, Args)]
pub struct NotificationsArgs {
    /// Whose.
    #[arg(long = "as", value_name = "USER")]
    pub user: Uuid,
    /// Only what came behind this place: the `cursor` of an answer.
    #[arg(long, value_name = "CURSOR")]
    pub after: Option<String>,
    /// At most so many.
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub limit: u32,
    /// Mark what is shown, and all before it, as read.
    #[arg(long)]
    pub mark_read: bool,
    /// Print them as JSON.
    #[arg(long)]
    pub json: bool,
}

pub(crate) async fn notifications(
    client: &Client,
    screen: &Console,
    args: &NotificationsArgs,
) -> Result<(), CliError> {
    let refused = |problem| CliError::Refused { problem, json: args.json };
    let after = args.after.as_ref().map(|after| format!("&after={after}")).unwrap_or_default();
    let path = format!("/notifications?limit={}{after}", args.limit);
    let list: NotificationList = client.get(&path, Some(args.user)).await?.map_err(refused)?;
    if args.json {
        screen.json(&list);
    } else {
        list.notifications.iter().for_each(|one| screen.line(&line(one)));
        let more = if list.next.is_some() { ", more with --after" } else { "" };
        screen.eprint(&format!("{} not read; cursor {}{more}", list.unread, list.cursor));
    }
    if args.mark_read {
        let request = MarkReadRequest { up_to: list.cursor };
        let marked: MarkedRead =
            client.put("/notifications/read", args.user, &request).await?.map_err(refused)?;
        screen.eprint(&format!("read up to {}; {} not read", marked.up_to, marked.unread));
    }
    Ok(())
}

fn line(Notification { read, news, .. }: &Notification) -> String {
    let NotificationContent { at, auction, title, what, .. } = news;
    let new = if *read { ' ' } else { '*' };
    format!("{new} {}  {}  {title:?} ({auction})", show_time(*at), what.say())
}

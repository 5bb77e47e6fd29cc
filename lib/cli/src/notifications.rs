//! `notifications`: shows the notifications of a user.

use crate::auction::show_time;
use crate::client::Client;
use crate::console::Console;
use crate::error::CliError;
use auction_wire::notification::{
    MarkReadRequest, MarkedRead, Notification, NotificationContent, NotificationList,
};
use clap::Args;
use uuid::Uuid;

#[derive(Clone, Debug, Args)]
pub struct NotificationsArgs {
    /// User id of the recipient.
    #[arg(long = "as", value_name = "USER")]
    pub user: Uuid,
    /// Show only notifications after this cursor, which an earlier call printed.
    #[arg(long, value_name = "CURSOR")]
    pub after: Option<String>,
    /// Maximum number of notifications.
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub limit: u32,
    /// Mark the shown notifications, and all before them, as read.
    #[arg(long)]
    pub mark_read: bool,
    /// Print the notifications as JSON.
    #[arg(long)]
    pub json: bool,
}

pub(crate) async fn notifications(
    client: &Client,
    console: &Console,
    args: &NotificationsArgs,
) -> Result<(), CliError> {
    let refused = |problem| CliError::Refused { problem, json: args.json };
    let after = args.after.as_ref().map(|after| format!("&after={after}")).unwrap_or_default();
    let path = format!("/notifications?limit={}{after}", args.limit);
    let list: NotificationList = client.get(&path, Some(args.user)).await?.map_err(refused)?;
    if args.json {
        console.json(&list);
    } else {
        list.notifications.iter().for_each(|one| console.line(&line(one)));
        let more = if list.next.is_some() { ", more with --after" } else { "" };
        console.eprint(&format!("{} unread; cursor {}{more}", list.unread, list.cursor));
    }
    if args.mark_read {
        let request = MarkReadRequest { read_through: list.cursor };
        let marked: MarkedRead =
            client.put("/notifications/read", args.user, &request).await?.map_err(refused)?;
        console.eprint(&format!("marked as read up to {}; {} unread", marked.read_through, marked.unread));
    }
    Ok(())
}

fn line(Notification { read, content, .. }: &Notification) -> String {
    let NotificationContent { at, auction, title, body, .. } = content;
    let unread = if *read { ' ' } else { '*' };
    format!("{unread} {}  {}  {title:?} ({auction})", show_time(*at), body.summary())
}

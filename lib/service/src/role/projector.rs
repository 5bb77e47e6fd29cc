//! The projector: follows every partition and keeps its views.

use crate::connections::Connections;
use crate::settings::{Settings, millis};
use crate::tasks::Tasks;
use auction_app::follow::follow;
use auction_app::project::Projector;
use auction_app::stop::Stop;
use auction_redis::feed::RedisFeeds;
use auction_redis::views::RedisViewStores;

pub(super) fn start(settings: &Settings, connections: &Connections, tasks: &mut Tasks, stop: &Stop) {
    let projector = &settings.projector;
    let feeds =
        RedisFeeds::new(connections.redis.clone(), projector.batch.get(), millis(projector.read_block_ms));
    for partition in connections.partitions.all() {
        let views = RedisViewStores::new(connections.redis.clone());
        let follower = Projector::new(views, partition, projector.cached_auctions);
        let (stores, feeds, stop) = (connections.stores.clone(), feeds.clone(), stop.clone());
        tasks.spawn(format!("projector of partition {partition}"), async move {
            follow(&stores, &feeds, "projector", partition, follower, stop).await
        });
    }
}

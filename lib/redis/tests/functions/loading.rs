//! Loading of the functions by each process.

use auction_redis::RedisPool;
use auction_redis::functions::{LoadError, LoadResult, NAME, keep_loaded, load};
use auction_testkit::local_servers::{eventually, own_servers};
use redis::{Client, Value, cmd};
use worker_runtime::Supervisor;
use worker_runtime::shutdown::shutdown_pair;

fn pool(url: &str) -> RedisPool {
    RedisPool::new(Client::open(url).unwrap(), 4).unwrap()
}

async fn query<T: redis::FromRedisValue>(client: &Client, command: &[&str]) -> T {
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    cmd(command[0]).arg(&command[1..]).query_async(&mut connection).await.unwrap()
}

async fn has_functions(client: &Client) -> bool {
    let list: Vec<Value> = query(client, &["FUNCTION", "LIST", "LIBRARYNAME", NAME]).await;
    !list.is_empty()
}

#[tokio::test]
async fn load_replaces_functions_of_another_release() {
    let (servers, _directory) = own_servers().await;
    let (pool, client) = (pool(servers.redis_url()), Client::open(servers.redis_url()).unwrap());
    assert_eq!(load(&pool, true).await.unwrap(), LoadResult::Loaded);
    assert_eq!(load(&pool, true).await.unwrap(), LoadResult::Present);
    let old = "#!lua name=auction_portal\nredis.register_function('ap_tail', function() return 'old' end)";
    query::<String>(&client, &["FUNCTION", "LOAD", "REPLACE", old]).await;
    assert_eq!(load(&pool, false).await.unwrap(), LoadResult::Present, "the last started release wins");
    assert_eq!(load(&pool, true).await.unwrap(), LoadResult::Loaded);
    servers.stop().await.unwrap();
}

#[tokio::test]
async fn functions_are_loaded_at_process_start() {
    let (servers, _directory) = own_servers().await;
    let (trigger, stop) = shutdown_pair();
    let loader =
        tokio::spawn(keep_loaded(pool(servers.redis_url()), Supervisor::without_health("functions", stop)));
    let client = Client::open(servers.redis_url()).unwrap();
    eventually("the functions are loaded", async || has_functions(&client).await).await;
    trigger.stop();
    loader.await.unwrap();
    servers.stop().await.unwrap();
}

#[tokio::test]
async fn loading_stops_if_redis_refuses_functions() {
    let (servers, _directory) = own_servers().await;
    let client = Client::open(servers.redis_url()).unwrap();
    query::<()>(&client, &["ACL", "SETUSER", "portal", "on", ">secret", "~*", "+@all", "-function"]).await;
    let url = servers.redis_url();
    let pool = pool(&format!("{url}{}user=portal&pass=secret", if url.contains('?') { '&' } else { '?' }));
    let refused = load(&pool, true).await;
    assert!(matches!(refused, Err(LoadError::Refused(_))), "{refused:?}");
    let (trigger, stop) = shutdown_pair();
    let loader = tokio::spawn(keep_loaded(pool, Supervisor::without_health("functions", stop)));
    trigger.stop();
    loader.await.unwrap();
    assert!(!has_functions(&client).await);
    servers.stop().await.unwrap();
}

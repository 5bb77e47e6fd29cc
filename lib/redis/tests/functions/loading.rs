//! Every process sees that the functions are there.

use auction_redis::functions::{LoadError, LoadResult, NAME, keep, load};
use auction_testkit::local_servers::{eventually, own_servers};
use deadpool_redis::{Manager, Pool, Runtime};
use redis::{Client, Value, cmd};
use worker_runtime::shutdown::shutdown_pair;

fn pool(url: &str) -> Pool {
    Pool::builder(Manager::new(url).unwrap()).runtime(Runtime::Tokio1).build().unwrap()
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
async fn functions_are_loaded_once_and_replace_those_of_another_release() {
    let (servers, _directory) = own_servers().await;
    let (pool, client) = (pool(servers.redis_url()), Client::open(servers.redis_url()).unwrap());
    assert_eq!(load(&pool, true).await.unwrap(), LoadResult::Now);
    assert_eq!(load(&pool, true).await.unwrap(), LoadResult::Before);
    let old = "#!lua name=auction_portal\nredis.register_function('ap_tail', function() return 'old' end)";
    query::<String>(&client, &["FUNCTION", "LOAD", "REPLACE", old]).await;
    assert_eq!(load(&pool, false).await.unwrap(), LoadResult::Before, "whoever started last has his way");
    assert_eq!(load(&pool, true).await.unwrap(), LoadResult::Now);
    servers.stop().await.unwrap();
}

#[tokio::test]
async fn functions_are_loaded_when_a_process_starts() {
    let (servers, _directory) = own_servers().await;
    let (stopper, stop) = shutdown_pair();
    let keeping = tokio::spawn(keep(pool(servers.redis_url()), stop));
    let client = Client::open(servers.redis_url()).unwrap();
    eventually("they are loaded", async || has_functions(&client).await).await;
    stopper.stop();
    keeping.await.unwrap();
    servers.stop().await.unwrap();
}

#[tokio::test]
async fn a_redis_that_does_not_permit_functions_is_left_alone() {
    let (servers, _directory) = own_servers().await;
    let client = Client::open(servers.redis_url()).unwrap();
    query::<()>(&client, &["ACL", "SETUSER", "portal", "on", ">secret", "~*", "+@all", "-function"]).await;
    let url = servers.redis_url();
    let pool = pool(&format!("{url}{}user=portal&pass=secret", if url.contains('?') { '&' } else { '?' }));
    let refused = load(&pool, true).await;
    assert!(matches!(refused, Err(LoadError::Refused(_))), "{refused:?}");
    let (stopper, stop) = shutdown_pair();
    let keeping = tokio::spawn(keep(pool, stop));
    stopper.stop();
    keeping.await.unwrap();
    assert!(!has_functions(&client).await);
    servers.stop().await.unwrap();
}

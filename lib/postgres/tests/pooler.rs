//! A connection pooler in transaction mode is detected.

use auction_postgres::PostgresStoreConnector;
use auction_testkit::local_servers::database;
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio::sync::Mutex;
use tokio_postgres::config::Host;

/// Message without a tag, with which a client starts: protocol 3.0, user and database.
const STARTUP: &[u8] = b"\0\x03\0\0user\0auction\0database\0auction\0\0";

/// Reads a message and returns its bytes.
async fn message(from: &mut (impl AsyncRead + Unpin), has_tag: bool) -> std::io::Result<Vec<u8>> {
    let mut message = vec![0; if has_tag { 5 } else { 4 }];
    from.read_exact(&mut message).await?;
    let length = u32::from_be_bytes(message[message.len() - 4..].try_into().unwrap());
    let mut body = vec![0; usize::try_from(length).unwrap() - 4];
    from.read_exact(&mut body).await?;
    message.extend(body);
    Ok(message)
}

/// Copies messages until the server is ready for a query. Returns whether it is in a transaction.
async fn answer(server: &mut UnixStream, client: &mut (impl AsyncWrite + Unpin)) -> std::io::Result<bool> {
    loop {
        let message = message(server, true).await?;
        client.write_all(&message).await?;
        if message[0] == b'Z' {
            return Ok(message[5] != b'I');
        }
    }
}

/// Serves a client over the only session, which it has to itself during a transaction.
async fn serve(
    mut client: TcpStream,
    session: Arc<Mutex<UnixStream>>,
    greeting: Vec<u8>,
) -> std::io::Result<()> {
    message(&mut client, false).await?;
    client.write_all(&greeting).await?;
    loop {
        let mut query = message(&mut client, true).await?;
        let mut session = session.lock().await;
        loop {
            session.write_all(&query).await?;
            if !answer(&mut session, &mut client).await? {
                break;
            }
            query = message(&mut client, true).await?;
        }
    }
}

/// Starts a pooler of simple queries in transaction mode with one session, and returns its URL.
async fn start_pooler(database_url: &str) -> String {
    let config: tokio_postgres::Config = database_url.parse().unwrap();
    let Host::Unix(directory) = &config.get_hosts()[0] else { panic!("no socket: {database_url}") };
    let port = config.get_ports().first().copied().unwrap_or(5432);
    let mut session = UnixStream::connect(directory.join(format!(".s.PGSQL.{port}"))).await.unwrap();
    let length = u32::try_from(STARTUP.len() + 4).unwrap();
    session.write_all(&[&length.to_be_bytes(), STARTUP].concat()).await.unwrap();
    let mut greeting = Vec::new();
    answer(&mut session, &mut greeting).await.unwrap();
    let (session, listener) =
        (Arc::new(Mutex::new(session)), TcpListener::bind("127.0.0.1:0").await.unwrap());
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            tokio::spawn(serve(client, Arc::clone(&session), greeting.clone()));
        }
    });
    format!("postgresql://auction@{address}/auction")
}

/// Starts a server that rejects the settings of sessions, as PgBouncer does by default.
async fn start_strict_pooler() -> String {
    const REJECTED: &[u8] = b"SFATAL\0C08P01\0Munsupported startup parameter: options\0\0";
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            message(&mut client, false).await.unwrap();
            let length = u32::try_from(REJECTED.len() + 4).unwrap();
            client.write_all(&[b"E", &length.to_be_bytes()[..], REJECTED].concat()).await.unwrap();
        }
    });
    format!("postgresql://auction@{address}/auction")
}

#[tokio::test]
async fn pooler_in_transaction_mode_is_detected() {
    let direct = database().await;
    let is_pooled =
        async |url: &str| PostgresStoreConnector::new(url).unwrap().is_transaction_pooled().await.unwrap();
    assert!(!is_pooled(&direct).await, "no pooler");
    assert!(is_pooled(&start_pooler(&direct).await).await);
    assert!(is_pooled(&start_strict_pooler().await).await);
}

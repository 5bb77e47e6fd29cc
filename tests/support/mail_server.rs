//! A mail server that takes everything, or is told not to, and writes it down.

use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// It speaks as much SMTP as is needed.
#[derive(Clone)]
pub struct MailServer {
    pub url: String,
    taken: Arc<Mutex<Vec<Mail>>>,
    answer: Arc<AtomicU16>,
}

/// A letter that came in whole, whether it was taken or not.
#[derive(Clone, Debug)]
pub struct Mail {
    pub to: String,
    pub lines: Vec<String>,
}

impl Mail {
    pub fn header(&self, name: &str) -> &str {
        let begin = format!("{name}: ");
        self.lines
            .iter()
            .find_map(|line| line.strip_prefix(&begin))
            .unwrap_or_else(|| panic!("{name}: {self:?}"))
    }
}

impl MailServer {
    pub async fn start() -> MailServer {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("smtp://{}", listener.local_addr().unwrap());
        let server = MailServer { url, taken: Arc::default(), answer: Arc::new(AtomicU16::new(250)) };
        let listening = server.clone();
        tokio::spawn(async move {
            loop {
                let (connection, _) = listener.accept().await.unwrap();
                let server = listening.clone();
                // Whoever is killed in the middle leaves an error here.
                tokio::spawn(async move { drop(server.serve(connection).await) });
            }
        });
        server
    }

    /// From now on letters are answered so; with 0 never.
    pub fn answers(&self, code: u16) {
        self.answer.store(code, Ordering::Relaxed);
    }

    pub fn came(&self) -> Vec<Mail> {
        self.taken.lock().unwrap().clone()
    }

    async fn serve(&self, mut connection: TcpStream) -> std::io::Result<()> {
        let (read, mut write) = connection.split();
        let mut lines = BufReader::new(read).lines();
        write.write_all(b"220 here\r\n").await?;
        let mut to = String::new();
        while let Some(line) = lines.next_line().await? {
            let answer = match line.split(' ').next().unwrap_or_default().to_uppercase().as_str() {
                "RCPT" => {
                    to = line.split(['<', '>']).nth(1).unwrap_or_default().to_owned();
                    "250 ok".to_owned()
                }
                "DATA" => {
                    write.write_all(b"354 go on\r\n").await?;
                    let mut mail = Mail { to: to.clone(), lines: Vec::new() };
                    while let Some(line) = lines.next_line().await?.filter(|line| line != ".") {
                        mail.lines.push(line);
                    }
                    self.taken.lock().unwrap().push(mail);
                    match self.answer.load(Ordering::Relaxed) {
                        0 => std::future::pending().await,
                        code => format!("{code} so"),
                    }
                }
                "QUIT" => "221 bye".to_owned(),
                _ => "250 ok".to_owned(),
            };
            write.write_all(format!("{answer}\r\n").as_bytes()).await?;
        }
        Ok(())
    }
}

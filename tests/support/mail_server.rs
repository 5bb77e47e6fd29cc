//! A mail server that records all e-mails and answers each with a configurable status.

use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// A minimal SMTP server. Clones share its state.
#[derive(Clone)]
pub struct MailServer {
    pub url: String,
    received: Arc<Mutex<Vec<ReceivedMail>>>,
    status: Arc<AtomicU16>,
}

/// An e-mail that was received completely, whether it was accepted or not.
#[derive(Clone, Debug)]
pub struct ReceivedMail {
    pub to: String,
    pub lines: Vec<String>,
}

impl ReceivedMail {
    pub fn header(&self, name: &str) -> &str {
        let prefix = format!("{name}: ");
        self.lines
            .iter()
            .find_map(|line| line.strip_prefix(&prefix))
            .unwrap_or_else(|| panic!("{name}: {self:?}"))
    }
}

impl MailServer {
    pub async fn start() -> MailServer {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("smtp://{}", listener.local_addr().unwrap());
        let server = MailServer { url, received: Arc::default(), status: Arc::new(AtomicU16::new(250)) };
        let accepting = server.clone();
        tokio::spawn(async move {
            loop {
                let (connection, _) = listener.accept().await.unwrap();
                let server = accepting.clone();
                // A client that is killed meanwhile causes an error here.
                tokio::spawn(async move { drop(server.serve(connection).await) });
            }
        });
        server
    }

    /// Sets the status that e-mails are answered with from now on; with 0 they are never answered.
    pub fn respond_with(&self, status: u16) {
        self.status.store(status, Ordering::Relaxed);
    }

    pub fn received(&self) -> Vec<ReceivedMail> {
        self.received.lock().unwrap().clone()
    }

    async fn serve(&self, mut connection: TcpStream) -> std::io::Result<()> {
        let (read, mut write) = connection.split();
        let mut lines = BufReader::new(read).lines();
        write.write_all(b"220 ready\r\n").await?;
        let mut to = String::new();
        while let Some(line) = lines.next_line().await? {
            let response = match line.split(' ').next().unwrap_or_default().to_uppercase().as_str() {
                "RCPT" => {
                    to = line.split(['<', '>']).nth(1).unwrap_or_default().to_owned();
                    "250 ok".to_owned()
                }
                "DATA" => {
                    write.write_all(b"354 send the message\r\n").await?;
                    let mut mail = ReceivedMail { to: to.clone(), lines: Vec::new() };
                    while let Some(line) = lines.next_line().await?.filter(|line| line != ".") {
                        mail.lines.push(line);
                    }
                    self.received.lock().unwrap().push(mail);
                    match self.status.load(Ordering::Relaxed) {
                        0 => std::future::pending().await,
                        status => format!("{status} as configured"),
                    }
                }
                "QUIT" => "221 bye".to_owned(),
                _ => "250 ok".to_owned(),
            };
            write.write_all(format!("{response}\r\n").as_bytes()).await?;
        }
        Ok(())
    }
}

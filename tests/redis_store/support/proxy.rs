//! A name for servers that change, as a DNS name or a load balancer is.

use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;

use super::Server;

pub struct Proxy {
    port: u16,
    target: Arc<AtomicU16>,
    stall: Arc<Notify>,
}

impl Proxy {
    pub async fn before(server: &Server) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let target = Arc::new(AtomicU16::new(server.port()));
        let stall = Arc::new(Notify::new());
        let (to, stalls) = (target.clone(), stall.clone());
        tokio::spawn(async move {
            while let Ok((mut client, _)) = listener.accept().await {
                let port = to.load(Ordering::Relaxed);
                let stalls = stalls.clone();
                tokio::spawn(async move {
                    if let Ok(mut server) = TcpStream::connect(("127.0.0.1", port)).await {
                        tokio::select! {
                            _ = copy_bidirectional(&mut client, &mut server) => {}
                            () = stalls.notified() => std::future::pending().await,
                        }
                    }
                });
            }
        });
        Self { port, target, stall }
    }

    /// New connections lead there. Those that are open stay where they are.
    pub fn lead_to(&self, server: &Server) {
        self.target.store(server.port(), Ordering::Relaxed);
    }

    /// The connections that are open stay open, and nothing passes any more: their other end is forgotten.
    pub fn stall(&self) {
        self.stall.notify_waiters();
    }

    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/", self.port)
    }
}

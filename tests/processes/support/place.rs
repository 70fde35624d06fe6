//! Where workers keep what they share.

use std::path::PathBuf;

use super::server::Server;
use crate::protocol::StoreAt;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Files,
    Redis,
}

/// A directory or a server that ends with the test. There is room for any number of runs.
pub enum Place {
    Files(PathBuf),
    Redis(Server),
}

impl Place {
    pub fn of(kind: Kind) -> Self {
        match kind {
            Kind::Files => {
                let path = std::env::temp_dir().join(format!("reauth-processes-{:016x}", fastrand::u64(..)));
                std::fs::create_dir(&path).unwrap();
                Self::Files(path)
            }
            Kind::Redis => Self::Redis(Server::start()),
        }
    }

    pub fn at(&self, run: &str) -> StoreAt {
        match self {
            Self::Files(path) => StoreAt::File(path.join(format!("{run}.json"))),
            Self::Redis(server) => {
                StoreAt::Redis { url: server.url(), profile: run.into(), timeout_ms: 3_000 }
            }
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Self::Files(path) = self {
            let _ = std::fs::remove_dir_all(path);
        }
    }
}
